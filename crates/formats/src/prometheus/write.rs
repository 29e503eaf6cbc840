//! Remote write 1.0: every series with its labels written out.

use prost::{Enumeration, Message, Oneof};

/// A request.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// The series.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
    /// What is known about metrics; most servers forget it.
    #[prost(message, repeated, tag = "3")]
    pub metadata: Vec<MetricMetadata>,
}

/// Samples of one series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// The labels in the order of their names, `__name__` among them.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The samples in the order of time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// The exemplars in the order of time.
    #[prost(message, repeated, tag = "3")]
    pub exemplars: Vec<Exemplar>,
    /// The native histograms in the order of time.
    #[prost(message, repeated, tag = "4")]
    pub histograms: Vec<Histogram>,
}

/// A label. Neither is ever empty.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Label {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A value at a time.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// When.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// An example of the values behind a sample.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// Labels that the series has not.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// The value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// When.
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}

/// A native histogram. Remote write 2.0 has the same message, and [`Histogram::start_timestamp`] besides.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// How many values.
    #[prost(oneof = "HistogramCount", tags = "1, 2")]
    pub count: Option<HistogramCount>,
    /// Their sum.
    #[prost(double, tag = "3")]
    pub sum: f64,
    /// The resolution, from -4 to 8, or [`super::CUSTOM_BUCKETS`].
    #[prost(sint32, tag = "4")]
    pub schema: i32,
    /// The width of the zero bucket.
    #[prost(double, tag = "5")]
    pub zero_threshold: f64,
    /// How many values are in the zero bucket.
    #[prost(oneof = "ZeroCount", tags = "6, 7")]
    pub zero_count: Option<ZeroCount>,
    /// Which negative buckets there are.
    #[prost(message, repeated, tag = "8")]
    pub negative_spans: Vec<BucketSpan>,
    /// What they count.
    #[prost(sint64, repeated, tag = "9")]
    pub negative_deltas: Vec<i64>,
    /// The same without differences, where counts are no whole numbers.
    #[prost(double, repeated, tag = "10")]
    pub negative_counts: Vec<f64>,
    /// Which positive buckets there are.
    #[prost(message, repeated, tag = "11")]
    pub positive_spans: Vec<BucketSpan>,
    /// What they count.
    #[prost(sint64, repeated, tag = "12")]
    pub positive_deltas: Vec<i64>,
    /// The same without differences, where counts are no whole numbers.
    #[prost(double, repeated, tag = "13")]
    pub positive_counts: Vec<f64>,
    /// Whether counts began anew: 0 unknown, 1 yes, 2 no, 3 they are a gauge's.
    #[prost(int32, tag = "14")]
    pub reset_hint: i32,
    /// When it was measured.
    #[prost(int64, tag = "15")]
    pub timestamp: i64,
    /// The upper bounds of custom buckets.
    #[prost(double, repeated, tag = "16")]
    pub custom_values: Vec<f64>,
    /// When counting began, 0 when unknown; remote write 2.0 only.
    #[prost(int64, tag = "17")]
    pub start_timestamp: i64,
}

/// How many values a histogram counts.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum HistogramCount {
    /// As a whole number.
    #[prost(uint64, tag = "1")]
    Int(u64),
    /// Otherwise.
    #[prost(double, tag = "2")]
    Float(f64),
}

/// How many values a histogram's zero bucket counts.
#[derive(Clone, Copy, PartialEq, Oneof)]
pub enum ZeroCount {
    /// As a whole number.
    #[prost(uint64, tag = "6")]
    Int(u64),
    /// Otherwise.
    #[prost(double, tag = "7")]
    Float(f64),
}

/// A run of native buckets.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct BucketSpan {
    /// The first's index; for further spans the gap to the span before.
    #[prost(sint32, tag = "1")]
    pub offset: i32,
    /// How many buckets.
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// What is known about all series of a name.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct MetricMetadata {
    /// The kind.
    #[prost(enumeration = "MetricType", tag = "1")]
    pub r#type: i32,
    /// The name, without `_bucket` and its like.
    #[prost(string, tag = "2")]
    pub metric_family_name: String,
    /// What it measures.
    #[prost(string, tag = "4")]
    pub help: String,
    /// The unit.
    #[prost(string, tag = "5")]
    pub unit: String,
}

/// The kinds of metrics, in both versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// Nobody knows.
    Unknown = 0,
    /// A sum that never falls.
    Counter = 1,
    /// A value that may go anywhere.
    Gauge = 2,
    /// Counts in buckets, classic or native.
    Histogram = 3,
    /// A histogram whose counts may fall.
    GaugeHistogram = 4,
    /// Quantiles, with their count and sum.
    Summary = 5,
    /// A 1 with labels that say something.
    Info = 6,
    /// One 1 among zeros.
    StateSet = 7,
}
