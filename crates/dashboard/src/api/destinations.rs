//! `/api/destinations`: trying where telemetry is sent to.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::ApiError;
use crate::router::App;
use crate::status::TestOutcome;

/// Sends one test item of each signal to a destination and says what it answered.
#[utoipa::path(
    post, path = "/destinations/{id}/test", params(("id" = String, Path, description = "The exporter's id in `/api/status`")),
    responses((status = OK, body = TestOutcome), ApiError)
)]
pub(super) async fn test(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<TestOutcome>, ApiError> {
    app.status.send_test(&id).await.map(Json).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is no destination {id}"),
        )
        .hint("/api/status lists them under exporters")
    })
}
