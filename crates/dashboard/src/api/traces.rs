//! `/api/traces`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{LogRecord, Trace, TraceFilter, TraceSummary};
use serde::{Deserialize, Serialize};

use super::logs::LogList;
use super::{ApiError, DEFAULT_LIMIT, Parameters, trace_id};
use crate::router::App;

/// Parameters of `GET /api/traces`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TraceParameters {
    limit: Option<u32>,
    cursor: Option<String>,
    service: Option<String>,
    name: Option<String>,
    errors: bool,
    min_duration_ms: Option<f64>,
}

/// Answer of `GET /api/traces`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TraceList {
    traces: Vec<TraceSummary>,
    next_cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    Parameters(wanted): Parameters<TraceParameters>,
) -> Result<Json<TraceList>, ApiError> {
    let filter = TraceFilter {
        limit: wanted.limit.unwrap_or(DEFAULT_LIMIT),
        cursor: wanted.cursor.filter(|text| !text.is_empty()),
        service: wanted.service.filter(|text| !text.is_empty()),
        name: wanted.name.filter(|text| !text.is_empty()),
        errors_only: wanted.errors,
        // A float turns into an integer by saturating, so a negative number means none.
        min_duration_nano: (wanted.min_duration_ms.unwrap_or_default() * 1e6) as u64,
        ..TraceFilter::default()
    };
    let page = app.store.traces(filter).await?;
    Ok(Json(TraceList {
        traces: page.items,
        next_cursor: page.next_cursor,
    }))
}

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
pub(super) async fn logs(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<LogList>, ApiError> {
    let logs: Vec<LogRecord> = app.store.trace_logs(trace_id(&id)?).await?;
    Ok(Json(LogList {
        logs,
        next_cursor: None,
    }))
}
