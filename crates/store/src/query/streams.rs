//! A metric's streams as they are, for those who make something of the points themselves.

use std::collections::BTreeMap;

use super::metrics::kind_name;
use super::series::SeriesFilter;
use super::series::points::{Labels, MetricPoint, load};
use super::{QueryError, TimeRange};
use crate::readers::View;

/// A metric with the points of its streams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricStreams {
    /// `gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`; empty when there is none of that name.
    pub kind: &'static str,
    /// Its unit.
    pub unit: String,
    /// Whether points count from a start instead of from the point before.
    pub is_cumulative: bool,
    /// Whether it is a sum that never falls.
    pub is_monotonic: bool,
    /// The streams.
    pub streams: Vec<MetricStream>,
}

/// What one source measured over time.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricStream {
    /// The attributes of its points, as text.
    pub attributes: BTreeMap<String, String>,
    /// The attributes of its resource, as text.
    pub resource: BTreeMap<String, String>,
    /// By time; the last one before the range is the first.
    pub points: Vec<MetricPoint>,
}

/// The streams of a metric.
pub(crate) fn metric_streams(
    view: &View,
    name: &str,
    time: TimeRange,
) -> Result<MetricStreams, QueryError> {
    let filter = SeriesFilter {
        name: name.to_owned(),
        time,
        ..SeriesFilter::default()
    };
    let loaded = load(view, &filter, Labels::All)?;
    let Some(kind) = loaded.kind else {
        return Ok(MetricStreams::default());
    };
    let streams = loaded.streams.into_iter().map(|stream| MetricStream {
        attributes: stream.labels,
        resource: stream.resource,
        points: stream.points,
    });
    Ok(MetricStreams {
        kind: kind_name(kind.number),
        unit: kind.unit,
        is_cumulative: kind.is_cumulative,
        is_monotonic: kind.is_monotonic,
        streams: streams.collect(),
    })
}
