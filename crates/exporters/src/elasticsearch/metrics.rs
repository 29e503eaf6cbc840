//! Data points of the same resource, scope, time and attributes in one document: one field for each metric.
//!
//! A metric that stands twice in such a group gets a document of its own; the Collector's exporter drops it. Histograms
//! become fields of type [`histogram`](https://www.elastic.co/guide/en/elasticsearch/reference/current/histogram.html): the
//! middles of the buckets, and how many values each holds. Exemplars have no place in an index.

use std::collections::HashMap;
use std::sync::Arc;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{
    BucketsView, ExponentialHistogramView, HistogramView, MetricKind, MetricView, NumberView,
    PointValue, PointView, Value,
};

use super::bulk::{Action, Bulk};
use super::config::Mode;
use super::documents::Envelope;
use super::route::Index;
use super::{ecs, otel};
use crate::fields::{Fields, member, scalar, text};

/// The attribute that says how a point is to be held: `aggregate_metric_double` and `_doc_count`.
pub(super) const HINTS: &str = "elasticsearch.mapping.hints";
/// Bit 0 of a point's flags: there is no recorded value.
const NO_RECORDED_VALUE: u32 = 1;

/// The documents of a batch, in the order of their first points.
#[derive(Default)]
pub(super) struct Groups {
    list: Vec<Group>,
    /// The last group of each beginning.
    known: HashMap<Arc<[u8]>, usize>,
    /// A document's beginning, while it is looked for.
    head: Vec<u8>,
}

/// A document in the making.
struct Group {
    index: Index,
    mode: Mode,
    head: Arc<[u8]>,
    /// Modes other than `otel`: the fields so far.
    fields: Option<Fields>,
    metrics: Vec<Field>,
    doc_count: u64,
    items: Vec<usize>,
}

/// A metric's value in a document.
struct Field {
    name: String,
    json: Vec<u8>,
    template: &'static str,
}

/// Why a point is left out.
type Unwritable = &'static str;

impl Groups {
    /// Adds a point, or says why an index can't hold it.
    ///
    /// # Errors
    /// When the point can't be read.
    pub(super) fn add(
        &mut self,
        envelope: &Envelope<'_>,
        metric: &MetricView<'_>,
        point: &PointView<'_>,
        index: Index,
        number: usize,
        scratch: &mut Fields,
    ) -> Result<Result<(), Unwritable>, DecodeError> {
        let mut json = Vec::new();
        let hints = Hints::of(point)?;
        let template = match write_point(&mut json, metric, point, hints)? {
            Ok(template) => template,
            Err(why) => return Ok(Err(why)),
        };
        self.head.clear();
        let fields = match envelope.mode {
            Mode::Otel => {
                write_head(&mut self.head, envelope, metric, point, &index, scratch)?;
                None
            }
            _ => {
                let mut fields = envelope.fields.clone();
                if envelope.mode != Mode::Ecs {
                    fields.attributes("", envelope.resource.attributes)?;
                }
                ecs::add_time(&mut fields, "@timestamp", point.time_unix_nano);
                for attribute in point.attributes {
                    let (key, value) = attribute?;
                    if key != HINTS {
                        fields.value(&[key], &value)?;
                    }
                }
                ecs::add_data_stream(&mut fields, "", &index);
                fields.clone().write_flat(&mut self.head);
                Some(fields)
            }
        };
        text(&mut self.head, &index.name);
        let group = self.group(metric.name, index, envelope.mode, fields);
        let Some(group) = self.list.get_mut(group) else {
            return Ok(Ok(()));
        };
        group.metrics.push(Field {
            name: metric.name.to_owned(),
            json,
            template,
        });
        group.items.push(number);
        if hints.doc_count {
            group.doc_count = doc_count(point);
        }
        Ok(Ok(()))
    }

    /// The group that begins with `head` and has no such metric yet.
    fn group(&mut self, name: &str, index: Index, mode: Mode, fields: Option<Fields>) -> usize {
        let known = self.known.get(self.head.as_slice()).copied();
        let free = known.filter(|group| {
            let group = self.list.get(*group);
            group.is_some_and(|group| group.metrics.iter().all(|field| field.name != name))
        });
        if let Some(group) = free {
            return group;
        }
        let head: Arc<[u8]> = self.head.as_slice().into();
        self.known.insert(head.clone(), self.list.len());
        self.list.push(Group {
            index,
            mode,
            head,
            fields,
            metrics: Vec::new(),
            doc_count: 0,
            items: Vec::new(),
        });
        self.list.len() - 1
    }

