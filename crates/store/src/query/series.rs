//! Metrics over time.

use std::collections::BTreeMap;

use fanlight_otlp::{SpanId, TraceId};
use serde::{Deserialize, Serialize};

use super::json::as_text;
use super::{AttributeFilter, TimeRange};

/// Which series are wanted, and how.
#[derive(Clone, Debug, Default)]
pub struct SeriesFilter {
    /// The metric's name.
    pub name: String,
    /// Only of this service.
    pub service: Option<String>,
    /// When it was measured.
    pub time: TimeRange,
    /// How many parts the time is divided into. 0 means 60.
    pub bins: u32,
    /// The attributes whose values make a series; all others are joined.
    pub group_by: Vec<String>,
    /// How points become one value of a bin.
    pub aggregation: Aggregation,
    /// Only points with these attributes, or of resources that have them.
    pub attributes: Vec<AttributeFilter>,
}

/// How the points of a bin become one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Aggregation {
    /// What suits the metric: rate for sums that never fall, p95 for histograms, avg for the rest.
    #[default]
    Auto,
    /// The mean of the points.
    Avg,
    /// The sum of the series' values.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The increase in a second, resets of counters accounted for.
    Rate,
    /// The median.
    P50,
    /// The 95th percentile.
    P95,
    /// The 99th percentile.
    P99,
    /// How many points there are, or values in histograms.
    Count,
}

/// The series of a metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = MetricData))]
#[serde(rename_all = "camelCase")]
pub struct MetricSeries {
    /// The metric's name.
    pub name: String,
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`; empty when there is none of that name.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::MetricType))]
    pub kind: &'static str,
    /// Its unit.
    pub unit: String,
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// The series, at most 50.
    pub series: Vec<Series>,
    /// How a histogram's values are spread over time; none for other metrics.
    #[cfg_attr(feature = "openapi", schema(required, inline))]
    pub heatmap: Option<Heatmap>,
    /// Examples with the spans in which they were measured.
    pub exemplars: Vec<Exemplar>,
    /// Whether there are more series.
    pub truncated: bool,
}

/// One series.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = MetricSeries))]
pub struct Series {
    /// The attributes that tell it from others.
    pub labels: BTreeMap<String, String>,
    /// One value a bin; none where nothing was measured.
    pub values: Vec<Option<f64>>,
}

/// The counts of a histogram's buckets over time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heatmap {
    /// The upper bounds of the buckets; there is one bucket more, past the last of them.
    pub bounds: Vec<f64>,
    /// For each bin, the values in each bucket.
    pub counts: Vec<Vec<f64>>,
}

/// A value that was measured in a span.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Exemplar {
    /// When, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_unix_nano: u64,
    /// The value.
    pub value: f64,
    /// The span's trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
}
