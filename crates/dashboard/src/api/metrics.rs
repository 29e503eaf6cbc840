//! `/api/metrics` and `/api/services`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{MetricFilter, MetricSummary};
use serde::{Deserialize, Serialize};

use super::{ApiError, Parameters};
use crate::router::App;

/// Parameters of `GET /api/metrics`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MetricParameters {
    q: Option<String>,
    service: Option<String>,
}

/// Answer of `GET /api/metrics`.
#[derive(Debug, Serialize)]
pub(super) struct MetricList {
    metrics: Vec<MetricSummary>,
}

/// Answer of `GET /api/services`.
#[derive(Debug, Serialize)]
pub(super) struct ServiceList {
    services: Vec<String>,
}

pub(super) async fn list(
    State(app): State<App>,
    Parameters(wanted): Parameters<MetricParameters>,
) -> Result<Json<MetricList>, ApiError> {
    let filter = MetricFilter {
        name: wanted.q.filter(|text| !text.is_empty()),
        service: wanted.service.filter(|text| !text.is_empty()),
    };
    Ok(Json(MetricList {
        metrics: app.store.metrics(filter).await?,
    }))
}

pub(super) async fn services(State(app): State<App>) -> Result<Json<ServiceList>, ApiError> {
    Ok(Json(ServiceList {
        services: app.store.services().await?,
    }))
}
