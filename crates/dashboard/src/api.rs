//! The JSON API. Every answer that is not 200 is `{"error": {"message", "hint"}}`.

mod body;
mod destinations;
mod error;
mod exceptions;
mod export;
mod import;
mod live;
mod llm;
mod logs;
mod metrics;
mod parameters;
mod profiles;
mod rate;
mod services;
mod signal;
mod sql;
mod status;
mod traces;
mod views;

use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode, Uri};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use fanlight_otlp::TraceId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use body::Body;
pub(crate) use error::{ApiError, ErrorBody};
use parameters::Parameters;

use crate::llmflow;
use crate::openapi;
use crate::router::App;

/// How many entries a page has when nobody asks for a number.
const DEFAULT_LIMIT: u32 = 50;

/// The routes below `/api`.
pub(crate) fn routes() -> Router<App> {
    documented()
        .split_for_parts()
        .0
        .merge(llmflow::routes())
        .route("/openapi.json", get(document))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
}

/// What the routes say about themselves; paths begin below `/api`.
pub(crate) fn description() -> OpenApi {
    documented().split_for_parts().1
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(traces::list))
        .routes(routes!(traces::one))
        .routes(routes!(traces::logs))
        .routes(routes!(logs::list))
        .routes(routes!(logs::facets))
        .routes(routes!(rate::show))
        .routes(routes!(metrics::list))
        .routes(routes!(metrics::series))
        .routes(routes!(services::list))
        .routes(routes!(services::operations))
        .routes(routes!(services::overview))
        .routes(routes!(services::red))
        .routes(routes!(services::map))
        .routes(routes!(exceptions::list))
        .routes(routes!(profiles::list))
        .routes(routes!(profiles::one))
        .routes(routes!(sql::ask))
        .routes(routes!(sql::schema))
        .routes(routes!(export::stream))
        .routes(routes!(import::take))
        .routes(routes!(views::list, views::put))
        .routes(routes!(views::delete))
        .routes(routes!(destinations::test))
        .routes(routes!(llm::calls))
        .routes(routes!(llm::facets))
        .routes(routes!(llm::call))
        .routes(routes!(llm::cost))
        .routes(routes!(llm::sessions))
        .routes(routes!(llm::session))
        .routes(routes!(llm::agents))
        .routes(routes!(llm::graph))
        .routes(routes!(live::stream))
        .routes(routes!(status::show))
}

/// Answer of `GET /api/health`.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
    /// The hub's version.
    version: &'static str,
}

/// Says that the hub works.
#[utoipa::path(get, path = "/health", responses((status = OK, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}

async fn document() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::text())
}

async fn unknown(uri: Uri) -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        format!("there is nothing at /api{}", uri.path()),
    )
    .hint("/api/openapi.json says what there is")
}

async fn not_allowed(method: Method) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not answered here"),
    )
    .hint("/api/openapi.json says what is; send telemetry to /v1/traces, /v1/metrics or /v1/logs")
}

/// Reads the trace id of a path.
fn trace_id(text: &str) -> Result<TraceId, ApiError> {
    text.parse()
        .map_err(|error| ApiError::bad(format!("{text:?} is not a trace id: {error}")))
}
