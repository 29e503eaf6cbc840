//! What an application or an exporter answers to a scrape: `io.prometheus.client`, in proto2, so that every scalar may be
//! absent.

use prost::{Enumeration, Message};

/// All metrics of one name.
#[derive(Clone, PartialEq, Message)]
pub struct MetricFamily {
    /// The name; a counter's ends in `_total` here.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// What it measures.
    #[prost(string, optional, tag = "2")]
    pub help: Option<String>,
    /// Which of a metric's kinds of value is set.
    #[prost(enumeration = "MetricType", optional, tag = "3")]
    pub r#type: Option<i32>,
    /// The metrics, each with other labels.
    #[prost(message, repeated, tag = "4")]
    pub metric: Vec<Metric>,
    /// The unit, such as `seconds`.
    #[prost(string, optional, tag = "5")]
    pub unit: Option<String>,
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// A sum that never falls.
    Counter = 0,
    /// A value that may go anywhere.
    Gauge = 1,
    /// Quantiles, with their count and sum.
    Summary = 2,
    /// Nobody knows.
    Untyped = 3,
    /// Counts in buckets, classic or native.
    Histogram = 4,
    /// A histogram whose counts may fall.
    GaugeHistogram = 5,
}

/// One metric: labels and a value.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// Its labels.
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    /// Its value, as a gauge.
    #[prost(message, optional, tag = "2")]
    pub gauge: Option<Gauge>,
    /// Its value, as a counter.
    #[prost(message, optional, tag = "3")]
    pub counter: Option<Counter>,
    /// Its value, as a summary.
    #[prost(message, optional, tag = "4")]
    pub summary: Option<Summary>,
    /// Its value, where nobody knows the kind.
    #[prost(message, optional, tag = "5")]
    pub untyped: Option<Untyped>,
    /// Its value, as a histogram.
    #[prost(message, optional, tag = "7")]
    pub histogram: Option<Histogram>,
    /// When it was measured; the time of the scrape where there is none.
    #[prost(int64, optional, tag = "6")]
    pub timestamp_ms: Option<i64>,
}

/// A label.
#[derive(Clone, PartialEq, Message)]
pub struct LabelPair {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// A value that may go anywhere.
#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    /// The value.
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

/// A sum that never falls.
#[derive(Clone, PartialEq, Message)]
pub struct Counter {
    /// The sum.
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
    /// An example of what is counted.
    #[prost(message, optional, tag = "2")]
    pub exemplar: Option<Exemplar>,
    /// When counting began.
    #[prost(message, optional, tag = "3")]
    pub start_timestamp: Option<Timestamp>,
}

/// A value of unknown kind.
#[derive(Clone, PartialEq, Message)]
pub struct Untyped {
    /// The value.
    #[prost(double, optional, tag = "1")]
    pub value: Option<f64>,
}

/// Quantiles.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    /// How many values.
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    /// Their sum.
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    /// The quantiles.
    #[prost(message, repeated, tag = "3")]
    pub quantile: Vec<Quantile>,
    /// When counting began.
    #[prost(message, optional, tag = "4")]
    pub start_timestamp: Option<Timestamp>,
}

/// One quantile of a summary.
#[derive(Clone, PartialEq, Message)]
pub struct Quantile {
    /// From 0 to 1.
    #[prost(double, optional, tag = "1")]
    pub quantile: Option<f64>,
    /// The value there.
    #[prost(double, optional, tag = "2")]
    pub value: Option<f64>,
}

/// A histogram: classic buckets, native ones, or both.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// How many values.
    #[prost(uint64, optional, tag = "1")]
    pub sample_count: Option<u64>,
    /// The same, where it is no whole number.
    #[prost(double, optional, tag = "4")]
    pub sample_count_float: Option<f64>,
    /// Their sum.
    #[prost(double, optional, tag = "2")]
    pub sample_sum: Option<f64>,
    /// The classic buckets.
    #[prost(message, repeated, tag = "3")]
    pub bucket: Vec<Bucket>,
    /// When counting began.
    #[prost(message, optional, tag = "15")]
    pub start_timestamp: Option<Timestamp>,
    /// The resolution of the native buckets, from -4 to 8: bounds are powers of `2^(2^-schema)`.
    #[prost(sint32, optional, tag = "5")]
    pub schema: Option<i32>,
    /// The width of the zero bucket.
    #[prost(double, optional, tag = "6")]
    pub zero_threshold: Option<f64>,
    /// How many values are in the zero bucket.
    #[prost(uint64, optional, tag = "7")]
    pub zero_count: Option<u64>,
    /// The same, where it is no whole number.
    #[prost(double, optional, tag = "8")]
    pub zero_count_float: Option<f64>,
    /// Which negative buckets there are.
    #[prost(message, repeated, tag = "9")]
    pub negative_span: Vec<BucketSpan>,
    /// What they count.
    #[prost(sint64, repeated, packed = "false", tag = "10")]
    pub negative_delta: Vec<i64>,
    /// The same without differences, where counts are no whole numbers.
    #[prost(double, repeated, packed = "false", tag = "11")]
    pub negative_count: Vec<f64>,
    /// Which positive buckets there are.
    #[prost(message, repeated, tag = "12")]
    pub positive_span: Vec<BucketSpan>,
    /// What they count.
    #[prost(sint64, repeated, packed = "false", tag = "13")]
    pub positive_delta: Vec<i64>,
    /// The same without differences, where counts are no whole numbers.
    #[prost(double, repeated, packed = "false", tag = "14")]
    pub positive_count: Vec<f64>,
    /// Exemplars of a histogram with native buckets.
    #[prost(message, repeated, tag = "16")]
    pub exemplars: Vec<Exemplar>,
}

/// A classic bucket.
#[derive(Clone, PartialEq, Message)]
pub struct Bucket {
    /// How many values are in this bucket and all below it.
    #[prost(uint64, optional, tag = "1")]
    pub cumulative_count: Option<u64>,
    /// The same, where it is no whole number.
    #[prost(double, optional, tag = "4")]
    pub cumulative_count_float: Option<f64>,
    /// Its upper bound, inclusive.
    #[prost(double, optional, tag = "2")]
    pub upper_bound: Option<f64>,
    /// An example of its values.
    #[prost(message, optional, tag = "3")]
    pub exemplar: Option<Exemplar>,
}

/// A run of native buckets.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct BucketSpan {
    /// The first's index; for further spans the gap to the span before.
    #[prost(sint32, optional, tag = "1")]
    pub offset: Option<i32>,
    /// How many buckets.
    #[prost(uint32, optional, tag = "2")]
    pub length: Option<u32>,
}

/// An example of the values behind a metric.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// Labels that the metric has not, such as `trace_id`.
    #[prost(message, repeated, tag = "1")]
    pub label: Vec<LabelPair>,
    /// The value.
    #[prost(double, optional, tag = "2")]
    pub value: Option<f64>,
    /// When.
    #[prost(message, optional, tag = "3")]
    pub timestamp: Option<Timestamp>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Timestamp {
    /// Seconds since 1970.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest, in nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}
