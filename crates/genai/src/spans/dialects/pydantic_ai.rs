//! [Pydantic AI](https://ai.pydantic.dev/logfire/) and Logfire's integrations, where they go beyond OpenTelemetry's names.
//!
//! Spans of agents sum up those of their models.

use super::{Dialect, Table};
use crate::messages;
use crate::spans::draft::{Draft, Row, Says};
use crate::spans::item::Item;
use crate::{Kind, Message, json};
use serde_json::Value as Json;

pub(super) const TABLE: Table = Table {
    dialect: Dialect::PydanticAi,
    speaks: |item| {
        let is_scope = item.scope.starts_with("pydantic-ai") || item.scope.starts_with("logfire");
        is_scope
            || [
                "pydantic_ai.",
                "all_messages_events",
                "gen_ai.usage.details.",
                "gen_ai.aggregated_usage.",
            ]
            .iter()
            .any(|prefix| item.fields.has_under(prefix))
    },
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("agent_name", Says::Text(|draft| &mut draft.agent.name)),
    (
        "model_name",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "gen_ai.aggregated_usage.input_tokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "gen_ai.aggregated_usage.output_tokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.aggregated_usage.cache_creation.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.details.cache_read_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.details.cached_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.details.cache_read_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.details.cache_write_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.details.cache_creation_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.details.reasoning_tokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "gen_ai.usage.details.thoughts_tokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "gen_ai.usage.details.input_audio_tokens",
        Says::Count(|draft| &mut draft.tally.audio_input),
    ),
    (
        "gen_ai.usage.details.output_audio_tokens",
        Says::Count(|draft| &mut draft.tally.audio_output),
    ),
    ("operation.cost", Says::Money(|draft| &mut draft.cost)),
    (
        "tool_arguments",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    ("tool_response", Says::Any(|draft| &mut draft.tool.result)),
    ("events", Says::Object(events)),
    ("all_messages_events", Says::Object(events)),
    ("pydantic_ai.all_messages", Says::Object(all_messages)),
    (
        "final_result",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    (
        "request_data",
        Says::Object(|draft, body| {
            if draft.call.input_messages.is_empty() {
                draft.call.input_messages = messages::messages(body, "user");
            }
        }),
    ),
    (
        "response_data",
        Says::Object(|draft, body| {
            if let (true, Some(message)) =
                (draft.call.output_messages.is_empty(), body.get("message"))
            {
                draft.call.output_messages = messages::messages(message, "assistant");
            }
        }),
    ),
];

/// Messages as events in a list: all but choices were read by the model.
fn events(draft: &mut Draft, list: &Json) {
    let call = &mut draft.call;
    if !call.input_messages.is_empty() {
        return;
    }
    for event in list.as_array().into_iter().flatten() {
        let name = json::text_of(event, &["event.name"]).unwrap_or_default();
        let role = match name.as_str() {
            "gen_ai.system.message" => "system",
            "gen_ai.assistant.message" => "assistant",
            "gen_ai.tool.message" => "tool",
            "gen_ai.choice" => {
                call.output_messages
                    .extend(messages::message(event, "assistant"));
                continue;
            }
            _ => "user",
        };
        call.input_messages.extend(messages::message(event, role));
    }
}

/// A whole conversation: what the model said last is the answer.
fn all_messages(draft: &mut Draft, list: &Json) {
    let call = &mut draft.call;
    if !call.input_messages.is_empty() {
        return;
    }
    call.input_messages = messages::messages(list, "user");
    let is_answer = |message: &Message| message.role == "assistant";
    if call.output_messages.is_empty() && call.input_messages.last().is_some_and(is_answer) {
        call.output_messages.extend(call.input_messages.pop());
    }
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let is_run = ["all_messages_events", "pydantic_ai.all_messages"]
        .iter()
        .any(|key| item.fields.has(key));
    if is_run && draft.kind.is_none() {
        draft.kind = Some(Kind::Agent);
    }
}
