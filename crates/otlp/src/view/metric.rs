//! Metrics and their data points, one type for all five kinds.

use super::Attributes;
use crate::schema::wire_type::{FIXED64, VARINT};
use crate::wire::{List, Record, Records, Scalars};
use crate::{DecodeError, SpanId, TraceId};

/// A metric. Field names and meanings are OTLP's.
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricView<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it measures.
    pub description: &'a str,
    /// Its unit, in UCUM.
    pub unit: &'a str,
    /// What kind of data points it has.
    pub kind: MetricKind,
    /// `AggregationTemporality` of sums and histograms: 0 unspecified, 1 delta, 2 cumulative.
    pub aggregation_temporality: i32,
    /// Whether a sum never falls.
    pub is_monotonic: bool,
    /// Further facts about the metric.
    pub metadata: Attributes<'a>,
    points: List<'a>,
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricKind {
    /// No data, or a kind that this version doesn't know.
    #[default]
    Empty,
    /// The last value of something.
    Gauge,
    /// A sum, monotonic or not.
    Sum,
    /// A histogram with explicit bounds.
    Histogram,
    /// A histogram with exponential buckets.
    ExponentialHistogram,
    /// Quantiles that the source computed.
    Summary,
}

/// A data point.
#[derive(Clone, Copy, Debug, Default)]
pub struct PointView<'a> {
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// When its time range starts, in nanoseconds since 1970; 0 when unknown.
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// Bit 0: there is no recorded value.
    pub flags: u32,
    /// What was measured.
    pub value: PointValue<'a>,
    exemplars: List<'a>,
}

/// What a data point says.
#[derive(Clone, Copy, Debug, Default)]
pub enum PointValue<'a> {
    /// Nothing.
    #[default]
    Empty,
    /// A number of a gauge or a sum.
    Number(NumberView),
    /// A histogram with explicit bounds.
    Histogram(HistogramView<'a>),
    /// A histogram with exponential buckets.
    ExponentialHistogram(ExponentialHistogramView<'a>),
    /// Quantiles.
    Summary(SummaryView<'a>),
}

/// A number, of the type that the sender chose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NumberView {
    /// An integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
}

impl NumberView {
    /// The number as a floating-point number; integers past 2^53 are rounded.
    pub const fn as_f64(self) -> f64 {
        match self {
            NumberView::Int(value) => value as f64,
            NumberView::Double(value) => value,
        }
    }
}

/// A histogram with explicit bounds.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistogramView<'a> {
    /// How many values it counts.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    bucket_counts: List<'a>,
    explicit_bounds: List<'a>,
}

/// A histogram whose bucket bounds are powers of `2^(2^-scale)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExponentialHistogramView<'a> {
    /// How many values it counts.
    pub count: u64,
    /// Their sum.
    pub sum: Option<f64>,
    /// The smallest.
    pub min: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
    /// The resolution: larger is finer.
    pub scale: i32,
    /// How many values are zero, or as close as `zero_threshold`.
    pub zero_count: u64,
    /// The width of the zero bucket.
    pub zero_threshold: f64,
    /// The buckets of positive values.
    pub positive: BucketsView<'a>,
    /// The buckets of negative values.
    pub negative: BucketsView<'a>,
}

/// One side of an exponential histogram.
#[derive(Clone, Copy, Debug, Default)]
pub struct BucketsView<'a> {
    /// The index of the first bucket.
    pub offset: i32,
    bucket_counts: List<'a>,
}

/// Quantiles that the source computed.
#[derive(Clone, Copy, Debug, Default)]
pub struct SummaryView<'a> {
    /// How many values it counts.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    quantile_values: List<'a>,
}

/// One quantile of a summary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QuantileView {
    /// From 0 (the smallest value) to 1 (the largest).
    pub quantile: f64,
    /// The value there.
    pub value: f64,
}

/// An example of the values behind a data point.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExemplarView<'a> {
    /// The attributes that the data point doesn't have.
    pub filtered_attributes: Attributes<'a>,
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The value.
    pub value: Option<NumberView>,
    /// The span in which it was measured; zero when none.
    pub span_id: SpanId,
    /// The trace in which it was measured; zero when none.
    pub trace_id: TraceId,
}

