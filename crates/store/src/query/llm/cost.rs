//! What calls cost, over time and by what they have in common.

use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::QueryError;
use super::super::json::as_text;
use super::facts::LlmFilter;
use crate::readers::View;

/// Which costs are wanted.
#[derive(Clone, Debug, Default)]
pub struct CostFilter {
    /// Of which calls.
    pub filter: LlmFilter,
    /// By what they are grouped.
    pub by: CostBy,
    /// In how many parts the time is divided, at most; 0 means 60.
    pub bins: u32,
}

/// By what costs are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostBy {
    /// The model that answered, else the one that was asked for.
    #[default]
    Model,
    /// The provider.
    Provider,
    /// The service.
    Service,
    /// The user.
    User,
    /// The session.
    Session,
    /// Tags; a call with several counts for each.
    Tag,
    /// The agent.
    Agent,
}

/// What calls cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmCost {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// All calls together.
    pub totals: CostTotals,
    /// Groups, the dearest first; 50 at most.
    pub groups: Vec<CostGroup>,
    /// What was asked, the dearest first; 20 at most.
    pub top_prompts: Vec<TopPrompt>,
}

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostTotals {
    /// How many calls.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Tokens that were read, those of caches among them.
    pub input_tokens: u64,
    /// Tokens that were made, those of reasoning among them.
    pub output_tokens: u64,
    /// Of the tokens that were read: from caches.
    pub cache_read_tokens: u64,
    /// Of the tokens that were read: to caches.
    pub cache_write_tokens: u64,
    /// Of the tokens that were made: of reasoning.
    pub reasoning_tokens: u64,
    /// What those calls cost whose cost is known, in US dollars.
    pub cost: f64,
    /// Calls whose cost is not known.
    pub unpriced_calls: u64,
    /// What reading from caches saved, in US dollars.
    pub cache_savings: f64,
    /// The duration that half of the calls do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// The duration that 95 % of the calls do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
}

/// Calls that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostGroup {
    /// What; none for calls that do not say.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub value: Option<String>,
    /// Their sums.
    #[serde(flatten)]
    pub totals: CostTotals,
    /// What they cost in each bin, in US dollars.
    pub costs: Vec<f64>,
    /// Their tokens in each bin, read and made.
    pub tokens: Vec<u64>,
}

/// Calls that begin with the same question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TopPrompt {
    /// The beginning of what was asked last.
    pub prompt: String,
    /// How many calls.
    pub count: u64,
    /// What they cost, in US dollars.
    pub cost: f64,
    /// Their tokens, read and made.
    pub tokens: u64,
    /// The dearest of them: its trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub example_trace_id: TraceId,
    /// And its span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub example_span_id: SpanId,
}

/// What the calls that pass cost.
pub(crate) fn cost(view: &View, filter: &CostFilter) -> Result<LlmCost, QueryError> {
    let _ = (view, filter);
    Ok(LlmCost {
        start_nano: 0,
        step_nano: 1,
        totals: CostTotals::default(),
        groups: Vec::new(),
        top_prompts: Vec::new(),
    })
}
