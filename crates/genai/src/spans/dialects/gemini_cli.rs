//! [Gemini CLI](https://github.com/google-gemini/gemini-cli/blob/main/docs/cli/telemetry.md): log records for what it asks and does.
//!
//! It counts as Gemini does: thoughts beside the output, and what the provider's tools read beside the input. It writes each
//! answer down twice, once by its own names and once by OpenTelemetry's; the second only repeats the first.

use super::{Dialect, Table};
use crate::Kind;
use crate::spans::draft::{Draft, Row, Says, fill};
use crate::spans::item::Item;

pub(super) const TABLE: Table = Table {
    dialect: Dialect::GeminiCli,
    speaks: |item| item.name.starts_with("gemini_cli.") || item.scope == "gemini-cli",
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("model", Says::Text(|draft| &mut draft.call.request_model)),
    (
        "input_token_count",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "output_token_count",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "cached_content_token_count",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "thoughts_token_count",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "tool_token_count",
        Says::Count(|draft| &mut draft.tally.tool_use),
    ),
    (
        "finish_reasons",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    ("session.id", Says::Text(|draft| &mut draft.call.session_id)),
    ("user.email", Says::Text(|draft| &mut draft.call.user_id)),
    (
        "prompt",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "request_text",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "response_text",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    ("function_name", Says::Text(|draft| &mut draft.tool.name)),
    (
        "function_args",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    ("agent_name", Says::Text(|draft| &mut draft.agent.name)),
    ("agent_id", Says::Text(|draft| &mut draft.agent.id)),
    ("error.type", Says::Text(|draft| &mut draft.call.error_type)),
    ("error_type", Says::Text(|draft| &mut draft.call.error_type)),
];

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let Some(name) = item.name.strip_prefix("gemini_cli.") else {
        draft.is_repeated = item.is_log;
        return;
    };
    draft.tally.is_reasoning_beside = true;
    let kind = match name {
        "api_response" | "api_error" => Kind::Llm,
        "tool_call" => Kind::Tool,
        "user_prompt" => Kind::Prompt,
        "agent.start" | "agent.finish" => Kind::Agent,
        _ => Kind::Other,
    };
    draft.kind = Some(kind);
    if kind == Kind::Llm {
        fill(&mut draft.call.provider, Some("gcp.gemini".to_owned()));
    }
    let has_failed = item
        .fields
        .get("success")
        .and_then(crate::spans::fields::flag)
        == Some(false);
    if name == "api_error" || has_failed {
        let stated = item.fields.text("error").map(str::to_owned);
        fill(
            &mut draft.call.error_type,
            stated.or(Some("_OTHER".to_owned())),
        );
    }
}
