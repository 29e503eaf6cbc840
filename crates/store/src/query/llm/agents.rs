//! Agents, and what their runs come to.

use fanlight_otlp::TraceId;
use serde::Serialize;

use super::super::json::{as_text, as_texts};
use super::super::{QueryError, TimeRange};
use crate::readers::View;

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmAgent {
    /// Its name.
    pub name: String,
    /// The service that it runs in.
    pub service: String,
    /// How often it ran.
    pub runs: u64,
    /// How many of its runs failed.
    pub errors: u64,
    /// How many calls of models it made.
    pub calls: u64,
    /// How many tools it ran.
    pub tool_calls: u64,
    /// What those calls cost whose cost is known, in US dollars; none where none is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// The duration that half of its runs do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// The duration that 95 % of its runs do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// When its last run, or its last call, started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// Traces of its newest runs, failed ones first.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub example_trace_ids: Vec<TraceId>,
}

/// Agents, those with the most runs first.
pub(crate) fn agents(
    view: &View,
    time: TimeRange,
    service: Option<&str>,
) -> Result<Vec<LlmAgent>, QueryError> {
    let _ = (view, time, service);
    Ok(Vec::new())
}
