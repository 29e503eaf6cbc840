//! Routes that answer for several signals: each takes the filters of the signal's list.

use serde::Deserialize;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};

use super::ApiError;
use super::logs::LogParameters;
use super::metrics::MetricParameters;
use super::parameters::group;
use super::traces::TraceParameters;

/// Which signal is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct OfSignal {
    /// `traces`, `logs` or, where it makes sense, `metrics`.
    #[param(inline)]
    signal: SignalName,
}

/// A signal that has a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SignalName {
    Traces,
    Logs,
    Metrics,
}

/// The filters of every list; which of them count depends on the signal.
pub(super) struct ItemParameters;

impl IntoParams for ItemParameters {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut all: Vec<Parameter> = Vec::new();
        let lists = [
            TraceParameters::into_params(&parameter_in),
            LogParameters::into_params(&parameter_in),
            MetricParameters::into_params(&parameter_in),
        ];
        for parameter in lists.into_iter().flatten() {
            if !all.iter().any(|known| known.name == parameter.name) {
                all.push(parameter);
            }
        }
        all
    }
}

/// Reads the signal of a query, whatever else it says.
pub(super) fn signal(query: &str) -> Result<SignalName, ApiError> {
    group::<OfSignal>(query).map(|of| of.signal)
}
