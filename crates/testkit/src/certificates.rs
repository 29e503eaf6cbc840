//! A private certificate authority, and certificates that it signed.

use fanlight_config::Secret;
use fanlight_config::blocks::{TlsClient, TlsServer};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// An authority, a server `localhost` and a client, all as PEM.
pub struct Certificates {
    /// The authority's certificate.
    pub authority: String,
    server: (String, String),
    client: (String, String),
}

impl Certificates {
    /// New keys for everybody.
    pub fn new() -> Certificates {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).expect("an authority").pem();
        let issuer = Issuer::new(params, key);
        let signed = |name: &str| {
            let key = KeyPair::generate().expect("a key");
            let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
            (
                params
                    .signed_by(&key, &issuer)
                    .expect("a certificate")
                    .pem(),
                key.serialize_pem(),
            )
        };
        let (server, client) = (signed("localhost"), signed("client.example"));
        Certificates {
            authority,
            server,
            client,
        }
    }

    /// TLS of the server.
    pub fn server(&self) -> TlsServer {
        let (certificate, key) = self.server.clone();
        TlsServer {
            cert_pem: Some(certificate),
            key_pem: Some(Secret::new(key)),
            ..TlsServer::default()
        }
    }

    /// TLS of a client that trusts the authority.
    pub fn client(&self) -> TlsClient {
        TlsClient {
            ca_pem: Some(self.authority.clone()),
            ..TlsClient::default()
        }
    }

    /// TLS of a client that also shows its certificate.
    pub fn client_with_certificate(&self) -> TlsClient {
        let (certificate, key) = self.client.clone();
        TlsClient {
            cert_pem: Some(certificate),
            key_pem: Some(Secret::new(key)),
            ..self.client()
        }
    }
}

impl Default for Certificates {
    fn default() -> Certificates {
        Certificates::new()
    }
}
