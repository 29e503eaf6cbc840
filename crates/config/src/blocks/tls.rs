//! `tls`: how connections are secured.
//!
//! A file and its `_pem` twin exclude each other; that is checked where the material is loaded.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use super::NotSupported;
use crate::Secret;

/// `tls` of a client. The default is TLS with the system's certificate authorities.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configtls/README.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TlsClient {
    /// No TLS at all. Default: false. A scheme in the endpoint decides instead ([`crate::Endpoint::uses_tls`]).
    pub insecure: bool,
    /// TLS without checking the server's certificate. Default: false.
    pub insecure_skip_verify: bool,
    /// The name to expect in the server's certificate, instead of the endpoint's host. Default: none.
    pub server_name_override: Option<String>,
    /// Certificate authorities to trust, a PEM file. Default: the system's.
    pub ca_file: Option<PathBuf>,
    /// The same as text.
    pub ca_pem: Option<String>,
    /// The client's certificate, a PEM file, for mutual TLS. Default: none.
    pub cert_file: Option<PathBuf>,
    /// The same as text.
    pub cert_pem: Option<String>,
    /// The client's private key, a PEM file. Default: none.
    pub key_file: Option<PathBuf>,
    /// The same as text.
    pub key_pem: Option<Secret>,
    /// Trust the system's certificate authorities besides `ca_file`. Default: false.
    pub include_system_ca_certs_pool: bool,
    /// The lowest version to speak. Default: 1.2.
    pub min_version: TlsVersion,
    /// The highest version to speak. Default: the highest there is.
    pub max_version: Option<TlsVersion>,
    /// Not supported: the suites are those of rustls, all of them sound.
    pub cipher_suites: NotSupported,
    /// Not supported: the groups are those of rustls.
    pub curve_preferences: NotSupported,
    /// Not supported: certificates are read at start.
    pub reload_interval: NotSupported,
    /// Not supported: keys in a TPM.
    pub tpm: NotSupported,
}

/// `tls` of a server. There is no TLS without this block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TlsServer {
    /// The server's certificate chain, a PEM file. It or `cert_pem` is mandatory.
    pub cert_file: Option<PathBuf>,
    /// The same as text.
    pub cert_pem: Option<String>,
    /// The server's private key, a PEM file. It or `key_pem` is mandatory.
    pub key_file: Option<PathBuf>,
    /// The same as text.
    pub key_pem: Option<Secret>,
    /// Clients must show a certificate signed by these authorities, a PEM file. Default: none, clients need no certificate.
    pub client_ca_file: Option<PathBuf>,
    /// The lowest version to speak. Default: 1.2.
    pub min_version: TlsVersion,
    /// The highest version to speak. Default: the highest there is.
    pub max_version: Option<TlsVersion>,
    /// Not supported: certificates are read at start.
    pub client_ca_file_reload: NotSupported,
    /// Not supported: authorities for a server's own outgoing checks.
    pub ca_file: NotSupported,
    /// Not supported, as `ca_file`.
    pub ca_pem: NotSupported,
    /// Not supported, as `ca_file`.
    pub include_system_ca_certs_pool: NotSupported,
    /// Not supported: the suites are those of rustls, all of them sound.
    pub cipher_suites: NotSupported,
    /// Not supported: the groups are those of rustls.
    pub curve_preferences: NotSupported,
    /// Not supported: certificates are read at start.
    pub reload_interval: NotSupported,
    /// Not supported: keys in a TPM.
    pub tpm: NotSupported,
}

/// A version of TLS that may be spoken. 1.0 and 1.1 are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    #[serde(rename = "1.2", alias = "")]
    V1_2,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    V1_3,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        })
    }
}
