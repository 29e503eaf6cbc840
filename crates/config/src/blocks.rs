//! The blocks that many components share. Names, meanings and defaults are the OpenTelemetry Collector's.
//!
//! A key that the Collector knows is either honoured, or accepted because ignoring it is harmless (its documentation
//! says "accepted, no effect"), or refused by name ([`NotSupported`]); none is silently ignored where that would change
//! security or delivery. Where a default differs from component to component the field is an `Option`, and `None` means
//! "the component's default".
//!
//! A component reads a block that stands beside its own keys with [`crate::Node::decode_both`].

mod auth;
mod compression;
mod grpc_client;
mod grpc_server;
mod http_client;
mod http_server;
mod kafka;
mod not_supported;
mod queue;
mod tls;

pub use auth::{AuthRef, ServerAuthRef};
pub use compression::{Compression, CompressionParams};
pub use grpc_client::{Balancer, GrpcClient, Keepalive};
pub use grpc_server::{EnforcementPolicy, GrpcServer, ServerKeepalive, ServerParameters};
pub use http_client::HttpClient;
pub use http_server::{Cors, HttpServer, Transport};
pub use kafka::{
    KafkaAuth, KafkaClient, KafkaMetadata, KafkaMetadataRetry, KafkaPlainText, KafkaSasl,
    SaslMechanism,
};
pub use not_supported::NotSupported;
pub use queue::{Batching, Queue, Retry, Sizer};
pub use tls::{TlsClient, TlsServer, TlsVersion};

#[cfg(test)]
#[cfg(feature = "file")]
mod tests;
