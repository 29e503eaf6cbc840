//! `/api/timeline`: spans and log records together.

use axum::Json;
use axum::extract::{Query, State};
use fanlight_store::{LlmFilter, LlmKinds};
use serde::Deserialize;
use serde_json::{Value, json};

use super::table::Conditions;
use super::{Part, Times, calls, given, logs, row};
use crate::api::ApiError;
use crate::router::App;

/// Leaves out the proxy's log records of what went over the wire: their calls are there already.
const NO_EXCHANGE: &str = "coalesce(event_name, '') <> 'fanlight.llm.exchange'";
/// How much of a log record is its title.
const TITLE: usize = 50;

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    q: Option<String>,
    /// The service.
    tool: Option<String>,
    /// `trace` or `log`; both when left out.
    r#type: Option<String>,
}

/// What happened, the newest first.
pub(super) async fn show(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    Query(times): Query<Times>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let part = Part {
        limit: Some(part.limit.unwrap_or(100)),
        offset: 0,
    };
    let kind = wanted.r#type.as_deref().unwrap_or_default();
    let mut items = Vec::new();
    if matches!(kind, "" | "trace") {
        let filter = LlmFilter {
            time: times.range()?,
            service: given(wanted.tool.clone()),
            text: given(wanted.q.clone()),
            kinds: LlmKinds::All,
            ..LlmFilter::default()
        };
        let found = calls(&app, filter, &part, |_| true).await?;
        items.extend(found.iter().map(|call| of_span(&row(call))));
    }
    if matches!(kind, "" | "log") {
        let (from, to) = times.read()?;
        let conditions = Conditions::default()
            .equal("service", wanted.tool.as_deref())
            .contains(&["body", "attributes"], wanted.q.as_deref())
            .between("time_ns", from, to)
            .and(NO_EXCHANGE);
        let found = logs::records(&app, &conditions, &part).await?;
        items.extend(found.into_iter().map(|log| of_log(&Value::Object(log))));
    }
    items.sort_by_key(|item| std::cmp::Reverse(item["timestamp"].as_i64()));
    items.truncate(part.limit());
    Ok(Json(Value::Array(items)))
}

fn of_span(span: &Value) -> Value {
    let first = |names: [&str; 2]| {
        let mut values = names.iter().map(|name| &span[*name]);
        values.find(|value| !value.is_null()).cloned()
    };
    json!({
        "id": span["id"],
        "type": "trace",
        "timestamp": span["timestamp"],
        "title": first(["span_name", "model"]),
        "subtitle": first(["service_name", "provider"]),
        "model": span["model"],
        "service_name": span["service_name"],
        "tool": span["service_name"],
        "status": span["status"],
        "duration_ms": span["duration_ms"],
        "tokens": span["total_tokens"],
        "cost": span["estimated_cost"],
        "data": span,
    })
}

fn of_log(log: &Value) -> Value {
    let body = log["body"].as_str().unwrap_or_default();
    let title = match log["event_name"].as_str() {
        Some(event) => event.to_owned(),
        None if body.is_empty() => "Log".to_owned(),
        None => body.chars().take(TITLE).collect(),
    };
    json!({
        "id": log["id"],
        "type": "log",
        "timestamp": log["timestamp"],
        "title": title,
        "subtitle": log["service_name"],
        "service_name": log["service_name"],
        "tool": log["service_name"],
        "severity_text": log["severity_text"],
        "data": log,
    })
}
