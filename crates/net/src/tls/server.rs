//! TLS of a server.

use std::sync::Arc;

use fanlight_config::Secret;
use fanlight_config::blocks::TlsServer;
use fanlight_pipeline::BuildError;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::files::pem;
use super::{provider, versions};

/// The TLS that a `tls` block describes, offering HTTP/2 and HTTP/1.1.
pub(crate) fn server_config(block: &TlsServer) -> Result<Arc<ServerConfig>, BuildError> {
    let certificate = pem(
        "cert",
        block.cert_file.as_deref(),
        block.cert_pem.as_deref(),
    )?;
    let key = pem(
        "key",
        block.key_file.as_deref(),
        block.key_pem.as_ref().map(Secret::expose),
    )?;
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return Err(
            BuildError::new("a server's tls needs a certificate and its key")
                .hint("set tls.cert_file and tls.key_file, or remove tls to speak plain text"),
        );
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(block.min_version, block.max_version))
        .map_err(|error| {
            BuildError::new("tls.min_version and tls.max_version leave nothing to speak")
                .because(error)
        })?;
    let builder = match pem("client_ca", block.client_ca_file.as_deref(), None)? {
        None => builder.with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            authorities.add_to(&mut roots)?;
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            let unusable =
                |error| BuildError::new("tls.client_ca_file can't be used").because(error);
            builder.with_client_cert_verifier(verifier.map_err(unusable)?)
        }
    };
    let mut config = builder
        .with_single_cert(certificate.certificates()?, key.private_key()?)
        .map_err(|error| {
            BuildError::new("tls: the certificate and the private key do not fit together")
                .because(error)
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
