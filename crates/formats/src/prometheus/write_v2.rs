//! Remote write 2.0: every text once, and referred to by its number.

use prost::Message;

use super::write::{Histogram, MetricType};

/// A request.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// Every text of the request, once; the first is empty.
    #[prost(string, repeated, tag = "4")]
    pub symbols: Vec<String>,
    /// The series.
    #[prost(message, repeated, tag = "5")]
    pub timeseries: Vec<TimeSeries>,
}

/// Samples of one series.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// Pairs of name and value, in the order of the names.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    /// The samples in the order of time.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
    /// The native histograms in the order of time.
    #[prost(message, repeated, tag = "3")]
    pub histograms: Vec<Histogram>,
    /// The exemplars in the order of time.
    #[prost(message, repeated, tag = "4")]
    pub exemplars: Vec<Exemplar>,
    /// What is known about the metric.
    #[prost(message, optional, tag = "5")]
    pub metadata: Option<Metadata>,
    /// When counting began, as releases before Prometheus 3.9 read it.
    #[prost(int64, tag = "6")]
    pub created_timestamp: i64,
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
    /// When counting began, 0 when unknown.
    #[prost(int64, tag = "3")]
    pub start_timestamp: i64,
}

/// An example of the values behind a sample.
#[derive(Clone, PartialEq, Message)]
pub struct Exemplar {
    /// Pairs of name and value.
    #[prost(uint32, repeated, tag = "1")]
    pub labels_refs: Vec<u32>,
    /// The value.
    #[prost(double, tag = "2")]
    pub value: f64,
    /// When.
    #[prost(int64, tag = "3")]
    pub timestamp: i64,
}

/// What is known about a series' metric.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Metadata {
    /// The kind.
    #[prost(enumeration = "MetricType", tag = "1")]
    pub r#type: i32,
    /// What it measures.
    #[prost(uint32, tag = "3")]
    pub help_ref: u32,
    /// The unit.
    #[prost(uint32, tag = "4")]
    pub unit_ref: u32,
}
