//! `/api/traces` and what is below it. LLMFlow's traces are spans: a list of them is flat.

mod tree;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fanlight_otlp::{SpanId, TraceId};
use fanlight_store::{Exchange, ExchangeHeader, LlmCallRow, LlmFilter, LlmKinds, Span};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Part, Times, calls, given, row, table};
use crate::api::ApiError;
use crate::router::App;
pub(super) use tree::tree;

/// How many calls are exported unless more are asked for.
const EXPORTED: usize = 1_000;

/// Which spans are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    model: Option<String>,
    provider: Option<String>,
    service_name: Option<String>,
    session_id: Option<String>,
    conversation_id: Option<String>,
    tag: Option<String>,
    q: Option<String>,
    /// `success` or `error`.
    status: Option<String>,
    /// Of an export: `json` or `jsonl`.
    format: Option<String>,
}

impl Wanted {
    fn filter(&self, times: &Times) -> Result<LlmFilter, ApiError> {
        Ok(LlmFilter {
            time: times.range()?,
            model: given(self.model.clone()),
            provider: given(self.provider.clone()),
            service: given(self.service_name.clone()),
            session: given(self.session_id.clone()).or(given(self.conversation_id.clone())),
            tag: given(self.tag.clone()),
            text: given(self.q.clone()),
            errors_only: self.status.as_deref() == Some("error"),
            ..LlmFilter::default()
        })
    }

    /// What a filter of the store can't tell.
    fn has(&self, call: &LlmCallRow) -> bool {
        let of_conversation = match self.conversation_id.as_deref() {
            None | Some("") => true,
            wanted => call.conversation_id.as_deref() == wanted,
        };
        of_conversation && (self.status.as_deref() != Some("success") || call.status != "error")
    }
}

/// Spans that have to do with models, the newest first.
pub(super) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    Query(times): Query<Times>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let filter = LlmFilter {
        kinds: LlmKinds::All,
        ..wanted.filter(&times)?
    };
    let found = calls(&app, filter, &part, |call| wanted.has(call)).await?;
    Ok(Json(found.iter().map(row).collect()))
}

/// Calls of models, the newest first, as one array or as a line for each.
pub(super) async fn export(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    Query(times): Query<Times>,
    Query(part): Query<Part>,
) -> Result<Response, ApiError> {
    let part = Part {
        limit: Some(part.limit.unwrap_or(EXPORTED)),
        ..part
    };
    let filter = wanted.filter(&times)?;
    let found = calls(&app, filter, &part, |call| wanted.has(call)).await?;
    let rows: Vec<Value> = found.iter().map(row).collect();
    let (content_type, ending, body) = match wanted.format.as_deref().unwrap_or("json") {
        "json" => ("application/json", "json", Value::Array(rows).to_string()),
        "jsonl" => {
            let lines = rows.iter().map(|row| format!("{row}\n"));
            ("application/x-ndjson", "jsonl", lines.collect())
        }
        other => {
            return Err(ApiError::bad(format!("format {other:?} is not known"))
                .hint("there are json and jsonl"));
        }
    };
    let disposition = format!("attachment; filename=\"fanlight-calls.{ending}\"");
    let headers = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from(body)).into_response())
}

/// A span with what went over the wire, where the proxy saw it.
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let (trace_id, span_id) = find(&app, &id).await?;
    let (mut trace, exchange) = match app.store.llm_call(trace_id, span_id).await? {
        Some(found) => {
            let mut trace = row(&found.call);
            if let Value::Object(trace) = &mut trace {
                trace.insert("input".to_owned(), json!(found.detail.input_messages));
                trace.insert("output".to_owned(), json!(found.detail.output_messages));
            }
            (trace, found.exchange)
        }
        None => {
            let found = app.store.trace(trace_id).await?;
            let span = found
                .into_iter()
                .flat_map(|trace| trace.spans)
                .find(|span| span.span_id == span_id)
                .ok_or_else(|| unknown(&id))?;
            (Value::Object(plain_row(&span)), None)
        }
    };
    let (request, response) = exchange.map_or((json!({}), json!({})), shown);
    if trace["model"].is_null() {
        trace["model"] = request["body"]["model"].clone();
    }
    Ok(Json(
        json!({ "trace": trace, "request": request, "response": response }),
    ))
}

/// Whose span an id is. Ids of the SDK's may be any text.
async fn find(app: &App, id: &str) -> Result<(TraceId, SpanId), ApiError> {
    let span_id = SpanId::of_text(id);
    let sql = format!(
        "SELECT trace_id FROM spans WHERE span_id = '{span_id}' UNION ALL SELECT trace_id FROM llm_calls WHERE span_id = '{span_id}' LIMIT 1"
    );
    let found = table::texts(app, sql).await?;
    let trace_id = found.first().and_then(Value::as_str);
    let trace_id = trace_id.and_then(|text| text.parse().ok());
    Ok((trace_id.ok_or_else(|| unknown(id))?, span_id))
}

fn unknown(id: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is no span {id:?}"))
        .hint("a whole trace is asked for by its id of 32 hexadecimal digits")
}

/// What went over the wire, as LLMFlow shows both sides.
fn shown(exchange: Exchange) -> (Value, Value) {
    let headers = |headers: &[ExchangeHeader]| -> Map<String, Value> {
        let pairs = headers.iter();
        pairs
            .map(|header| (header.name.clone(), header.value.clone().into()))
            .collect()
    };
    let body = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    let Exchange { request, response } = exchange;
    let request = json!({
        "method": request.method,
        "path": request.url,
        "headers": headers(&request.headers),
        "body": body(request.body),
    });
    let response = json!({
        "status": response.status,
        "headers": headers(&response.headers),
        "body": body(response.body),
    });
    (request, response)
}

/// A span that is none of a model, as LLMFlow shows its rows.
fn plain_row(span: &Span) -> Map<String, Value> {
    let failed = span.status.code == "ERROR";
    let end = span.end_time_unix_nano.max(span.start_time_unix_nano);
    let row = json!({
        "id": span.span_id.to_string(),
        "trace_id": span.trace_id.to_string(),
        "parent_id": span.parent_span_id.map(|id| id.to_string()),
        "timestamp": super::milliseconds(span.start_time_unix_nano),
        "duration_ms": super::milliseconds(end - span.start_time_unix_nano),
        "span_type": "custom",
        "span_name": span.name,
        "service_name": span.service,
        "provider": null,
        "model": null,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "estimated_cost": 0,
        "status": if failed { 500 } else { 200 },
        "error": failed.then_some(&span.status.message),
        "tags": [],
        "session_id": null,
        "conversation_id": null,
        "agent_name": null,
        "input": null,
        "output": null,
    });
    row.as_object().cloned().unwrap_or_default()
}
