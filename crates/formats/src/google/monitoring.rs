//! `google.monitoring.v3`.
//! [Source](https://github.com/googleapis/googleapis/tree/master/google/monitoring/v3).

use std::collections::BTreeMap;

use prost::{Message, Oneof};

use super::{Any, MonitoredResource, Status, Timestamp};

/// The method that takes [`CreateTimeSeriesRequest`]; its answer is empty.
pub const CREATE_TIME_SERIES: &str = "/google.monitoring.v3.MetricService/CreateTimeSeries";
/// The type of [`CreateTimeSeriesSummary`] in a status.
pub const SUMMARY: &str = "google.monitoring.v3.CreateTimeSeriesSummary";
/// The type of [`SpanContext`] in an exemplar.
pub const SPAN_CONTEXT: &str = "type.googleapis.com/google.monitoring.v3.SpanContext";
/// The type of [`DroppedLabels`] in an exemplar.
pub const DROPPED_LABELS: &str = "type.googleapis.com/google.monitoring.v3.DroppedLabels";

/// At most 200 series, each once and with one point.
#[derive(Clone, PartialEq, Message)]
pub struct CreateTimeSeriesRequest {
    /// The series.
    #[prost(message, repeated, tag = "2")]
    pub time_series: Vec<TimeSeries>,
    /// `projects/<id>`.
    #[prost(string, tag = "3")]
    pub name: String,
}

/// How many points were taken: a detail of the status with which the call fails.
#[derive(Clone, PartialEq, Message)]
pub struct CreateTimeSeriesSummary {
    /// All points of the call.
    #[prost(int32, tag = "1")]
    pub total_point_count: i32,
    /// Those that were taken.
    #[prost(int32, tag = "2")]
    pub success_point_count: i32,
    /// Why the others were not.
    #[prost(message, repeated, tag = "3")]
    pub errors: Vec<SummaryError>,
}

/// Why some points were not taken.
#[derive(Clone, PartialEq, Message)]
pub struct SummaryError {
    /// Why.
    #[prost(message, optional, tag = "1")]
    pub status: Option<Status>,
    /// How many.
    #[prost(int32, tag = "2")]
    pub point_count: i32,
}

/// A series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// What is measured.
    #[prost(message, optional, tag = "1")]
    pub metric: Option<Metric>,
    /// What it is measured of.
    #[prost(message, optional, tag = "2")]
    pub resource: Option<MonitoredResource>,
    /// `MetricKind`: 1 gauge, 2 delta, 3 cumulative.
    #[prost(int32, tag = "3")]
    pub metric_kind: i32,
    /// `ValueType`: 1 truth value, 2 integer, 3 double, 4 text, 5 distribution.
    #[prost(int32, tag = "4")]
    pub value_type: i32,
    /// One point.
    #[prost(message, repeated, tag = "5")]
    pub points: Vec<Point>,
    /// The unit, in UCUM.
    #[prost(string, tag = "8")]
    pub unit: String,
}

/// `google.api.Metric`.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Metric {
    /// A domain and a path, at most 200 characters.
    #[prost(string, tag = "3")]
    pub r#type: String,
    /// At most 30, with values of at most 1024 bytes.
    #[prost(btree_map = "string, string", tag = "2")]
    pub labels: BTreeMap<String, String>,
}

/// A point.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// When.
    #[prost(message, optional, tag = "1")]
    pub interval: Option<TimeInterval>,
    /// What.
    #[prost(message, optional, tag = "2")]
    pub value: Option<TypedValue>,
}

/// A time range; of a gauge only its end.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct TimeInterval {
    /// Its end.
    #[prost(message, optional, tag = "2")]
    pub end_time: Option<Timestamp>,
    /// Its start, before the end.
    #[prost(message, optional, tag = "1")]
    pub start_time: Option<Timestamp>,
}

/// A point's value.
#[derive(Clone, PartialEq, Message)]
pub struct TypedValue {
    /// The value.
    #[prost(oneof = "Value", tags = "2, 3, 5")]
    pub value: Option<Value>,
}

/// The values that points may have.
#[derive(Clone, PartialEq, Oneof)]
pub enum Value {
    /// An integer.
    #[prost(int64, tag = "2")]
    Int64Value(i64),
    /// A finite number.
    #[prost(double, tag = "3")]
    DoubleValue(f64),
    /// A histogram.
    #[prost(message, tag = "5")]
    DistributionValue(Distribution),
}

/// `google.api.Distribution`.
#[derive(Clone, PartialEq, Message)]
pub struct Distribution {
    /// How many values it counts: the sum of the buckets.
    #[prost(int64, tag = "1")]
    pub count: i64,
    /// Their mean; 0 where there are none.
    #[prost(double, tag = "2")]
    pub mean: f64,
    /// Their deviation.
    #[prost(double, tag = "3")]
    pub sum_of_squared_deviation: f64,
    /// Where the buckets are.
    #[prost(message, optional, tag = "6")]
    pub bucket_options: Option<BucketOptions>,
    /// How many values each bucket counts.
    #[prost(int64, repeated, tag = "7")]
    pub bucket_counts: Vec<i64>,
    /// Examples of the values.
    #[prost(message, repeated, tag = "10")]
    pub exemplars: Vec<Exemplar>,
}

/// Where a distribution's buckets are; beside those there is one below and one above.
#[derive(Clone, PartialEq, Message)]
pub struct BucketOptions {
    /// How.
    #[prost(oneof = "Options", tags = "2, 3")]
    pub options: Option<Options>,
}

/// The ways to say where buckets are.
#[derive(Clone, PartialEq, Oneof)]
pub enum Options {
    /// Bounds that grow by a factor.
    #[prost(message, tag = "2")]
    ExponentialBuckets(Exponential),
    /// Bounds one by one.
    #[prost(message, tag = "3")]
    ExplicitBuckets(Explicit),
}

/// Bucket `i` begins at `scale * growth_factor ^ (i - 1)`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Exponential {
    /// More than none.
    #[prost(int32, tag = "1")]
    pub num_finite_buckets: i32,
    /// More than one.
    #[prost(double, tag = "2")]
    pub growth_factor: f64,
    /// More than zero.
    #[prost(double, tag = "3")]
    pub scale: f64,
}

/// Rising bounds.
#[derive(Clone, PartialEq, Message)]
pub struct Explicit {
    /// The bounds.
    #[prost(double, repeated, tag = "1")]
    pub bounds: Vec<f64>,
}

/// An example.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// The value.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// When.
    #[prost(message, optional, tag = "2")]
    pub timestamp: Option<Timestamp>,
    /// What else is known of it.
    #[prost(message, repeated, tag = "3")]
    pub attachments: Vec<Any>,
}

/// The span in which an example was measured.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct SpanContext {
    /// `projects/<id>/traces/<32 digits>/spans/<16 digits>`.
    #[prost(string, tag = "1")]
    pub span_name: String,
}

/// What the series of an example doesn't say.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct DroppedLabels {
    /// The labels.
    #[prost(btree_map = "string, string", tag = "1")]
    pub label: BTreeMap<String, String>,
}
