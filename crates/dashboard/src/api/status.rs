//! `/api/status`.

use axum::Json;
use axum::extract::State;
use fanlight_store::Counts;
use serde::Serialize;

use super::ApiError;
use crate::router::App;
use crate::status::Status;

/// Answer of `GET /api/status`: what the hub says about itself, and what the store holds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusAnswer {
    #[serde(flatten)]
    hub: Status,
    store_bytes: u64,
    counts: Counts,
}

pub(super) async fn show(State(app): State<App>) -> Result<Json<StatusAnswer>, ApiError> {
    let counts = app.store.counts().await?;
    Ok(Json(StatusAnswer {
        hub: app.status.status(),
        store_bytes: app.store.size_bytes(),
        counts,
    }))
}
