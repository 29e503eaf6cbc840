//! `/api/traces`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{LogRecord, Trace, TraceFilter, TraceSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::logs::LogPage;
use super::{ApiError, DEFAULT_LIMIT, Parameters, given, trace_id};
use crate::router::App;

/// Parameters of `GET /api/traces`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct TraceParameters {
    /// How many to answer, 1000 at most. Default: 50.
    limit: Option<u32>,
    /// Where to go on: the `nextCursor` of the page before.
    cursor: Option<String>,
    /// Only those in which this service took part.
    service: Option<String>,
    /// Only those with this in a span's name.
    name: Option<String>,
    /// Only those with a span that failed.
    errors: bool,
    /// Only those that took at least so long.
    min_duration_ms: Option<f64>,
}

/// Answer of `GET /api/traces`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TracePage {
    /// Newest first.
    traces: Vec<TraceSummary>,
    /// Where the next page begins; none on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Traces, newest first.
#[utoipa::path(get, path = "/traces", params(TraceParameters), responses((status = OK, body = TracePage), ApiError))]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((wanted,)): Parameters<(TraceParameters,)>,
) -> Result<Json<TracePage>, ApiError> {
    let filter = TraceFilter {
        limit: wanted.limit.unwrap_or(DEFAULT_LIMIT),
        cursor: given(wanted.cursor),
        service: given(wanted.service),
        name: given(wanted.name),
        errors_only: wanted.errors,
        // A float turns into an integer by saturating, so a negative number means none.
        min_duration_nano: (wanted.min_duration_ms.unwrap_or_default() * 1e6) as u64,
    };
    let page = app.store.traces(filter).await?;
    Ok(Json(TracePage {
        traces: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// A trace with its spans.
#[utoipa::path(get, path = "/traces/{trace_id}", responses((status = OK, body = Trace), ApiError))]
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Trace>, ApiError> {
    let id = trace_id(&id)?;
    app.store.trace(id).await?.map(Json).ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, format!("there is no trace {id}"))
            .hint("it may not have arrived yet, or it was deleted because it was old")
    })
}

/// The logs of a trace; none is no error, since logs may come without their trace.
#[utoipa::path(get, path = "/traces/{trace_id}/logs", responses((status = OK, body = LogPage), ApiError))]
pub(super) async fn logs(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<LogPage>, ApiError> {
    let logs: Vec<LogRecord> = app.store.trace_logs(trace_id(&id)?).await?;
    Ok(Json(LogPage {
        logs,
        next_cursor: None,
    }))
}
