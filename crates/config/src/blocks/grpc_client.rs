//! `configgrpc` of a client.

use std::time::Duration;

use serde::Deserialize;

use super::{AuthRef, Compression, NotSupported, TlsClient};
use crate::{ComponentId, Endpoint, Headers};

/// How requests are sent over gRPC.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configgrpc/README.md).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GrpcClient {
    /// Where to send. Default: none; most components make it mandatory.
    pub endpoint: Option<Endpoint>,
    /// How messages are compressed. Default: the component's.
    pub compression: Option<Compression>,
    /// How the connection is secured. Default: TLS, unless the endpoint's scheme says otherwise.
    pub tls: TlsClient,
    /// Metadata of every request; names are sent in lower case. Default: none.
    pub headers: Headers,
    /// HTTP/2 pings. Default: none.
    #[serde(deserialize_with = "crate::present")]
    pub keepalive: Option<Keepalive>,
    /// The `:authority` to send instead of the endpoint's host. Default: none.
    pub authority: Option<String>,
    /// The extension that gives credentials. Default: none.
    pub auth: Option<AuthRef>,
    /// How requests are spread over a name's addresses: only `round_robin` and `pick_first`, the first of which is what a
    /// `dns:///` endpoint gets. Accepted, no effect.
    pub balancer_name: Balancer,
    /// Accepted, no effect: an attempt waits for its connection until `timeout`.
    pub wait_for_ready: bool,
    /// Accepted, no effect.
    pub read_buffer_size: u64,
    /// Accepted, no effect. Default: 512 KiB.
    pub write_buffer_size: u64,
    /// Not supported.
    pub middlewares: NotSupported,
}

/// `balancer_name`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balancer {
    /// One address after the other.
    #[default]
    #[serde(alias = "")]
    RoundRobin,
    /// The first address that answers.
    PickFirst,
}

/// `keepalive` of a client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Keepalive {
    /// How long a connection is silent before it is pinged. Default: 10s.
    #[serde(with = "crate::duration")]
    pub time: Duration,
    /// How long to wait for the answer before the connection is closed. Default: 10s.
    #[serde(with = "crate::duration")]
    pub timeout: Duration,
    /// Ping even where no request is open. Default: false.
    pub permit_without_stream: bool,
}

impl Default for Keepalive {
    fn default() -> Keepalive {
        Keepalive {
            time: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
            permit_without_stream: false,
        }
    }
}

impl GrpcClient {
    /// The extensions that it needs.
    pub fn extensions(&self) -> Vec<ComponentId> {
        let auth = self.auth.iter();
        auth.map(|auth| auth.authenticator.clone()).collect()
    }
}

impl Default for GrpcClient {
    fn default() -> GrpcClient {
        GrpcClient {
            endpoint: None,
            compression: None,
            tls: TlsClient::default(),
            headers: Headers::default(),
            keepalive: None,
            authority: None,
            auth: None,
            balancer_name: Balancer::default(),
            wait_for_ready: false,
            read_buffer_size: 0,
            write_buffer_size: 512 * 1024,
            middlewares: NotSupported,
        }
    }
}
