//! Zipkin's v2 spans in protobuf.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use fanlight_otlp::{SpanId, TraceId};
use prost::{DecodeError, Message};

use super::{Kind, TagValue};

/// The body of `POST /api/v2/spans`.
#[derive(Clone, PartialEq, Message)]
pub struct ListOfSpans {
    /// The spans, in any order.
    #[prost(message, repeated, tag = "1")]
    pub spans: Vec<Span>,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// 8 or 16 bytes.
    #[prost(bytes = "bytes", tag = "1")]
    pub trace_id: Bytes,
    /// 8 bytes; empty for a root span.
    #[prost(bytes = "bytes", tag = "2")]
    pub parent_id: Bytes,
    /// 8 bytes.
    #[prost(bytes = "bytes", tag = "3")]
    pub id: Bytes,
    /// 0 unspecified, 1 client, 2 server, 3 producer, 4 consumer.
    #[prost(int32, tag = "4")]
    pub kind: i32,
    /// Its name.
    #[prost(string, tag = "5")]
    pub name: String,
    /// When it started, in microseconds since 1970.
    #[prost(fixed64, tag = "6")]
    pub timestamp: u64,
    /// How long it took, in microseconds.
    #[prost(uint64, tag = "7")]
    pub duration: u64,
    /// Who recorded it.
    #[prost(message, optional, tag = "8")]
    pub local_endpoint: Option<Endpoint>,
    /// Who is at the other end.
    #[prost(message, optional, tag = "9")]
    pub remote_endpoint: Option<Endpoint>,
    /// Its events.
    #[prost(message, repeated, tag = "10")]
    pub annotations: Vec<Annotation>,
    /// Its attributes.
    #[prost(btree_map = "string, string", tag = "11")]
    pub tags: BTreeMap<String, String>,
    /// To be kept whatever the sampling says.
    #[prost(bool, tag = "12")]
    pub debug: bool,
    /// Whether another tracer started the span.
    #[prost(bool, tag = "13")]
    pub shared: bool,
}

/// A node of the network.
#[derive(Clone, PartialEq, Message)]
pub struct Endpoint {
    /// Its service's name.
    #[prost(string, tag = "1")]
    pub service_name: String,
    /// 4 bytes, or none.
    #[prost(bytes = "bytes", tag = "2")]
    pub ipv4: Bytes,
    /// 16 bytes, or none.
    #[prost(bytes = "bytes", tag = "3")]
    pub ipv6: Bytes,
    /// Zero where it is not known.
    #[prost(int32, tag = "4")]
    pub port: i32,
}

/// An event of a span.
#[derive(Clone, PartialEq, Message)]
pub struct Annotation {
    /// When, in microseconds since 1970.
    #[prost(fixed64, tag = "1")]
    pub timestamp: u64,
    /// What.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// Reads the body of `POST /api/v2/spans` in protobuf. Ids and addresses of another length count as absent.
///
/// # Errors
/// When it is not protobuf.
pub fn read(body: Bytes) -> Result<Vec<super::Span<'static>>, DecodeError> {
    let list = ListOfSpans::decode(body)?;
    Ok(list.spans.into_iter().map(Span::into_model).collect())
}

impl Span {
    fn into_model(self) -> super::Span<'static> {
        let tag = |(key, value)| (Cow::Owned(key), TagValue::Text(Cow::Owned(value)));
        let annotation = |annotation: Annotation| super::Annotation {
            timestamp: nanos(annotation.timestamp),
            value: Cow::Owned(annotation.value),
        };
        super::Span {
            trace_id: trace_id(&self.trace_id),
            parent_id: span_id(&self.parent_id),
            id: span_id(&self.id),
            kind: match self.kind {
                1 => Some(Kind::Client),
                2 => Some(Kind::Server),
                3 => Some(Kind::Producer),
                4 => Some(Kind::Consumer),
                _ => None,
            },
            name: Cow::Owned(self.name),
            timestamp: nanos(self.timestamp),
            duration: nanos(self.duration),
            local_endpoint: self.local_endpoint.map(Endpoint::into_model),
            remote_endpoint: self.remote_endpoint.map(Endpoint::into_model),
            annotations: self.annotations.into_iter().map(annotation).collect(),
            tags: self.tags.into_iter().map(tag).collect(),
        }
    }
}

impl Endpoint {
    fn into_model(self) -> super::Endpoint<'static> {
        super::Endpoint {
            service_name: Cow::Owned(self.service_name),
            ipv4: array(&self.ipv4).map(Ipv4Addr::from),
            ipv6: array(&self.ipv6).map(Ipv6Addr::from),
            port: u16::try_from(self.port).unwrap_or_default(),
        }
    }
}

fn trace_id(bytes: &[u8]) -> TraceId {
    let long = array(bytes).map(TraceId);
    long.unwrap_or_else(|| super::trace_id(0, array(bytes).map_or(0, u64::from_be_bytes)))
}

fn span_id(bytes: &[u8]) -> SpanId {
    array(bytes).map(SpanId).unwrap_or_default()
}

fn array<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1000)
}
