//! The protobuf format, the only one with native histograms.

use std::borrow::Cow;

use fanlight_formats::prometheus::client::{
    Bucket, BucketSpan, Counter, Exemplar, Gauge, Histogram, LabelPair, Metric, MetricFamily,
    MetricType, Quantile, Summary, Timestamp, Untyped,
};
use prost::Message as _;

use super::registry::{Example, Family, Labels, Point, Registry};
use super::text::underscored;
use crate::prometheus_model::{Measurement, Native, NativeBuckets, Type};

/// Writes everything.
pub(super) fn render(registry: &Registry, utf8: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let names = Names { utf8 };
    let mut put = |family: &MetricFamily| {
        // A vector always has room.
        let _ = family.encode_length_delimited(&mut out);
    };
    let targets: Vec<Metric> = registry
        .targets()
        .map(|labels| Metric {
            label: names.pairs(labels),
            gauge: Some(Gauge { value: Some(1.0) }),
            ..Metric::default()
        })
        .collect();
    if !targets.is_empty() {
        put(&MetricFamily {
            name: Some("target_info".to_owned()),
            help: Some("Target metadata".to_owned()),
            r#type: Some(MetricType::Gauge.into()),
            metric: targets,
            unit: None,
        });
    }
    for (name, family) in registry.families() {
        put(&names.family(name, family, registry));
    }
    out
}

struct Names {
    utf8: bool,
}

impl Names {
    fn family(&self, name: &str, family: &Family, registry: &Registry) -> MetricFamily {
        let kind = match family.kind {
            Type::Counter => MetricType::Counter,
            Type::Gauge | Type::UpDownCounter | Type::Info => MetricType::Gauge,
            Type::Histogram => MetricType::Histogram,
            Type::Summary => MetricType::Summary,
            Type::Unknown => MetricType::Untyped,
        };
        let metric = family.points.iter().map(|(labels, point)| Metric {
            timestamp_ms: registry.timestamp(point),
            ..self.metric(kind, labels, point)
        });
        MetricFamily {
            name: Some(self.name(name)),
            help: some(&family.help),
            r#type: Some(kind.into()),
            metric: metric.collect(),
            unit: some(&family.unit),
        }
    }

    fn metric(&self, kind: MetricType, labels: &Labels, point: &Point) -> Metric {
        let mut metric = Metric {
            label: self.pairs(labels),
            ..Metric::default()
        };
        let start_timestamp = (point.start > 0).then(|| timestamp(point.start));
        match &point.measurement {
            Measurement::Number(value) => {
                let value = Some(*value);
                match kind {
                    MetricType::Counter => {
                        metric.counter = Some(Counter {
                            value,
                            exemplar: self.exemplars(point).pop(),
                            start_timestamp,
                        });
                    }
                    MetricType::Untyped => metric.untyped = Some(Untyped { value }),
                    _ => metric.gauge = Some(Gauge { value }),
                }
            }
            Measurement::Histogram {
                count,
                sum,
                buckets,
            } => {
                metric.histogram = Some(Histogram {
                    sample_count: Some(*count),
                    sample_sum: *sum,
                    bucket: self.buckets(buckets, *count, point),
                    start_timestamp,
                    ..Histogram::default()
                });
            }
            Measurement::Native(native) => {
                metric.histogram = Some(Histogram {
                    start_timestamp,
                    exemplars: self.exemplars(point),
                    ..histogram(native)
                });
            }
            Measurement::Summary {
                count,
                sum,
                quantiles,
            } => {
                metric.summary = Some(Summary {
                    sample_count: Some(*count),
                    sample_sum: Some(*sum),
                    quantile: quantiles.iter().map(quantile).collect(),
                    start_timestamp,
                });
            }
        }
        metric
    }

    fn buckets(&self, buckets: &[(f64, u64)], count: u64, point: &Point) -> Vec<Bucket> {
        let mut below = f64::NEG_INFINITY;
        let all = buckets.iter().copied().chain([(f64::INFINITY, count)]);
        all.map(|(bound, counted)| {
            let is_within = |found: &&Example| found.value > below && found.value <= bound;
            let example = point.exemplars.iter().rfind(is_within);
            below = bound;
            Bucket {
                cumulative_count: Some(counted),
                upper_bound: Some(bound),
                exemplar: example.map(|found| self.exemplar(found)),
                cumulative_count_float: None,
            }
        })
        .collect()
    }

    /// The exemplars, the newest last.
    fn exemplars(&self, point: &Point) -> Vec<Exemplar> {
        let all = point.exemplars.iter();
        all.map(|found| self.exemplar(found)).collect()
    }

    fn exemplar(&self, example: &Example) -> Exemplar {
        Exemplar {
            label: self.pairs(&example.labels),
            value: Some(example.value),
            timestamp: Some(timestamp(example.time)),
        }
    }

    fn pairs(&self, labels: &Labels) -> Vec<LabelPair> {
        let pair = |(name, value): (&str, &str)| LabelPair {
            name: Some(self.name(name)),
            value: Some(value.to_owned()),
        };
        labels.iter().map(pair).collect()
    }

    fn name(&self, name: &str) -> String {
        match self.utf8 {
            true => Cow::Borrowed(name),
            false => underscored(name),
        }
        .into_owned()
    }
}

fn quantile((quantile, value): &(f64, f64)) -> Quantile {
    Quantile {
        quantile: Some(*quantile),
        value: Some(*value),
    }
}

fn histogram(native: &Native) -> Histogram {
    let spans = |buckets: &NativeBuckets| {
        let span = |(offset, length): &(i32, u32)| BucketSpan {
            offset: Some(*offset),
            length: Some(*length),
        };
        buckets.spans.iter().map(span).collect()
    };
    Histogram {
        sample_count: Some(native.count),
        sample_sum: Some(native.sum),
        schema: Some(native.schema),
        zero_threshold: Some(native.zero_threshold),
        zero_count: Some(native.zero_count),
        negative_span: spans(&native.negative),
        negative_delta: native.negative.deltas.clone(),
        positive_span: spans(&native.positive),
        positive_delta: native.positive.deltas.clone(),
        ..Histogram::default()
    }
}

fn timestamp(millis: i64) -> Timestamp {
    let nanos = millis.rem_euclid(1000) * 1_000_000;
    Timestamp {
        seconds: millis.div_euclid(1000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
