//! [Codex](https://developers.openai.com/codex/config-advanced) by OpenAI: log records, one of which says what an answer used.
//!
//! It counts as OpenAI does.

use super::{Dialect, Table};
use crate::Kind;
use crate::spans::draft::{Draft, Row, Says, fill};
use crate::spans::item::Item;

pub(super) const TABLE: Table = Table {
    dialect: Dialect::Codex,
    speaks: |item| item.name.starts_with("codex."),
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("model", Says::Text(|draft| &mut draft.call.request_model)),
    ("slug", Says::Text(|draft| &mut draft.call.request_model)),
    (
        "provider_name",
        Says::Text(|draft| &mut draft.call.provider),
    ),
    (
        "input_token_count",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "output_token_count",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "cached_token_count",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "cache_write_token_count",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "reasoning_token_count",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "service_tier",
        Says::Text(|draft| &mut draft.call.service_tier),
    ),
    (
        "conversation.id",
        Says::Text(|draft| &mut draft.call.conversation_id),
    ),
    ("user.email", Says::Text(|draft| &mut draft.call.user_id)),
    (
        "user.account_id",
        Says::Text(|draft| &mut draft.call.user_id),
    ),
    (
        "reasoning_effort",
        Says::Text(|draft| &mut draft.call.parameters.reasoning_effort),
    ),
    (
        "model_reasoning_effort",
        Says::Text(|draft| &mut draft.call.parameters.reasoning_effort),
    ),
    (
        "prompt",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    ("tool_name", Says::Text(|draft| &mut draft.tool.name)),
    ("call_id", Says::Text(|draft| &mut draft.tool.call_id)),
    ("arguments", Says::Any(|draft| &mut draft.tool.arguments)),
    ("output", Says::Any(|draft| &mut draft.tool.result)),
    (
        "error.message",
        Says::Text(|draft| &mut draft.call.error_type),
    ),
];

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let is_completed = item.fields.text("event.kind") == Some("response.completed");
    let kind = match item.name {
        "codex.sse_event" | "codex.websocket_event" if is_completed => Kind::Llm,
        "codex.tool_result" => Kind::Tool,
        "codex.user_prompt" => Kind::Prompt,
        _ => Kind::Other,
    };
    draft.kind = Some(kind);
    if kind == Kind::Llm {
        draft.call.streaming = Some(true);
        fill(&mut draft.call.provider, Some("openai".to_owned()));
    }
    if item
        .fields
        .get("success")
        .and_then(crate::spans::fields::flag)
        == Some(false)
    {
        fill(&mut draft.call.error_type, Some("_OTHER".to_owned()));
    }
}
