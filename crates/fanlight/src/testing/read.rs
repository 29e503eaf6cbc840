//! Records, as tests want to see them.

use std::collections::BTreeMap;
use std::time::Duration;

use fanlight_otlp::view::{Attributes, LogView, SpanView};
use fanlight_otlp::{SpanId, TraceId};

use super::Value;
use crate::callsite::Source;
use crate::record::Record;
use crate::template::Template;
use crate::{Context, Level, SpanKind};

/// A span that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedSpan {
    /// Its name: the template of its message, unless it was given another.
    pub name: String,
    /// What people read.
    pub message: String,
    /// How much it matters.
    pub level: Level,
    /// What it does for whom.
    pub kind: SpanKind,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The span that it is a child of.
    pub parent_id: Option<SpanId>,
    /// When it started, in nanoseconds since 1970.
    pub start: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end: u64,
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
    /// What happened in it, exceptions among it.
    pub events: Vec<CapturedEvent>,
    /// Other spans that have to do with it.
    pub links: Vec<Context>,
    /// Its tags.
    pub tags: Vec<&'static str>,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Whether it was said to have gone well.
    pub is_ok: bool,
    /// Where in the code it was made.
    pub source: Source,
}

/// Something that happened in a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedEvent {
    /// What; `exception` for errors.
    pub name: String,
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
}

/// A log record.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CapturedLog {
    /// Its message as it was written, with placeholders.
    pub template: String,
    /// What people read.
    pub message: String,
    /// How much it matters.
    pub level: Level,
    /// The trace that it belongs to.
    pub trace_id: Option<TraceId>,
    /// The span that it belongs to.
    pub parent_id: Option<SpanId>,
    /// When it was made, in nanoseconds since 1970.
    pub time: u64,
    /// Its attributes.
    pub attributes: BTreeMap<String, Value>,
    /// Its tags.
    pub tags: Vec<&'static str>,
    /// Where in the code it was made.
    pub source: Source,
}

const MESSAGE: &str = "logfire.msg";

impl CapturedSpan {
    pub(super) fn read(record: &Record<'_>) -> Option<CapturedSpan> {
        let view = SpanView::read(record.message).ok()?;
        let mut attributes = owned(view.attributes);
        let message = match attributes.remove(MESSAGE) {
            Some(Value::Str(message)) => Some(message),
            _ => Template::of(record.callsite).message(view.attributes),
        };
        let events = view.events().flatten().map(|event| CapturedEvent {
            name: event.name.to_owned(),
            time: event.time_unix_nano,
            attributes: owned(event.attributes),
        });
        let links = view
            .links()
            .flatten()
            .map(|link| Context::new(link.trace_id, link.span_id, true));
        Some(CapturedSpan {
            name: view.name.to_owned(),
            message: message.unwrap_or_else(|| view.name.to_owned()),
            level: record.level,
            kind: kind(view.kind),
            trace_id: view.trace_id,
            span_id: view.span_id,
            parent_id: some(view.parent_span_id),
            start: view.start_time_unix_nano,
            end: view.end_time_unix_nano,
            attributes,
            events: events.collect(),
            links: links.collect(),
            tags: record.callsite.tags().to_vec(),
            error: (view.status.code == 2).then(|| view.status.message.to_owned()),
            is_ok: view.status.code == 1,
            source: *record.callsite.source(),
        })
    }

    /// How long it took.
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.end.saturating_sub(self.start))
    }
}

impl CapturedLog {
    pub(super) fn read(record: &Record<'_>) -> Option<CapturedLog> {
        let view = LogView::read(record.message).ok()?;
        let template = record.callsite.template();
        let message = view
            .body
            .as_str()
            .map(str::to_owned)
            .or_else(|| Template::of(record.callsite).message(view.attributes));
        Some(CapturedLog {
            template: template.to_owned(),
            message: message.unwrap_or_else(|| template.to_owned()),
            level: record.level,
            trace_id: (!view.trace_id.is_zero()).then_some(view.trace_id),
            parent_id: some(view.span_id),
            time: view.time_unix_nano,
            attributes: owned(view.attributes),
            tags: record.callsite.tags().to_vec(),
            source: *record.callsite.source(),
        })
    }
}

fn some(id: SpanId) -> Option<SpanId> {
    (!id.is_zero()).then_some(id)
}

fn kind(number: i32) -> SpanKind {
    match number {
        2 => SpanKind::Server,
        3 => SpanKind::Client,
        4 => SpanKind::Producer,
        5 => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn owned(attributes: Attributes<'_>) -> BTreeMap<String, Value> {
    let read = attributes.iter().flatten();
    read.map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect()
}
