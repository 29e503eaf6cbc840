//! The views that users ask. They are promised: columns are added, never renamed or removed.

use super::{SqlColumn, SqlSchema, SqlView};

/// A view: where its rows come from, and what its columns are.
pub(super) struct View {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// The list of what is decoded at a time, and the function that answers a column of a row of it.
    pub(super) list: &'static str,
    pub(super) function: &'static str,
    /// Which rows belong to it.
    pub(super) condition: &'static str,
    pub(super) columns: &'static [Column],
}

/// Name, type, description, and the SQL that makes it; without one it is the function's answer to the name.
pub(super) type Column = (
    &'static str,
    &'static str,
    &'static str,
    Option<&'static str>,
);

pub(super) const VIEWS: [View; 4] = [
    View {
        name: "spans",
        description: "Spans, roughly newest first.",
        list: "span_list",
        function: "span_value",
        condition: "NOT has_dead OR span_value('is_live', block, value)",
        columns: &[
            ("trace_id", "TEXT", "the trace's id, in hexadecimal", None),
            ("span_id", "TEXT", "its own id, in hexadecimal", None),
            (
                "parent_span_id",
                "TEXT",
                "its parent's id; null for a root span",
                None,
            ),
            ("name", "TEXT", "its name", None),
            ("message", "TEXT", "the attribute logfire.msg", None),
            ("service", "TEXT", "the service that made it", None),
            (
                "kind",
                "TEXT",
                "SERVER, CLIENT, INTERNAL, PRODUCER, CONSUMER or UNSPECIFIED",
                None,
            ),
            ("status", "TEXT", "UNSET, OK or ERROR", None),
            ("status_message", "TEXT", "what went wrong", None),
            (
                "start_time",
                "TEXT",
                "start, ISO 8601 with nanoseconds",
                None,
            ),
            ("end_time", "TEXT", "end, ISO 8601 with nanoseconds", None),
            (
                "start_time_ns",
                "INTEGER",
                "start, in nanoseconds since 1970",
                None,
            ),
            (
                "end_time_ns",
                "INTEGER",
                "end, in nanoseconds since 1970",
                None,
            ),
            (
                "duration_ms",
                "REAL",
                "how long it took, in milliseconds",
                None,
            ),
            (
                "attributes",
                "TEXT",
                "its attributes, as a JSON object",
                None,
            ),
            ("resource", "TEXT", "what made it, as a JSON object", None),
            (
                "events",
                "TEXT",
                "its events, as JSON: time_ns, name, attributes",
                None,
            ),
            (
                "links",
                "TEXT",
                "its links, as JSON: trace_id, span_id, attributes",
                None,
            ),
            ("scope", "TEXT", "the instrumentation that made it", None),
        ],
    },
    View {
        name: "logs",
        description: "Log records, roughly newest first.",
        list: "log_list",
        function: "log_value",
        condition: "1",
        columns: &[
            (
                "time",
                "TEXT",
                "when it happened, ISO 8601 with nanoseconds",
                None,
            ),
            (
                "time_ns",
                "INTEGER",
                "the same, in nanoseconds since 1970",
                None,
            ),
            (
                "severity",
                "INTEGER",
                "SeverityNumber: 9 is info, 13 warn, 17 error",
                None,
            ),
            (
                "severity_text",
                "TEXT",
                "the severity as the source calls it",
                None,
            ),
            ("body", "TEXT", "the body as text", None),
            ("service", "TEXT", "the service that made it", None),
            ("trace_id", "TEXT", "the trace it belongs to", None),
            ("span_id", "TEXT", "the span it belongs to", None),
            (
                "event_name",
                "TEXT",
                "the name of the event that it is",
                None,
            ),
            (
                "attributes",
                "TEXT",
                "its attributes, as a JSON object",
                None,
            ),
            ("resource", "TEXT", "what made it, as a JSON object", None),
            ("scope", "TEXT", "the instrumentation that made it", None),
        ],
    },
    View {
        name: "metrics",
        description: "The points of metrics.",
        list: "metric_list",
        function: "metric_value",
        condition: "1",
        columns: &[
            (
                "time",
                "TEXT",
                "when it was measured, ISO 8601 with nanoseconds",
                None,
            ),
            (
                "time_ns",
                "INTEGER",
                "the same, in nanoseconds since 1970",
                None,
            ),
            ("name", "TEXT", "the metric's name", None),
            (
                "type",
                "TEXT",
                "gauge, sum, histogram, exponential_histogram or summary",
                None,
            ),
            ("unit", "TEXT", "the unit", None),
            ("service", "TEXT", "the service that sent it", None),
            ("value", "REAL", "the number of a gauge or a sum", None),
            (
                "count",
                "INTEGER",
                "how many values a histogram or a summary has",
                None,
            ),
            ("sum", "REAL", "their sum", None),
            (
                "attributes",
                "TEXT",
                "the point's attributes, as a JSON object",
                None,
            ),
            ("resource", "TEXT", "what sent it, as a JSON object", None),
        ],
    },
    View {
        name: "llm_calls",
        description: "Calls of language models: spans that name a model, in the conventions of OpenTelemetry, OpenInference \
                      and OpenLLMetry.",
        list: "span_list",
        function: "span_value",
        condition: "(NOT has_dead OR span_value('is_live', block, value)) AND span_value('is_llm', block, value)",
        columns: &[
            ("trace_id", "TEXT", "the trace's id, in hexadecimal", None),
            ("span_id", "TEXT", "the span's id, in hexadecimal", None),
            ("name", "TEXT", "the span's name", None),
            ("service", "TEXT", "the service that made the call", None),
            ("status", "TEXT", "UNSET, OK or ERROR", None),
            (
                "start_time",
                "TEXT",
                "start, ISO 8601 with nanoseconds",
                None,
            ),
            (
                "start_time_ns",
                "INTEGER",
                "start, in nanoseconds since 1970",
                None,
            ),
            (
                "duration_ms",
                "REAL",
                "how long it took, in milliseconds",
                None,
            ),
            (
                "provider",
                "TEXT",
                "gen_ai.provider.name",
                Some(
                    "span_attribute(block, value, 'gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system')",
                ),
            ),
            (
                "operation",
                "TEXT",
                "gen_ai.operation.name",
                Some(
                    "span_attribute(block, value, 'gen_ai.operation.name', 'llm.request.type', 'openinference.span.kind')",
                ),
            ),
            (
                "request_model",
                "TEXT",
                "gen_ai.request.model",
                Some(
                    "span_attribute(block, value, 'gen_ai.request.model', 'llm.request.model_name', 'llm.model_name', 'embedding.model_name', 'ai.model.id')",
                ),
            ),
            (
                "response_model",
                "TEXT",
                "gen_ai.response.model",
                Some(
                    "span_attribute(block, value, 'gen_ai.response.model', 'llm.response.model_name', 'ai.response.model')",
                ),
            ),
            (
                "input_tokens",
                "INTEGER",
                "gen_ai.usage.input_tokens, cached ones included",
                Some(
                    "span_attribute(block, value, 'gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'llm.token_count.prompt', 'ai.usage.inputTokens', 'ai.usage.promptTokens')",
                ),
            ),
            (
                "output_tokens",
                "INTEGER",
                "gen_ai.usage.output_tokens, reasoning included",
                Some(
                    "span_attribute(block, value, 'gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'llm.token_count.completion', 'ai.usage.outputTokens', 'ai.usage.completionTokens')",
                ),
            ),
            (
                "cache_read_tokens",
                "INTEGER",
                "gen_ai.usage.cache_read.input_tokens",
                Some(
                    "span_attribute(block, value, 'gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens', 'llm.token_count.prompt_details.cache_read', 'ai.usage.cachedInputTokens')",
                ),
            ),
            (
                "cost",
                "REAL",
                "gen_ai.usage.cost",
                Some("span_attribute(block, value, 'gen_ai.usage.cost', 'llm.cost.total')"),
            ),
            (
                "finish_reasons",
                "TEXT",
                "gen_ai.response.finish_reasons",
                Some(
                    "span_attribute(block, value, 'gen_ai.response.finish_reasons', 'ai.response.finishReason')",
                ),
            ),
            (
                "conversation_id",
                "TEXT",
                "gen_ai.conversation.id",
                Some("span_attribute(block, value, 'gen_ai.conversation.id', 'session.id')"),
            ),
            (
                "attributes",
                "TEXT",
                "the span's attributes, as a JSON object",
                None,
            ),
        ],
    },
];

