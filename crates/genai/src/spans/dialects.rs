//! The dialects, in the order in which they count.

mod claude_code;
mod codex;
mod gemini_cli;
mod langfuse;
mod openinference;
mod otel;
mod others;
mod pydantic_ai;
mod traceloop;
mod vercel;

use serde_json::Value as Json;

use super::draft::{Draft, Row};
use super::item::Item;
use crate::json;

/// A way to write calls into attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// The command-line tool Claude Code, known by its scope and its names.
    ClaudeCode,
    /// The command-line tool Codex, known by its names.
    Codex,
    /// The command-line tool Gemini CLI, known by its names.
    GeminiCli,
    /// OpenTelemetry's conventions, of all times: `gen_ai.*`.
    OpenTelemetry,
    /// OpenInference, as Phoenix reads it: `openinference.*`, `llm.*`, `embedding.*`.
    OpenInference,
    /// Traceloop's OpenLLMetry: `traceloop.*` and its own `llm.*`.
    Traceloop,
    /// Vercel's AI SDK: `ai.*`.
    Vercel,
    /// Langfuse's SDKs: `langfuse.*`.
    Langfuse,
    /// Pydantic AI and Logfire, where they go beyond OpenTelemetry's.
    PydanticAi,
    /// Single attributes of LangSmith, MLflow and of those who write no dialect in full.
    Others,
}

/// A dialect: by what it is known, what its attributes say, and what takes more than one attribute to tell.
pub(super) struct Table {
    pub(super) dialect: Dialect,
    pub(super) speaks: fn(&Item<'_>) -> bool,
    pub(super) rows: &'static [Row],
    pub(super) rest: fn(&Item<'_>, &mut Draft),
}

/// All of them. What is found first counts.
pub(super) static TABLES: [Table; 10] = [
    claude_code::TABLE,
    codex::TABLE,
    gemini_cli::TABLE,
    otel::TABLE,
    openinference::TABLE,
    traceloop::TABLE,
    vercel::TABLE,
    langfuse::TABLE,
    pydantic_ai::TABLE,
    others::TABLE,
];

impl Dialect {
    /// The dialects that a span speaks, in the order in which they count.
    pub fn of_span(
        resource: &fanlight_otlp::view::ResourceView<'_>,
        scope: &fanlight_otlp::view::ScopeView<'_>,
        span: &fanlight_otlp::view::SpanView<'_>,
    ) -> Vec<Dialect> {
        let item = Item::of_span(resource, scope, span);
        let tables = TABLES
            .iter()
            .filter(|table| item.as_ref().is_some_and(table.speaks));
        tables.map(|table| table.dialect).collect()
    }
}

/// For dialects that say everything in single attributes.
fn nothing_else(_: &Item<'_>, _: &mut Draft) {}

/// Parameters by the names that providers' interfaces have for them.
fn parameters(draft: &mut Draft, object: &Json) {
    crate::messages::read_parameters(&mut draft.call.parameters, object);
}

/// Whatever the author wrote down.
fn metadata(draft: &mut Draft, object: &Json) {
    for (name, value) in object.as_object().into_iter().flatten() {
        let metadata = &mut draft.call.metadata;
        metadata
            .entry(name.clone())
            .or_insert_with(|| json::unpacked(value));
    }
}
