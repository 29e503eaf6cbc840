//! The streams of a metric with their points, joined from all partitions.

use std::collections::BTreeMap;

use fanlight_otlp::view::{ExponentialHistogramView, HistogramView, PointValue, PointView, Value};
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params};

use super::super::sql::metric_kind;
use super::{Exemplar, SeriesFilter};
use crate::block::key_value;
use crate::query::json::with_resource;
use crate::query::{QueryError, any_value_text};
use crate::readers::View;
use crate::wire::payloads;

/// The most points that a question looks at: past that, the earliest are left out.
const MAX_POINTS: usize = 2_000_000;

/// What is known of the metric itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::query) struct Kind {
    pub(in crate::query) number: i64,
    pub(in crate::query) unit: String,
    pub(in crate::query) is_cumulative: bool,
    pub(in crate::query) is_monotonic: bool,
}

impl Kind {
    pub(super) const fn is_number(&self) -> bool {
        matches!(self.number, 5 | 7)
    }

    pub(super) const fn is_histogram(&self) -> bool {
        matches!(self.number, 9 | 10)
    }
}

/// A stream: its labels, its resource's attributes where all are wanted, and its points by time.
#[derive(Clone, Debug, Default)]
pub(in crate::query) struct Stream {
    pub(in crate::query) labels: BTreeMap<String, String>,
    pub(in crate::query) resource: BTreeMap<String, String>,
    pub(in crate::query) points: Vec<MetricPoint>,
}

/// A point of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricPoint {
    /// When it was measured, in nanoseconds since 1970.
    pub time_ns: i64,
    /// Since when it counts, in nanoseconds since 1970; 0 where nobody said.
    pub start_ns: i64,
    /// What was measured.
    pub value: Measured,
}

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Measured {
    /// The number of a gauge or a sum.
    Number(f64),
    /// The values of a histogram or a summary.
    Spread(Spread),
}

/// How values are spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spread {
    /// How many there are.
    pub count: f64,
    /// Their sum.
    pub sum: f64,
    /// Upper bounds of buckets with the counts of each bucket alone, in rising order.
    pub buckets: Vec<(f64, f64)>,
    /// Quantiles with their values, as a summary came with them.
    pub quantiles: Vec<(f64, f64)>,
}

/// What was found.
#[derive(Debug, Default)]
pub(in crate::query) struct Loaded {
    pub(in crate::query) kind: Option<Kind>,
    pub(in crate::query) streams: Vec<Stream>,
    pub(in crate::query) exemplars: Vec<Exemplar>,
}

/// What makes streams of several partitions the same one.
type Identity = [Vec<u8>; 3];

/// A row of a stream that passes.
struct Row {
    id: i64,
    kind: Kind,
    identity: Identity,
    labels: BTreeMap<String, String>,
    resource: BTreeMap<String, String>,
}

/// Which attributes are a stream's labels.
#[derive(Clone, Copy, Debug)]
pub(in crate::query) enum Labels<'a> {
    /// All those of its points.
    All,
    /// These, of its points or else of its resource.
    Of(&'a [String]),
}

/// Finds the streams that pass, with their points in the range, and the last one before it.
pub(in crate::query) fn load(
    view: &View,
    filter: &SeriesFilter,
    labels: Labels<'_>,
) -> Result<Loaded, QueryError> {
    let mut loaded = Loaded::default();
    let mut streams: BTreeMap<Identity, Stream> = BTreeMap::new();
    let mut budget = MAX_POINTS;
    // Newest first: the metric is what it is now, and streams of another type under its name are left out.
    for partition in &view.partitions {
        for row in rows(&partition.connection, filter, labels)? {
            let kind = loaded.kind.get_or_insert_with(|| row.kind.clone());
            if (kind.number, kind.is_cumulative) != (row.kind.number, row.kind.is_cumulative) {
                continue;
            }
            let stream = streams.entry(row.identity.clone()).or_default();
            stream.labels.clone_from(&row.labels);
            stream.resource.clone_from(&row.resource);
            points(
                &partition.connection,
                &row,
                filter,
                (stream, &mut loaded.exemplars),
                &mut budget,
            )?;
        }
    }
    for stream in streams.values_mut() {
        stream.points.sort_by_key(|point| point.time_ns);
        stream.points.dedup_by_key(|point| point.time_ns);
    }
    loaded.streams = streams.into_values().collect();
    Ok(loaded)
}

fn rows(
    connection: &Connection,
    filter: &SeriesFilter,
    labels: Labels<'_>,
) -> Result<Vec<Row>, QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT streams.id, type, temporality, monotonic, unit, streams.attributes, resources.message, scopes.message
         FROM streams JOIN resources ON resources.id = resource JOIN names ON names.id = resources.service
             JOIN scopes ON scopes.id = scope
         WHERE streams.name = (SELECT id FROM names WHERE text = ?1) AND (?2 IS NULL OR names.text = ?2)",
    )?;
    let mut found = find.query(params![filter.name, filter.service])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let identity: Identity = [row.get(5)?, row.get(6)?, row.get(7)?];
        let attributes = texts(&identity[0])?;
        let mut resource = BTreeMap::new();
        with_resource(&identity[1], |view| {
            for attribute in view.attributes {
                let (key, value) = attribute?;
                let text = any_value_text(value)?.unwrap_or_default().into_owned();
                resource.insert(key.to_owned(), text);
            }
            Ok(())
        })?;
        let value = |key: &str| attributes.get(key).or_else(|| resource.get(key));
        let passes = filter
            .attributes
            .iter()
            .all(|wanted| value(&wanted.key) == Some(&wanted.value));
        if passes {
            let (labels, resource) = match labels {
                Labels::All => (attributes, resource),
                Labels::Of(keys) => {
                    let label = |key: &String| Some((key.clone(), value(key)?.clone()));
                    (keys.iter().filter_map(label).collect(), BTreeMap::new())
                }
            };
            rows.push(Row {
                id: row.get(0)?,
                kind: Kind {
                    number: row.get(1)?,
                    unit: row.get(4)?,
                    is_cumulative: row.get::<_, i64>(2)? == 2,
                    is_monotonic: row.get(3)?,
                },
                labels,
                resource,
                identity,
            });
        }
    }
    Ok(rows)
}

