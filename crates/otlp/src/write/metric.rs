//! Metrics to write: gauges, sums and histograms with explicit bounds.

use super::{Encoder, KeyValues};
use crate::view::NumberView;

/// A metric with its data points. Fields are those of [`MetricView`](crate::view::MetricView).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct Metric<'a> {
    pub name: &'a str,
    pub description: &'a str,
    pub unit: &'a str,
    pub data: Data<'a>,
}

/// The data points of a [`Metric`].
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub enum Data<'a> {
    /// Last values.
    Gauge(&'a [NumberPoint<'a>]),
    /// A cumulative sum.
    Sum {
        points: &'a [NumberPoint<'a>],
        is_monotonic: bool,
    },
    /// A cumulative histogram.
    Histogram(&'a [HistogramPoint<'a>]),
}

/// A data point of a gauge or a sum.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct NumberPoint<'a> {
    pub attributes: KeyValues<'a>,
    pub start_time_unix_nano: u64,
    pub time_unix_nano: u64,
    pub value: NumberView,
}

/// A data point of a histogram.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct HistogramPoint<'a> {
    pub attributes: KeyValues<'a>,
    pub start_time_unix_nano: u64,
    pub time_unix_nano: u64,
    pub count: u64,
    pub sum: f64,
    pub bucket_counts: &'a [u64],
    pub explicit_bounds: &'a [f64],
}

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

impl Metric<'_> {
    pub(crate) fn write(&self, out: &mut Encoder) {
        out.bytes(1, self.name);
        out.bytes(2, self.description);
        out.bytes(3, self.unit);
        match self.data {
            Data::Gauge(points) => {
                out.nested(5, |out| points.iter().for_each(|point| point.write(out)))
            }
            Data::Sum {
                points,
                is_monotonic,
            } => out.nested(7, |out| {
                points.iter().for_each(|point| point.write(out));
                out.varint(2, CUMULATIVE);
                out.varint(3, u64::from(is_monotonic));
            }),
            Data::Histogram(points) => out.nested(9, |out| {
                points.iter().for_each(|point| point.write(out));
                out.varint(2, CUMULATIVE);
            }),
        }
    }
}

impl Data<'_> {
    pub(crate) const fn points_count(&self) -> usize {
        match self {
            Data::Gauge(points) | Data::Sum { points, .. } => points.len(),
            Data::Histogram(points) => points.len(),
        }
    }
}

impl NumberPoint<'_> {
    fn write(&self, out: &mut Encoder) {
        out.nested(1, |out| {
            out.fixed64(2, self.start_time_unix_nano);
            out.fixed64(3, self.time_unix_nano);
            match self.value {
                NumberView::Double(value) => out.some_fixed64(4, value.to_bits()),
                NumberView::Int(value) => out.some_fixed64(6, value.cast_unsigned()),
            }
            out.attributes(7, self.attributes);
        });
    }
}

impl HistogramPoint<'_> {
    fn write(&self, out: &mut Encoder) {
        out.nested(1, |out| {
            out.fixed64(2, self.start_time_unix_nano);
            out.fixed64(3, self.time_unix_nano);
            out.fixed64(4, self.count);
            out.some_fixed64(5, self.sum.to_bits());
            out.packed_fixed64(6, self.bucket_counts);
            out.packed_doubles(7, self.explicit_bounds);
            out.attributes(9, self.attributes);
        });
    }
}
