//! Pyroscope's push messages.
//!
//! Fields are those of [push.proto](https://github.com/grafana/pyroscope/blob/main/api/push/v1/push.proto). They travel
//! over [Connect](https://connectrpc.com/docs/protocol): the message is the whole body.

use bytes::Bytes;

/// The path that takes a [`PushRequest`].
pub const PUSH_PATH: &str = "/push.v1.PusherService/Push";

/// `push.v1.PushRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct PushRequest {
    /// Profiles, each with its labels.
    #[prost(message, repeated, tag = "1")]
    pub series: Vec<RawProfileSeries>,
}

/// `push.v1.RawProfileSeries`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RawProfileSeries {
    /// `__name__`, `service_name` and others.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<LabelPair>,
    /// The profiles.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<RawSample>,
}

/// `push.v1.RawSample`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RawSample {
    /// A pprof profile, in gzip or as it is.
    #[prost(bytes = "bytes", tag = "1")]
    pub raw_profile: Bytes,
    /// A UUID.
    #[prost(string, tag = "2")]
    pub id: String,
}

/// `types.v1.LabelPair`.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LabelPair {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}
