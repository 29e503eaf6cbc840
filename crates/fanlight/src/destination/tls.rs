//! Whom a destination trusts, and how it shows who the program is.
//!
//! The system's certificates, since companies add their own there; where there are none, as in an empty container, those
//! of Mozilla.

use ureq::config::ConfigBuilder;
use ureq::typestate::AgentScope;

use crate::destination::settings::Tls;

#[cfg(not(feature = "tls"))]
pub(crate) fn configure(
    _: ConfigBuilder<AgentScope>,
    _: &Tls,
) -> Result<ConfigBuilder<AgentScope>, String> {
    Err("https:// needs the feature `tls` of the crate `fanlight`".to_owned())
}

#[cfg(feature = "tls")]
pub(crate) use with_rustls::configure;

#[cfg(feature = "tls")]
mod with_rustls {
    use std::fs;
    use std::path::Path;

    use ureq::tls::{
        Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem,
    };

    use super::{AgentScope, ConfigBuilder, Tls};

    /// Reads the certificates.
    ///
    /// # Errors
    /// Says which file can't be used.
    pub(crate) fn configure(
        config: ConfigBuilder<AgentScope>,
        settings: &Tls,
    ) -> Result<ConfigBuilder<AgentScope>, String> {
        let roots = match &settings.authority {
            Some(file) => RootCerts::new_with_certs(&certificates(file)?),
            None => system(),
        };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .client_cert(client(settings)?);
        Ok(config.tls_config(tls.build()))
    }

    fn system() -> RootCerts {
        let found = rustls_native_certs::load_native_certs().certs;
        if found.is_empty() {
            return RootCerts::WebPki;
        }
        let own = |der: &[u8]| Certificate::from_der(der).to_owned();
        let found: Vec<_> = found.iter().map(|der| own(der)).collect();
        RootCerts::new_with_certs(&found)
    }

    fn client(settings: &Tls) -> Result<Option<ClientCert>, String> {
        let (certificate, key) = match (&settings.certificate, &settings.key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            _ => return Err("a client certificate and its key are set together".to_owned()),
        };
        let pem = read(key)?;
        let key = PrivateKey::from_pem(&pem)
            .map_err(|_| format!("no private key in PEM in {}", key.display()))?;
        Ok(Some(ClientCert::new_with_certs(
            &certificates(certificate)?,
            key,
        )))
    }

    fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, String> {
        let pem = read(file)?;
        let certificates: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if certificates.is_empty() {
            return Err(format!("no certificate in PEM in {}", file.display()));
        }
        Ok(certificates)
    }

    fn read(file: &Path) -> Result<Vec<u8>, String> {
        fs::read(file).map_err(|error| format!("can't read {}: {error}", file.display()))
    }
}
