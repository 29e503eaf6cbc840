//! One span: which tag and reference stands for what.

use fanlight_formats::jaeger::{KeyValue, Log, Span, SpanRef, SpanRefType};
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{self, Event, Link, ScopeWriter};
use fanlight_otlp::{SpanId, TraceId};

use super::{InvalidId, Scope, value};

type Attributes<'a> = Vec<(&'a str, Value<'a>)>;

/// A span, its tags sorted into where they belong. Field names are OTLP's.
#[derive(Debug, Default)]
pub(super) struct Mapped<'a> {
    trace_id: TraceId,
    span_id: SpanId,
    parent_span_id: SpanId,
    trace_state: &'a str,
    name: &'a str,
    kind: i32,
    start_time_unix_nano: u64,
    end_time_unix_nano: u64,
    attributes: Attributes<'a>,
    logs: &'a [Log],
    links: Vec<(TraceId, SpanId, SpanRefType)>,
    status_code: i32,
    status_message: &'a str,
}

/// Tags that say how a span went.
#[derive(Debug, Default)]
struct Outcome<'a> {
    failed: bool,
    code: Option<i32>,
    description: &'a str,
    http_status: Option<i64>,
    http_message: &'a str,
}

/// Takes a span apart; `number` is its place in the batch.
pub(super) fn map(span: &Span, number: usize) -> Result<(Scope<'_>, Mapped<'_>), InvalidId> {
    let invalid = |id, length| InvalidId { number, id, length };
    let start = span
        .start_time
        .and_then(|time| time.to_nanos())
        .unwrap_or(0);
    let duration = span.duration.and_then(|time| time.to_nanos()).unwrap_or(0);
    let mut mapped = Mapped {
        trace_id: trace_id(&span.trace_id).map_err(|length| invalid("trace id", length))?,
        span_id: span_id(&span.span_id).map_err(|length| invalid("span id", length))?,
        name: &span.operation_name,
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(duration),
        logs: &span.logs,
        ..Mapped::default()
    };
    for reference in &span.references {
        mapped
            .refer(reference)
            .map_err(|length| invalid("reference with an id", length))?;
    }
    let (mut scope, mut outcome) = (("", ""), Outcome::default());
    for tag in &span.tags {
        mapped.tag(tag, &mut scope, &mut outcome);
    }
    (mapped.status_code, mapped.status_message) = outcome.status(mapped.kind);
    Ok((scope, mapped))
}

impl<'a> Mapped<'a> {
    /// The first parent in the same trace is the parent; everything else is a link.
    fn refer(&mut self, reference: &SpanRef) -> Result<(), usize> {
        let trace = trace_id(&reference.trace_id)?;
        let span = span_id(&reference.span_id)?;
        let kind = reference.ref_type();
        let is_parent = kind == SpanRefType::ChildOf && trace == self.trace_id;
        if is_parent && self.parent_span_id.is_zero() {
            self.parent_span_id = span;
        } else if !is_parent || span != self.parent_span_id {
            self.links.push((trace, span, kind));
        }
        Ok(())
    }

    fn tag(&mut self, tag: &'a KeyValue, scope: &mut Scope<'a>, outcome: &mut Outcome<'a>) {
        let value = value(tag);
        match (tag.key.as_str(), value) {
            ("span.kind", Value::Str(name)) if kind(name) != 0 => self.kind = kind(name),
            ("w3c.tracestate", Value::Str(state)) => self.trace_state = state,
            ("otel.scope.name" | "otel.library.name", Value::Str(name)) => scope.0 = name,
            ("otel.scope.version" | "otel.library.version", Value::Str(text)) => scope.1 = text,
            ("error", Value::Bool(true) | Value::Str("true")) => outcome.failed = true,
            ("otel.status_code", Value::Str(text)) => outcome.code = Some(status_code(text)),
            ("otel.status_description", Value::Str(text)) => outcome.description = text,
            (key, value) => {
                match (key, value) {
                    ("http.status_code", Value::Int(code)) => outcome.http_status = Some(code),
                    ("http.status_code", Value::Str(code)) => {
                        outcome.http_status = code.parse().ok()
                    }
                    ("http.status_message", Value::Str(text)) => outcome.http_message = text,
                    _ => {}
                }
                self.attributes.push((key, value));
            }
        }
    }

