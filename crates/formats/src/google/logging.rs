//! `google.logging.v2`.
//! [Source](https://github.com/googleapis/googleapis/blob/master/google/logging/v2/log_entry.proto).

use std::collections::BTreeMap;

use prost::{Message, Oneof};

use super::{MonitoredResource, Status, Timestamp};

/// The method that takes [`WriteLogEntriesRequest`]; its answer is empty.
pub const WRITE_LOG_ENTRIES: &str = "/google.logging.v2.LoggingServiceV2/WriteLogEntries";
/// The type of [`WriteLogEntriesPartialErrors`] in a status.
pub const PARTIAL_ERRORS: &str = "google.logging.v2.WriteLogEntriesPartialErrors";

/// Entries of any logs.
#[derive(Clone, PartialEq, Message)]
pub struct WriteLogEntriesRequest {
    /// The entries.
    #[prost(message, repeated, tag = "4")]
    pub entries: Vec<LogEntry>,
    /// Whether good entries are taken where others are not.
    #[prost(bool, tag = "5")]
    pub partial_success: bool,
}

/// Which entries were not taken: a detail of the status with which the call fails.
#[derive(Clone, PartialEq, Message)]
pub struct WriteLogEntriesPartialErrors {
    /// Why, by the entry's place in the request.
    #[prost(btree_map = "int32, message", tag = "1")]
    pub log_entry_errors: BTreeMap<i32, Status>,
}

/// An entry, at most 256 KB.
#[derive(Clone, PartialEq, Message)]
pub struct LogEntry {
    /// `projects/<id>/logs/<name>`, the name percent-encoded.
    #[prost(string, tag = "12")]
    pub log_name: String,
    /// What wrote it.
    #[prost(message, optional, tag = "8")]
    pub resource: Option<MonitoredResource>,
    /// What it says.
    #[prost(oneof = "Payload", tags = "3, 6")]
    pub payload: Option<Payload>,
    /// When it happened.
    #[prost(message, optional, tag = "9")]
    pub timestamp: Option<Timestamp>,
    /// `LogSeverity`: 0 default, 100 debug, 200 info, 300 notice, 400 warning, 500 error, 600 critical, 700 alert, 800
    /// emergency.
    #[prost(int32, tag = "10")]
    pub severity: i32,
    /// Tells equal entries apart from repeated ones; 1 to 32 characters where it is given.
    #[prost(string, tag = "4")]
    pub insert_id: String,
    /// At most 64, whose keys have at most 512 bytes and values 64 KB.
    #[prost(btree_map = "string, string", tag = "11")]
    pub labels: BTreeMap<String, String>,
    /// `projects/<id>/traces/<32 digits>`.
    #[prost(string, tag = "22")]
    pub trace: String,
    /// 16 digits.
    #[prost(string, tag = "27")]
    pub span_id: String,
    /// Whether the trace is stored.
    #[prost(bool, tag = "30")]
    pub trace_sampled: bool,
    /// Where the text of an entry was too long: which part of it this is.
    #[prost(message, optional, tag = "35")]
    pub split: Option<LogSplit>,
}

/// A part of an entry.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct LogSplit {
    /// The same for all parts.
    #[prost(string, tag = "1")]
    pub uid: String,
    /// This part's number, from 0.
    #[prost(int32, tag = "2")]
    pub index: i32,
    /// How many parts there are.
    #[prost(int32, tag = "3")]
    pub total_splits: i32,
}

/// What an entry says.
#[derive(Clone, PartialEq, Oneof)]
pub enum Payload {
    /// Text.
    #[prost(string, tag = "3")]
    TextPayload(String),
    /// An object.
    #[prost(message, tag = "6")]
    JsonPayload(Struct),
}

/// `google.protobuf.Struct`.
#[derive(Clone, PartialEq, Message)]
pub struct Struct {
    /// The values by key.
    #[prost(btree_map = "string, message", tag = "1")]
    pub fields: BTreeMap<String, Value>,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    /// The value.
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub kind: Option<Kind>,
}

/// The kinds of values, as JSON has them.
#[derive(Clone, PartialEq, Oneof)]
pub enum Kind {
    /// Null.
    #[prost(int32, tag = "1")]
    NullValue(i32),
    /// A finite number.
    #[prost(double, tag = "2")]
    NumberValue(f64),
    /// Text.
    #[prost(string, tag = "3")]
    StringValue(String),
    /// A truth value.
    #[prost(bool, tag = "4")]
    BoolValue(bool),
    /// An object.
    #[prost(message, tag = "5")]
    StructValue(Struct),
    /// A list.
    #[prost(message, tag = "6")]
    ListValue(ListValue),
}

/// `google.protobuf.ListValue`.
#[derive(Clone, PartialEq, Message)]
pub struct ListValue {
    /// The values in order.
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<Value>,
}