    /// Writes the documents.
    pub(super) fn finish(self, bulk: &mut Bulk) {
        for mut group in self.list {
            let name = |field: &Field| format!("metrics.{}", field.name);
            let names: Vec<String> = group.metrics.iter().map(name).collect();
            let templates: Vec<(&str, &str)> = match group.mode {
                Mode::Otel => names
                    .iter()
                    .zip(&group.metrics)
                    .map(|(name, field)| (name.as_str(), field.template))
                    .collect(),
                _ => Vec::new(),
            };
            let action = Action {
                templates: &templates,
                ..Action::to(&group.index, group.mode)
            };
            let (items, fields) = (std::mem::take(&mut group.items), group.fields.take());
            bulk.add(&action, &items, |out| match fields {
                None => group.write(out),
                Some(mut fields) => {
                    for field in &group.metrics {
                        fields.with(&[&field.name], |out| out.extend_from_slice(&field.json));
                    }
                    fields.write_nested(out);
                }
            });
        }
    }
}

impl Group {
    /// Writes a document of mode `otel`.
    fn write(&self, out: &mut Vec<u8>) {
        // The index's name at the end of the beginning tells groups apart and is no part of the document.
        let mut name = Vec::new();
        text(&mut name, &self.index.name);
        let head = self
            .head
            .strip_suffix(name.as_slice())
            .unwrap_or(&self.head);
        out.extend_from_slice(head);
        member(out, b"metrics");
        out.push(b'{');
        for field in &self.metrics {
            member(out, field.name.as_bytes());
            out.extend_from_slice(&field.json);
        }
        out.push(b'}');
        if self.doc_count > 0 {
            member(out, b"_doc_count");
            scalar(out, &self.doc_count);
        }
        let mut names: Vec<&str> = self
            .metrics
            .iter()
            .map(|field| field.name.as_str())
            .collect();
        names.sort_unstable();
        member(out, b"_metric_names_hash");
        text(out, &format!("{:x}", fnv1a(names)));
        out.push(b'}');
    }
}

/// 32 bits of [FNV-1a](https://www.rfc-editor.org/rfc/rfc9923), over the names one after the other. It keeps documents of one
/// time apart that hold different metrics, which a time series index would take for the same.
fn fnv1a(names: Vec<&str>) -> u32 {
    names
        .into_iter()
        .flat_map(str::bytes)
        .fold(0x811c_9dc5, |hash: u32, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

/// What `elasticsearch.mapping.hints` asks for.
#[derive(Clone, Copy, Debug, Default)]
struct Hints {
    aggregate: bool,
    doc_count: bool,
}

impl Hints {
    fn of(point: &PointView<'_>) -> Result<Hints, DecodeError> {
        let mut hints = Hints::default();
        if let Some(Value::Array(list)) = point.attributes.get(HINTS)? {
            for hint in list {
                match hint?.as_str() {
                    Some("aggregate_metric_double") => hints.aggregate = true,
                    Some("_doc_count") => hints.doc_count = true,
                    _ => {}
                }
            }
        }
        Ok(hints)
    }
}

fn write_head(
    out: &mut Vec<u8>,
    envelope: &Envelope<'_>,
    metric: &MetricView<'_>,
    point: &PointView<'_>,
    index: &Index,
    scratch: &mut Fields,
) -> Result<(), DecodeError> {
    out.push(b'{');
    otel::write_time(out, "@timestamp", point.time_unix_nano);
    if point.start_time_unix_nano != 0 {
        otel::write_time(out, "start_timestamp", point.start_time_unix_nano);
    }
    otel::some_text(out, "unit", metric.unit);
    otel::write_data_stream(out, index);
    otel::write_attributes(out, point.attributes, true, scratch, &[])?;
    out.push(b',');
    out.extend_from_slice(&envelope.members);
    Ok(())
}

/// Writes a point's value, and says which template of the index fits it.
fn write_point(
    out: &mut Vec<u8>,
    metric: &MetricView<'_>,
    point: &PointView<'_>,
    hints: Hints,
) -> Result<Result<&'static str, Unwritable>, DecodeError> {
    if point.flags & NO_RECORDED_VALUE != 0 {
        return Ok(Err(
            "a data point without a recorded value has nothing to index",
        ));
    }
    let counts = metric.kind == MetricKind::Sum
        && metric.is_monotonic
        && metric.aggregation_temporality == 2;
    Ok(match point.value {
        PointValue::Empty => Err("a data point without a value has nothing to index"),
        PointValue::Number(NumberView::Int(value)) => {
            scalar(out, &value);
            Ok(if counts { "counter_long" } else { "gauge_long" })
        }
        PointValue::Number(NumberView::Double(value)) if value.is_finite() => {
            scalar(out, &value);
            Ok(if counts {
                "counter_double"
            } else {
                "gauge_double"
            })
        }
        PointValue::Number(NumberView::Double(_)) => {
            Err("Elasticsearch holds no numbers that are NaN or infinite")
        }
        PointValue::Summary(summary) => write_sum(out, summary.count, Some(summary.sum)),
        PointValue::Histogram(histogram) if hints.aggregate => {
            write_sum(out, histogram.count, histogram.sum)
        }
        PointValue::ExponentialHistogram(histogram) if hints.aggregate => {
            write_sum(out, histogram.count, histogram.sum)
        }
        PointValue::Histogram(histogram) => write_buckets(out, middles(&histogram)?),
        PointValue::ExponentialHistogram(histogram) => {
            write_buckets(out, exponential_middles(&histogram)?)
        }
    })
}

fn doc_count(point: &PointView<'_>) -> u64 {
    match point.value {
        PointValue::Histogram(histogram) => histogram.count,
        PointValue::ExponentialHistogram(histogram) => histogram.count,
        PointValue::Summary(summary) => summary.count,
        PointValue::Number(_) | PointValue::Empty => 1,
    }
}

fn write_sum(out: &mut Vec<u8>, count: u64, sum: Option<f64>) -> Result<&'static str, Unwritable> {
    let sum = sum.unwrap_or_default();
    if !sum.is_finite() {
        return Err("Elasticsearch holds no sums that are NaN or infinite");
    }
    out.extend_from_slice(b"{\"sum\":");
    scalar(out, &sum);
    out.extend_from_slice(b",\"value_count\":");
    scalar(out, &count);
    out.push(b'}');
    Ok("summary")
}

