//! `configgrpc` of a server.

use std::time::Duration;

use serde::Deserialize;

use super::{NotSupported, ServerAuthRef, TlsServer, Transport};
use crate::{ComponentId, ListenAddress};

/// How requests are taken over gRPC.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configgrpc/README.md).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GrpcServer {
    /// Where to listen. Default: the component's.
    pub endpoint: Option<ListenAddress>,
    /// Only TCP is spoken.
    pub transport: Transport,
    /// TLS. Default: none, plain text.
    #[serde(deserialize_with = "crate::present")]
    pub tls: Option<TlsServer>,
    /// The largest message after decompression, in MiB; zero means 4. Default: 0.
    pub max_recv_msg_size_mib: u64,
    /// How many requests may be open on one connection; zero means no bound. Default: 0.
    pub max_concurrent_streams: u32,
    /// HTTP/2 pings and the age of connections. Default: none.
    #[serde(deserialize_with = "crate::present")]
    pub keepalive: Option<ServerKeepalive>,
    /// Whether the callers' metadata travels with the batches. Default: false.
    pub include_metadata: bool,
    /// The extension that checks credentials. Default: none, everybody may send.
    pub auth: Option<ServerAuthRef>,
    /// Accepted, no effect.
    pub read_buffer_size: u64,
    /// Accepted, no effect.
    pub write_buffer_size: u64,
    /// Not supported.
    pub middlewares: NotSupported,
}

impl GrpcServer {
    /// The extensions that it needs.
    pub fn extensions(&self) -> Vec<ComponentId> {
        let auth = self.auth.iter();
        auth.map(|auth| auth.authenticator.clone()).collect()
    }

    /// The largest message in bytes, with the default put in for zero.
    pub fn message_limit(&self) -> u64 {
        let mebibytes = if self.max_recv_msg_size_mib == 0 {
            4
        } else {
            self.max_recv_msg_size_mib
        };
        mebibytes.saturating_mul(1024 * 1024)
    }
}

/// `keepalive` of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerKeepalive {
    /// What the server does by itself.
    pub server_parameters: ServerParameters,
    /// What the server expects of clients. Accepted, no effect: clients are never disconnected for pinging too often.
    pub enforcement_policy: EnforcementPolicy,
}

/// `keepalive.server_parameters`. Zero means never, everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ServerParameters {
    /// How long an idle connection is kept. Default: 0.
    #[serde(with = "crate::duration")]
    pub max_connection_idle: Duration,
    /// How long any connection is kept, so that clients spread anew. Default: 0.
    #[serde(with = "crate::duration")]
    pub max_connection_age: Duration,
    /// How long requests may still run after that. Default: 0.
    #[serde(with = "crate::duration")]
    pub max_connection_age_grace: Duration,
    /// How long a connection is silent before it is pinged. Default: 2h.
    #[serde(with = "crate::duration")]
    pub time: Duration,
    /// How long to wait for the answer before the connection is closed. Default: 20s.
    #[serde(with = "crate::duration")]
    pub timeout: Duration,
}

impl Default for ServerParameters {
    fn default() -> ServerParameters {
        ServerParameters {
            max_connection_idle: Duration::ZERO,
            max_connection_age: Duration::ZERO,
            max_connection_age_grace: Duration::ZERO,
            time: Duration::from_secs(2 * 60 * 60),
            timeout: Duration::from_secs(20),
        }
    }
}

/// `keepalive.enforcement_policy`. Accepted, no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EnforcementPolicy {
    /// How often a client may ping. Default: 0.
    #[serde(with = "crate::duration")]
    pub min_time: Duration,
    /// Whether clients may ping where no request is open. Default: false.
    pub permit_without_stream: bool,
}
