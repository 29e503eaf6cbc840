//! What the JSON of stored messages looks like, for OpenAPI. Nothing is made of these types: the JSON itself is ready text.

#![expect(dead_code, reason = "only their schemas are used")]

use serde::Serialize;
use utoipa::ToSchema;

/// A value of [OTLP/JSON](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding); `{}` for none.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(no_recursion)]
pub(crate) enum AnyValue {
    Text {
        #[serde(rename = "stringValue")]
        string_value: String,
    },
    Bool {
        #[serde(rename = "boolValue")]
        bool_value: bool,
    },
    Int {
        #[schema(inline)]
        #[serde(rename = "intValue")]
        int_value: NumberOrText,
    },
    Double {
        #[schema(inline)]
        #[serde(rename = "doubleValue")]
        double_value: NumberOrText,
    },
    Array {
        #[schema(inline)]
        #[serde(rename = "arrayValue")]
        array_value: Values,
    },
    Map {
        #[schema(inline)]
        #[serde(rename = "kvlistValue")]
        kvlist_value: Entries,
    },
    Bytes {
        #[serde(rename = "bytesValue")]
        bytes_value: String,
    },
    None {},
}

/// A number, or its text where JSON numbers can't hold it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NumberOrText {
    Text(String),
    Number(f64),
}

/// Values in order.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct Values {
    #[schema(required = false)]
    values: Vec<AnyValue>,
}

/// Values by key.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct Entries {
    #[schema(required = false)]
    values: Vec<KeyValue>,
}

/// An attribute.
#[derive(Serialize, ToSchema)]
#[schema(no_recursion)]
pub(crate) struct KeyValue {
    key: String,
    #[schema(required = false)]
    value: AnyValue,
}

/// `SpanKind` without its prefix.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum SpanKind {
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// `StatusCode` without its prefix.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum StatusCode {
    Unset,
    Ok,
    Error,
}

/// The name of a metric's field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MetricType {
    Gauge,
    Sum,
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// How a metric's points relate to each other.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}

/// A value in a row.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SqlValue {
    Text(String),
    Number(f64),
    Null,
}

/// What was done.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LlmKind {
    Llm,
    Embedding,
    Image,
    Audio,
    Tool,
    Agent,
    Chain,
    Retriever,
    Reranker,
    Guardrail,
    Evaluator,
    Prompt,
    Other,
}

/// Whose usage a call states.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LlmCounts {
    Own,
    Aggregate,
}

/// Who says what a call cost: the provider or the recorder, or a list of prices.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LlmCostSource {
    Reported,
    List,
}

/// How a call ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LlmStatus {
    Ok,
    Error,
}

/// Something that was said at once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmMessage {
    /// `system`, `user`, `assistant`, `tool`, or what else the recorder wrote.
    role: String,
    #[schema(required = false, nullable = false)]
    name: Option<String>,
    parts: Vec<LlmPart>,
    #[schema(required = false, nullable = false)]
    finish_reason: Option<String>,
}

/// A part of what was said. `type` tells which fields there are: `text` and `reasoning` have `content`; `tool_call` has `id`,
/// `name`, `arguments`; `tool_call_response` has `id`, `name`, `response`; `blob`, `uri` and `file` have `modality`, `mimeType`
/// and `bytes`, `uri` or `fileId`. A part without a known type is as it was recorded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmPart {
    #[serde(rename = "type")]
    #[schema(required = false, nullable = false)]
    kind: Option<String>,
    #[schema(required = false, nullable = false)]
    content: Option<String>,
    #[schema(required = false, nullable = false)]
    id: Option<String>,
    #[schema(required = false, nullable = false)]
    name: Option<String>,
    #[schema(required = false)]
    arguments: serde_json::Value,
    #[schema(required = false)]
    response: serde_json::Value,
    #[schema(required = false, nullable = false)]
    modality: Option<String>,
    #[schema(required = false, nullable = false)]
    mime_type: Option<String>,
    #[schema(required = false, nullable = false)]
    bytes: Option<u64>,
    #[schema(required = false, nullable = false)]
    uri: Option<String>,
    #[schema(required = false, nullable = false)]
    file_id: Option<String>,
}

/// A tool that a model might use.
#[derive(Serialize, ToSchema)]
pub(crate) struct LlmToolDefinition {
    name: String,
    #[serde(rename = "type")]
    #[schema(required = false, nullable = false)]
    kind: Option<String>,
    #[schema(required = false, nullable = false)]
    description: Option<String>,
    #[schema(required = false)]
    parameters: serde_json::Value,
}

/// A tool that ran.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmTool {
    #[schema(required = false, nullable = false)]
    name: Option<String>,
    #[schema(required = false, nullable = false)]
    call_id: Option<String>,
    #[serde(rename = "type")]
    #[schema(required = false, nullable = false)]
    kind: Option<String>,
    #[schema(required = false, nullable = false)]
    description: Option<String>,
    #[schema(required = false)]
    arguments: serde_json::Value,
    #[schema(required = false)]
    result: serde_json::Value,
}

/// What was said, with what parameters, and what else is known of a call; fields that say nothing are left out.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LlmDetail {
    #[schema(required = false, nullable = false)]
    response_id: Option<String>,
    /// By the names of the fields of `gen_ai.request.*`, in camel case; `other` has what the interface calls otherwise.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    parameters: serde_json::Value,
    #[schema(required = false)]
    system_instructions: Vec<LlmPart>,
    #[schema(required = false)]
    input_messages: Vec<LlmMessage>,
    #[schema(required = false)]
    output_messages: Vec<LlmMessage>,
    #[schema(required = false)]
    tool_definitions: Vec<LlmToolDefinition>,
    #[schema(required = false, nullable = false)]
    tool: Option<LlmTool>,
    #[schema(required = false, nullable = false)]
    service_tier: Option<String>,
    #[schema(required = false, value_type = std::collections::HashMap<String, serde_json::Value>)]
    metadata: serde_json::Value,
    /// Whether something was too large to be taken over whole.
    #[schema(required = false)]
    truncated: bool,
}
