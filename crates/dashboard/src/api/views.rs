//! `/api/views`: views of the page that somebody saved.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{NewView, SavedView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiError;
use super::body::Body;
use crate::router::App;

/// The most bytes that a name, a page or a query may have.
const LONGEST: usize = 4096;

/// Answer of `GET /api/views`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ViewList {
    /// By page and name.
    views: Vec<SavedView>,
}

/// A view to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewToSave {
    /// What it shall be called.
    name: String,
    /// The page that it is of, such as `traces`.
    page: String,
    /// The page's query string.
    query: String,
}

/// The saved views.
#[utoipa::path(get, path = "/views", responses((status = OK, body = ViewList), ApiError))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<ViewList>, ApiError> {
    let views = app.store.views().await?;
    Ok(Json(ViewList { views }))
}

/// Saves a view; one of the same name and page is replaced.
#[utoipa::path(
    put, path = "/views", request_body = ViewToSave,
    responses((status = OK, body = SavedView), ApiError)
)]
pub(super) async fn put(
    State(app): State<App>,
    Body(view): Body<ViewToSave>,
) -> Result<Json<SavedView>, ApiError> {
    if view.name.trim().is_empty() || view.page.is_empty() {
        return Err(ApiError::bad("a view needs a name and a page"));
    }
    if [&view.name, &view.page, &view.query]
        .iter()
        .any(|text| text.len() > LONGEST)
    {
        return Err(ApiError::bad(format!(
            "name, page and query may have {LONGEST} bytes each"
        )));
    }
    let view = NewView {
        name: view.name,
        page: view.page,
        query: view.query,
    };
    Ok(Json(app.store.put_view(view).await?))
}

/// Deletes a saved view.
#[utoipa::path(
    delete, path = "/views/{id}", params(("id" = String, Path, description = "The view's id")),
    responses((status = NO_CONTENT), ApiError)
)]
pub(super) async fn delete(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if app.store.delete_view(id.clone()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::new(
        StatusCode::NOT_FOUND,
        format!("there is no view {id}"),
    ))
}