impl<'a> MetricView<'a> {
    /// Reads a `Metric` message.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(bytes: &'a [u8]) -> Result<MetricView<'a>, DecodeError> {
        let mut view = MetricView::default();
        for record in Records::new(bytes, "Metric") {
            let record = record?;
            match record.number {
                1 => view.name = record.text()?,
                2 => view.description = record.text()?,
                3 => view.unit = record.text()?,
                5 => view.read_data(MetricKind::Gauge, record.bytes()?)?,
                7 => view.read_data(MetricKind::Sum, record.bytes()?)?,
                9 => view.read_data(MetricKind::Histogram, record.bytes()?)?,
                10 => view.read_data(MetricKind::ExponentialHistogram, record.bytes()?)?,
                11 => view.read_data(MetricKind::Summary, record.bytes()?)?,
                12 => view.metadata.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    fn read_data(&mut self, kind: MetricKind, bytes: &'a [u8]) -> Result<(), DecodeError> {
        self.kind = kind;
        self.points = List::default();
        self.aggregation_temporality = 0;
        self.is_monotonic = false;
        // Gauges and summaries have data points only: the other numbers may be anything there, as unknown fields.
        let has_temporality = !matches!(kind, MetricKind::Gauge | MetricKind::Summary);
        for record in Records::new(bytes, "Metric data") {
            let record = record?;
            match record.number {
                1 => self.points.add(&record),
                2 if has_temporality => self.aggregation_temporality = record.varint()? as i32,
                3 if kind == MetricKind::Sum => self.is_monotonic = record.varint()? != 0,
                _ => {}
            }
        }
        Ok(())
    }

    /// The data points.
    pub fn points(&self) -> impl Iterator<Item = Result<PointView<'a>, DecodeError>> + use<'a> {
        let kind = self.kind;
        self.points
            .map(move |record| PointView::read(kind, record?.bytes()?))
    }

    /// How many data points there are.
    pub const fn points_count(&self) -> usize {
        self.points.len()
    }
}

impl<'a> PointView<'a> {
    /// Reads a data point of a metric of that kind.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(kind: MetricKind, bytes: &'a [u8]) -> Result<PointView<'a>, DecodeError> {
        let mut view = PointView::default();
        match kind {
            MetricKind::Empty => {}
            MetricKind::Gauge | MetricKind::Sum => view.read_number(bytes)?,
            MetricKind::Histogram => view.read_histogram(bytes)?,
            MetricKind::ExponentialHistogram => view.read_exponential_histogram(bytes)?,
            MetricKind::Summary => view.read_summary(bytes)?,
        }
        Ok(view)
    }

    fn read_number(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        for record in Records::new(bytes, "NumberDataPoint") {
            let record = record?;
            match record.number {
                2 => self.start_time_unix_nano = record.fixed64()?,
                3 => self.time_unix_nano = record.fixed64()?,
                4 => self.value = PointValue::Number(NumberView::Double(record.double()?)),
                5 => self.exemplars.add(&record),
                6 => {
                    self.value =
                        PointValue::Number(NumberView::Int(record.fixed64()?.cast_signed()))
                }
                7 => self.attributes.add(&record),
                8 => self.flags = record.varint()? as u32,
                _ => {}
            }
        }
        Ok(())
    }

    fn read_histogram(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let mut value = HistogramView::default();
        for record in Records::new(bytes, "HistogramDataPoint") {
            let record = record?;
            match record.number {
                2 => self.start_time_unix_nano = record.fixed64()?,
                3 => self.time_unix_nano = record.fixed64()?,
                4 => value.count = record.fixed64()?,
                5 => value.sum = Some(record.double()?),
                6 => value.bucket_counts.add(&record),
                7 => value.explicit_bounds.add(&record),
                8 => self.exemplars.add(&record),
                9 => self.attributes.add(&record),
                10 => self.flags = record.varint()? as u32,
                11 => value.min = Some(record.double()?),
                12 => value.max = Some(record.double()?),
                _ => {}
            }
        }
        self.value = PointValue::Histogram(value);
        Ok(())
    }

    fn read_exponential_histogram(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let mut value = ExponentialHistogramView::default();
        for record in Records::new(bytes, "ExponentialHistogramDataPoint") {
            let record = record?;
            match record.number {
                1 => self.attributes.add(&record),
                2 => self.start_time_unix_nano = record.fixed64()?,
                3 => self.time_unix_nano = record.fixed64()?,
                4 => value.count = record.fixed64()?,
                5 => value.sum = Some(record.double()?),
                6 => value.scale = zigzag(record.varint()?),
                7 => value.zero_count = record.fixed64()?,
                8 => value.positive = BucketsView::read(record.bytes()?)?,
                9 => value.negative = BucketsView::read(record.bytes()?)?,
                10 => self.flags = record.varint()? as u32,
                11 => self.exemplars.add(&record),
                12 => value.min = Some(record.double()?),
                13 => value.max = Some(record.double()?),
                14 => value.zero_threshold = record.double()?,
                _ => {}
            }
        }
        self.value = PointValue::ExponentialHistogram(value);
        Ok(())
    }

    fn read_summary(&mut self, bytes: &'a [u8]) -> Result<(), DecodeError> {
        let mut value = SummaryView::default();
        for record in Records::new(bytes, "SummaryDataPoint") {
            let record = record?;
            match record.number {
                2 => self.start_time_unix_nano = record.fixed64()?,
                3 => self.time_unix_nano = record.fixed64()?,
                4 => value.count = record.fixed64()?,
                5 => value.sum = record.double()?,
                6 => value.quantile_values.add(&record),
                7 => self.attributes.add(&record),
                8 => self.flags = record.varint()? as u32,
                _ => {}
            }
        }
        self.value = PointValue::Summary(value);
        Ok(())
    }

    /// The exemplars.
    pub fn exemplars(
        &self,
    ) -> impl Iterator<Item = Result<ExemplarView<'a>, DecodeError>> + use<'a> {
        self.exemplars
            .map(|record| ExemplarView::read(record?.bytes()?))
    }
}

impl<'a> HistogramView<'a> {
    /// How many values each bucket counts; one more than there are bounds.
    pub fn bucket_counts(&self) -> impl Iterator<Item = Result<u64, DecodeError>> + use<'a> {
        Scalars::new(self.bucket_counts, FIXED64)
    }

