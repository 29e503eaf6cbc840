//! Metrics as OTLP: the fields of a `Metric`, written from what was collected.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto)
//! of the field numbers.

use fanlight_otlp::Signal;
use fanlight_otlp::view::NumberView;
use fanlight_otlp::write::{Encoder, ScopeWriter};

use super::exponential::{Exponential, Side};
use super::histogram::{Buckets, Summary};
use super::registry::{Collected, Instrument};
use super::series::{Data, Exemplar, Point, Shape};
use crate::collect::Temporality;

/// `AggregationTemporality`.
const DELTA: u64 = 1;
const CUMULATIVE: u64 = 2;

/// When and how points are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    pub(crate) temporality: Temporality,
    /// When it was collected, in nanoseconds since 1970.
    pub(crate) now: u64,
    pub(crate) exemplars: bool,
}

impl Telling {
    /// Writes the metric, if it has points.
    pub(crate) fn metric(&self, collected: &Collected, out: &mut ScopeWriter<'_>) {
        let Collected {
            instrument,
            points,
            previous,
        } = collected;
        let is_delta = self.is_delta(instrument);
        // What is told in parts begins where the last part ended.
        let since = is_delta.then_some(*previous);
        let points: Vec<&Point> = points
            .iter()
            .filter(|point| !is_delta || point.change.is_some())
            .collect();
        if points.is_empty() {
            return;
        }
        out.item(Signal::Metrics, points.len(), |out| {
            out.bytes(1, instrument.name.as_ref());
            out.bytes(2, instrument.description().as_ref());
            out.bytes(3, instrument.unit.as_ref());
            out.nested(data_field(instrument.series.shape()), |out| {
                for point in points {
                    out.nested(1, |out| self.point(point, since, out));
                }
                let shape = instrument.series.shape();
                if *shape != Shape::Last {
                    out.varint(2, if is_delta { DELTA } else { CUMULATIVE });
                }
                out.varint(3, u64::from(*shape == Shape::Sum { is_monotonic: true }));
            });
        });
    }

    /// Whether there is anything to tell.
    pub(crate) fn has_points(&self, collected: &Collected) -> bool {
        let is_delta = self.is_delta(&collected.instrument);
        collected
            .points
            .iter()
            .any(|point| !is_delta || point.change.is_some())
    }

    fn is_delta(&self, instrument: &Instrument) -> bool {
        let can_be = match instrument.series.shape() {
            Shape::Sum { is_monotonic } => *is_monotonic,
            Shape::Last => false,
            Shape::Histogram(_) | Shape::Exponential(_) => true,
        };
        match self.temporality {
            Temporality::Cumulative => false,
            Temporality::Delta => can_be,
            Temporality::LowMemory => can_be && !instrument.is_observed,
        }
    }

    fn point(&self, point: &Point, since: Option<u64>, out: &mut Encoder) {
        let (data, start) = match (&point.change, since) {
            (Some(change), Some(since)) => (change, point.start.max(since)),
            _ => (&point.total, point.start),
        };
        out.fixed64(2, start);
        out.fixed64(3, self.now);
        out.raw(&point.attributes);
        match data {
            Data::Number(value) => number(4, 6, *value, out),
            Data::Histogram(buckets) => histogram(buckets, out),
            Data::Exponential(histogram) => exponential(histogram, out),
        }
        if let Some(exemplar) = point.exemplar.filter(|_| self.exemplars) {
            let field = match data {
                Data::Number(_) => 5,
                Data::Histogram(_) => 8,
                Data::Exponential(_) => 11,
            };
            out.nested(field, |out| write_exemplar(&exemplar, out));
        }
    }
}

const fn data_field(shape: &Shape) -> u32 {
    match shape {
        Shape::Last => 5,
        Shape::Sum { .. } => 7,
        Shape::Histogram(_) => 9,
        Shape::Exponential(_) => 10,
    }
}

fn number(double_field: u32, int_field: u32, value: NumberView, out: &mut Encoder) {
    match value {
        NumberView::Double(value) => out.some_fixed64(double_field, value.to_bits()),
        NumberView::Int(value) => out.some_fixed64(int_field, value.cast_unsigned()),
    }
}

fn histogram(buckets: &Buckets, out: &mut Encoder) {
    summary(&buckets.summary, 11, 12, out);
    out.packed_fixed64(6, &buckets.counts);
    out.packed_doubles(7, &buckets.bounds);
}

fn exponential(histogram: &Exponential, out: &mut Encoder) {
    summary(&histogram.summary, 12, 13, out);
    out.varint(6, zigzag(histogram.scale));
    out.fixed64(7, histogram.zero_count);
    side(8, &histogram.positive, out);
    side(9, &histogram.negative, out);
    out.double(14, histogram.limits.zero_threshold);
}

fn summary(summary: &Summary, min_field: u32, max_field: u32, out: &mut Encoder) {
    out.fixed64(4, summary.count);
    // The sum must only grow; with negative values it may not, and is left out, as the protocol wants.
    if summary.min >= 0.0 {
        out.some_fixed64(5, summary.sum.to_bits());
    }
    out.some_fixed64(min_field, summary.min.to_bits());
    out.some_fixed64(max_field, summary.max.to_bits());
}

fn side(number: u32, side: &Side, out: &mut Encoder) {
    if side.counts.is_empty() {
        return;
    }
    out.nested(number, |out| {
        out.varint(1, zigzag(side.offset));
        out.packed_varints(2, side.counts.iter().copied());
    });
}

/// The encoding of `sint32`.
const fn zigzag(value: i32) -> u64 {
    ((value << 1) ^ (value >> 31)).cast_unsigned() as u64
}

fn write_exemplar(exemplar: &Exemplar, out: &mut Encoder) {
    out.fixed64(2, exemplar.time);
    number(3, 6, exemplar.value, out);
    out.some_bytes(4, exemplar.span_id.0);
    out.some_bytes(5, exemplar.trace_id.0);
}
