//! `/api/logs`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{LogFilter, LogRecord};
use serde::{Deserialize, Serialize};

use super::{ApiError, DEFAULT_LIMIT, Parameters};
use crate::router::App;

/// Parameters of `GET /api/logs`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogParameters {
    limit: Option<u32>,
    cursor: Option<String>,
    service: Option<String>,
    severity_min: i32,
    q: Option<String>,
}

/// Answer of `GET /api/logs` and of a trace's logs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogList {
    pub(super) logs: Vec<LogRecord>,
    pub(super) next_cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    Parameters(wanted): Parameters<LogParameters>,
) -> Result<Json<LogList>, ApiError> {
    let filter = LogFilter {
        limit: wanted.limit.unwrap_or(DEFAULT_LIMIT),
        cursor: wanted.cursor.filter(|text| !text.is_empty()),
        service: wanted.service.filter(|text| !text.is_empty()),
        severity_min: wanted.severity_min,
        text: wanted.q.filter(|text| !text.is_empty()),
        ..LogFilter::default()
    };
    let page = app.store.logs(filter).await?;
    Ok(Json(LogList {
        logs: page.items,
        next_cursor: page.next_cursor,
    }))
}