    /// The buckets' upper bounds, inclusive, rising.
    pub fn explicit_bounds(&self) -> impl Iterator<Item = Result<f64, DecodeError>> + use<'a> {
        Scalars::new(self.explicit_bounds, FIXED64).map(|bits| bits.map(f64::from_bits))
    }
}

impl<'a> BucketsView<'a> {
    fn read(bytes: &'a [u8]) -> Result<BucketsView<'a>, DecodeError> {
        let mut view = BucketsView::default();
        for record in Records::new(bytes, "Buckets") {
            let record = record?;
            match record.number {
                1 => view.offset = zigzag(record.varint()?),
                2 => view.bucket_counts.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }

    /// How many values each bucket counts.
    pub fn bucket_counts(&self) -> impl Iterator<Item = Result<u64, DecodeError>> + use<'a> {
        Scalars::new(self.bucket_counts, VARINT)
    }
}

impl<'a> SummaryView<'a> {
    /// The quantiles.
    pub fn quantile_values(
        &self,
    ) -> impl Iterator<Item = Result<QuantileView, DecodeError>> + use<'a> {
        self.quantile_values.map(|record| read_quantile(&record?))
    }
}

fn read_quantile(record: &Record<'_>) -> Result<QuantileView, DecodeError> {
    let mut view = QuantileView::default();
    for record in Records::new(record.bytes()?, "ValueAtQuantile") {
        let record = record?;
        match record.number {
            1 => view.quantile = record.double()?,
            2 => view.value = record.double()?,
            _ => {}
        }
    }
    Ok(view)
}

impl<'a> ExemplarView<'a> {
    fn read(bytes: &'a [u8]) -> Result<ExemplarView<'a>, DecodeError> {
        let mut view = ExemplarView::default();
        for record in Records::new(bytes, "Exemplar") {
            let record = record?;
            match record.number {
                2 => view.time_unix_nano = record.fixed64()?,
                3 => view.value = Some(NumberView::Double(record.double()?)),
                4 => view.span_id = SpanId(record.id()?),
                5 => view.trace_id = TraceId(record.id()?),
                6 => view.value = Some(NumberView::Int(record.fixed64()?.cast_signed())),
                7 => view.filtered_attributes.add(&record),
                _ => {}
            }
        }
        Ok(view)
    }
}

/// Undoes the encoding of `sint32`.
pub(crate) const fn zigzag(value: u64) -> i32 {
    let value = value as u32;
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::{Batch, Signal};

    /// Found by fuzzing: a sum's field numbers in a gauge are unknown fields, whatever their wire type.
    #[test]
    fn a_gauge_may_have_unknown_fields_with_the_numbers_of_sums() {
        // Request 1, ResourceMetrics 2, ScopeMetrics 2, Metric 5 (gauge): fields 2 and 3 as bytes.
        let gauge = [0x12, 1, b'x', 0x1a, 1, b'y'];
        let mut bytes = gauge.to_vec();
        for tag in [0x2a, 0x12, 0x12, 0x0a] {
            bytes = [vec![tag, bytes.len() as u8], bytes].concat();
        }
        let batch = Batch::decode(Signal::Metrics, Bytes::from(bytes)).unwrap();
        let resource = batch.resources().next().unwrap().unwrap();
        let scope = resource.scopes().next().unwrap().unwrap();
        let metric = scope.metrics().next().unwrap().unwrap();
        assert_eq!(
            (metric.aggregation_temporality, metric.is_monotonic),
            (0, false)
        );
    }
}
