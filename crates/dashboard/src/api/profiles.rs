//! `/api/profiles`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{FlameGraph, ProfileFilter, ProfileSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{OfService, Range, given};
use super::{ApiError, Parameters};
use crate::router::App;

/// Answer of `GET /api/profiles`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProfileList {
    /// Newest first.
    profiles: Vec<ProfileSummary>,
}

/// How a profile is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct ProfileParameters {
    /// What was counted, such as `cpu`. Default: the profile's own.
    sample_type: Option<String>,
}

/// Profiles, newest first.
#[utoipa::path(
    get, path = "/profiles", params(Range, OfService),
    responses((status = OK, body = ProfileList), ApiError)
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((range, of)): Parameters<(Range, OfService)>,
) -> Result<Json<ProfileList>, ApiError> {
    let filter = ProfileFilter {
        time: range.time(),
        service: of.name(),
    };
    let profiles = app.store.profiles(filter).await?;
    Ok(Json(ProfileList { profiles }))
}

/// A profile as a flame graph.
#[utoipa::path(
    get, path = "/profiles/{id}", params(("id" = String, Path, description = "Its id in the list"), ProfileParameters),
    responses((status = OK, body = FlameGraph), ApiError)
)]
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
    Parameters((wanted,)): Parameters<(ProfileParameters,)>,
) -> Result<Json<FlameGraph>, ApiError> {
    let found = app
        .store
        .profile(id.clone(), given(wanted.sample_type))
        .await?;
    found.map(Json).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is no profile {id} with such samples"),
        )
    })
}
