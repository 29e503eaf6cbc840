//! What the operations suite of Google Cloud takes over gRPC (protobuf): Cloud Trace, Cloud Logging, Cloud Monitoring.
//!
//! Field by field from [Google's own definitions](https://github.com/googleapis/googleapis/tree/master/google); fields that
//! no exporter fills are left out.

pub mod logging;
pub mod monitoring;
pub mod trace;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Timestamp {
    /// The time so many nanoseconds after 1970.
    pub fn from_unix_nano(nanos: u64) -> Timestamp {
        Timestamp {
            seconds: (nanos / 1_000_000_000) as i64,
            nanos: (nanos % 1_000_000_000) as i32,
        }
    }
}

/// `google.protobuf.BoolValue`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct BoolValue {
    /// The value.
    #[prost(bool, tag = "1")]
    pub value: bool,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Any {
    /// `type.googleapis.com/` and the message's full name.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Status {
    /// The gRPC code.
    #[prost(int32, tag = "1")]
    pub code: i32,
    /// What happened, for people.
    #[prost(string, tag = "2")]
    pub message: String,
    /// Messages that say more.
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Any>,
}

impl Status {
    /// The detail of that type (`google.logging.v2.WriteLogEntriesPartialErrors`), if there is one that can be read.
    pub fn detail<M: Message + Default>(&self, name: &str) -> Option<M> {
        let is_it = |any: &&Any| any.type_url.rsplit('/').next() == Some(name);
        let any = self.details.iter().find(is_it)?;
        M::decode(any.value.clone()).ok()
    }
}

/// `google.api.MonitoredResource`: what produced the data.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MonitoredResource {
    /// Its kind, such as `gce_instance`.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// What tells it from others of its kind.
    #[prost(btree_map = "string, string", tag = "2")]
    pub labels: BTreeMap<String, String>,
}
