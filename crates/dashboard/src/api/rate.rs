//! `/api/rate`: how many traces or log records there are over time.

use axum::Json;
use axum::extract::{RawQuery, State};
use fanlight_store::Rate;

use super::ApiError;
use super::logs::LogParameters;
use super::parameters::{Bins, Range, read};
use super::signal::{ItemParameters, OfSignal, SignalName, signal};
use super::traces::TraceParameters;
use crate::router::App;

/// How many traces or log records pass the filters of their list, over time.
#[utoipa::path(
    get, path = "/rate", params(OfSignal, Range, Bins, ItemParameters),
    responses((status = OK, body = Rate), ApiError)
)]
pub(super) async fn show(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Rate>, ApiError> {
    let query = query.unwrap_or_default();
    let rate = match signal(&query)? {
        SignalName::Traces => {
            let (_, range, bins, wanted) =
                read::<(OfSignal, Range, Bins, TraceParameters)>(&query)?;
            let filter = wanted.filter(range.time())?;
            app.store.trace_rate(filter, bins.count()).await?
        }
        SignalName::Logs => {
            let (_, range, bins, wanted) = read::<(OfSignal, Range, Bins, LogParameters)>(&query)?;
            let filter = wanted.filter(range.time())?;
            app.store.log_rate(filter, bins.count()).await?
        }
        SignalName::Metrics => {
            return Err(ApiError::bad("metrics have no rate of their own")
                .hint("ask for signal=traces or signal=logs"));
        }
    };
    Ok(Json(rate))
}
