//! Jaeger's own span model, as its gRPC collector and Splunk's SAPM carry it (protobuf, `jaeger.api_v2`), and in Thrift.
//!
//! Field by field from [`model.proto`](https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v2/model.proto) and
//! [`collector.proto`](https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v2/collector.proto). The ids are 16
//! and 8 bytes, most significant byte first; tools that are strict about it refuse other lengths.

pub mod thrift;

use bytes::Bytes;
use prost::{Enumeration, Message};

/// The gRPC method that takes a [`PostSpansRequest`].
pub const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";

/// The request of `CollectorService.PostSpans`. SAPM's request of the same name has several batches in the same field.
#[derive(Clone, PartialEq, Message)]
pub struct PostSpansRequest {
    /// What one process sends.
    #[prost(message, optional, tag = "1")]
    pub batch: Option<Batch>,
}

/// Spans of one process.
#[derive(Clone, PartialEq, Message)]
pub struct Batch {
    /// The spans.
    #[prost(message, repeated, tag = "1")]
    pub spans: Vec<Span>,
    /// The process of every span that has none of its own.
    #[prost(message, optional, tag = "2")]
    pub process: Option<Process>,
}

/// What a span ran in: OTLP's resource.
#[derive(Clone, PartialEq, Message)]
pub struct Process {
    /// Its service.
    #[prost(string, tag = "1")]
    pub service_name: String,
    /// Its attributes.
    #[prost(message, repeated, tag = "2")]
    pub tags: Vec<KeyValue>,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// 16 bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub trace_id: Bytes,
    /// 8 bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub span_id: Bytes,
    /// The span's name.
    #[prost(string, tag = "3")]
    pub operation_name: String,
    /// Parents and links.
    #[prost(message, repeated, tag = "4")]
    pub references: Vec<SpanRef>,
    /// Bit 0: sampled; bit 1: debug.
    #[prost(uint32, tag = "5")]
    pub flags: u32,
    /// When it started.
    #[prost(message, optional, tag = "6")]
    pub start_time: Option<Timestamp>,
    /// How long it took.
    #[prost(message, optional, tag = "7")]
    pub duration: Option<Duration>,
    /// Its attributes.
    #[prost(message, repeated, tag = "8")]
    pub tags: Vec<KeyValue>,
    /// Its events.
    #[prost(message, repeated, tag = "9")]
    pub logs: Vec<Log>,
    /// Its process, where it is not the batch's.
    #[prost(message, optional, tag = "10")]
    pub process: Option<Process>,
    /// Names a process of a query's answer; not used when sending.
    #[prost(string, tag = "11")]
    pub process_id: String,
    /// What Jaeger remarks about it; not used when sending.
    #[prost(string, repeated, tag = "12")]
    pub warnings: Vec<String>,
}

/// Another span that a span refers to.
#[derive(Clone, PartialEq, Message)]
pub struct SpanRef {
    /// 16 bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub trace_id: Bytes,
    /// 8 bytes.
    #[prost(bytes = "bytes", tag = "2")]
    pub span_id: Bytes,
    /// What it is to the span.
    #[prost(enumeration = "SpanRefType", tag = "3")]
    pub ref_type: i32,
}

/// What a referred span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum SpanRefType {
    /// The parent, which waits for the span.
    ChildOf = 0,
    /// A span that caused this one and does not wait.
    FollowsFrom = 1,
}

/// An event of a span.
#[derive(Clone, PartialEq, Message)]
pub struct Log {
    /// When it was.
    #[prost(message, optional, tag = "1")]
    pub timestamp: Option<Timestamp>,
    /// What is known about it; the field `event` is its name.
    #[prost(message, repeated, tag = "2")]
    pub fields: Vec<KeyValue>,
}

/// An attribute; only the value that `v_type` names counts.
#[derive(Clone, PartialEq, Message)]
pub struct KeyValue {
    /// Its name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Which of the values counts.
    #[prost(enumeration = "ValueType", tag = "2")]
    pub v_type: i32,
    /// A text.
    #[prost(string, tag = "3")]
    pub v_str: String,
    /// A truth value.
    #[prost(bool, tag = "4")]
    pub v_bool: bool,
    /// An integer.
    #[prost(int64, tag = "5")]
    pub v_int64: i64,
    /// A floating-point number.
    #[prost(double, tag = "6")]
    pub v_float64: f64,
    /// Bytes.
    #[prost(bytes = "bytes", tag = "7")]
    pub v_binary: Bytes,
}

/// The kinds of value that a [`KeyValue`] may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum ValueType {
    /// `v_str`.
    String = 0,
    /// `v_bool`.
    Bool = 1,
    /// `v_int64`.
    Int64 = 2,
    /// `v_float64`.
    Float64 = 3,
    /// `v_binary`.
    Binary = 4,
}

/// `google.protobuf.Timestamp`: since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And nanoseconds, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// And nanoseconds of the same sign.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl KeyValue {
    /// A text attribute.
    pub fn text(key: impl Into<String>, value: impl Into<String>) -> KeyValue {
        KeyValue {
            key: key.into(),
            v_str: value.into(),
            ..KeyValue::default()
        }
    }
}

impl Timestamp {
    /// From nanoseconds since 1970.
    pub fn from_nanos(nanos: u64) -> Timestamp {
        let (seconds, nanos) = seconds_and_nanos(nanos);
        Timestamp { seconds, nanos }
    }

    /// Nanoseconds since 1970; `None` for what OTLP can't say: before 1970 or after 2554.
    pub fn to_nanos(self) -> Option<u64> {
        to_nanos(self.seconds, self.nanos)
    }
}

impl Duration {
    /// From nanoseconds.
    pub fn from_nanos(nanos: u64) -> Duration {
        let (seconds, nanos) = seconds_and_nanos(nanos);
        Duration { seconds, nanos }
    }

    /// Nanoseconds; `None` if negative or longer than 584 years.
    pub fn to_nanos(self) -> Option<u64> {
        to_nanos(self.seconds, self.nanos)
    }
}

fn seconds_and_nanos(nanos: u64) -> (i64, i32) {
    // Both fit by far: 2^64 nanoseconds are 1.8e10 seconds.
    ((nanos / NANOS) as i64, (nanos % NANOS) as i32)
}

fn to_nanos(seconds: i64, nanos: i32) -> Option<u64> {
    let seconds = i128::from(seconds) * i128::from(NANOS);
    u64::try_from(seconds + i128::from(nanos)).ok()
}

/// Nanoseconds in a second.
const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_there_and_back() {
        for nanos in [0, 1, 999_999_999, 1_700_000_000_123_456_789, u64::MAX] {
            assert_eq!(Timestamp::from_nanos(nanos).to_nanos(), Some(nanos));
            assert_eq!(Duration::from_nanos(nanos).to_nanos(), Some(nanos));
        }
        let before = Timestamp {
            seconds: -1,
            nanos: 0,
        };
        assert_eq!(before.to_nanos(), None);
        let late = Timestamp {
            seconds: i64::MAX,
            nanos: i32::MAX,
        };
        assert_eq!(late.to_nanos(), None);
    }
}
