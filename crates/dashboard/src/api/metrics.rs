//! `/api/metrics` and `/api/services`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{MetricFilter, MetricSummary};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ApiError, Parameters, given};
use crate::router::App;

/// Parameters of `GET /api/metrics`.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct MetricParameters {
    /// Only those with this in their name.
    q: Option<String>,
    /// Only those of this service.
    service: Option<String>,
}

/// Answer of `GET /api/metrics`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MetricList {
    /// By name.
    metrics: Vec<MetricSummary>,
}

/// Answer of `GET /api/services`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceList {
    /// Sorted.
    services: Vec<String>,
}

/// Metrics with their last values.
#[utoipa::path(get, path = "/metrics", params(MetricParameters), responses((status = OK, body = MetricList), ApiError))]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((wanted,)): Parameters<(MetricParameters,)>,
) -> Result<Json<MetricList>, ApiError> {
    let filter = MetricFilter {
        name: given(wanted.q),
        service: given(wanted.service),
    };
    Ok(Json(MetricList {
        metrics: app.store.metrics(filter).await?,
    }))
}

/// The names of all services that sent anything.
#[utoipa::path(get, path = "/services", responses((status = OK, body = ServiceList), ApiError))]
pub(super) async fn services(State(app): State<App>) -> Result<Json<ServiceList>, ApiError> {
    Ok(Json(ServiceList {
        services: app.store.services().await?,
    }))
}