/// The attributes of a stream as text.
fn texts(attributes: &[u8]) -> Result<BTreeMap<String, String>, QueryError> {
    let mut texts = BTreeMap::new();
    for attribute in payloads(attributes, 7) {
        let (key, value) = key_value(attribute.map_err(|_| QueryError::Closed)?)?;
        let text = any_value_text(Value::read(value)?)?.unwrap_or_default();
        texts.insert(key.to_owned(), text.into_owned());
    }
    Ok(texts)
}

fn points(
    connection: &Connection,
    row: &Row,
    filter: &SeriesFilter,
    (stream, exemplars): (&mut Stream, &mut Vec<Exemplar>),
    budget: &mut usize,
) -> Result<(), QueryError> {
    // A counter's first increase in the range begins at the last point before it.
    let mut find = connection.prepare_cached(
        "SELECT time_ns, start_ns, value, message FROM points WHERE stream = ?1 AND time_ns < ?3
         AND time_ns >= coalesce((SELECT max(time_ns) FROM points WHERE stream = ?1 AND time_ns < ?2), ?2)
         ORDER BY time_ns DESC",
    )?;
    let mut rows = find.query([row.id, filter.time.first_ns(), filter.time.end_ns()])?;
    while let Some(found) = rows.next()? {
        if *budget == 0 {
            break;
        }
        *budget -= 1;
        let time_ns = found.get(0)?;
        let message = found.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let view = PointView::read(metric_kind(row.kind.number), message)?;
        let value = match found.get(2)? {
            Cell::Integer(value) => Measured::Number(value as f64),
            Cell::Real(value) => Measured::Number(value),
            _ => match measured(&view.value)? {
                Some(value) => value,
                None => continue,
            },
        };
        stream.points.push(MetricPoint {
            time_ns,
            start_ns: found.get(1)?,
            value,
        });
        if filter.time.contains(time_ns) {
            add_exemplars(&view, exemplars)?;
        }
    }
    Ok(())
}

fn add_exemplars(view: &PointView<'_>, exemplars: &mut Vec<Exemplar>) -> Result<(), QueryError> {
    for exemplar in view.exemplars() {
        let exemplar = exemplar?;
        let value = exemplar.value.map(|value| value.as_f64());
        if let Some(value) = value.filter(|value| value.is_finite())
            && !exemplar.trace_id.is_zero()
        {
            exemplars.push(Exemplar {
                time_unix_nano: exemplar.time_unix_nano,
                value,
                trace_id: exemplar.trace_id,
                span_id: exemplar.span_id,
            });
        }
    }
    Ok(())
}

fn measured(value: &PointValue<'_>) -> Result<Option<Measured>, QueryError> {
    Ok(match value {
        PointValue::Empty | PointValue::Number(_) => None,
        PointValue::Histogram(view) => Some(Measured::Spread(explicit(view)?)),
        PointValue::ExponentialHistogram(view) => Some(Measured::Spread(exponential(view)?)),
        PointValue::Summary(view) => {
            let mut quantiles = Vec::new();
            for quantile in view.quantile_values() {
                let quantile = quantile?;
                quantiles.push((quantile.quantile, quantile.value));
            }
            Some(Measured::Spread(Spread {
                count: view.count as f64,
                sum: view.sum,
                buckets: Vec::new(),
                quantiles,
            }))
        }
    })
}

fn explicit(view: &HistogramView<'_>) -> Result<Spread, QueryError> {
    let bounds = view.explicit_bounds().collect::<Result<Vec<_>, _>>()?;
    let bounds = bounds.into_iter().chain([f64::INFINITY]);
    let mut buckets = Vec::new();
    for (bound, count) in bounds.zip(view.bucket_counts()) {
        buckets.push((bound, count? as f64));
    }
    Ok(Spread {
        count: view.count as f64,
        sum: view.sum.unwrap_or_default(),
        buckets,
        quantiles: Vec::new(),
    })
}

/// Buckets of an exponential histogram: bucket `i` ends at `2^((i + 1) / 2^scale)`.
fn exponential(view: &ExponentialHistogramView<'_>) -> Result<Spread, QueryError> {
    let bound = |index: i64| (index as f64 * (-f64::from(view.scale)).exp2()).exp2();
    let mut buckets = Vec::new();
    for (index, count) in (i64::from(view.negative.offset)..).zip(view.negative.bucket_counts()) {
        // A bucket of negative values ends where its positive mirror begins.
        buckets.push((-bound(index), count? as f64));
    }
    buckets.reverse();
    buckets.push((view.zero_threshold, view.zero_count as f64));
    for (index, count) in (i64::from(view.positive.offset)..).zip(view.positive.bucket_counts()) {
        buckets.push((bound(index + 1), count? as f64));
    }
    buckets.retain(|(_, count)| *count > 0.0);
    Ok(Spread {
        count: view.count as f64,
        sum: view.sum.unwrap_or_default(),
        buckets,
        quantiles: Vec::new(),
    })
}
