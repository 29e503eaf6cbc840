//! Metrics as series of [Cloud Monitoring](https://cloud.google.com/monitoring/api/ref_v3/rpc/google.monitoring.v3#timeseries).
//!
//! A call has at most 200 series, each once with one point; later points of a series go in later calls. Sums and histograms
//! are cumulative (deltas have been added up before); sums that fall are gauges. Summaries become `_count`, `_sum` and a gauge
//! with a label `quantile`. Points that Cloud Monitoring refuses by rule (numbers that are not finite, more than 30 labels)
//! are left out and counted. Unlike in the Collector's exporter, a cumulative point without a start starts with the hub.
//! [Limits](https://cloud.google.com/monitoring/quotas).

mod distribution;

use std::collections::HashMap;

use fanlight_formats::google::monitoring::{
    Metric, Point, TimeInterval, TimeSeries, TypedValue, Value,
};
use fanlight_formats::google::{MonitoredResource, Timestamp};
use fanlight_otlp::view::{MetricKind, MetricView, NumberView, PointValue, PointView, ScopeView};
use fanlight_otlp::{Batch, DecodeError};

use super::calls::{Calls, NO_PROJECT, front, project_of};
use super::config::Metrics;
use super::resource::{Labels, monitored};

/// `CreateTimeSeriesRequest.time_series`.
const TIME_SERIES: u32 = 2;
/// `CreateTimeSeriesRequest.name`.
const NAME: u32 = 3;
const MOST_SERIES: usize = 200;
const MOST_LABELS: usize = 30;
const LONGEST_LABEL: usize = 1024;
const LONGEST_TYPE: usize = 200;
/// `MetricKind`.
const GAUGE: i32 = 1;
const CUMULATIVE: i32 = 3;
/// `ValueType`.
const INT64: i32 = 2;
const DOUBLE: i32 = 3;
const DISTRIBUTION: i32 = 5;

/// Why a point is left out.
type Unfit = &'static str;
const NOT_FINITE: Unfit = "Cloud Monitoring takes only finite numbers";
const TOO_MANY_LABELS: Unfit =
    "Cloud Monitoring takes at most 30 labels of a metric; drop attributes before this exporter";

/// The calls that a batch of metrics becomes. What started at an unknown time started at `begun`.
pub(super) fn calls(
    batch: &Batch,
    project: &str,
    options: &Metrics,
    begun_unix_nano: u64,
) -> Result<Calls, DecodeError> {
    let mut calls = Calls::new(MOST_SERIES, |project, request| {
        prost::encoding::string::encode(NAME, &format!("projects/{project}"), request);
    });
    // The call after which the next point of a series may go.
    let mut next = HashMap::new();
    let mut item = 0;
    for resource in batch.resources() {
        let resource = resource?;
        let project = project_of(&resource.attributes, project)?;
        let monitored = monitored(&resource.attributes)?;
        let of_resource = options.resource_labels(&resource.attributes)?;
        for scope in resource.scopes() {
            let scope = scope?;
            for metric in scope.metrics() {
                let metric = metric?;
                let source = Source {
                    project,
                    options,
                    monitored: &monitored,
                    labels: labels_of(&of_resource, &scope, options),
                    metric: &metric,
                    begun_unix_nano,
                };
                for point in metric.points() {
                    let point = point?;
                    match source.series(&point)? {
                        _ if project.is_empty() => calls.leave_out(NO_PROJECT),
                        Err(unfit) => calls.leave_out(unfit),
                        Ok(series) => {
                            for one in series {
                                let key = (one.metric.clone(), one.resource.clone());
                                let key = prost::Message::encode_to_vec(&TimeSeries {
                                    metric: key.0,
                                    resource: key.1,
                                    ..TimeSeries::default()
                                });
                                let first = next.entry((project, key)).or_insert(0);
                                *first =
                                    1 + calls.add_from(*first, project, TIME_SERIES, &one, item);
                            }
                        }
                    }
                    item += 1;
                }
            }
        }
    }
    Ok(calls)
}

/// The labels that all points of a scope have.
fn labels_of(of_resource: &Labels, scope: &ScopeView<'_>, options: &Metrics) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in of_resource {
        labels.insert(label_key(key), front(value, LONGEST_LABEL).to_owned());
    }
    if options.instrumentation_library_labels {
        for (key, value) in [
            ("instrumentation_source", scope.name),
            ("instrumentation_version", scope.version),
        ] {
            if !value.is_empty() {
                labels.insert(key.to_owned(), front(value, LONGEST_LABEL).to_owned());
            }
        }
    }
    labels
}

/// What the points of one metric share.
struct Source<'s, 'a> {
    project: &'s str,
    options: &'s Metrics,
    monitored: &'s MonitoredResource,
    labels: Labels,
    metric: &'s MetricView<'a>,
    begun_unix_nano: u64,
}

