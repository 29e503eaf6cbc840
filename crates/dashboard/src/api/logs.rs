//! `/api/logs`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{LogFilter, LogRecord};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiError, DEFAULT_LIMIT, Parameters, given};
use crate::router::App;

/// Parameters of `GET /api/logs`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct LogParameters {
    /// How many to answer, 1000 at most. Default: 50.
    limit: Option<u32>,
    /// Where to go on: the `nextCursor` of the page before.
    cursor: Option<String>,
    /// Only those of this service.
    service: Option<String>,
    /// Only those with at least this `SeverityNumber`.
    severity_min: i32,
    /// Only those with this in their body.
    q: Option<String>,
}

/// Answer of `GET /api/logs` and of a trace's logs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogPage {
    /// Newest first.
    pub(super) logs: Vec<LogRecord>,
    /// Where the next page begins; none on the last.
    #[schema(required)]
    pub(super) next_cursor: Option<String>,
}

/// Log records, newest first.
#[utoipa::path(get, path = "/logs", params(LogParameters), responses((status = OK, body = LogPage), ApiError))]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((wanted,)): Parameters<(LogParameters,)>,
) -> Result<Json<LogPage>, ApiError> {
    let filter = LogFilter {
        limit: wanted.limit.unwrap_or(DEFAULT_LIMIT),
        cursor: given(wanted.cursor),
        service: given(wanted.service),
        severity_min: wanted.severity_min,
        text: given(wanted.q),
    };
    let page = app.store.logs(filter).await?;
    Ok(Json(LogPage {
        logs: page.items,
        next_cursor: page.next_cursor,
    }))
}