/// Values, rising, with their counts.
type Centroids = Result<Vec<(f64, u64)>, Unwritable>;

fn write_buckets(out: &mut Vec<u8>, centroids: Centroids) -> Result<&'static str, Unwritable> {
    let mut centroids = centroids?;
    if centroids.iter().any(|(value, _)| !value.is_finite()) {
        return Err("a histogram with bounds that are NaN or infinite has no place in an index");
    }
    // An index wants rising values: the overflow bucket has the value of the bound before it.
    centroids.dedup_by(|next, last| {
        let is_same = next.0 <= last.0;
        if is_same {
            last.1 = last.1.saturating_add(next.1);
        }
        is_same
    });
    out.extend_from_slice(b"{\"counts\":");
    let counts: Vec<u64> = centroids.iter().map(|(_, count)| *count).collect();
    scalar(out, &counts);
    out.extend_from_slice(b",\"values\":");
    let values: Vec<f64> = centroids.iter().map(|(value, _)| *value).collect();
    scalar(out, &values);
    out.push(b'}');
    Ok("histogram")
}

/// The middle of each bucket that is not empty. The first bucket has no lower bound and the last no upper one.
fn middles(histogram: &HistogramView<'_>) -> Result<Centroids, DecodeError> {
    let counts: Vec<u64> = histogram.bucket_counts().collect::<Result<_, _>>()?;
    let bounds: Vec<f64> = histogram.explicit_bounds().collect::<Result<_, _>>()?;
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else {
        let mean = histogram.sum.unwrap_or_default() / histogram.count.max(1) as f64;
        let all = (mean, histogram.count);
        return Ok(Ok(if histogram.count > 0 {
            vec![all]
        } else {
            Vec::new()
        }));
    };
    if counts.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    if counts.len() != bounds.len() + 1 {
        return Ok(Err("a histogram's buckets don't fit its bounds"));
    }
    let inner = bounds.windows(2).map(|pair| match pair {
        [low, high] => low + (high - low) / 2.0,
        _ => f64::NAN,
    });
    let lowest = if *first > 0.0 { first / 2.0 } else { *first };
    let middles = std::iter::once(lowest).chain(inner).chain([*last]);
    Ok(Ok(middles
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .collect()))
}

/// The same for buckets whose bounds are powers.
/// [Bounds](https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram).
fn exponential_middles(histogram: &ExponentialHistogramView<'_>) -> Result<Centroids, DecodeError> {
    let side = |buckets: &BucketsView<'_>| -> Result<Vec<(f64, u64)>, DecodeError> {
        let mut side = Vec::new();
        for (number, count) in buckets.bucket_counts().enumerate() {
            let count = count?;
            if count > 0 {
                let index = f64::from(buckets.offset) + number as f64;
                let base = |index: f64| (index * (-f64::from(histogram.scale)).exp2()).exp2();
                let (low, high) = (base(index), base(index + 1.0));
                side.push((low + (high - low) / 2.0, count));
            }
        }
        Ok(side)
    };
    let negative = side(&histogram.negative)?;
    let mut centroids: Vec<(f64, u64)> = negative
        .into_iter()
        .rev()
        .map(|(value, count)| (-value, count))
        .collect();
    if histogram.zero_count > 0 {
        centroids.push((0.0, histogram.zero_count));
    }
    centroids.extend(side(&histogram.positive)?);
    Ok(Ok(centroids))
}
