//! Why a segment failed: its flags, and `cause` with the exceptions of its events.

use fanlight_otlp::view::{EventView, SpanView};
use fanlight_otlp::{DecodeError, SpanId};

use super::attributes::Known;
use super::segment::SpanKind;
use super::stack::{self, Thrown};
use crate::json_object::{JsonArray, JsonObject, front};

/// `error` is the caller's fault, `fault` the service's own; `throttle` is an error of its own kind.
pub(super) fn flags(segment: &mut JsonObject<'_>, span: &SpanView<'_>, status: Option<i64>) {
    let is_fault = match status {
        Some(400..=499) => false,
        Some(500..=599) => true,
        _ => span.status.code == 2,
    };
    segment.boolean("error", matches!(status, Some(400..=499)));
    segment.boolean("fault", is_fault);
    segment.boolean("throttle", status == Some(429));
}

/// The events that are exceptions.
pub(super) fn exceptions<'a>(span: &SpanView<'a>) -> Result<Vec<EventView<'a>>, DecodeError> {
    span.events()
        .filter(|event| !matches!(event, Ok(event) if !is_exception(event)))
        .collect()
}

fn is_exception(event: &EventView<'_>) -> bool {
    event.name == "exception"
}

fn text<'a>(event: &EventView<'a>, key: &str) -> &'a str {
    let value = event.attributes.get(key).ok().flatten();
    value.and_then(|value| value.as_str()).unwrap_or("")
}

/// Whether `cause` tells all of an event that matters: it is an exception whose stack trace could be taken apart.
pub(super) fn tells(event: &EventView<'_>, resource: &Known<'_>) -> bool {
    let trace = text(event, "exception.stacktrace");
    let has_frames = || {
        let thrown = stack::parse(language(resource), trace);
        thrown.iter().any(|thrown| !thrown.frames.is_empty())
    };
    is_exception(event) && (trace.is_empty() || has_frames())
}

fn language<'a>(resource: &Known<'a>) -> &'a str {
    resource.text(&["telemetry.sdk.language"]).unwrap_or("")
}

/// What of an exception is shortened when a segment is too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The longest text, in bytes.
    pub(super) text: usize,
    /// How many frames of a stack.
    pub(super) frames: usize,
}

/// `cause`: the exceptions, or where there is none the status message of a failed span.
pub(super) fn cause(
    segment: &mut JsonObject<'_>,
    span: &SpanView<'_>,
    resource: &Known<'_>,
    exceptions: &[EventView<'_>],
    limits: Limits,
) {
    let has_failed = span.status.code == 2 && !span.status.message.is_empty();
    if exceptions.is_empty() && !has_failed {
        return;
    }
    let is_remote = matches!(span.kind, SpanKind::CLIENT | SpanKind::PRODUCER);
    let mut ids = Ids::of(span.span_id);
    segment.object("cause", |cause| {
        cause.array("exceptions", |list| {
            if exceptions.is_empty() {
                list.object(|exception| {
                    exception.text("id", &ids.next());
                    exception.text("message", front(span.status.message, limits.text));
                });
            }
            for event in exceptions {
                let trace = text(event, "exception.stacktrace");
                let mut chain = stack::parse(language(resource), trace);
                if let Some(outermost) = chain.first_mut() {
                    outermost.kind = text(event, "exception.type");
                    outermost.message = text(event, "exception.message");
                }
                write_chain(list, &chain, is_remote, &mut ids, limits);
            }
        });
    });
}

/// An exception and what caused it, each naming the next by its id.
fn write_chain(
    list: &mut JsonArray<'_>,
    chain: &[Thrown<'_>],
    is_remote: bool,
    ids: &mut Ids,
    limits: Limits,
) {
    let mut id = ids.next();
    for (index, thrown) in chain.iter().enumerate() {
        let cause = (index + 1 < chain.len()).then(|| ids.next());
        list.object(|exception| {
            exception.text("id", &id);
            exception.some_text("type", front(thrown.kind, limits.text));
            exception.text("message", front(thrown.message, limits.text));
            exception.boolean("remote", is_remote);
            if let Some(cause) = &cause {
                exception.text("cause", cause);
            }
            write_frames(exception, thrown, limits);
        });
        id = cause.unwrap_or_default();
    }
}

fn write_frames(exception: &mut JsonObject<'_>, thrown: &Thrown<'_>, limits: Limits) {
    let frames = &thrown.frames;
    if frames.is_empty() {
        return;
    }
    exception.array("stack", |stack| {
        for frame in frames.iter().take(limits.frames) {
            stack.object(|out| {
                out.some_text("label", front(frame.label, limits.text));
                out.some_text("path", front(frame.path, limits.text));
                out.number("line", frame.line);
            });
        }
    });
    if frames.len() > limits.frames {
        exception.number("truncated", frames.len() - limits.frames);
    }
}

/// Ids for exceptions: made from the span's, so that a segment that is sent again is the same segment.
struct Ids(u64);

impl Ids {
    fn of(span: SpanId) -> Ids {
        Ids(u64::from_be_bytes(span.0))
    }

    fn next(&mut self) -> String {
        // The golden ratio's odd multiple visits every number once.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        format!("{:016x}", self.0)
    }
}