    /// Writes the span.
    pub(super) fn write(&self, out: &mut ScopeWriter<'_>) {
        let fields: Vec<(&str, Attributes<'_>)> = self.logs.iter().map(named_fields).collect();
        let events: Vec<Event<'_>> = self
            .logs
            .iter()
            .zip(&fields)
            .map(|(log, (name, attributes))| Event {
                time_unix_nano: log.timestamp.and_then(|time| time.to_nanos()).unwrap_or(0),
                name,
                attributes,
                ..Event::default()
            })
            .collect();
        let child_of = [("opentracing.ref_type", Value::Str("child_of"))];
        let follows_from = [("opentracing.ref_type", Value::Str("follows_from"))];
        let links: Vec<Link<'_>> = self
            .links
            .iter()
            .map(|(trace_id, span_id, kind)| Link {
                trace_id: *trace_id,
                span_id: *span_id,
                attributes: match kind {
                    SpanRefType::ChildOf => &child_of,
                    SpanRefType::FollowsFrom => &follows_from,
                },
                ..Link::default()
            })
            .collect();
        out.span(&write::Span {
            trace_id: self.trace_id,
            span_id: self.span_id,
            trace_state: self.trace_state,
            parent_span_id: self.parent_span_id,
            name: self.name,
            kind: self.kind,
            start_time_unix_nano: self.start_time_unix_nano,
            end_time_unix_nano: self.end_time_unix_nano,
            attributes: &self.attributes,
            events: &events,
            links: &links,
            status_code: self.status_code,
            status_message: self.status_message,
            ..write::Span::default()
        });
    }
}

impl<'a> Outcome<'a> {
    /// The status code and message. A tag that says "failed" is believed first, then the status itself, then that of HTTP,
    /// where 4xx is the client's failure alone.
    fn status(&self, kind: i32) -> (i32, &'a str) {
        let described = match self.description {
            "" => self.http_message,
            description => description,
        };
        match (self.failed, self.code, self.http_status) {
            (true, ..) => (2, described),
            (_, Some(code), _) => (code, self.description),
            (_, _, Some(400..500)) if kind == 2 => (0, ""),
            (_, _, Some(100..400)) | (_, _, None) => (0, self.description),
            (_, _, Some(_)) => (2, described),
        }
    }
}

/// The name and attributes of an event: OpenTracing has the name under `event`.
fn named_fields(log: &Log) -> (&str, Attributes<'_>) {
    let mut name = "";
    let mut attributes = Vec::with_capacity(log.fields.len());
    for field in &log.fields {
        match (field.key.as_str(), value(field)) {
            ("event", Value::Str(text)) if name.is_empty() => name = text,
            attribute => attributes.push(attribute),
        }
    }
    (name, attributes)
}

fn kind(name: &str) -> i32 {
    match name {
        "internal" => 1,
        "server" => 2,
        "client" => 3,
        "producer" => 4,
        "consumer" => 5,
        _ => 0,
    }
}

fn status_code(text: &str) -> i32 {
    match text {
        _ if text.eq_ignore_ascii_case("ok") => 1,
        _ if text.eq_ignore_ascii_case("error") => 2,
        _ => 0,
    }
}

/// A trace id, whose upper half may be missing; else its length.
fn trace_id(bytes: &[u8]) -> Result<TraceId, usize> {
    match (bytes.try_into(), bytes.try_into()) {
        (Ok(whole), _) => Ok(TraceId(whole)),
        (_, Ok(low)) => Ok(TraceId(u128::from(u64::from_be_bytes(low)).to_be_bytes())),
        _ => Err(bytes.len()),
    }
}

/// A span id; else its length.
fn span_id(bytes: &[u8]) -> Result<SpanId, usize> {
    bytes.try_into().map(SpanId).map_err(|_| bytes.len())
}
