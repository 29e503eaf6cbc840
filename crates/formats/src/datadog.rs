//! What the Datadog Agent and exporters send to Datadog's intakes (protobuf): traces, their statistics, series, sketches.
//!
//! Field by field from Datadog's own definitions:
//! [traces and statistics](https://github.com/DataDog/datadog-agent/tree/main/pkg/proto/datadog/trace),
//! [metrics](https://github.com/DataDog/agent-payload/blob/master/proto/metrics/agent_payload.proto) and
//! [DDSketch](https://github.com/DataDog/sketches-go/blob/master/ddsketch/pb/ddsketch.proto). Fields that only Datadog's own
//! Agent has a use for are left out.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::{Enumeration, Message};

/// What is posted to `/api/v0.2/traces`.
#[derive(Clone, PartialEq, Message)]
pub struct AgentPayload {
    /// The sender's host.
    #[prost(string, tag = "1")]
    pub host_name: String,
    /// The sender's environment.
    #[prost(string, tag = "2")]
    pub env: String,
    /// One for each source.
    #[prost(message, repeated, tag = "5")]
    pub tracer_payloads: Vec<TracerPayload>,
    /// Tags of all of it.
    #[prost(btree_map = "string, string", tag = "6")]
    pub tags: BTreeMap<String, String>,
    /// The sender's version.
    #[prost(string, tag = "7")]
    pub agent_version: String,
}

/// What one source sends: OTLP's resource.
#[derive(Clone, PartialEq, Message)]
pub struct TracerPayload {
    /// The container it runs in.
    #[prost(string, tag = "1")]
    pub container_id: String,
    /// The SDK's language.
    #[prost(string, tag = "2")]
    pub language_name: String,
    /// The language's version.
    #[prost(string, tag = "3")]
    pub language_version: String,
    /// The SDK's version.
    #[prost(string, tag = "4")]
    pub tracer_version: String,
    /// The traces, or parts of them.
    #[prost(message, repeated, tag = "6")]
    pub chunks: Vec<TraceChunk>,
    /// Tags of all chunks.
    #[prost(btree_map = "string, string", tag = "7")]
    pub tags: BTreeMap<String, String>,
    /// The environment.
    #[prost(string, tag = "8")]
    pub env: String,
    /// The host it runs on.
    #[prost(string, tag = "9")]
    pub hostname: String,
    /// The service's version.
    #[prost(string, tag = "10")]
    pub app_version: String,
}

/// Spans of one trace.
#[derive(Clone, PartialEq, Message)]
pub struct TraceChunk {
    /// The sampling priority: 1 is keep.
    #[prost(int32, tag = "1")]
    pub priority: i32,
    /// The product it comes from.
    #[prost(string, tag = "2")]
    pub origin: String,
    /// The spans.
    #[prost(message, repeated, tag = "3")]
    pub spans: Vec<Span>,
    /// Tags of all spans.
    #[prost(btree_map = "string, string", tag = "4")]
    pub tags: BTreeMap<String, String>,
    /// Whether a sampler dropped it.
    #[prost(bool, tag = "5")]
    pub dropped_trace: bool,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// The service.
    #[prost(string, tag = "1")]
    pub service: String,
    /// The operation, of few values.
    #[prost(string, tag = "2")]
    pub name: String,
    /// What the operation was done to, such as the endpoint.
    #[prost(string, tag = "3")]
    pub resource: String,
    /// The lower 64 bits of the trace's id.
    #[prost(uint64, tag = "4")]
    pub trace_id: u64,
    /// The span's id.
    #[prost(uint64, tag = "5")]
    pub span_id: u64,
    /// The parent's id, 0 for none.
    #[prost(uint64, tag = "6")]
    pub parent_id: u64,
    /// When it started, in nanoseconds since 1970.
    #[prost(int64, tag = "7")]
    pub start: i64,
    /// How long it took, in nanoseconds.
    #[prost(int64, tag = "8")]
    pub duration: i64,
    /// 1 for an error.
    #[prost(int32, tag = "9")]
    pub error: i32,
    /// Tags that are texts.
    #[prost(btree_map = "string, string", tag = "10")]
    pub meta: BTreeMap<String, String>,
    /// Tags that are numbers.
    #[prost(btree_map = "string, double", tag = "11")]
    pub metrics: BTreeMap<String, f64>,
    /// `web`, `http`, `db`, `cache` or `custom`.
    #[prost(string, tag = "12")]
    pub r#type: String,
}

