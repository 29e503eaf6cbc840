//! [Claude Code](https://code.claude.com/docs/en/monitoring-usage): flat attributes in spans and log records of its own scope.
//!
//! It counts as Anthropic does: what a cache had to do with is counted beside the input. Where it traces, requests have both a
//! span and a log record; then the log record only repeats the span.

use super::{Dialect, Table};
use crate::spans::draft::{Draft, Row, Says, fill};
use crate::spans::item::Item;
use crate::{Agent, Kind};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::ClaudeCode,
    speaks: |item| {
        item.scope.starts_with("com.anthropic.claude_code") || item.name.starts_with("claude_code.")
    },
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("model", Says::Text(|draft| &mut draft.call.request_model)),
    ("input_tokens", Says::Count(|draft| &mut draft.tally.input)),
    (
        "output_tokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "cache_read_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "cache_creation_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    ("cost_usd", Says::Money(|draft| &mut draft.cost)),
    (
        "ttft_ms",
        Says::Milliseconds(|draft| &mut draft.call.time_to_first_chunk),
    ),
    (
        "stop_reason",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    ("speed", Says::Text(|draft| &mut draft.call.service_tier)),
    (
        "request_id",
        Says::Text(|draft| &mut draft.call.response_id),
    ),
    ("session.id", Says::Text(|draft| &mut draft.call.session_id)),
    ("user.email", Says::Text(|draft| &mut draft.call.user_id)),
    ("user.id", Says::Text(|draft| &mut draft.call.user_id)),
    (
        "user_prompt",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "prompt",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "system_prompt_preview",
        Says::Parts(|draft| &mut draft.call.system_instructions),
    ),
    (
        "response.model_output",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    ("tool_name", Says::Text(|draft| &mut draft.tool.name)),
    ("tool_use_id", Says::Text(|draft| &mut draft.tool.call_id)),
    (
        "tool_parameters",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    ("tool_input", Says::Any(|draft| &mut draft.tool.arguments)),
    ("full_command", Says::Any(|draft| &mut draft.tool.arguments)),
    ("agent_id", Says::Text(|draft| &mut draft.agent.id)),
    (
        "status_code",
        Says::Text(|draft| &mut draft.call.error_type),
    ),
    ("error.type", Says::Text(|draft| &mut draft.call.error_type)),
];

fn rest(item: &Item<'_>, draft: &mut Draft) {
    draft.tally.is_cache_beside = true;
    fill(&mut draft.call.provider, Some("anthropic".to_owned()));
    let name = item.name.strip_prefix("claude_code.").unwrap_or(item.name);
    let kind = match name {
        "llm_request" | "api_request" | "api_error" | "assistant_response" => Kind::Llm,
        "tool" | "tool_result" => Kind::Tool,
        "interaction" => Kind::Agent,
        "user_prompt" => Kind::Prompt,
        _ => Kind::Other,
    };
    draft.kind = Some(kind);
    if kind == Kind::Agent {
        draft.agent = Agent {
            name: Some("claude-code".to_owned()),
            ..std::mem::take(&mut draft.agent)
        };
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
    } else if !item.is_error {
        draft.call.error_type = None;
    }
    draft.is_repeated = item.is_log && item.is_within_span;
}
