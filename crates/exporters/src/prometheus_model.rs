//! OTLP metrics in Prometheus' data model, for the exporters that write it.
//!
//! ```text
//! labels   resource, scope and attributes as labels; texts stored once
//! points   data points as numbers, classic and native histograms, summaries
//! ```
//! The rules are those of [the specification](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#otlp-metric-points-to-prometheus)
//! and of the Collector, whose names `fanlight_formats` makes. What
//! Prometheus can't hold is an [`Unfit`] point: left out, counted and told.

mod labels;
mod points;

pub(crate) use fanlight_formats::prometheus::names::{Names, Strategy, Type};
pub(crate) use fanlight_formats::prometheus::number;
pub(crate) use labels::{Label, LabelSettings, Labeller, ResourceLabels, Symbol, Symbols};
pub(crate) use points::{
    Exemplar, Measurement, Native, NativeBuckets, Unfit, exemplars, is_stale, kind, measure, millis,
};