/// Statistics of spans, for `/api/v0.2/stats`. They are sent in MessagePack, with Go's field names as keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatsPayload {
    /// The sender's host.
    pub agent_hostname: String,
    /// The sender's environment.
    pub agent_env: String,
    /// One for each source.
    pub stats: Vec<ClientStatsPayload>,
    /// The sender's version.
    pub agent_version: String,
    /// Whether tracers computed them.
    pub client_computed: bool,
}

/// Statistics of what runs in one place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientStatsPayload {
    /// The host.
    pub hostname: String,
    /// The environment.
    pub env: String,
    /// The service's version.
    pub version: String,
    /// The container.
    pub container_id: String,
    /// One for each stretch of time.
    pub stats: Vec<ClientStatsBucket>,
}

/// Statistics of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientStatsBucket {
    /// When it starts, in nanoseconds since 1970.
    pub start: u64,
    /// Its length in nanoseconds.
    pub duration: u64,
    /// One for each kind of span.
    pub stats: Vec<ClientGroupedStats>,
}

/// Statistics of one kind of span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientGroupedStats {
    /// The service.
    pub service: String,
    /// The operation.
    pub name: String,
    /// The resource.
    pub resource: String,
    /// The HTTP status, 0 for none.
    pub http_status_code: u32,
    /// The type.
    pub r#type: String,
    /// How many spans.
    pub hits: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Their time together, in nanoseconds.
    pub duration: u64,
    /// A [`DdSketch`] of how long the good ones took, in nanoseconds.
    pub ok_summary: Bytes,
    /// The same of the failed ones.
    pub error_summary: Bytes,
    /// How many were the first of their service in the trace.
    pub top_level_hits: u64,
    /// OTLP's kind of span.
    pub span_kind: String,
    /// What it talked to, as `key:value`.
    pub peer_tags: Vec<String>,
    /// 1 if the spans have no parent, 2 if they have one.
    pub is_trace_root: i32,
}

/// A distribution of values with a relative error.
#[derive(Clone, PartialEq, Message)]
pub struct DdSketch {
    /// Where bins begin.
    #[prost(message, optional, tag = "1")]
    pub mapping: Option<IndexMapping>,
    /// Values above zero.
    #[prost(message, optional, tag = "2")]
    pub positive_values: Option<Store>,
    /// Values below zero.
    #[prost(message, optional, tag = "3")]
    pub negative_values: Option<Store>,
    /// How many values are zero.
    #[prost(double, tag = "4")]
    pub zero_count: f64,
}

/// Bin `i` begins at `gamma` to the power of `i - index_offset`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct IndexMapping {
    /// The growth from bin to bin.
    #[prost(double, tag = "1")]
    pub gamma: f64,
    /// The shift of all indexes.
    #[prost(double, tag = "2")]
    pub index_offset: f64,
    /// How logarithms are approximated; 0 for not at all.
    #[prost(int32, tag = "3")]
    pub interpolation: i32,
}

/// The bins of one sign.
#[derive(Clone, PartialEq, Message)]
pub struct Store {
    /// Bins by index.
    #[prost(btree_map = "sint32, double", tag = "1")]
    pub bin_counts: BTreeMap<i32, f64>,
    /// Bins that follow each other.
    #[prost(double, repeated, tag = "2")]
    pub contiguous_bin_counts: Vec<f64>,
    /// The index of the first of them.
    #[prost(sint32, tag = "3")]
    pub contiguous_bin_index_offset: i32,
}

/// What is posted to `/api/v2/series`.
#[derive(Clone, PartialEq, Message)]
pub struct MetricPayload {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub series: Vec<MetricSeries>,
}

