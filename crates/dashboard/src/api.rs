//! The JSON API. Every answer that is not 200 is `{"error": {"message", "hint"}}`.

mod error;
mod live;
mod logs;
mod metrics;
mod status;
mod traces;

use axum::extract::FromRequestParts;
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use axum::routing::{MethodRouter, get};
use axum::{Json, Router};
use fanlight_otlp::TraceId;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

pub(crate) use error::ApiError;

use crate::router::App;

/// How many entries a page has when nobody asks for a number.
const DEFAULT_LIMIT: u32 = 50;

/// The routes below `/api`.
pub(crate) fn routes() -> Router<App> {
    let routes: [(&str, MethodRouter<App>); 9] = [
        ("/health", get(health)),
        ("/traces", get(traces::list)),
        ("/traces/{trace_id}", get(traces::one)),
        ("/traces/{trace_id}/logs", get(traces::logs)),
        ("/logs", get(logs::list)),
        ("/metrics", get(metrics::list)),
        ("/services", get(metrics::services)),
        ("/live", get(live::stream)),
        ("/status", get(status::show)),
    ];
    routes
        .into_iter()
        .fold(Router::new(), |router, (path, handler)| {
            router.route(path, handler)
        })
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, format!("there is nothing at /api{}", uri.path())).hint(
        "it has /api/health, /api/traces, /api/logs, /api/metrics, /api/services, /api/live and /api/status",
    )
}

async fn not_allowed(method: Method) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not answered here"),
    )
    .hint("the API is for reading; send telemetry to /v1/traces, /v1/metrics or /v1/logs")
}

/// Query parameters, strictly: an unknown one is an error.
struct Parameters<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters<T>, ApiError> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(parameters)| Parameters(parameters))
            .map_err(|rejection| {
                let message = rejection.body_text();
                let fact = message
                    .strip_prefix("Failed to deserialize query string: ")
                    .unwrap_or(&message);
                ApiError::new(StatusCode::BAD_REQUEST, fact)
            })
    }
}

/// Reads the trace id of a path.
fn trace_id(text: &str) -> Result<TraceId, ApiError> {
    text.parse().map_err(|error| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            format!("{text:?} is not a trace id: {error}"),
        )
    })
}
