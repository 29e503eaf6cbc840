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

/// Name, type, description. It is the function's answer to the name.
pub(super) type Column = (&'static str, &'static str, &'static str);

pub(super) const VIEWS: [View; 4] = [
    View {
        name: "spans",
        description: "Spans, roughly newest first.",
        list: "span_list",
        function: "span_value",
        condition: "NOT has_dead OR span_value('is_live', block, value)",
        columns: &[
            ("trace_id", "TEXT", "the trace's id, in hexadecimal"),
            ("span_id", "TEXT", "its own id, in hexadecimal"),
            (
                "parent_span_id",
                "TEXT",
                "its parent's id; null for a root span",
            ),
            ("name", "TEXT", "its name"),
            ("message", "TEXT", "the attribute logfire.msg"),
            ("service", "TEXT", "the service that made it"),
            (
                "kind",
                "TEXT",
                "SERVER, CLIENT, INTERNAL, PRODUCER, CONSUMER or UNSPECIFIED",
            ),
            ("status", "TEXT", "UNSET, OK or ERROR"),
            ("status_message", "TEXT", "what went wrong"),
            ("start_time", "TEXT", "start, ISO 8601 with nanoseconds"),
            ("end_time", "TEXT", "end, ISO 8601 with nanoseconds"),
            (
                "start_time_ns",
                "INTEGER",
                "start, in nanoseconds since 1970",
            ),
            ("end_time_ns", "INTEGER", "end, in nanoseconds since 1970"),
            ("duration_ms", "REAL", "how long it took, in milliseconds"),
            ("attributes", "TEXT", "its attributes, as a JSON object"),
            ("resource", "TEXT", "what made it, as a JSON object"),
            (
                "events",
                "TEXT",
                "its events, as JSON: time_ns, name, attributes",
            ),
            (
                "links",
                "TEXT",
                "its links, as JSON: trace_id, span_id, attributes",
            ),
            ("scope", "TEXT", "the instrumentation that made it"),
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
            ),
            ("time_ns", "INTEGER", "the same, in nanoseconds since 1970"),
            (
                "severity",
                "INTEGER",
                "SeverityNumber: 9 is info, 13 warn, 17 error",
            ),
            (
                "severity_text",
                "TEXT",
                "the severity as the source calls it",
            ),
            ("body", "TEXT", "the body as text"),
            ("service", "TEXT", "the service that made it"),
            ("trace_id", "TEXT", "the trace it belongs to"),
            ("span_id", "TEXT", "the span it belongs to"),
            ("event_name", "TEXT", "the name of the event that it is"),
            ("attributes", "TEXT", "its attributes, as a JSON object"),
            ("resource", "TEXT", "what made it, as a JSON object"),
            ("scope", "TEXT", "the instrumentation that made it"),
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
            ),
            ("time_ns", "INTEGER", "the same, in nanoseconds since 1970"),
            ("name", "TEXT", "the metric's name"),
            (
                "type",
                "TEXT",
                "gauge, sum, histogram, exponential_histogram or summary",
            ),
            ("unit", "TEXT", "the unit"),
            ("service", "TEXT", "the service that sent it"),
            ("value", "REAL", "the number of a gauge or a sum"),
            (
                "count",
                "INTEGER",
                "how many values a histogram or a summary has",
            ),
            ("sum", "REAL", "their sum"),
            (
                "attributes",
                "TEXT",
                "the point's attributes, as a JSON object",
            ),
            ("resource", "TEXT", "what sent it, as a JSON object"),
        ],
    },
    View {
        name: "llm_calls",
        description: "Calls of models that state their own usage, in whatever dialect they were recorded, roughly newest \
                      first. Sums over it are right: what repeats or sums up other calls is left out.",
        list: "llm_list",
        function: "llm_value",
        condition: "llm_value('counts', block, value)",
        columns: &[
            (
                "trace_id",
                "TEXT",
                "the trace's id, in hexadecimal; made up for a log record without one",
            ),
            (
                "span_id",
                "TEXT",
                "the span's id, in hexadecimal; made up for a log record",
            ),
            (
                "parent_span_id",
                "TEXT",
                "the span's parent; null for a root span",
            ),
            ("name", "TEXT", "the span's name, or the log record's event"),
            ("service", "TEXT", "the service that made the call"),
            ("kind", "TEXT", "llm, embedding, image or audio"),
            ("status", "TEXT", "OK or ERROR"),
            ("error_type", "TEXT", "what kind of error it ended with"),
            ("start_time", "TEXT", "start, ISO 8601 with nanoseconds"),
            (
                "start_time_ns",
                "INTEGER",
                "start, in nanoseconds since 1970",
            ),
            ("duration_ms", "REAL", "how long it took, in milliseconds"),
            (
                "time_to_first_chunk_ms",
                "REAL",
                "until the first piece of a streamed answer, in milliseconds",
            ),
            (
                "streaming",
                "INTEGER",
                "1 if the answer was streamed, 0 if not; null where nobody says",
            ),
            (
                "provider",
                "TEXT",
                "whose interface was called, as gen_ai.provider.name",
            ),
            (
                "operation",
                "TEXT",
                "what was done, as gen_ai.operation.name",
            ),
            ("request_model", "TEXT", "the model that was asked for"),
            ("response_model", "TEXT", "the model that answered"),
            (
                "input_tokens",
                "INTEGER",
                "tokens that were read, those of caches included",
            ),
            (
                "output_tokens",
                "INTEGER",
                "tokens that were made, those of reasoning included",
            ),
            (
                "cache_read_tokens",
                "INTEGER",
                "of the input tokens: from a cache",
            ),
            (
                "cache_write_tokens",
                "INTEGER",
                "of the input tokens: to a cache",
            ),
            (
                "reasoning_tokens",
                "INTEGER",
                "of the output tokens: of reasoning",
            ),
            (
                "cost",
                "REAL",
                "what it cost, in US dollars; null where that is not known",
            ),
            (
                "cost_source",
                "TEXT",
                "reported, or list where a list of prices says so",
            ),
            (
                "cost_input",
                "REAL",
                "of the cost: reading what no cache had to do with",
            ),
            ("cost_output", "REAL", "of the cost: what was made"),
            (
                "cost_cache_read",
                "REAL",
                "of the cost: reading from a cache",
            ),
            (
                "cost_cache_write",
                "REAL",
                "of the cost: writing to a cache",
            ),
            (
                "cache_savings",
                "REAL",
                "what reading from the cache saved, in US dollars",
            ),
            (
                "finish_reasons",
                "TEXT",
                "why the model stopped, as a JSON array",
            ),
            (
                "session_id",
                "TEXT",
                "the user's session, else the conversation",
            ),
            (
                "conversation_id",
                "TEXT",
                "the conversation of which it is a turn, else the session",
            ),
            ("user_id", "TEXT", "who asked"),
            ("tags", "TEXT", "words to find it by, as a JSON array"),
            ("agent", "TEXT", "the agent that called"),
            ("tool_calls", "INTEGER", "how many tools the answer calls"),
            (
                "input_preview",
                "TEXT",
                "the beginning of what was asked last",
            ),
            (
                "output_preview",
                "TEXT",
                "the beginning of the answer, or the tools that it calls",
            ),
            (
                "from_log",
                "INTEGER",
                "1 if a log record tells of it, so that there is no span",
            ),
            (
                "attributes",
                "TEXT",
                "the attributes of the span or the log record, as a JSON object",
            ),
        ],
    },
];

impl View {
    /// The SQL that makes it.
    pub(super) fn create(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|(name, _, _)| format!("{}('{name}', block, value) AS {name}", self.function));
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
    let column = |(name, kind, description): &Column| SqlColumn {
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
