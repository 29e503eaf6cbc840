//! `/api/logs`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{LogFacets, LogFilter, LogRecord, TimeRange};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{Paging, Range, attributes, given};
use super::{ApiError, Parameters, trace_id};
use crate::router::App;

/// Which log records are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct LogParameters {
    /// Only those of this service.
    service: Option<String>,
    /// Only those with at least this `SeverityNumber`.
    severity_min: i32,
    /// Only those with this in their body.
    q: Option<String>,
    /// Only those that have this attribute, or whose resource has it, as `key=value`; may be repeated.
    attr: Vec<String>,
    /// Only those of this trace.
    trace_id: Option<String>,
}

/// Answer of `GET /api/logs` and of a trace's logs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogPage {
    /// Newest first; those of a trace in the order of time.
    pub(super) logs: Vec<LogRecord>,
    /// Where the next page begins; none on the last.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

impl LogParameters {
    /// The filter that they mean, for all that passes it.
    pub(super) fn filter(self, time: TimeRange) -> Result<LogFilter, ApiError> {
        Ok(LogFilter {
            limit: 0,
            cursor: None,
            time,
            service: given(self.service),
            severity_min: self.severity_min,
            text: given(self.q),
            attributes: attributes(self.attr)?,
            trace_id: given(self.trace_id).as_deref().map(trace_id).transpose()?,
        })
    }
}

/// Log records, newest first.
#[utoipa::path(
    get, path = "/logs", params(Range, Paging, LogParameters),
    responses((status = OK, body = LogPage), ApiError)
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((range, paging, wanted)): Parameters<(Range, Paging, LogParameters)>,
) -> Result<Json<LogPage>, ApiError> {
    let filter = LogFilter {
        limit: paging.limit(),
        cursor: paging.cursor(),
        ..wanted.filter(range.time())?
    };
    let page = app.store.logs(filter).await?;
    Ok(Json(LogPage {
        logs: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// What the newest 10,000 log records that match have in common.
#[utoipa::path(
    get, path = "/logs/facets", params(Range, LogParameters),
    responses((status = OK, body = LogFacets), ApiError)
)]
pub(super) async fn facets(
    State(app): State<App>,
    Parameters((range, wanted)): Parameters<(Range, LogParameters)>,
) -> Result<Json<LogFacets>, ApiError> {
    let filter = wanted.filter(range.time())?;
    Ok(Json(app.store.log_facets(filter).await?))
}
