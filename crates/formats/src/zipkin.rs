//! Zipkin's spans: v2 in JSON and protobuf, v1 in JSON and Thrift.
//!
//! Source: [the API](https://zipkin.io/zipkin-api/), [`zipkin.proto`](https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto),
//! [`zipkinCore.thrift`](https://github.com/openzipkin/zipkin-api/blob/master/thrift/zipkinCore.thrift). Whatever the
//! encoding, ids and times have one form here; texts are borrowed from the request where its encoding allows.

mod json;
pub mod proto;
mod thrift;
pub mod v1;

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use fanlight_otlp::{SpanId, TraceId};
use serde::Deserialize;

pub use thrift::read_thrift;

/// A v2 span.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Span<'a> {
    /// Its trace; zero where the sender left it out.
    #[serde(deserialize_with = "json::trace_id")]
    pub trace_id: TraceId,
    /// Its parent; zero for a root span.
    #[serde(deserialize_with = "json::span_id")]
    pub parent_id: SpanId,
    /// Its own id; zero where the sender left it out.
    #[serde(deserialize_with = "json::span_id")]
    pub id: SpanId,
    /// What it is to the remote endpoint.
    pub kind: Option<Kind>,
    /// Its name.
    #[serde(borrow, deserialize_with = "json::text")]
    pub name: Cow<'a, str>,
    /// When it started, in nanoseconds since 1970; zero where that is not known.
    #[serde(deserialize_with = "json::micros")]
    pub timestamp: u64,
    /// How long it took, in nanoseconds; zero where that is not known.
    #[serde(deserialize_with = "json::micros")]
    pub duration: u64,
    /// Who recorded it.
    #[serde(borrow)]
    pub local_endpoint: Option<Endpoint<'a>>,
    /// Who is at the other end.
    #[serde(borrow)]
    pub remote_endpoint: Option<Endpoint<'a>>,
    /// Its events.
    #[serde(borrow, deserialize_with = "json::list")]
    pub annotations: Vec<Annotation<'a>>,
    /// Its attributes, in the sender's order.
    #[serde(borrow, deserialize_with = "json::tags")]
    pub tags: Vec<(Cow<'a, str>, TagValue<'a>)>,
}

/// What a span is to the remote endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are those of OTLP's span kinds")]
pub enum Kind {
    Client,
    Server,
    Producer,
    Consumer,
}

/// A node of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoint<'a> {
    /// Its service's name.
    #[serde(borrow, deserialize_with = "json::text")]
    pub service_name: Cow<'a, str>,
    /// Its IPv4 address.
    #[serde(deserialize_with = "json::address")]
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    #[serde(deserialize_with = "json::address")]
    pub ipv6: Option<Ipv6Addr>,
    /// Its port; zero where it is not known.
    #[serde(deserialize_with = "json::port")]
    pub port: u16,
}

/// An event of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Annotation<'a> {
    /// When, in nanoseconds since 1970.
    #[serde(deserialize_with = "json::micros")]
    pub timestamp: u64,
    /// What.
    #[serde(borrow, deserialize_with = "json::text")]
    pub value: Cow<'a, str>,
}

/// The value of a tag. In v2 it is a text; v1 knows other types, and JSON senders at times use them.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TagValue<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
}

/// Reads the body of `POST /api/v2/spans` in JSON.
///
/// # Errors
/// Says what is wrong, and where.
pub fn read_json(body: &[u8]) -> Result<Vec<Span<'_>>, serde_json::Error> {
    serde_json::from_slice(body)
}

/// A trace id of two halves; the high one is zero where ids are short.
fn trace_id(high: u64, low: u64) -> TraceId {
    TraceId((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
}

#[cfg(test)]
mod tests;
