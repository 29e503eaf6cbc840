//! Services and their operations: `/api/services`, `/api/operations`, `/api/overview`, `/api/red`, `/api/service-map`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{
    OperationFilter, OperationSummary, Overview, OverviewFilter, Red, RedFilter, ServiceMap,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{Bins, OfService, Range, given};
use super::{ApiError, Parameters};
use crate::router::App;

/// Answer of `GET /api/services`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ServiceList {
    /// Sorted.
    services: Vec<String>,
}

/// Answer of `GET /api/operations`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OperationList {
    /// By service and name.
    operations: Vec<OperationSummary>,
}

/// Whose rates are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RedParameters {
    /// The service.
    service: String,
    /// Only spans of this name.
    operation: Option<String>,
}

/// The names of all services that sent anything.
#[utoipa::path(get, path = "/services", responses((status = OK, body = ServiceList), ApiError))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<ServiceList>, ApiError> {
    let services = app.store.services().await?;
    Ok(Json(ServiceList { services }))
}

/// The operations of services, with rates, errors and durations.
#[utoipa::path(
    get, path = "/operations", params(Range, OfService),
    responses((status = OK, body = OperationList), ApiError)
)]
pub(super) async fn operations(
    State(app): State<App>,
    Parameters((range, of)): Parameters<(Range, OfService)>,
) -> Result<Json<OperationList>, ApiError> {
    let filter = OperationFilter {
        time: range.time(),
        service: of.name(),
    };
    let operations = app.store.operations(filter).await?;
    Ok(Json(OperationList { operations }))
}

/// Every service at a glance.
#[utoipa::path(
    get, path = "/overview", params(Range, Bins),
    responses((status = OK, body = Overview), ApiError)
)]
pub(super) async fn overview(
    State(app): State<App>,
    Parameters((range, bins)): Parameters<(Range, Bins)>,
) -> Result<Json<Overview>, ApiError> {
    let filter = OverviewFilter {
        time: range.time(),
        bins: bins.count(),
    };
    Ok(Json(app.store.overview(filter).await?))
}

/// Rate, errors and durations of a service, or of one of its operations, over time.
#[utoipa::path(
    get, path = "/red", params(Range, Bins, RedParameters),
    responses((status = OK, body = Red), ApiError)
)]
pub(super) async fn red(
    State(app): State<App>,
    Parameters((range, bins, wanted)): Parameters<(Range, Bins, RedParameters)>,
) -> Result<Json<Red>, ApiError> {
    let filter = RedFilter {
        time: range.time(),
        service: wanted.service,
        operation: given(wanted.operation),
        bins: bins.count(),
    };
    Ok(Json(app.store.red(filter).await?))
}

/// Who calls whom.
#[utoipa::path(
    get, path = "/service-map", params(Range),
    responses((status = OK, body = ServiceMap), ApiError)
)]
pub(super) async fn map(
    State(app): State<App>,
    Parameters((range,)): Parameters<(Range,)>,
) -> Result<Json<ServiceMap>, ApiError> {
    Ok(Json(app.store.service_map(range.time()).await?))
}
