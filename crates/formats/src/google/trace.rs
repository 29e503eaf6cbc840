//! `google.devtools.cloudtrace.v2`.
//! [Source](https://github.com/googleapis/googleapis/blob/master/google/devtools/cloudtrace/v2/trace.proto).

use std::collections::BTreeMap;

use prost::{Message, Oneof};

use super::{BoolValue, Status, Timestamp};

/// The method that takes [`BatchWriteSpansRequest`]; its answer is empty.
pub const BATCH_WRITE_SPANS: &str = "/google.devtools.cloudtrace.v2.TraceService/BatchWriteSpans";

/// Spans of one project.
#[derive(Clone, PartialEq, Message)]
pub struct BatchWriteSpansRequest {
    /// `projects/<id>`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The spans.
    #[prost(message, repeated, tag = "2")]
    pub spans: Vec<Span>,
}

/// A span.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// `projects/<id>/traces/<32 digits>/spans/<16 digits>`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The last part of the name.
    #[prost(string, tag = "2")]
    pub span_id: String,
    /// The parent's id; empty for a root.
    #[prost(string, tag = "3")]
    pub parent_span_id: String,
    /// What people see, at most 128 bytes.
    #[prost(message, optional, tag = "4")]
    pub display_name: Option<TruncatableString>,
    /// When it started.
    #[prost(message, optional, tag = "5")]
    pub start_time: Option<Timestamp>,
    /// When it ended, not before it started.
    #[prost(message, optional, tag = "6")]
    pub end_time: Option<Timestamp>,
    /// At most 32.
    #[prost(message, optional, tag = "7")]
    pub attributes: Option<Attributes>,
    /// At most 32 annotations.
    #[prost(message, optional, tag = "9")]
    pub time_events: Option<TimeEvents>,
    /// At most 128.
    #[prost(message, optional, tag = "10")]
    pub links: Option<Links>,
    /// How it ended.
    #[prost(message, optional, tag = "11")]
    pub status: Option<Status>,
    /// Whether its parent is not remote.
    #[prost(message, optional, tag = "12")]
    pub same_process_as_parent_span: Option<BoolValue>,
    /// As OTLP's.
    #[prost(int32, tag = "14")]
    pub span_kind: i32,
}

/// Attributes by key; a key has at most 128 bytes.
#[derive(Clone, PartialEq, Message)]
pub struct Attributes {
    /// The attributes.
    #[prost(btree_map = "string, message", tag = "1")]
    pub attribute_map: BTreeMap<String, AttributeValue>,
    /// How many are missing.
    #[prost(int32, tag = "2")]
    pub dropped_attributes_count: i32,
}

/// An attribute's value.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeValue {
    /// The value.
    #[prost(oneof = "Value", tags = "1, 2, 3")]
    pub value: Option<Value>,
}

/// The types that a value may have.
#[derive(Clone, PartialEq, Oneof)]
pub enum Value {
    /// Text of at most 256 bytes.
    #[prost(message, tag = "1")]
    StringValue(TruncatableString),
    /// An integer.
    #[prost(int64, tag = "2")]
    IntValue(i64),
    /// A truth value.
    #[prost(bool, tag = "3")]
    BoolValue(bool),
}

/// Text that may have been cut between characters.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct TruncatableString {
    /// What is left.
    #[prost(string, tag = "1")]
    pub value: String,
    /// How many bytes were cut off.
    #[prost(int32, tag = "2")]
    pub truncated_byte_count: i32,
}

/// A span's events.
#[derive(Clone, PartialEq, Message)]
pub struct TimeEvents {
    /// The events.
    #[prost(message, repeated, tag = "1")]
    pub time_event: Vec<TimeEvent>,
    /// How many are missing.
    #[prost(int32, tag = "2")]
    pub dropped_annotations_count: i32,
}

/// An event.
#[derive(Clone, PartialEq, Message)]
pub struct TimeEvent {
    /// When.
    #[prost(message, optional, tag = "1")]
    pub time: Option<Timestamp>,
    /// What.
    #[prost(message, optional, tag = "2")]
    pub annotation: Option<Annotation>,
}

/// What an event says.
#[derive(Clone, PartialEq, Message)]
pub struct Annotation {
    /// At most 256 bytes.
    #[prost(message, optional, tag = "1")]
    pub description: Option<TruncatableString>,
    /// At most 4.
    #[prost(message, optional, tag = "2")]
    pub attributes: Option<Attributes>,
}

/// A span's links.
#[derive(Clone, PartialEq, Message)]
pub struct Links {
    /// The links.
    #[prost(message, repeated, tag = "1")]
    pub link: Vec<Link>,
    /// How many are missing.
    #[prost(int32, tag = "2")]
    pub dropped_links_count: i32,
}

/// A link.
#[derive(Clone, PartialEq, Message)]
pub struct Link {
    /// The other trace.
    #[prost(string, tag = "1")]
    pub trace_id: String,
    /// The other span.
    #[prost(string, tag = "2")]
    pub span_id: String,
    /// At most 32.
    #[prost(message, optional, tag = "4")]
    pub attributes: Option<Attributes>,
}