/// Points of one metric with one set of tags.
#[derive(Clone, PartialEq, Message)]
pub struct MetricSeries {
    /// What it is of; `host` at least.
    #[prost(message, repeated, tag = "1")]
    pub resources: Vec<Resource>,
    /// The metric's name.
    #[prost(string, tag = "2")]
    pub metric: String,
    /// Tags, as `key:value`.
    #[prost(string, repeated, tag = "3")]
    pub tags: Vec<String>,
    /// The points.
    #[prost(message, repeated, tag = "4")]
    pub points: Vec<MetricPoint>,
    /// What the points are.
    #[prost(enumeration = "MetricType", tag = "5")]
    pub r#type: i32,
    /// The unit.
    #[prost(string, tag = "6")]
    pub unit: String,
    /// The source.
    #[prost(string, tag = "7")]
    pub source_type_name: String,
    /// Seconds between points.
    #[prost(int64, tag = "8")]
    pub interval: i64,
    /// Where it comes from.
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<Metadata>,
}

/// A value at a time.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct MetricPoint {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Seconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// Something that a series is of.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// Its kind, such as `host`.
    #[prost(string, tag = "1")]
    pub r#type: String,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
}

/// What points of a series are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// Nobody said.
    Unspecified = 0,
    /// An increase since the point before.
    Count = 1,
    /// An increase by second.
    Rate = 2,
    /// A value.
    Gauge = 3,
}

/// What Datadog keeps of where a metric comes from.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Metadata {
    /// Where it comes from.
    #[prost(message, optional, tag = "1")]
    pub origin: Option<Origin>,
}

/// Numbers of Datadog's own register.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Origin {
    /// The product: 19 is an OpenTelemetry exporter.
    #[prost(uint32, tag = "4")]
    pub origin_product: u32,
    /// The part of it: 17 is OTLP.
    #[prost(uint32, tag = "5")]
    pub origin_category: u32,
    /// The part of that.
    #[prost(uint32, tag = "6")]
    pub origin_service: u32,
}

/// What is posted to `/api/beta/sketches`.
#[derive(Clone, PartialEq, Message)]
pub struct SketchPayload {
    /// The sketches.
    #[prost(message, repeated, tag = "1")]
    pub sketches: Vec<Sketch>,
    /// About the sender; mandatory, and empty.
    #[prost(message, optional, tag = "2")]
    pub metadata: Option<CommonMetadata>,
}

/// About the sender.
#[derive(Clone, PartialEq, Message)]
pub struct CommonMetadata {
    /// Its version.
    #[prost(string, tag = "1")]
    pub agent_version: String,
}

/// Distributions of one metric with one set of tags.
#[derive(Clone, PartialEq, Message)]
pub struct Sketch {
    /// The metric's name.
    #[prost(string, tag = "1")]
    pub metric: String,
    /// The host.
    #[prost(string, tag = "2")]
    pub host: String,
    /// Tags, as `key:value`.
    #[prost(string, repeated, tag = "4")]
    pub tags: Vec<String>,
    /// The distributions.
    #[prost(message, repeated, tag = "7")]
    pub dogsketches: Vec<Dogsketch>,
    /// Where it comes from.
    #[prost(message, optional, tag = "8")]
    pub metadata: Option<Metadata>,
}

/// A distribution at a time.
#[derive(Clone, PartialEq, Message)]
pub struct Dogsketch {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub ts: i64,
    /// How many values.
    #[prost(int64, tag = "2")]
    pub cnt: i64,
    /// The smallest.
    #[prost(double, tag = "3")]
    pub min: f64,
    /// The largest.
    #[prost(double, tag = "4")]
    pub max: f64,
    /// Their mean.
    #[prost(double, tag = "5")]
    pub avg: f64,
    /// Their sum.
    #[prost(double, tag = "6")]
    pub sum: f64,
    /// The keys of the bins, rising.
    #[prost(sint32, repeated, tag = "7")]
    pub k: Vec<i32>,
    /// How many values each bin has.
    #[prost(uint32, repeated, tag = "8")]
    pub n: Vec<u32>,
}
