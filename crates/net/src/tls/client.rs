//! TLS of a client.

use std::io;
use std::sync::Arc;

use fanlight_config::Secret;
use fanlight_config::blocks::TlsClient;
use fanlight_pipeline::BuildError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, RootCertStore,
    SignatureScheme,
};

use super::files::pem;
use super::{provider, versions};

/// The TLS that a `tls` block describes, offering these protocols.
pub(crate) fn client_config(
    block: &TlsClient,
    protocols: &[&[u8]],
) -> Result<Arc<ClientConfig>, BuildError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions(block.min_version, block.max_version))
        .map_err(|error| {
            BuildError::new("tls.min_version and tls.max_version leave nothing to speak")
                .because(error)
        })?;
    let builder = if block.insecure_skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider())))
    } else {
        builder.with_root_certificates(roots(block)?)
    };
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
    let mut config = match (certificate, key) {
        (None, None) => builder.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let own =
                builder.with_client_auth_cert(certificate.certificates()?, key.private_key()?);
            own.map_err(|error| {
                BuildError::new("tls: the certificate and the private key do not fit together")
                    .because(error)
            })?
        }
        (Some(_), None) => {
            return Err(BuildError::new(
                "tls.cert_file needs tls.key_file beside it",
            ));
        }
        (None, Some(_)) => {
            return Err(BuildError::new(
                "tls.key_file needs tls.cert_file beside it",
            ));
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Arc::new(config))
}

fn roots(block: &TlsClient) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    let own = pem("ca", block.ca_file.as_deref(), block.ca_pem.as_deref())?;
    if let Some(own) = &own {
        own.add_to(&mut roots)?;
    }
    if own.is_none() || block.include_system_ca_certs_pool {
        // Systems carry certificates that rustls does not take; those few are skipped.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err(BuildError::new(
            "this system has no certificate authorities to check servers with",
        )
        .hint("install the system's ca-certificates package, or set tls.ca_file"));
    }
    Ok(roots)
}

/// `insecure_skip_verify`: any certificate will do, but its owner must hold the key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a handshake failed, and what to do about it.
pub(crate) fn explain(error: &io::Error) -> String {
    let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    else {
        return format!(
            "the server broke off the TLS handshake ({error}); it may speak plain text: set tls.insecure: true or write http://"
        );
    };
    match tls {
        Error::InvalidMessage(InvalidMessage::InvalidContentType | InvalidMessage::MessageTooLarge | InvalidMessage::UnknownProtocolVersion) => {
            "the server speaks plain text; set tls.insecure: true or write http://".to_owned()
        }
        // Another authority of the same name leaves a bad signature.
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => {
            "the server's certificate is signed by an unknown authority; set tls.ca_file to the authority's certificate".to_owned()
        }
        Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
            "the server's certificate is for another name; set tls.server_name_override to the name in it".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired".to_owned()
        }
        Error::InvalidCertificate(other) => format!("the server's certificate can't be trusted: {other:?}"),
        Error::AlertReceived(alert) => {
            format!("the server refused ({alert:?}); if it asks for a client certificate, set tls.cert_file and tls.key_file")
        }
        other => other.to_string(),
    }
}