impl View {
    /// The SQL that makes it.
    pub(super) fn create(&self) -> String {
        let columns = self.columns.iter().map(|(name, _, _, sql)| match sql {
            Some(sql) => format!("{sql} AS {name}"),
            None => format!("{}('{name}', block, value) AS {name}", self.function),
        });
        format!(
            "CREATE TEMP VIEW {} AS SELECT {} FROM {} CROSS JOIN generate_series(0, last) WHERE {};",
            self.name,
            columns.collect::<Vec<_>>().join(", "),
            self.list,
            self.condition
        )
    }
}

/// What can be asked.
pub(crate) fn sql_schema() -> SqlSchema {
    let column = |(name, kind, description, _): &Column| SqlColumn {
        name,
        kind,
        description,
    };
    let view = |view: &View| SqlView {
        name: view.name,
        description: view.description,
        columns: view.columns.iter().map(column).collect(),
    };
    SqlSchema {
        views: VIEWS.iter().map(view).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_documented() {
        let document = include_str!("../../../../../docs/sql.md");
        for view in sql_schema().views {
            let heading = format!("## `{}`\n", view.name);
            let (_, section) = document.split_once(&heading).unwrap();
            for SqlColumn {
                name,
                kind,
                description,
            } in view.columns
            {
                let line = format!("| `{name}` | {kind} | {description} |");
                assert!(section.contains(&line), "{}: {line}", view.name);
            }
        }
    }
}
