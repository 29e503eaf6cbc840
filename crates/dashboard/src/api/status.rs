//! `/api/status`.

use axum::Json;
use axum::extract::State;
use fanlight_store::Counts;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiError;
use crate::router::App;
use crate::status::Status;

/// Answer of `GET /api/status`: what the hub says about itself, and what the store holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Status)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusAnswer {
    #[serde(flatten)]
    hub: Status,
    /// How much the store takes on disk.
    store_bytes: u64,
    /// What the store holds.
    counts: Counts,
}

/// How the hub does and what the store holds.
#[utoipa::path(get, path = "/status", responses((status = OK, body = StatusAnswer), ApiError))]
pub(super) async fn show(State(app): State<App>) -> Result<Json<StatusAnswer>, ApiError> {
    let counts = app.store.counts().await?;
    Ok(Json(StatusAnswer {
        hub: app.status.status(),
        store_bytes: app.store.size_bytes(),
        counts,
    }))
}
