//! `POST /api/spans`: a span of LLMFlow's SDK, or a tree of them, becomes one of OTLP.
//!
//! Ids are those that the proxy makes of `x-trace-id` and `x-parent-id`, so that calls through it nest under these spans. They
//! go the way of all telemetry, to the store and to every other destination.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fanlight_net::status::Failure;
use fanlight_otlp::{Signal, SpanId, TraceId, json};
use serde::Deserialize;
use serde_json::{Map, Value, json as value};

use crate::api::{ApiError, Body};
use crate::router::App;

/// How deep a tree may be.
const MAX_DEPTH: usize = 32;

/// A span as the SDK sends it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SdkSpan {
    id: Option<String>,
    trace_id: Option<String>,
    parent_id: Option<String>,
    span_type: Option<String>,
    span_name: Option<String>,
    /// In milliseconds since 1970.
    start_time: Option<f64>,
    end_time: Option<f64>,
    duration_ms: Option<f64>,
    /// An HTTP status, or `success` or `error`.
    status: Value,
    error: Value,
    input: Value,
    output: Value,
    attributes: Map<String, Value>,
    tags: Vec<String>,
    service_name: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    estimated_cost: Option<f64>,
    cost: Option<f64>,
    session_id: Option<String>,
    user_id: Option<String>,
    children: Vec<SdkSpan>,
}

/// Takes a span with its children, and answers its ids.
pub(super) async fn take(
    State(app): State<App>,
    Body(span): Body<SdkSpan>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = span.id.clone().unwrap_or_else(random_id);
    let trace = span.trace_id.clone().unwrap_or_else(|| id.clone());
    let service = span
        .service_name
        .clone()
        .unwrap_or_else(|| "app".to_owned());
    let mut spans = Vec::new();
    add(
        &span,
        &id,
        TraceId::of_text(&trace),
        span.parent_id.as_deref(),
        MAX_DEPTH,
        &mut spans,
    );
    let request = value!({"resourceSpans": [{
        "resource": {"attributes": attributes(&Map::from_iter([("service.name".to_owned(), service.into())]))},
        "scopeSpans": [{"scope": {"name": "llmflow-sdk"}, "spans": spans}],
    }]});
    let batch = json::read(Signal::Traces, request.to_string().as_bytes())
        .map_err(|error| ApiError::bad(format!("the span can't be read: {error}")))?;
    match &app.intake {
        Some(intake) => intake.take(batch).await.map_err(refused)?,
        None => app.store.write(&batch).await.map(drop)?,
    }
    Ok((
        StatusCode::CREATED,
        Json(value!({ "id": id, "trace_id": trace })),
    ))
}

/// The span was not taken.
fn refused(failure: Failure) -> ApiError {
    ApiError::new(failure.status, failure.message)
}

fn random_id() -> String {
    SpanId(rand::random()).to_string()
}

/// Adds a span and what is below it, in OTLP/JSON.
fn add(
    span: &SdkSpan,
    id: &str,
    trace_id: TraceId,
    parent: Option<&str>,
    depth: usize,
    spans: &mut Vec<Value>,
) {
    let start = span.start_time.unwrap_or_else(now);
    let took = span.duration_ms.or(span.end_time.map(|end| end - start));
    let end = start + took.unwrap_or(0.0).max(0.0);
    // A float turns into an integer by saturating.
    let nanoseconds = |milliseconds: f64| ((milliseconds * 1e6) as u64).to_string();
    let kind = span.span_type.as_deref().unwrap_or("custom");
    let error = match &span.error {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other["message"]
            .as_str()
            .map_or_else(|| other.to_string(), str::to_owned),
    };
    let has_failed = !error.is_empty()
        || span.status.as_u64().is_some_and(|status| status >= 400)
        || span.status == "error";
    let parent = parent.map(|parent| SpanId::of_text(parent).to_string());
    spans.push(value!({
        "traceId": trace_id.to_string(),
        "spanId": SpanId::of_text(id).to_string(),
        "parentSpanId": parent.unwrap_or_default(),
        "name": span.span_name.as_deref().unwrap_or(kind),
        "kind": 1,
        "startTimeUnixNano": nanoseconds(start),
        "endTimeUnixNano": nanoseconds(end.max(start + 1e-6)),
        "status": {"code": if has_failed { 2 } else { 0 }, "message": error},
        "attributes": attributes(&known(span, kind)),
    }));
    if depth == 0 {
        return;
    }
    for child in &span.children {
        let child_id = child.id.clone().unwrap_or_else(random_id);
        add(child, &child_id, trace_id, Some(id), depth - 1, spans);
    }
}

fn now() -> f64 {
    jiff::Timestamp::now().as_millisecond() as f64
}

/// What the fields of a span are as attributes: OpenTelemetry's, and OpenInference's where it has none.
fn known(span: &SdkSpan, kind: &str) -> Map<String, Value> {
    let mut all = span.attributes.clone();
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(Value::from(text.clone())),
        other => Some(Value::from(other.to_string())),
    };
    let of_text = |value: &Option<String>| value.clone().map(Value::from);
    let openinference = match kind {
        "llm" => Some("LLM"),
        "trace" | "chain" | "workflow" => Some("CHAIN"),
        "agent" => Some("AGENT"),
        "tool" => Some("TOOL"),
        "retrieval" => Some("RETRIEVER"),
        "embedding" => Some("EMBEDDING"),
        _ => None,
    };
    let name = matches!(kind, "tool" | "agent")
        .then(|| span.span_name.clone())
        .flatten();
    let pairs = [
        ("openinference.span.kind", openinference.map(Value::from)),
        (
            "tool.name",
            name.clone().filter(|_| kind == "tool").map(Value::from),
        ),
        (
            "gen_ai.agent.name",
            name.filter(|_| kind == "agent").map(Value::from),
        ),
        ("gen_ai.provider.name", of_text(&span.provider)),
        ("gen_ai.request.model", of_text(&span.model)),
        (
            "gen_ai.usage.input_tokens",
            span.prompt_tokens.map(Value::from),
        ),
        (
            "gen_ai.usage.output_tokens",
            span.completion_tokens.map(Value::from),
        ),
        (
            "gen_ai.usage.cost",
            span.estimated_cost.or(span.cost).map(Value::from),
        ),
        ("input.value", text(&span.input)),
        ("output.value", text(&span.output)),
        ("session.id", of_text(&span.session_id)),
        ("user.id", of_text(&span.user_id)),
        (
            "tag.tags",
            (!span.tags.is_empty()).then(|| span.tags.clone().into()),
        ),
    ];
    for (key, value) in pairs {
        if let Some(value) = value {
            all.entry(key).or_insert(value);
        }
    }
    all
}

/// Attributes in OTLP/JSON.
fn attributes(object: &Map<String, Value>) -> Value {
    let members = object.iter();
    members
        .map(|(key, value)| value!({ "key": key, "value": typed(value) }))
        .collect()
}

fn typed(value: &Value) -> Value {
    match value {
        Value::Null => value!({}),
        Value::Bool(truth) => value!({ "boolValue": truth }),
        Value::Number(number) if number.is_f64() => value!({ "doubleValue": number }),
        Value::Number(number) => value!({ "intValue": number.to_string() }),
        Value::String(text) => value!({ "stringValue": text }),
        Value::Array(items) => {
            value!({ "arrayValue": { "values": items.iter().map(typed).collect::<Vec<_>>() } })
        }
        Value::Object(object) => value!({ "kvlistValue": { "values": attributes(object) } }),
    }
}
