//! How many items a list has over time.

use serde::Serialize;

use super::json::as_text;

/// How many traces or log records pass a filter, over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rate {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// The bins, in the order of time.
    pub bins: Vec<RateBin>,
}

/// A part of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateBin {
    /// How many items.
    pub count: u64,
    /// Traces that have a span with status error; log records of severity error and above.
    pub errors: u64,
    /// Log records by severity, from trace to fatal; those without severity are in `count` only. Not there for traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u64>, required = false))]
    pub severities: Option<[u64; 6]>,
}
