//! Giving data points other values, which is what a change of temporality does.

use super::{Element, Level};
use crate::DecodeError;
use crate::view::{MetricKind, NumberView, PointValue};
use crate::wire::Records;
use crate::write::Encoder;

/// What a data point is to say.
#[derive(Clone, Debug, PartialEq)]
pub enum NewValue {
    /// The number of a sum or a gauge.
    Number(NumberView),
    /// A histogram with the bounds that the point has.
    Histogram(NewHistogram),
    /// A histogram with exponential buckets.
    ExponentialHistogram(NewExponentialHistogram),
}

/// A histogram with explicit bounds. Fields are those of [`HistogramView`](crate::view::HistogramView).
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct NewHistogram {
    pub count: u64,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub bucket_counts: Vec<u64>,
}

/// A histogram with exponential buckets. Fields are those of
/// [`ExponentialHistogramView`](crate::view::ExponentialHistogramView).
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct NewExponentialHistogram {
    pub count: u64,
    pub sum: Option<f64>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub scale: i32,
    pub zero_count: u64,
    pub zero_threshold: f64,
    pub positive: NewBuckets,
    pub negative: NewBuckets,
}

/// One side of an exponential histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct NewBuckets {
    pub offset: i32,
    pub bucket_counts: Vec<u64>,
}

impl Element<'_> {
    /// Sets the aggregation temporality of a metric that is a sum or a histogram; does nothing to anything else.
    ///
    /// # Errors
    /// When its bytes are not a metric.
    pub fn set_temporality(&mut self, temporality: i32) -> Result<(), DecodeError> {
        const TEMPORALITY: u32 = 2;
        if self.level != Level::Item || self.metric.is_none() {
            return Ok(());
        }
        let message = self.replacement.as_deref().unwrap_or(self.bytes);
        let mut out = Encoder::with_capacity(message.len() + 4);
        for record in Records::new(message, "Metric") {
            let record = record?;
            if !matches!(record.number, 7 | 9 | 10) {
                out.raw(record.raw());
                continue;
            }
            let data = record.bytes()?;
            let open = out.open(record.number);
            for record in Records::new(data, "data") {
                let record = record?;
                if record.number != TEMPORALITY {
                    out.raw(record.raw());
                }
            }
            out.varint(TEMPORALITY, temporality as u64);
            out.close(open);
        }
        self.replacement = Some(out.into_bytes());
        Ok(())
    }

    /// Gives a data point another value and start; attributes, exemplars, flags and bounds stay. Does nothing to anything
    /// else, nor to a point of another kind than the value.
    ///
    /// # Errors
    /// When its bytes are not a data point.
    pub fn set_point(
        &mut self,
        start_time_unix_nano: u64,
        value: &NewValue,
    ) -> Result<(), DecodeError> {
        let Some(point) = self.point()? else {
            return Ok(());
        };
        let fits = matches!(
            (point.value, value),
            (PointValue::Number(_), NewValue::Number(_))
                | (PointValue::Histogram(_), NewValue::Histogram(_))
                | (
                    PointValue::ExponentialHistogram(_),
                    NewValue::ExponentialHistogram(_)
                )
        );
        if !fits {
            return Ok(());
        }
        const START: u32 = 2;
        let replaced = value.fields();
        let mut out = Encoder::with_capacity(self.bytes.len() + 16);
        out.fixed64(START, start_time_unix_nano);
        value.write(&mut out);
        for record in Records::new(self.bytes, "data point") {
            let record = record?;
            if record.number != START && !replaced.contains(&record.number) {
                out.raw(record.raw());
            }
        }
        self.replacement = Some(out.into_bytes());
        Ok(())
    }
}

impl NewValue {
    /// The fields of the point's message that it stands for.
    const fn fields(&self) -> &'static [u32] {
        match self {
            NewValue::Number(_) => &[4, 6],
            NewValue::Histogram(_) => &[4, 5, 6, 11, 12],
            NewValue::ExponentialHistogram(_) => &[4, 5, 6, 7, 8, 9, 12, 13, 14],
        }
    }

    fn write(&self, out: &mut Encoder) {
        let optional = |out: &mut Encoder, number, value: Option<f64>| {
            if let Some(value) = value {
                out.some_fixed64(number, value.to_bits());
            }
        };
        match self {
            NewValue::Number(NumberView::Double(value)) => out.some_fixed64(4, value.to_bits()),
            NewValue::Number(NumberView::Int(value)) => out.some_fixed64(6, value.cast_unsigned()),
            NewValue::Histogram(histogram) => {
                out.fixed64(4, histogram.count);
                optional(out, 5, histogram.sum);
                out.packed_fixed64(6, &histogram.bucket_counts);
                optional(out, 11, histogram.min);
                optional(out, 12, histogram.max);
            }
            NewValue::ExponentialHistogram(histogram) => {
                out.fixed64(4, histogram.count);
                optional(out, 5, histogram.sum);
                out.varint(6, u64::from(zigzag(histogram.scale)));
                out.fixed64(7, histogram.zero_count);
                histogram.positive.write(8, out);
                histogram.negative.write(9, out);
                optional(out, 12, histogram.min);
                optional(out, 13, histogram.max);
                out.double(14, histogram.zero_threshold);
            }
        }
    }
}

impl NewBuckets {
    fn write(&self, number: u32, out: &mut Encoder) {
        if self.bucket_counts.is_empty() {
            return;
        }
        out.nested(number, |out| {
            out.varint(1, u64::from(zigzag(self.offset)));
            out.nested(2, |out| {
                self.bucket_counts
                    .iter()
                    .for_each(|count| out.bare_varint(*count));
            });
        });
    }
}

/// A `sint32` as the wire has it.
const fn zigzag(value: i32) -> u32 {
    ((value << 1) ^ (value >> 31)).cast_unsigned()
}

/// The kinds of metrics that have a temporality.
pub const fn has_temporality(kind: MetricKind) -> bool {
    matches!(
        kind,
        MetricKind::Sum | MetricKind::Histogram | MetricKind::ExponentialHistogram
    )
}
