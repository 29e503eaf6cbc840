//! One call, whole.

use fanlight_genai::LlmCall;
use fanlight_otlp::json::write_plain_value;
use fanlight_otlp::{Batch, SpanId, TraceId};
use serde::Serialize;
use serde_json::Value;

use super::super::logs::visit as visit_logs;
use super::super::shared::Shared;
use super::super::{LogFilter, QueryError};
use super::calls::{LlmCallRow, Texts, cost_of, dollars, find, row, source};
use super::stored::{Recordings, call_of, log, log_batch};
use crate::llm::{CostParts, Facts};
use crate::readers::{Partition, View};

/// The event of the log record that the proxy writes of what went over the wire.
const EXCHANGE: &str = "fanlight.llm.exchange";

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
    let Some((partition, facts, texts)) = find(view, trace_id, span_id)? else {
        return Ok(None);
    };
    let mut detail = recorded(partition, &mut Recordings::default(), &texts)?.unwrap_or_default();
    let exchange = match texts.log {
        Some(_) => None,
        None => beside(view, (trace_id, span_id), &mut detail)?,
    };
    let cost = cost(&facts, texts.details.parts.as_ref());
    let call = row(&partition.connection, &mut Shared::default(), &facts, texts)?;
    Ok(Some(LlmDetail {
        call,
        detail,
        cost,
        exchange,
    }))
}

/// A call as it was recorded.
pub(super) fn recorded(
    partition: &Partition,
    recordings: &mut Recordings,
    texts: &Texts,
) -> Result<Option<LlmCall>, QueryError> {
    let batch = match texts.log {
        Some(number) => log(&partition.connection, number)?,
        None => recordings.span(partition, texts.trace_id, texts.span_id)?,
    };
    let Some(batch) = batch else { return Ok(None) };
    Ok(call_of(&batch)?.map(|(call, _)| call))
}

/// Of what a cost is made.
fn cost(facts: &Facts, parts: Option<&CostParts>) -> Option<CallCost> {
    let total = cost_of(facts)?;
    let part = |amount: fn(&CostParts) -> Option<u64>| parts.and_then(amount).map(dollars);
    Some(CallCost {
        total,
        input: part(|parts| parts.input),
        output: part(|parts| parts.output),
        cache_read: part(|parts| parts.cache_read),
        cache_write: part(|parts| parts.cache_write),
        other: part(|parts| parts.fees),
        cache_savings: (facts.savings > 0).then(|| dollars(facts.savings)),
        source: source(facts),
        price_version: parts.and_then(|parts| parts.table.clone()),
        is_approximate: parts.is_some_and(|parts| parts.is_approximate),
    })
}

/// Looks through the log records that were written within the span: for what went over the wire, and for messages where the
/// span has none.
fn beside(
    view: &View,
    (trace_id, span_id): (TraceId, SpanId),
    detail: &mut LlmCall,
) -> Result<Option<Exchange>, QueryError> {
    let filter = LogFilter {
        trace_id: Some(trace_id),
        ..LogFilter::default()
    };
    let mut exchange = None;
    visit_logs(
        view,
        &filter,
        &mut |_| true,
        &mut |_, block, number, place| {
            if block.spans.get(place) != Some(&span_id) {
                return Ok(());
            }
            let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
            let batch = log_batch(&partition.connection, block, place)?;
            if let Some(found) = exchange_of(&batch)? {
                exchange = Some(found);
            } else if let Some((call, _)) = call_of(&batch)? {
                fill(&mut detail.system_instructions, call.system_instructions);
                fill(&mut detail.input_messages, call.input_messages);
                fill(&mut detail.output_messages, call.output_messages);
                fill(&mut detail.tool_definitions, call.tool_definitions);
            }
            Ok(())
        },
    )?;
    Ok(exchange)
}

fn fill<T>(have: &mut Vec<T>, found: Vec<T>) {
    if have.is_empty() {
        *have = found;
    }
}

/// The exchange that a log record tells of.
fn exchange_of(batch: &Batch) -> Result<Option<Exchange>, QueryError> {
    let Some(resource) = batch.resources().next().transpose()? else {
        return Ok(None);
    };
    let Some(scope) = resource.scopes().next().transpose()? else {
        return Ok(None);
    };
    let log = scope.logs().next().transpose()?;
    let Some(log) = log.filter(|log| log.event_name == EXCHANGE) else {
        return Ok(None);
    };
    let mut body = Vec::new();
    write_plain_value(&log.body, &mut body)?;
    let body: Value = serde_json::from_slice(&body)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (request, response) = (&body["request"], &body["response"]);
    let status = match &response["status"] {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64(),
    };
    Ok(Some(Exchange {
        request: ExchangeRequest {
            method: text(&request["method"]),
            url: text(&request["url"]),
            headers: headers(&request["headers"]),
            body: text(&request["body"]),
        },
        response: ExchangeResponse {
            status: status
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(0),
            headers: headers(&response["headers"]),
            body: text(&response["body"]),
            truncated: response["truncated"].as_bool().unwrap_or_default(),
        },
    }))
}

/// Headers; one that came several times is a list.
fn headers(headers: &Value) -> Vec<ExchangeHeader> {
    let mut all = Vec::new();
    for (name, value) in headers.as_object().into_iter().flatten() {
        let values = match value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        all.extend(values.iter().map(|value| ExchangeHeader {
            name: name.clone(),
            value: value.as_str().unwrap_or_default().to_owned(),
        }));
    }
    all
}
