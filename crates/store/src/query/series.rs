//! Metrics over time.

pub(super) mod points;
mod values;

use std::collections::BTreeMap;

use fanlight_otlp::{SpanId, TraceId};
use serde::{Deserialize, Serialize};

use super::json::as_text;
use super::metrics::kind_name;
use super::rate::DEFAULT_BINS;
use super::{AttributeFilter, Bins, QueryError, TimeRange};
use crate::readers::View;
use points::{Labels, Loaded, Stream, load};
use values::{Bin, gather};

/// The most series, and the most exemplars, of an answer.
const MAX_SERIES: usize = 50;
const MAX_EXEMPLARS: usize = 100;
/// A heat map has at most so many buckets; neighbours are joined until it does.
const MAX_BUCKETS: usize = 160;

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

/// The series of a metric.
pub(crate) fn metric_series(
    view: &View,
    filter: &SeriesFilter,
) -> Result<MetricSeries, QueryError> {
    let Loaded {
        kind,
        streams,
        mut exemplars,
    } = load(view, filter, Labels::Of(&filter.group_by))?;
    let times = || streams.iter().flat_map(|stream| &stream.points);
    let times = || times().map(|point| point.time_ns);
    let wanted = match filter.bins {
        0 => DEFAULT_BINS,
        bins => bins,
    };
    let bins = Bins::of(filter.time, times().min().zip(times().max()), wanted, 1);
    let mut answer = MetricSeries {
        name: filter.name.clone(),
        kind: kind.as_ref().map_or("", |kind| kind_name(kind.number)),
        unit: String::new(),
        start_nano: bins.start.cast_unsigned(),
        step_nano: bins.step.cast_unsigned(),
        series: Vec::new(),
        heatmap: None,
        exemplars: Vec::new(),
        truncated: false,
    };
    let Some(kind) = kind else {
        return Ok(answer);
    };
    let mut groups: BTreeMap<&BTreeMap<String, String>, Vec<&Stream>> = BTreeMap::new();
    for stream in &streams {
        groups.entry(&stream.labels).or_default().push(stream);
    }
    answer.truncated = groups.len() > MAX_SERIES;
    let aggregation = filter.aggregation.for_kind(&kind);
    let mut whole = vec![Bin::default(); bins.count];
    for (labels, streams) in groups.into_iter().take(MAX_SERIES) {
        let mut gathered = gather(&streams, &kind, bins, filter.time.first_ns());
        for (all, bin) in whole.iter_mut().zip(&gathered) {
            all.merge(bin);
        }
        answer.series.push(Series {
            labels: labels.clone(),
            values: gathered
                .iter_mut()
                .map(|bin| bin.value(aggregation, bins.step))
                .collect(),
        });
    }
    answer.heatmap = kind.is_histogram().then(|| heatmap(&whole));
    answer.unit = kind.unit;
    exemplars.sort_by_key(|exemplar| std::cmp::Reverse(exemplar.time_unix_nano));
    exemplars.truncate(MAX_EXEMPLARS);
    answer.exemplars = exemplars;
    Ok(answer)
}

/// The counts of all bins in the same buckets.
fn heatmap(bins: &[Bin]) -> Heatmap {
    let buckets = bins.iter().flat_map(Bin::buckets);
    let mut bounds: Vec<f64> = buckets
        .map(|(bound, _)| *bound)
        .filter(|bound| bound.is_finite())
        .collect();
    bounds.sort_unstable_by(f64::total_cmp);
    bounds.dedup();
    while bounds.len() > MAX_BUCKETS {
        // The upper bound of every second pair stays.
        let mut number = 0;
        let last = bounds.len() - 1;
        bounds.retain(|_| {
            number += 1;
            number % 2 == 0 || number == last + 1
        });
    }
    let row = |bin: &Bin| {
        let mut row = vec![0.0; bounds.len() + 1];
        for (bound, count) in bin.buckets() {
            let place = bounds.partition_point(|other| other < bound);
            if let Some(cell) = row.get_mut(place) {
                *cell += count;
            }
        }
        row
    };
    let counts = bins.iter().map(row).collect();
    Heatmap { bounds, counts }
}
