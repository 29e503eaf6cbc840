//! Certificates and keys, from a file or from the configuration's own text.

use std::path::Path;

use fanlight_pipeline::BuildError;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// PEM text and the key that it came from, such as `tls.ca_file`.
pub(super) struct Pem {
    key: String,
    text: Vec<u8>,
}

/// The text of a file or of its `_pem` twin; `None` where neither is given.
pub(super) fn pem(
    name: &str,
    file: Option<&Path>,
    text: Option<&str>,
) -> Result<Option<Pem>, BuildError> {
    match (file, text) {
        (Some(_), Some(_)) => Err(BuildError::new(format!(
            "tls.{name}_file and tls.{name}_pem exclude each other"
        ))),
        (None, None) => Ok(None),
        (None, Some(text)) => Ok(Some(Pem {
            key: format!("tls.{name}_pem"),
            text: text.as_bytes().to_vec(),
        })),
        (Some(file), None) => {
            let key = format!("tls.{name}_file");
            let text = std::fs::read(file).map_err(|error| {
                BuildError::new(format!("{key}: could not read {}: {error}", file.display()))
            })?;
            Ok(Some(Pem { key, text }))
        }
    }
}

impl Pem {
    /// A chain of at least one certificate.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, BuildError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        let certificates = read
            .map_err(|error| BuildError::new(format!("{}: not a PEM file: {error}", self.key)))?;
        match certificates.is_empty() {
            true => Err(BuildError::new(format!(
                "{}: there is no certificate in it",
                self.key
            ))),
            false => Ok(certificates),
        }
    }

    /// The first private key.
    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, BuildError> {
        let key = PrivateKeyDer::from_pem_slice(&self.text);
        key.map_err(|_| {
            BuildError::new(format!("{}: there is no private key in it", self.key))
                .hint("PKCS#8, PKCS#1 and SEC1 keys in PEM without a password are read")
        })
    }

    /// Adds its certificates to those that are trusted.
    pub(super) fn add_to(&self, roots: &mut RootCertStore) -> Result<(), BuildError> {
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| {
                BuildError::new(format!(
                    "{}: it holds a certificate that can't be used",
                    self.key
                ))
                .because(error)
            })?;
        }
        Ok(())
    }
}
