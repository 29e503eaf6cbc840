//! TLS from configuration blocks, with rustls and its sound defaults.
//!
//! Certificates are read once, when a component is built; a file that can't be used is an error that names its key.

mod client;
mod files;
mod server;

pub(crate) use client::{client_config, explain};
pub(crate) use server::server_config;

use std::sync::Arc;

use fanlight_config::blocks::TlsVersion;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The versions between two bounds.
fn versions(min: TlsVersion, max: Option<TlsVersion>) -> Vec<&'static SupportedProtocolVersion> {
    let known = [
        (TlsVersion::V1_2, &rustls::version::TLS12),
        (TlsVersion::V1_3, &rustls::version::TLS13),
    ];
    let allowed = known
        .into_iter()
        .filter(|(version, _)| *version >= min && max.is_none_or(|max| *version <= max));
    allowed.map(|(_, version)| version).collect()
}
