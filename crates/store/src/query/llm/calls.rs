//! The list of calls.

use fanlight_genai::{Counts, Kind};
use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::json::{as_text, as_text_or_null};
use super::super::{Page, QueryError};
use super::facts::LlmFilter;
use crate::readers::View;

/// Which calls are listed, in which order.
#[derive(Clone, Debug, Default)]
pub struct LlmPage {
    /// Which calls are wanted.
    pub filter: LlmFilter,
    /// In which order.
    pub sort: LlmSort,
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// The order of a list of calls; the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlmSort {
    /// By their starts.
    #[default]
    Newest,
    /// By what they cost.
    Cost,
    /// By how long they took.
    Duration,
    /// By their tokens, read and made.
    Tokens,
}

/// Which kinds are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlmKinds {
    /// Calls of models that state their own usage.
    #[default]
    Models,
    /// Everything, tools and agents among it, and what only sums up or repeats others.
    All,
    /// Only this one.
    Only(Kind),
}

/// One call in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmCallRow {
    /// The trace's id; of a log record without one, a made up one.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The span's id; of a log record, a made up one.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// The span's parent.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub parent_span_id: Option<SpanId>,
    /// The span's name, or the log record's event.
    pub name: String,
    /// The service that made the call.
    pub service: String,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmKind))]
    pub kind: Kind,
    /// `own` where it is among what is summed up; `aggregate` where others state the same usage.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmCounts))]
    pub counts: Counts,
    /// What was done, in the recorder's words.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub operation: Option<String>,
    /// Whose interface was called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub provider: Option<String>,
    /// The model that was asked for.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub request_model: Option<String>,
    /// The model that answered.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub response_model: Option<String>,
    /// Start, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long it took, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// How long until the first piece of a streamed answer, in nanoseconds.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub time_to_first_chunk_nano: Option<u64>,
    /// Whether the answer was streamed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub streaming: Option<bool>,
    /// Tokens that were read, those of caches among them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input_tokens: Option<u64>,
    /// Tokens that were made, those of reasoning among them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output_tokens: Option<u64>,
    /// Of the tokens that were read: from a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_read_tokens: Option<u64>,
    /// Of the tokens that were read: to a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_write_tokens: Option<u64>,
    /// Of the tokens that were made: of reasoning.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reasoning_tokens: Option<u64>,
    /// What it cost, in US dollars; none where that is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// Who says so.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<crate::query::schema::LlmCostSource>))]
    pub cost_source: Option<&'static str>,
    /// `ok` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmStatus))]
    pub status: &'static str,
    /// What kind of error it ended with.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error_type: Option<String>,
    /// Why the model stopped.
    pub finish_reasons: Vec<String>,
    /// The user's session.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub session_id: Option<String>,
    /// The conversation of which it is a turn.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub conversation_id: Option<String>,
    /// Who asked.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user_id: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The agent that called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub agent: Option<String>,
    /// The beginning of what was asked last.
    pub input_preview: String,
    /// The beginning of the answer, or the tools that it calls.
    pub output_preview: String,
    /// How many tools the answer calls.
    pub tool_calls: u64,
    /// Whether it is known from a log record, so that there is no span.
    pub from_log: bool,
}

/// Calls, in the order that is wanted.
pub(crate) fn calls(view: &View, wanted: &LlmPage) -> Result<Page<LlmCallRow>, QueryError> {
    let _ = (view, wanted);
    Ok(Page {
        items: Vec::new(),
        next_cursor: None,
    })
}

/// The calls with these ids, as far as they are still there.
pub(crate) fn calls_by_id(
    view: &View,
    ids: &[(TraceId, SpanId)],
) -> Result<Vec<LlmCallRow>, QueryError> {
    let _ = (view, ids);
    Ok(Vec::new())
}
