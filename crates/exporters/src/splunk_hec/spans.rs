//! Spans: the event is the span as an object, the resource's attributes are fields.

use fanlight_otlp::view::{Attributes, SpanView};
use fanlight_otlp::{Batch, DecodeError, SpanId, TraceId};

use super::config::Rules;
use super::event::Origin;
use super::requests::Requests;
use crate::fields::{Dialect, Fields, member, scalar, text, write_map};
use crate::span_words;

/// Writes the spans of a batch.
pub(super) fn write(
    batch: &Batch,
    rules: &Rules,
    requests: &mut Requests,
) -> Result<(), DecodeError> {
    let mut number = 0;
    for resource in batch.resources() {
        let resource = resource?;
        let mut fields = Fields::new(Dialect::Splunk);
        let mut origin = Origin::new(rules);
        origin.take(resource.attributes, rules, |key, value| {
            fields.text(key, &value.to_text());
            Ok(())
        })?;
        let mut tail = Vec::new();
        if !fields.is_empty() {
            tail.extend_from_slice(b",\"fields\":");
            fields.write_flat(&mut tail);
        }
        tail.push(b'}');
        for scope in resource.scopes() {
            for span in scope?.spans() {
                let span = span?;
                let mut out = Vec::new();
                origin.start(&mut out, span.start_time_unix_nano);
                member(&mut out, b"event");
                write_span(&mut out, &span)?;
                out.extend_from_slice(&tail);
                requests.add(&origin.group(false), &[out], &[number]);
                number += 1;
            }
        }
    }
    Ok(())
}

fn write_span(out: &mut Vec<u8>, span: &SpanView<'_>) -> Result<(), DecodeError> {
    out.push(b'{');
    write_ids(out, span.trace_id, span.span_id);
    member(out, b"parent_span_id");
    text(out, &shown(span.parent_span_id));
    member(out, b"name");
    text(out, span.name);
    write_attributes(out, span.attributes)?;
    for (key, time) in [
        ("end_time", span.end_time_unix_nano),
        ("start_time", span.start_time_unix_nano),
    ] {
        member(out, key.as_bytes());
        scalar(out, &time);
    }
    member(out, b"kind");
    text(out, span_words::kind_constant(span.kind));
    member(out, b"status");
    out.extend_from_slice(b"{\"message\":");
    text(out, span.status.message);
    member(out, b"code");
    text(out, span_words::status_constant(span.status.code));
    out.push(b'}');
    let events: Vec<_> = span.events().collect::<Result<_, _>>()?;
    write_list(out, "events", &events, |out, event| {
        write_attributes(out, event.attributes)?;
        member(out, b"name");
        text(out, event.name);
        member(out, b"timestamp");
        scalar(out, &event.time_unix_nano);
        Ok(())
    })?;
    let links: Vec<_> = span.links().collect::<Result<_, _>>()?;
    write_list(out, "links", &links, |out, link| {
        write_attributes(out, link.attributes)?;
        write_ids(out, link.trace_id, link.span_id);
        member(out, b"trace_state");
        text(out, link.trace_state);
        Ok(())
    })?;
    out.push(b'}');
    Ok(())
}

/// Writes a list of objects, unless it is empty.
fn write_list<T>(
    out: &mut Vec<u8>,
    key: &str,
    list: &[T],
    write: impl Fn(&mut Vec<u8>, &T) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    for (number, element) in list.iter().enumerate() {
        if number == 0 {
            member(out, key.as_bytes());
            out.push(b'[');
        } else {
            out.push(b',');
        }
        out.push(b'{');
        write(out, element)?;
        out.push(b'}');
    }
    if !list.is_empty() {
        out.push(b']');
    }
    Ok(())
}

fn write_attributes(out: &mut Vec<u8>, attributes: Attributes<'_>) -> Result<(), DecodeError> {
    if attributes.is_empty() {
        return Ok(());
    }
    member(out, b"attributes");
    write_map(out, attributes, Dialect::Splunk)
}

fn write_ids(out: &mut Vec<u8>, trace: TraceId, span: SpanId) {
    member(out, b"trace_id");
    let trace = if trace.is_zero() {
        String::new()
    } else {
        trace.to_string()
    };
    text(out, &trace);
    member(out, b"span_id");
    text(out, &shown(span));
}

fn shown(span: SpanId) -> String {
    if span.is_zero() {
        String::new()
    } else {
        span.to_string()
    }
}
