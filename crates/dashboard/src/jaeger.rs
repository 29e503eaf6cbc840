//! Jaeger's query API, below `/jaeger/api`, as Grafana's Jaeger data source and Jaeger's own page use it.
//!
//! Structure and names are those of Jaeger's
//! [HTTP JSON API](https://www.jaegertracing.io/docs/latest/architecture/apis/#query-json-over-http): times and durations
//! are microseconds, every answer is `{"data", "total", "limit", "offset", "errors"}`. Unknown parameters are ignored, as
//! there. Tags are compared as text; `error=true` means a span of the service that failed.

mod search;
mod span;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use fanlight_otlp::TraceId;
use fanlight_store::{OperationFilter, QueryError, TimeRange};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::router::App;

/// The routes below `/jaeger`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/services", get(services))
        .route("/api/services/{service}/operations", get(operation_names))
        .route("/api/operations", get(operations))
        .route("/api/traces", get(search::traces))
        .route("/api/traces/{id}", get(trace))
        .route("/api/dependencies", get(dependencies))
        .fallback(unknown)
}

/// An answer with a list of names.
fn list<T: Serialize>(data: &[T]) -> Json<Value> {
    Json(json!({ "data": data, "total": data.len(), "limit": 0, "offset": 0, "errors": null }))
}

/// An answer with anything else, which Jaeger does not count.
fn uncounted(data: &[Value]) -> Json<Value> {
    Json(json!({ "data": data, "total": 0, "limit": 0, "offset": 0, "errors": null }))
}

/// An answer that says what is wrong.
#[derive(Debug)]
struct Problem(StatusCode, String);

impl Problem {
    fn bad(message: impl Into<String>) -> Problem {
        Problem(StatusCode::BAD_REQUEST, message.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem(status, message) = self;
        let body = json!({
            "data": null, "total": 0, "limit": 0, "offset": 0,
            "errors": [{ "code": status.as_u16(), "msg": message }],
        });
        (status, Json(body)).into_response()
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Problem {
        tracing::error!(error = %error, "a question to the store failed");
        Problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

async fn unknown(uri: Uri) -> Problem {
    let message = format!("Jaeger's API has nothing at {}", uri.path());
    Problem(StatusCode::NOT_FOUND, message)
}

async fn services(State(app): State<App>) -> Result<Json<Value>, Problem> {
    Ok(list(&app.store.services().await?))
}

async fn operation_names(
    State(app): State<App>,
    Path(service): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(list(&names(&app, service).await?))
}

#[derive(Deserialize)]
struct OfService {
    service: Option<String>,
}

/// Operations with their kinds, which are not rolled up: as with older storage of Jaeger's, they are empty.
async fn operations(
    State(app): State<App>,
    Query(of): Query<OfService>,
) -> Result<Json<Value>, Problem> {
    let service = of.service.filter(|service| !service.is_empty());
    let service = service.ok_or_else(|| Problem::bad("parameter 'service' is required"))?;
    let names = names(&app, service).await?;
    let operations: Vec<Value> = names
        .into_iter()
        .map(|name| json!({ "name": name, "spanKind": "" }))
        .collect();
    Ok(list(&operations))
}

async fn names(app: &App, service: String) -> Result<Vec<String>, QueryError> {
    let filter = OperationFilter {
        service: Some(service),
        ..OperationFilter::default()
    };
    let operations = app.store.operations(filter).await?;
    Ok(operations
        .into_iter()
        .map(|operation| operation.operation)
        .collect())
}

async fn trace(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = trace_id(&id)?;
    match app.store.trace(id).await? {
        Some(trace) => Ok(uncounted(&[span::trace(&trace)])),
        None => Err(Problem(StatusCode::NOT_FOUND, "trace not found".to_owned())),
    }
}

/// Reads a trace id; Jaeger leaves leading zeros out.
fn trace_id(text: &str) -> Result<TraceId, Problem> {
    format!("{text:0>32}")
        .parse()
        .map_err(|error| Problem::bad(format!("cannot parse trace ID {text:?}: {error}")))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Dependencies {
    /// Milliseconds since 1970. Default: now.
    end_ts: Option<u64>,
    /// Milliseconds. Default: a day.
    lookback: Option<u64>,
}

async fn dependencies(
    State(app): State<App>,
    Query(wanted): Query<Dependencies>,
) -> Result<Json<Value>, Problem> {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.unwrap_or(Duration::ZERO).as_millis();
    let end = wanted
        .end_ts
        .unwrap_or(u64::try_from(now).unwrap_or(u64::MAX));
    let time = TimeRange {
        from: Some(nanoseconds(
            end.saturating_sub(wanted.lookback.unwrap_or(DAY)),
        )),
        to: Some(nanoseconds(end)),
    };
    let map = app.store.service_map(time).await?;
    let edges: Vec<Value> = map
        .edges
        .iter()
        .map(|edge| json!({ "parent": edge.from, "child": edge.to, "callCount": edge.call_count }))
        .collect();
    Ok(uncounted(&edges))
}

const fn nanoseconds(milliseconds: u64) -> u64 {
    milliseconds.saturating_mul(1_000_000)
}
