//! `/api/traces`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{LogRecord, TimeRange, Trace, TraceFilter, TraceSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::logs::LogPage;
use super::parameters::{Paging, Range, attributes, given};
use super::{ApiError, Parameters, trace_id};
use crate::router::App;

/// Which traces are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct TraceParameters {
    /// Only those in which this service took part.
    service: Option<String>,
    /// Only those with a span of exactly this name.
    operation: Option<String>,
    /// Only those with this in a span's name.
    name: Option<String>,
    /// Only those with this in a span's name, attributes, events or status message.
    q: Option<String>,
    /// Only those with a span that failed.
    errors: bool,
    /// Only those that took at least so long.
    min_duration_ms: Option<f64>,
    /// Only those that took at most so long.
    max_duration_ms: Option<f64>,
    /// Only those with a span that has this attribute, as `key=value`; may be repeated.
    attr: Vec<String>,
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

impl TraceParameters {
    /// The filter that they mean, for all that passes it.
    pub(super) fn filter(self, time: TimeRange) -> Result<TraceFilter, ApiError> {
        Ok(TraceFilter {
            limit: 0,
            cursor: None,
            time,
            service: given(self.service),
            operation: given(self.operation),
            name: given(self.name),
            text: given(self.q),
            attributes: attributes(self.attr)?,
            errors_only: self.errors,
            min_duration_nano: self.min_duration_ms.map(nanoseconds).unwrap_or_default(),
            max_duration_nano: self.max_duration_ms.map(nanoseconds),
        })
    }
}

/// A float turns into an integer by saturating, so a negative number means none.
fn nanoseconds(milliseconds: f64) -> u64 {
    (milliseconds * 1e6) as u64
}

/// Traces, newest first.
#[utoipa::path(
    get, path = "/traces", params(Range, Paging, TraceParameters),
    responses((status = OK, body = TracePage), ApiError)
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((range, paging, wanted)): Parameters<(Range, Paging, TraceParameters)>,
) -> Result<Json<TracePage>, ApiError> {
    let filter = TraceFilter {
        limit: paging.limit(),
        cursor: paging.cursor(),
        ..wanted.filter(range.time())?
    };
    let page = app.store.traces(filter).await?;
    Ok(Json(TracePage {
        traces: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// A trace with its spans.
#[utoipa::path(
    get, path = "/traces/{traceId}", params(("traceId" = String, Path, description = "32 hexadecimal digits")),
    responses((status = OK, body = Trace), ApiError)
)]
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

/// The logs of a trace, in the order of time; none is no error, since logs may come without their trace.
#[utoipa::path(
    get, path = "/traces/{traceId}/logs", params(("traceId" = String, Path, description = "32 hexadecimal digits")),
    responses((status = OK, body = LogPage), ApiError)
)]
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
