//! `confighttp` of a server.

use std::time::Duration;

use serde::Deserialize;

use super::{NotSupported, ServerAuthRef, TlsServer};
use crate::{ByteSize, ComponentId, Headers, ListenAddress};

/// How requests are taken over HTTP.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/confighttp/README.md).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct HttpServer {
    /// Where to listen. Default: the component's.
    pub endpoint: Option<ListenAddress>,
    /// Only TCP is spoken.
    pub transport: Transport,
    /// TLS. Default: none, plain text.
    #[serde(deserialize_with = "crate::present")]
    pub tls: Option<TlsServer>,
    /// Which web pages may send. Default: none.
    #[serde(deserialize_with = "crate::present")]
    pub cors: Option<Cors>,
    /// The extension that checks credentials. Default: none, everybody may send.
    pub auth: Option<ServerAuthRef>,
    /// The largest body, after decompression; zero means the default. Default: 20 MiB.
    pub max_request_body_size: ByteSize,
    /// Whether the callers' headers travel with the batches (for `metadata_keys` and the like). Default: false.
    pub include_metadata: bool,
    /// Headers of every answer. Default: none.
    pub response_headers: Headers,
    /// The `content-encoding`s that are taken; empty means all there are: gzip, zstd, deflate. Default: empty.
    pub compression_algorithms: Vec<String>,
    /// How long reading a whole request may take; zero means forever. Default: 0.
    #[serde(with = "crate::duration")]
    pub read_timeout: Duration,
    /// How long reading a request's headers may take; zero means forever. Default: 1m.
    #[serde(with = "crate::duration")]
    pub read_header_timeout: Duration,
    /// How long answering a request may take; zero means forever. Default: 30s.
    #[serde(with = "crate::duration")]
    pub write_timeout: Duration,
    /// How long an idle connection is kept; zero means forever. Default: 1m.
    #[serde(with = "crate::duration")]
    pub idle_timeout: Duration,
    /// Whether a connection serves more than one request. Default: true.
    pub keep_alives_enabled: bool,
    /// Not supported.
    pub middlewares: NotSupported,
}

/// `transport`. Unix sockets are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Transport {
    /// TCP.
    #[default]
    #[serde(rename = "tcp", alias = "", alias = "tcp4", alias = "tcp6")]
    Tcp,
}

/// `cors`: which web pages may send from a browser.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Cors {
    /// Origins that may send, such as `https://app.example.com`; `*` stands for any text. Default: none.
    pub allowed_origins: Vec<String>,
    /// Request headers allowed besides the always safe ones; `*` means all. Default: none.
    pub allowed_headers: Vec<String>,
    /// Response headers that the page may read. Default: none.
    pub exposed_headers: Vec<String>,
    /// How long a browser may remember the answer, in seconds; zero sends nothing. Default: 0.
    pub max_age: u64,
}

/// 20 MiB.
const MAX_REQUEST_BODY_SIZE: ByteSize = ByteSize::mebibytes(20);

impl HttpServer {
    /// The extensions that it needs.
    pub fn extensions(&self) -> Vec<ComponentId> {
        let auth = self.auth.iter();
        auth.map(|auth| auth.authenticator.clone()).collect()
    }

    /// The largest body in bytes, with the default put in for zero.
    pub fn body_limit(&self) -> u64 {
        match self.max_request_body_size.bytes() {
            0 => MAX_REQUEST_BODY_SIZE.bytes(),
            bytes => bytes,
        }
    }
}

impl Default for HttpServer {
    fn default() -> HttpServer {
        HttpServer {
            endpoint: None,
            transport: Transport::Tcp,
            tls: None,
            cors: None,
            auth: None,
            max_request_body_size: MAX_REQUEST_BODY_SIZE,
            include_metadata: false,
            response_headers: Headers::default(),
            compression_algorithms: Vec::new(),
            read_timeout: Duration::ZERO,
            read_header_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            keep_alives_enabled: true,
            middlewares: NotSupported,
        }
    }
}
