//! `/api/errors`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{ErrorFilter, ErrorGroup};
use serde::Serialize;
use utoipa::ToSchema;

use super::parameters::{OfService, Range};
use super::{ApiError, Parameters};
use crate::router::App;

/// Answer of `GET /api/errors`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErrorList {
    /// The most frequent first.
    groups: Vec<ErrorGroup>,
}

/// Exceptions of spans and logs, grouped by type and place.
#[utoipa::path(
    get, path = "/errors", params(Range, OfService),
    responses((status = OK, body = ErrorList), ApiError)
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((range, of)): Parameters<(Range, OfService)>,
) -> Result<Json<ErrorList>, ApiError> {
    let filter = ErrorFilter {
        time: range.time(),
        service: of.name(),
    };
    let groups = app.store.errors(filter).await?;
    Ok(Json(ErrorList { groups }))
}
