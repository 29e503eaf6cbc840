//! Zipkin's v1 spans, in JSON.

use std::borrow::Cow;

use fanlight_otlp::{SpanId, TraceId};
use serde::Deserialize;

use super::{Endpoint, TagValue, json};

/// A v1 span.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Span<'a> {
    /// Its trace; zero where the sender left it out.
    #[serde(deserialize_with = "json::trace_id")]
    pub trace_id: TraceId,
    /// Its name.
    #[serde(borrow, deserialize_with = "json::text")]
    pub name: Cow<'a, str>,
    /// Its own id; zero where the sender left it out.
    #[serde(deserialize_with = "json::span_id")]
    pub id: SpanId,
    /// Its parent; zero for a root span.
    #[serde(deserialize_with = "json::span_id")]
    pub parent_id: SpanId,
    /// When it started, in nanoseconds since 1970; zero where that is not known.
    #[serde(deserialize_with = "json::micros")]
    pub timestamp: u64,
    /// How long it took, in nanoseconds; zero where that is not known.
    #[serde(deserialize_with = "json::micros")]
    pub duration: u64,
    /// Its events; some of them, such as `cs`, say what kind of span it is.
    #[serde(borrow, deserialize_with = "json::list")]
    pub annotations: Vec<Annotation<'a>>,
    /// Its attributes; two of them, `sa` and `ca`, are the remote endpoint.
    #[serde(borrow, deserialize_with = "json::list")]
    pub binary_annotations: Vec<BinaryAnnotation<'a>>,
}

/// An event of a v1 span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Annotation<'a> {
    /// When, in nanoseconds since 1970.
    #[serde(deserialize_with = "json::micros")]
    pub timestamp: u64,
    /// What.
    #[serde(borrow, deserialize_with = "json::text")]
    pub value: Cow<'a, str>,
    /// Who recorded it.
    #[serde(borrow)]
    pub endpoint: Option<Endpoint<'a>>,
}

/// An attribute of a v1 span.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct BinaryAnnotation<'a> {
    /// Its name.
    #[serde(borrow, deserialize_with = "json::text")]
    pub key: Cow<'a, str>,
    /// Its value.
    #[serde(borrow)]
    pub value: TagValue<'a>,
    /// Who recorded it.
    #[serde(borrow, default)]
    pub endpoint: Option<Endpoint<'a>>,
}

/// Reads the body of `POST /api/v1/spans` in JSON.
///
/// # Errors
/// Says what is wrong, and where.
pub fn read_json(body: &[u8]) -> Result<Vec<Span<'_>>, serde_json::Error> {
    serde_json::from_slice(body)
}
