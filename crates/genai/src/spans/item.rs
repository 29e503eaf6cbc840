//! A span or a log record, as the dialects ask about it.

use fanlight_otlp::view::{Attributes, LogView, ResourceView, ScopeView, SpanView, Value};
use serde_json::Value as Json;

use super::fields::{self, Fields};

/// How keys begin that a dialect might know; everything else is none of our business, and most spans are that.
const PREFIXES: [&str; 11] = [
    "gen_ai.",
    "llm.",
    "ai.",
    "openinference.",
    "traceloop.",
    "langfuse.",
    "langsmith.",
    "embedding.",
    "mlflow.",
    "pydantic_ai.",
    "all_messages_events",
];
/// How the names of scopes, spans or log records begin that a dialect knows by them.
const NAMES: [&str; 5] = [
    "claude_code.",
    "codex.",
    "gemini_cli.",
    "gen_ai.",
    "com.anthropic.claude_code",
];

/// Something that happened within a span.
pub(super) struct Event<'a> {
    pub(super) name: &'a str,
    pub(super) fields: Fields<'a>,
    /// The body, if it was a log record.
    pub(super) body: Json,
}

/// A span or a log record.
pub(super) struct Item<'a> {
    pub(super) scope: &'a str,
    /// The name of the span, or of the event that the log record is.
    pub(super) name: &'a str,
    pub(super) resource: Attributes<'a>,
    pub(super) fields: Fields<'a>,
    /// A log record is an event alone.
    pub(super) events: Vec<Event<'a>>,
    pub(super) is_log: bool,
    /// Whether it is a log record that was written within a span.
    pub(super) is_within_span: bool,
    pub(super) is_error: bool,
    pub(super) start_time_unix_nano: u64,
}

impl<'a> Item<'a> {
    /// The span, if it might be one of ours.
    pub(super) fn of_span(
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        span: &SpanView<'a>,
    ) -> Option<Item<'a>> {
        let events = || span.events().map_while(Result::ok);
        let is_known = is_known(&span.attributes)
            || is_named(scope.name)
            || is_named(span.name)
            || events().any(|event| is_named(event.name));
        if !is_known {
            return None;
        }
        let events = events().map(|event| Event {
            name: event.name,
            fields: Fields::of(&event.attributes),
            body: Json::Null,
        });
        Some(Item {
            scope: scope.name,
            name: span.name,
            resource: resource.attributes,
            fields: Fields::of(&span.attributes),
            events: events.collect(),
            is_log: false,
            is_within_span: false,
            is_error: span.status.code == 2,
            start_time_unix_nano: span.start_time_unix_nano,
        })
    }

    /// The log record, if it might be one of ours.
    pub(super) fn of_log(
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        log: &LogView<'a>,
    ) -> Option<Item<'a>> {
        let name = event_name(log);
        if !is_named(name) && !is_named(scope.name) && !is_known(&log.attributes) {
            return None;
        }
        let body = match &log.body {
            body @ Value::Map(_) => fields::to_json(body),
            Value::Str(text) => crate::json::structured(text),
            _ => Json::Null,
        };
        let event = Event {
            name,
            fields: Fields::of(&log.attributes),
            body,
        };
        Some(Item {
            scope: scope.name,
            name,
            resource: resource.attributes,
            fields: Fields::of(&log.attributes),
            events: vec![event],
            is_log: true,
            is_within_span: log.span_id.0.iter().any(|byte| *byte != 0),
            is_error: false,
            start_time_unix_nano: log.time_unix_nano,
        })
    }
}

/// The name of the event that a log record is, wherever its writer put it.
pub(super) fn event_name<'a>(log: &LogView<'a>) -> &'a str {
    let stated = log.attributes.get("event.name").ok().flatten();
    let names = [
        Some(log.event_name),
        stated.and_then(|name| name.as_str()),
        log.body.as_str(),
    ];
    let mut names = names.into_iter().flatten().filter(|name| !name.is_empty());
    // Bridges put the place in the source where the event's name belongs.
    names
        .clone()
        .find(|name| is_named(name))
        .or_else(|| names.next())
        .unwrap_or_default()
}

fn is_known(attributes: &Attributes<'_>) -> bool {
    let mut keys = attributes.iter().map_while(Result::ok);
    keys.any(|(key, _)| is_known_key(key))
}

/// Whether a dialect might know an attribute by its key.
pub(super) fn is_known_key(key: &str) -> bool {
    PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Whether a dialect might know a scope, a span or a log record by its name.
pub(super) fn is_named(name: &str) -> bool {
    NAMES.iter().any(|prefix| name.starts_with(prefix))
}
