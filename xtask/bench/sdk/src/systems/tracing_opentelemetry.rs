//! tracing with tracing-opentelemetry, over a processor that does nothing.

use anyhow::Result;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::Value;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::opentelemetry::Nothing;
use super::unknown;
use crate::measure;

pub fn run(case: &str) -> Result<Value> {
    let provider = SdkTracerProvider::builder().with_span_processor(Nothing).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer.with_filter(LevelFilter::INFO)))?;
    match case {
        "span" => Ok(measure::calls(|index| {
            let _span = tracing::info_span!("work", index, name = "value").entered();
        })),
        "disabled" => Ok(measure::calls(|index| {
            let _span = tracing::debug_span!("work", index, name = "value").entered();
        })),
        _ => unknown(case),
    }
}
