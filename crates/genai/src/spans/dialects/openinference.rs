//! [OpenInference](https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md), as Phoenix and Arize read it.
//!
//! Prompts count what a cache had to do with, and completions count reasoning.

use serde_json::Value as Json;

use super::{Dialect, Table, metadata, parameters};
use crate::messages;
use crate::spans::draft::{Draft, Row, Says};
use crate::spans::item::Item;
use crate::spans::tree::tree;
use crate::{Kind, Message, json};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::OpenInference,
    speaks: |item| {
        ["openinference.", "llm.", "embedding."]
            .iter()
            .any(|prefix| item.fields.has_under(prefix))
    },
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("openinference.span.kind", Says::Kind(kind)),
    ("llm.provider", Says::Text(|draft| &mut draft.call.provider)),
    ("llm.system", Says::Text(|draft| &mut draft.call.provider)),
    (
        "llm.request.model_name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "llm.model_name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "embedding.model_name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "reranker.model_name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "llm.response.model_name",
        Says::Text(|draft| &mut draft.call.response_model),
    ),
    (
        "llm.finish_reason",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    ("llm.invocation_parameters", Says::Object(parameters)),
    (
        "llm.token_count.prompt",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "llm.token_count.completion",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "llm.token_count.total",
        Says::Count(|draft| &mut draft.tally.total),
    ),
    (
        "llm.token_count.prompt_details.cache_read",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "llm.token_count.prompt_details.cache_write",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "llm.token_count.prompt_details.audio",
        Says::Count(|draft| &mut draft.tally.audio_input),
    ),
    (
        "llm.token_count.completion_details.reasoning",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "llm.token_count.completion_details.audio",
        Says::Count(|draft| &mut draft.tally.audio_output),
    ),
    ("llm.cost.total", Says::Money(|draft| &mut draft.cost)),
    (
        "llm.cost.prompt",
        Says::Money(|draft| &mut draft.input_cost),
    ),
    (
        "llm.cost.completion",
        Says::Money(|draft| &mut draft.output_cost),
    ),
    ("tool.name", Says::Text(|draft| &mut draft.tool.name)),
    ("tool.id", Says::Text(|draft| &mut draft.tool.call_id)),
    (
        "tool.description",
        Says::Text(|draft| &mut draft.tool.description),
    ),
    (
        "tool.parameters",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    ("agent.name", Says::Text(|draft| &mut draft.agent.name)),
    ("session.id", Says::Text(|draft| &mut draft.call.session_id)),
    ("user.id", Says::Text(|draft| &mut draft.call.user_id)),
    ("tag.tags", Says::Texts(|draft| &mut draft.call.tags)),
    ("metadata", Says::Object(metadata)),
];

fn kind(stated: &str) -> Option<Kind> {
    Some(match stated.to_ascii_uppercase().as_str() {
        "LLM" => Kind::Llm,
        "EMBEDDING" => Kind::Embedding,
        "TOOL" => Kind::Tool,
        "AGENT" => Kind::Agent,
        "CHAIN" => Kind::Chain,
        "RETRIEVER" => Kind::Retriever,
        "RERANKER" => Kind::Reranker,
        "GUARDRAIL" => Kind::Guardrail,
        "EVALUATOR" => Kind::Evaluator,
        "PROMPT" => Kind::Prompt,
        _ => return None,
    })
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let fields = &item.fields;
    let said = |prefix, role| -> Vec<Message> {
        let list = tree(fields, prefix).map(plain).unwrap_or_default();
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|said| messages::message(said, role))
            .collect()
    };
    if draft.call.input_messages.is_empty() {
        draft.call.input_messages = said("llm.input_messages.", "user");
    }
    if draft.call.output_messages.is_empty() {
        draft.call.output_messages = said("llm.output_messages.", "assistant");
    }
    if draft.call.tool_definitions.is_empty() {
        let tools = tree(fields, "llm.tools.");
        let tools = tools.iter().filter_map(Json::as_array).flatten();
        let tools = tools
            .filter_map(|tool| tool.pointer("/tool/json_schema"))
            .map(json::unpacked);
        draft.call.tool_definitions = messages::tool_definitions(&tools.collect());
    }
    if draft.kind == Some(Kind::Tool) {
        draft.take(fields, TOOL_ROWS);
    } else {
        draft.take(fields, VALUE_ROWS);
    }
}

/// What goes into a tool and out of it.
const TOOL_ROWS: &[Row] = &[
    ("input.value", Says::Any(|draft| &mut draft.tool.arguments)),
    ("output.value", Says::Any(|draft| &mut draft.tool.result)),
];

/// What goes in and out, where no messages say so.
const VALUE_ROWS: &[Row] = &[
    (
        "input.value",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "output.value",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
];

/// The value without the names that the dialect puts around everything, such as `message_content`.
fn plain(value: Json) -> Json {
    match value {
        Json::Array(items) => Json::Array(items.into_iter().map(plain).collect()),
        Json::Object(mut object) => {
            for wrapper in ["message", "message_content", "tool_call"] {
                if let Some(inner) = object.get_mut(wrapper).filter(|inner| inner.is_object()) {
                    return plain(inner.take());
                }
            }
            if let Some(inner) = object
                .get_mut("image")
                .and_then(|image| image.get_mut("image"))
            {
                let inner = inner.take();
                object.insert("image".to_owned(), inner);
            }
            if let Some(contents) = object.remove("contents") {
                object.insert("content".to_owned(), contents);
            }
            Json::Object(
                object
                    .into_iter()
                    .map(|(name, value)| (name, plain(value)))
                    .collect(),
            )
        }
        value => value,
    }
}
