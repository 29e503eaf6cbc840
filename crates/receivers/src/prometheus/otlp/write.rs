//! Points as protobuf. Field numbers are those of
//! [metrics.proto](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto).

use fanlight_otlp::view::Value;
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};
use prost::encoding::encode_varint;

use super::super::exposition::{Exemplar, Family, Kind};
use super::super::native::{Buckets, NativeHistogram};
use super::super::relabel::Labels;
use super::group::{Point, Scope};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;
/// `DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK`.
const NO_RECORDED_VALUE: u64 = 1;

/// Where the kinds keep their data in a `Metric`, and their attributes and flags in a point.
struct Fields {
    data: u32,
    attributes: u32,
    flags: u32,
}

const fn fields(kind: Kind, is_native: bool) -> Fields {
    let (data, attributes, flags) = match (kind, is_native) {
        (Kind::Gauge | Kind::Unknown, _) => (5, 7, 8),
        (Kind::Counter | Kind::Info, _) => (7, 7, 8),
        (Kind::Histogram, false) => (9, 9, 10),
        (Kind::Histogram, true) => (10, 1, 10),
        (Kind::Summary, _) => (11, 7, 8),
    };
    Fields {
        data,
        attributes,
        flags,
    }
}

pub(super) fn resource(out: &mut Encoder, attributes: &[(String, String)]) {
    let attributes: Vec<(&str, Value<'_>)> = (attributes.iter())
        .map(|(key, value)| (key.as_str(), Value::from(value)))
        .collect();
    out.nested(1, |out| out.attributes(1, &attributes));
}

pub(super) fn scope(out: &mut Encoder, scope: &Scope, metrics: impl FnOnce(&mut Encoder)) {
    out.nested(2, |out| {
        out.nested(1, |out| {
            out.bytes(1, &scope.0);
            out.bytes(2, &scope.1);
        });
        metrics(out);
    });
}

/// A metric with its points: labels, point, start, time.
pub(super) fn metric(
    out: &mut Encoder,
    name: &str,
    family: &Family,
    is_native: bool,
    points: &[(&Labels, &Point, u64, u64)],
) {
    let fields = fields(family.kind, is_native);
    out.nested(2, |out| {
        out.bytes(1, name);
        out.bytes(2, &family.help);
        out.bytes(3, unit(&family.unit));
        out.nested(fields.data, |out| {
            for (labels, point, start, time) in points {
                out.nested(1, |out| {
                    out.fixed64(2, *start);
                    out.fixed64(3, *time);
                    labelled(out, fields.attributes, labels);
                    value(out, family.kind, point, *time);
                });
            }
            finish(out, family.kind);
        });
    });
}

/// A series that has no value any more.
pub(super) fn stale(
    out: &mut Encoder,
    name: &str,
    kind: Kind,
    is_native: bool,
    labels: &Labels,
    time: u64,
) {
    let fields = fields(kind, is_native);
    out.nested(2, |out| {
        out.bytes(1, name);
        out.nested(fields.data, |out| {
            out.nested(1, |out| {
                out.fixed64(3, time);
                labelled(out, fields.attributes, labels);
                out.varint(fields.flags, NO_RECORDED_VALUE);
            });
            finish(out, kind);
        });
    });
}

/// A series about the scrape itself.
pub(super) fn gauge(out: &mut Encoder, name: &str, value: f64, labels: &Labels, time: u64) {
    out.nested(2, |out| {
        out.bytes(1, name);
        out.nested(5, |out| {
            out.nested(1, |out| {
                out.fixed64(3, time);
                out.some_fixed64(4, value.to_bits());
                labelled(out, 7, labels);
            });
        });
    });
}

fn finish(out: &mut Encoder, kind: Kind) {
    if matches!(kind, Kind::Counter | Kind::Info | Kind::Histogram) {
        out.varint(2, CUMULATIVE);
    }
    if kind == Kind::Counter {
        out.varint(3, 1);
    }
}

fn labelled(out: &mut Encoder, number: u32, labels: &Labels) {
    let attributes: Vec<(&str, Value<'_>)> = (labels.iter())
        .map(|(name, value)| (name.as_str(), Value::from(value)))
        .collect();
    out.attributes(number, &attributes);
}

fn value(out: &mut Encoder, kind: Kind, point: &Point, time: u64) {
    match (&point.native, kind) {
        (Some(native), _) => exponential(out, native, time),
        (None, Kind::Histogram) => histogram(out, point, time),
        (None, Kind::Summary) => summary(out, point),
        (None, _) => {
            out.some_fixed64(4, point.value.to_bits());
            exemplars(out, 5, &point.exemplars, time);
        }
    }
}

fn histogram(out: &mut Encoder, point: &Point, time: u64) {
    let mut parts = point.parts.clone();
    parts.sort_by(|a, b| a.0.total_cmp(&b.0));
    let infinite = parts.iter().find(|(bound, _)| *bound == f64::INFINITY);
    let count = point
        .count
        .or(infinite.map(|(_, count)| *count))
        .unwrap_or(0.0);
    parts.retain(|(bound, _)| bound.is_finite());
    let bounds: Vec<f64> = parts.iter().map(|(bound, _)| *bound).collect();
    let mut counts: Vec<u64> = Vec::with_capacity(parts.len() + 1);
    let mut before = 0.0;
    for cumulative in parts.iter().map(|(_, count)| *count).chain([count]) {
        counts.push((cumulative - before).max(0.0) as u64);
        before = cumulative.max(before);
    }
    out.fixed64(4, counts.iter().sum());
    if let Some(sum) = point.sum {
        out.some_fixed64(5, sum.to_bits());
    }
    out.packed_fixed64(6, &counts);
    out.packed_doubles(7, &bounds);
    exemplars(out, 8, &point.exemplars, time);
}

fn summary(out: &mut Encoder, point: &Point) {
    out.fixed64(4, point.count.unwrap_or_default() as u64);
    out.double(5, point.sum.unwrap_or_default());
    for (quantile, value) in &point.parts {
        out.nested(6, |out| {
            out.double(1, *quantile);
            out.double(2, *value);
        });
    }
}

fn exponential(out: &mut Encoder, native: &NativeHistogram, time: u64) {
    out.fixed64(4, native.count);
    out.some_fixed64(5, native.sum.to_bits());
    out.varint(6, zigzag(native.schema));
    out.fixed64(7, native.zero_count);
    buckets(out, 8, &native.positive);
    buckets(out, 9, &native.negative);
    exemplars(out, 11, &native.exemplars, time);
    out.double(14, native.zero_threshold);
}

fn buckets(out: &mut Encoder, number: u32, buckets: &Buckets) {
    if buckets.counts.is_empty() {
        return;
    }
    let mut counts = Vec::with_capacity(buckets.counts.len());
    buckets
        .counts
        .iter()
        .for_each(|count| encode_varint(*count, &mut counts));
    out.nested(number, |out| {
        out.varint(1, zigzag(buckets.offset));
        out.bytes(2, &counts);
    });
}

/// Exemplars; a trace and a span in their labels become what OTLP has for them.
fn exemplars(out: &mut Encoder, number: u32, exemplars: &[Exemplar], time: u64) {
    for exemplar in exemplars {
        let mut labels = exemplar.labels.clone();
        let trace = labels
            .get("trace_id")
            .and_then(|id| id.parse::<TraceId>().ok());
        let span = labels
            .get("span_id")
            .and_then(|id| id.parse::<SpanId>().ok());
        out.nested(number, |out| {
            out.fixed64(2, exemplar.timestamp.map_or(time, super::nanos));
            out.some_fixed64(3, exemplar.value.to_bits());
            if let Some(span) = span {
                labels.remove("span_id");
                out.bytes(4, span.0);
            }
            if let Some(trace) = trace {
                labels.remove("trace_id");
                out.bytes(5, trace.0);
            }
            labelled(out, 7, &labels);
        });
    }
}

/// A `sint32` as the wire has it.
fn zigzag(value: i32) -> u64 {
    u64::from(((value << 1) ^ (value >> 31)).cast_unsigned())
}

/// OpenMetrics spells units out; OTLP has them in UCUM.
fn unit(word: &str) -> &str {
    match word {
        "seconds" => "s",
        "milliseconds" => "ms",
        "bytes" => "By",
        "meters" => "m",
        "volts" => "V",
        "amperes" => "A",
        "joules" => "J",
        "watts" => "W",
        "grams" => "g",
        "celsius" => "Cel",
        "hertz" => "Hz",
        "ratio" => "1",
        "percent" => "%",
        other => other,
    }
}
