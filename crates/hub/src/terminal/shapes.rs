//! What the terminal reads of the API's answers; `/api/openapi.json` says what else there is.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A trace in a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// Its id.
    pub trace_id: String,
    /// Whether its first span has arrived.
    pub has_root: bool,
    /// The services that took part.
    pub services: Vec<String>,
}

/// A trace with its spans.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trace {
    /// Its id.
    pub trace_id: String,
    /// Its spans, by start.
    pub spans: Vec<Span>,
}

/// A span.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub name: String,
    pub service: String,
    #[serde(deserialize_with = "number")]
    pub start_time_unix_nano: u64,
    #[serde(deserialize_with = "number")]
    pub end_time_unix_nano: u64,
    pub status: SpanStatus,
    pub attributes: Vec<Attribute>,
    pub events: Vec<Event>,
}

/// How a span ended.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SpanStatus {
    pub code: String,
    pub message: String,
}

/// Something that happened within a span.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    #[serde(deserialize_with = "number")]
    pub time_unix_nano: u64,
    pub name: String,
    pub attributes: Vec<Attribute>,
}

/// A key with a value of OTLP/JSON.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Attribute {
    pub key: String,
    #[serde(default)]
    pub value: Value,
}

/// A log record.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Log {
    #[serde(deserialize_with = "number")]
    pub time_unix_nano: u64,
    #[serde(deserialize_with = "number")]
    pub observed_time_unix_nano: u64,
    pub severity_number: i32,
    pub body_text: String,
    pub service: String,
    pub attributes: Vec<Attribute>,
}

/// A list of log records.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Logs {
    pub logs: Vec<Log>,
}

/// A list of traces.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Traces {
    pub traces: Vec<Summary>,
}

/// A call of a language model.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmCall {
    pub trace_id: String,
    pub span_id: String,
    pub name: String,
    pub service: String,
    /// `own` where no other recording of it counts in its place.
    pub counts: String,
    pub request_model: Option<String>,
    pub response_model: Option<String>,
    #[serde(deserialize_with = "number")]
    pub start_nano: u64,
    #[serde(deserialize_with = "number")]
    pub duration_nano: u64,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub cache_read_tokens: Option<u64>,
    pub cost: Option<f64>,
    pub status: String,
    pub error_type: Option<String>,
    pub input_preview: String,
    pub output_preview: String,
}

/// A list of calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmCalls {
    pub llm_calls: Vec<LlmCall>,
}

impl LlmCall {
    pub(crate) fn is_error(&self) -> bool {
        self.status == "error"
    }

    /// The model that answered, else the one that was asked for.
    pub(crate) fn model(&self) -> &str {
        let model = self.response_model.as_ref().or(self.request_model.as_ref());
        model.map_or("unknown model", String::as_str)
    }
}

impl Span {
    pub(crate) fn is_error(&self) -> bool {
        self.status.code == "ERROR"
    }

    pub(crate) fn duration(&self) -> u64 {
        self.end_time_unix_nano
            .saturating_sub(self.start_time_unix_nano)
    }
}

/// A 64-bit integer in decimal text.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}
