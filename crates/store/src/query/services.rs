//! Services and their operations: rates, errors and durations, read from what was rolled up by the minute.

use serde::Serialize;

use super::TimeRange;
use super::json::{as_text, as_texts};

/// Which operations are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct OperationFilter {
    /// When their spans started.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// Spans of one name of one service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Operation))]
#[serde(rename_all = "camelCase")]
pub struct OperationSummary {
    /// The service.
    pub service: String,
    /// The spans' name.
    pub operation: String,
    /// How many spans there are.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// Half of the spans take no longer than this, in nanoseconds. Durations are known to 3 %.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// 95 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// 99 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p99_nano: u64,
}

/// What an overview is wanted of.
#[derive(Clone, Copy, Debug, Default)]
pub struct OverviewFilter {
    /// When the spans started.
    pub time: TimeRange,
    /// How many parts the time is divided into, at most; a part is at least a minute. 0 means 60.
    pub bins: u32,
}

/// Every service at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// The services, sorted by name.
    pub services: Vec<ServiceRed>,
}

/// Rate, errors and durations of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceRed {
    /// The service.
    pub service: String,
    /// How many spans there are.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// Half of the spans take no longer than this, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// 95 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// 99 of 100 spans take no longer.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p99_nano: u64,
    /// Spans in each bin.
    pub counts: Vec<u64>,
    /// Spans with status error in each bin.
    pub errors: Vec<u64>,
    /// The 95th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p95: Vec<u64>,
}

/// Whose rates are wanted.
#[derive(Clone, Debug, Default)]
pub struct RedFilter {
    /// When the spans started.
    pub time: TimeRange,
    /// The service.
    pub service: String,
    /// Only spans of this name.
    pub operation: Option<String>,
    /// How many parts the time is divided into, at most; a part is at least a minute. 0 means 60.
    pub bins: u32,
}

/// Rate, errors and durations over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Red {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// Spans in each bin.
    pub counts: Vec<u64>,
    /// Spans with status error in each bin.
    pub errors: Vec<u64>,
    /// The median duration in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p50_nano: Vec<u64>,
    /// The 95th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p95_nano: Vec<u64>,
    /// The 99th percentile of the durations in each bin.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub p99_nano: Vec<u64>,
}

/// Who calls whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceMap {
    /// The services, sorted by name.
    pub nodes: Vec<ServiceNode>,
    /// The calls between them, sorted by their ends.
    pub edges: Vec<ServiceEdge>,
}

/// A service of the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ServiceMapNode))]
#[serde(rename_all = "camelCase")]
pub struct ServiceNode {
    /// Its name.
    pub service: String,
    /// How many spans it made.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
}

/// Calls from one service to another: spans whose parent is a span of the other service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ServiceMapEdge))]
#[serde(rename_all = "camelCase")]
pub struct ServiceEdge {
    /// Who calls.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// How often.
    pub call_count: u64,
    /// How many of the called spans have status error.
    pub error_count: u64,
    /// The 95th percentile of the called spans' durations, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
}
