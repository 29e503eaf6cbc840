//! `/api/metrics`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{Aggregation, MetricFilter, MetricSeries, MetricSummary, SeriesFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{Bins, Range, attributes, given};
use super::{ApiError, Parameters};
use crate::router::App;

/// Which metrics are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct MetricParameters {
    /// Only those with this in their name.
    q: Option<String>,
    /// Only those of this service.
    service: Option<String>,
}

/// Which series are wanted, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct SeriesParameters {
    /// The metric.
    name: String,
    /// Only of this service.
    service: Option<String>,
    /// An attribute whose values make a series; may be repeated. All others are joined.
    #[serde(default)]
    group_by: Vec<String>,
    /// How points become one value of a bin. `auto`: rate for sums that never fall, p95 for histograms, else avg.
    #[serde(default)]
    #[param(inline)]
    aggregation: Aggregation,
    /// Only points that have this attribute, or whose resource has it, as `key=value`; may be repeated.
    #[serde(default)]
    attr: Vec<String>,
}

/// Answer of `GET /api/metrics`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MetricList {
    /// By name.
    metrics: Vec<MetricSummary>,
}

impl MetricParameters {
    pub(super) fn filter(self) -> MetricFilter {
        MetricFilter {
            name: given(self.q),
            service: given(self.service),
        }
    }
}

/// Metrics with their last values.
#[utoipa::path(
    get, path = "/metrics", params(MetricParameters),
    responses((status = OK, body = MetricList), ApiError)
)]
pub(super) async fn list(
    State(app): State<App>,
    Parameters((wanted,)): Parameters<(MetricParameters,)>,
) -> Result<Json<MetricList>, ApiError> {
    let metrics = app.store.metrics(wanted.filter()).await?;
    Ok(Json(MetricList { metrics }))
}

/// A metric over time, as series, heat map and exemplars.
#[utoipa::path(
    get, path = "/metrics/series", params(Range, Bins, SeriesParameters),
    responses((status = OK, body = MetricSeries), ApiError)
)]
pub(super) async fn series(
    State(app): State<App>,
    Parameters((range, bins, wanted)): Parameters<(Range, Bins, SeriesParameters)>,
) -> Result<Json<MetricSeries>, ApiError> {
    let filter = SeriesFilter {
        name: wanted.name,
        service: given(wanted.service),
        time: range.time(),
        bins: bins.count(),
        group_by: wanted.group_by,
        aggregation: wanted.aggregation,
        attributes: attributes(wanted.attr)?,
    };
    Ok(Json(app.store.metric_series(filter).await?))
}