impl Source<'_, '_> {
    fn series(&self, point: &PointView<'_>) -> Result<Result<Vec<TimeSeries>, Unfit>, DecodeError> {
        const NO_RECORDED_VALUE: u32 = 1;
        if point.flags & NO_RECORDED_VALUE != 0 {
            return Ok(Ok(Vec::new()));
        }
        let mut labels = self.labels.clone();
        for attribute in point.attributes.iter() {
            let (key, value) = attribute?;
            let value = value.to_text();
            let value = front(&value, LONGEST_LABEL).to_owned();
            labels.insert(label_key(key), value);
        }
        if labels.len() > MOST_LABELS {
            return Ok(Err(TOO_MANY_LABELS));
        }
        let kind = match self.metric.kind {
            MetricKind::Gauge => GAUGE,
            MetricKind::Sum if !self.metric.is_monotonic => GAUGE,
            _ => CUMULATIVE,
        };
        let one = |value: Option<Value>| {
            let series = value.map(|value| vec![self.one("", kind, &labels, point, value)]);
            series.ok_or(NOT_FINITE)
        };
        Ok(match &point.value {
            PointValue::Empty => Ok(Vec::new()),
            PointValue::Number(number) => one(number_of(*number)),
            PointValue::Histogram(histogram) => {
                let exemplars = distribution::exemplars(point, self.project)?;
                one(distribution::explicit(histogram, exemplars)?)
            }
            PointValue::ExponentialHistogram(histogram) => {
                let exemplars = distribution::exemplars(point, self.project)?;
                one(distribution::exponential(histogram, exemplars)?)
            }
            PointValue::Summary(summary) => {
                let (Some(sum), count) = (finite(summary.sum), summary.count) else {
                    return Ok(Err(NOT_FINITE));
                };
                let count = Value::Int64Value(i64::try_from(count).unwrap_or(i64::MAX));
                let mut series = vec![
                    self.one("_sum", CUMULATIVE, &labels, point, sum),
                    self.one("_count", CUMULATIVE, &labels, point, count),
                ];
                for quantile in summary.quantile_values() {
                    let quantile = quantile?;
                    let Some(value) = finite(quantile.value) else {
                        continue;
                    };
                    let mut labels = labels.clone();
                    labels.insert("quantile".to_owned(), quantile.quantile.to_string());
                    series.push(self.one("", GAUGE, &labels, point, value));
                }
                Ok(series)
            }
        })
    }

    fn one(
        &self,
        suffix: &str,
        kind: i32,
        labels: &Labels,
        point: &PointView<'_>,
        value: Value,
    ) -> TimeSeries {
        const MILLISECOND: u64 = 1_000_000;
        let end = point.time_unix_nano;
        let start = match point.start_time_unix_nano {
            0 => self.begun_unix_nano,
            start => start,
        };
        let start = start.min(end.saturating_sub(MILLISECOND));
        TimeSeries {
            metric: Some(Metric {
                r#type: self.metric_type(suffix),
                labels: labels.clone(),
            }),
            resource: Some(self.monitored.clone()),
            metric_kind: kind,
            value_type: match value {
                Value::Int64Value(_) => INT64,
                Value::DoubleValue(_) => DOUBLE,
                Value::DistributionValue(_) => DISTRIBUTION,
            },
            points: vec![Point {
                interval: Some(TimeInterval {
                    end_time: Some(Timestamp::from_unix_nano(end)),
                    start_time: (kind == CUMULATIVE).then(|| Timestamp::from_unix_nano(start)),
                }),
                value: Some(TypedValue { value: Some(value) }),
            }],
            unit: match suffix {
                "_count" => "1".to_owned(),
                _ => self.metric.unit.to_owned(),
            },
        }
    }

    /// `workload.googleapis.com/name`, unless the name has a domain of Google's already.
    fn metric_type(&self, suffix: &str) -> String {
        let name = self.metric.name;
        let (domain, _) = name.split_once('/').unwrap_or_default();
        let is_known = self.options.known_domains.iter().any(|known| {
            let rest = domain.strip_suffix(known.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        let prefix = match (is_known, self.options.prefix.as_str()) {
            (true, _) | (_, "") => String::new(),
            (false, prefix) => format!("{}/", prefix.trim_end_matches('/')),
        };
        let fit = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '/' => c,
            _ => '_',
        };
        let name: String = name.chars().map(fit).collect();
        let room = LONGEST_TYPE.saturating_sub(prefix.len() + suffix.len());
        format!("{prefix}{}{suffix}", front(&name, room))
    }
}

fn number_of(number: NumberView) -> Option<Value> {
    match number {
        NumberView::Int(value) => Some(Value::Int64Value(value)),
        NumberView::Double(value) => finite(value),
    }
}

fn finite(value: f64) -> Option<Value> {
    value.is_finite().then_some(Value::DoubleValue(value))
}

/// Letters, digits and underscores, a letter first. The Collector's exporter does the same.
fn label_key(key: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let fitted: String = key.chars().map(fit).take(100).collect();
    match fitted.chars().next() {
        Some(first) if first.is_ascii_alphabetic() => fitted,
        Some('_') => format!("key{fitted}"),
        _ => format!("key_{fitted}"),
    }
}
