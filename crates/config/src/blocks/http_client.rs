//! `confighttp` of a client.

use std::time::Duration;

use serde::Deserialize;

use super::{AuthRef, Compression, CompressionParams, NotSupported, TlsClient};
use crate::{ComponentId, Endpoint, Headers};

/// How requests are sent over HTTP.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/confighttp/README.md).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HttpClient {
    /// Where to send. Default: none; most components make it mandatory.
    pub endpoint: Option<Endpoint>,
    /// How long one attempt may take; zero means forever. Default: the component's.
    #[serde(with = "crate::duration::option")]
    pub timeout: Option<Duration>,
    /// Headers of every request. Default: none.
    pub headers: Headers,
    /// How bodies are compressed. Default: the component's.
    pub compression: Option<Compression>,
    /// The level of compression.
    pub compression_params: CompressionParams,
    /// How the connection is secured. Default: TLS, unless the endpoint's scheme says otherwise.
    pub tls: TlsClient,
    /// The extension that gives credentials. Default: none.
    pub auth: Option<AuthRef>,
    /// How many idle connections are kept, over all hosts. Default: 100.
    pub max_idle_conns: u64,
    /// How many idle connections are kept for one host; zero means no bound but `max_idle_conns`. Default: 0.
    pub max_idle_conns_per_host: u64,
    /// How long an idle connection is kept; zero means forever. Default: 90s.
    #[serde(with = "crate::duration")]
    pub idle_conn_timeout: Duration,
    /// A new connection for every request. Default: false.
    pub disable_keep_alives: bool,
    /// Accepted, no effect: concurrency is bounded by `sending_queue.num_consumers`.
    pub max_conns_per_host: u64,
    /// Accepted, no effect: HTTP/2 is spoken where the server offers it. Default: true.
    pub force_attempt_http2: bool,
    /// Accepted, no effect.
    #[serde(with = "crate::duration")]
    pub http2_read_idle_timeout: Duration,
    /// Accepted, no effect.
    #[serde(with = "crate::duration")]
    pub http2_ping_timeout: Duration,
    /// Accepted, no effect.
    pub read_buffer_size: u64,
    /// Accepted, no effect.
    pub write_buffer_size: u64,
    /// Not supported.
    pub proxy_url: NotSupported,
    /// Not supported.
    pub cookies: NotSupported,
    /// Not supported.
    pub middlewares: NotSupported,
}

impl HttpClient {
    /// The extensions that it needs.
    pub fn extensions(&self) -> Vec<ComponentId> {
        let auth = self.auth.iter();
        auth.map(|auth| auth.authenticator.clone()).collect()
    }
}

impl Default for HttpClient {
    fn default() -> HttpClient {
        HttpClient {
            endpoint: None,
            timeout: None,
            headers: Headers::default(),
            compression: None,
            compression_params: CompressionParams::default(),
            tls: TlsClient::default(),
            auth: None,
            max_idle_conns: 100,
            max_idle_conns_per_host: 0,
            idle_conn_timeout: Duration::from_secs(90),
            disable_keep_alives: false,
            max_conns_per_host: 0,
            force_attempt_http2: true,
            http2_read_idle_timeout: Duration::ZERO,
            http2_ping_timeout: Duration::ZERO,
            read_buffer_size: 0,
            write_buffer_size: 0,
            proxy_url: NotSupported,
            cookies: NotSupported,
            middlewares: NotSupported,
        }
    }
}
