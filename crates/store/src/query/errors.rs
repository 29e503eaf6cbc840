//! Exceptions, grouped by type and place.

use fanlight_otlp::TraceId;
use serde::Serialize;

use super::TimeRange;
use super::json::{as_text, as_texts};

/// Which errors are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct ErrorFilter {
    /// When they happened.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// Exceptions of one type at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ErrorGroup {
    /// The group's id, the same in every answer.
    pub id: String,
    /// `exception.type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The first frame of the application in the stack trace; the span's name, or the log record's scope, when unknown.
    pub place: String,
    /// The message of the newest.
    pub message: String,
    /// The service.
    pub service: String,
    /// How many there are.
    pub count: u64,
    /// When the first happened, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub first_nano: u64,
    /// When the last happened.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// How many there are in each bin, over the range that was asked for.
    pub counts: Vec<u64>,
    /// Traces in which it happened, the newest first, at most 5.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub example_trace_ids: Vec<TraceId>,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
}
