//! [OpenLLMetry](https://github.com/traceloop/openllmetry) by Traceloop, where it goes beyond OpenTelemetry's names.
//!
//! Its instrumentation of Anthropic adds what a cache had to do with to the input, so that every provider counts alike.

use serde_json::Value as Json;

use super::{Dialect, Table};
use crate::Kind;
use crate::messages;
use crate::spans::draft::{Draft, Row, Says};
use crate::spans::fields::to_json;
use crate::spans::item::Item;

pub(super) const TABLE: Table = Table {
    dialect: Dialect::Traceloop,
    speaks: |item| {
        item.fields.has_under("traceloop.")
            || [
                "llm.request.",
                "llm.usage.",
                "llm.vendor",
                "llm.is_streaming",
            ]
            .iter()
            .any(|prefix| item.fields.has_under(prefix))
    },
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("traceloop.span.kind", Says::Kind(kind)),
    ("llm.request.type", Says::Kind(request_kind)),
    (
        "llm.request.type",
        Says::Text(|draft| &mut draft.call.operation),
    ),
    ("llm.vendor", Says::Text(|draft| &mut draft.call.provider)),
    (
        "llm.request.model",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "llm.response.model",
        Says::Text(|draft| &mut draft.call.response_model),
    ),
    (
        "llm.usage.prompt_tokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "llm.usage.completion_tokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "llm.usage.total_tokens",
        Says::Count(|draft| &mut draft.tally.total),
    ),
    (
        "llm.usage.cache_read_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "llm.usage.cache_creation_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "llm.usage.reasoning_tokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "llm.is_streaming",
        Says::Flag(|draft| &mut draft.call.streaming),
    ),
    (
        "llm.chat_completions.streaming_time_to_generate",
        Says::Number(|draft| &mut draft.call.time_to_first_chunk),
    ),
    (
        "llm.response.finish_reason",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    (
        "llm.response.stop_reason",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    (
        "llm.temperature",
        Says::Number(|draft| &mut draft.call.parameters.temperature),
    ),
    (
        "llm.top_p",
        Says::Number(|draft| &mut draft.call.parameters.top_p),
    ),
    (
        "llm.top_k",
        Says::Number(|draft| &mut draft.call.parameters.top_k),
    ),
    (
        "llm.frequency_penalty",
        Says::Number(|draft| &mut draft.call.parameters.frequency_penalty),
    ),
    (
        "llm.presence_penalty",
        Says::Number(|draft| &mut draft.call.parameters.presence_penalty),
    ),
    (
        "llm.chat.stop_sequences",
        Says::Texts(|draft| &mut draft.call.parameters.stop_sequences),
    ),
    (
        "llm.request.max_tokens",
        Says::Count(|draft| &mut draft.call.parameters.max_tokens),
    ),
    ("llm.user", Says::Text(|draft| &mut draft.call.user_id)),
    (
        "traceloop.association.properties.session_id",
        Says::Text(|draft| &mut draft.call.session_id),
    ),
    (
        "traceloop.association.properties.thread_id",
        Says::Text(|draft| &mut draft.call.conversation_id),
    ),
    (
        "traceloop.association.properties.user_id",
        Says::Text(|draft| &mut draft.call.user_id),
    ),
];

fn kind(stated: &str) -> Option<Kind> {
    Some(match stated {
        "workflow" | "task" => Kind::Chain,
        "agent" => Kind::Agent,
        "tool" => Kind::Tool,
        _ => return None,
    })
}

fn request_kind(stated: &str) -> Option<Kind> {
    Some(match stated {
        "chat" | "completion" => Kind::Llm,
        "embedding" => Kind::Embedding,
        "rerank" => Kind::Reranker,
        _ => return None,
    })
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let fields = &item.fields;
    let mut entity = |key| {
        fields
            .get(key)
            .map(|value| draft.unpacked(value))
            .unwrap_or_default()
    };
    let (input, output) = (
        entity("traceloop.entity.input"),
        entity("traceloop.entity.output"),
    );
    let name = fields.text("traceloop.entity.name");
    match draft.kind {
        Some(Kind::Tool) => {
            let tool = &mut draft.tool;
            tool.name = tool.name.take().or_else(|| name.map(str::to_owned));
            for (field, value) in [(&mut tool.arguments, input), (&mut tool.result, output)] {
                if field.is_null() {
                    *field = value;
                }
            }
        }
        kind => {
            if kind == Some(Kind::Agent) && draft.agent.name.is_none() {
                draft.agent.name = name.map(str::to_owned);
            }
            for (list, value, role) in [
                (&mut draft.call.input_messages, input, "user"),
                (&mut draft.call.output_messages, output, "assistant"),
            ] {
                if list.is_empty() && !value.is_null() {
                    *list = messages::messages(&text_of(value), role);
                }
            }
        }
    }
    for (name, value) in fields.under("traceloop.association.properties.") {
        if !matches!(name, "session_id" | "thread_id" | "user_id") {
            draft
                .call
                .metadata
                .entry(name.to_owned())
                .or_insert_with(|| to_json(value));
        }
    }
}

/// Arguments of any kind are no message; they are shown as they are.
fn text_of(value: Json) -> Json {
    let is_message = |item: &Json| item.get("role").is_some() || item.get("messages").is_some();
    let is_messages = is_message(&value)
        || value
            .as_array()
            .is_some_and(|items| items.iter().all(is_message));
    if is_messages || value.is_string() {
        value
    } else {
        Json::from(value.to_string())
    }
}
