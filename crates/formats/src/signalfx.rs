//! SignalFx's own data points and events (protobuf), and SAPM's request.
//!
//! Field by field from
//! [`signal_fx_protocol_buffers.proto`](https://github.com/signalfx/com_signalfx_metrics_protobuf/blob/master/proto/signalfx_metrics.proto)
//! and [`sapm.proto`](https://github.com/signalfx/sapm-proto/blob/main/proto/sapm.proto).

use prost::{Enumeration, Message};

use crate::jaeger;

/// What is posted to `/v2/trace`: one batch for each process.
#[derive(Clone, PartialEq, Message)]
pub struct PostSpansRequest {
    /// The batches.
    #[prost(message, repeated, tag = "1")]
    pub batches: Vec<jaeger::Batch>,
}

/// What is posted to `/v2/datapoint`.
#[derive(Clone, PartialEq, Message)]
pub struct DataPointUploadMessage {
    /// The points.
    #[prost(message, repeated, tag = "1")]
    pub datapoints: Vec<DataPoint>,
}

/// A point.
#[derive(Clone, PartialEq, Message)]
pub struct DataPoint {
    /// No longer in use.
    #[prost(string, optional, tag = "1")]
    pub source: Option<String>,
    /// The metric's name.
    #[prost(string, required, tag = "2")]
    pub metric: String,
    /// Milliseconds since 1970.
    #[prost(int64, optional, tag = "3")]
    pub timestamp: Option<i64>,
    /// The value.
    #[prost(message, required, tag = "4")]
    pub value: Datum,
    /// What the value is.
    #[prost(enumeration = "MetricType", optional, tag = "5")]
    pub metric_type: Option<i32>,
    /// The dimensions.
    #[prost(message, repeated, tag = "6")]
    pub dimensions: Vec<Dimension>,
}

/// A value, of one of three types.
#[derive(Clone, PartialEq, Message)]
pub struct Datum {
    /// A text.
    #[prost(string, optional, tag = "1")]
    pub str_value: Option<String>,
    /// A floating-point number.
    #[prost(double, optional, tag = "2")]
    pub double_value: Option<f64>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub int_value: Option<i64>,
}

/// A key and a value.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    /// The key.
    #[prost(string, required, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, required, tag = "2")]
    pub value: String,
}

/// What a point is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub enum MetricType {
    /// A value.
    Gauge = 0,
    /// An increase since the point before.
    Counter = 1,
    /// One of a set of texts.
    Enum = 2,
    /// A sum since a fixed start.
    CumulativeCounter = 3,
}

/// What is posted to `/v2/event`.
#[derive(Clone, PartialEq, Message)]
pub struct EventUploadMessage {
    /// The events.
    #[prost(message, repeated, tag = "1")]
    pub events: Vec<Event>,
}

/// An event.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    /// Its type.
    #[prost(string, required, tag = "1")]
    pub event_type: String,
    /// The dimensions.
    #[prost(message, repeated, tag = "2")]
    pub dimensions: Vec<Dimension>,
    /// What else is known.
    #[prost(message, repeated, tag = "3")]
    pub properties: Vec<Property>,
    /// The category: 1000000 is the user's own.
    #[prost(int32, optional, tag = "4")]
    pub category: Option<i32>,
    /// Milliseconds since 1970.
    #[prost(int64, optional, tag = "5")]
    pub timestamp: Option<i64>,
}

/// Something about an event.
#[derive(Clone, PartialEq, Message)]
pub struct Property {
    /// The key.
    #[prost(string, required, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<PropertyValue>,
}

/// A value, of one of four types.
#[derive(Clone, PartialEq, Message)]
pub struct PropertyValue {
    /// A text.
    #[prost(string, optional, tag = "1")]
    pub str_value: Option<String>,
    /// A floating-point number.
    #[prost(double, optional, tag = "2")]
    pub double_value: Option<f64>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub int_value: Option<i64>,
    /// A truth value.
    #[prost(bool, optional, tag = "4")]
    pub bool_value: Option<bool>,
}
