//! Zipkin's v2 spans as OTLP.
//!
//! The inverse of what the `zipkin` exporter writes, after the
//! [Collector's translator](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/translator/zipkin):
//! tags that stand for fields become fields again, and tags with the names of resource attributes the resource.

mod annotation;
mod span;
mod status;

use std::borrow::Cow;
use std::collections::BTreeMap;

use fanlight_formats::zipkin::{Span, TagValue};
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{Event, Link, RequestWriter, ScopeWriter};
use fanlight_otlp::{Batch, Signal, write};

use self::annotation::{JsonAttributes, OwnedEvent, OwnedLink};
use self::span::Mapped;

/// What belongs together: the texts of a resource, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Resource<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

/// The library that made a span.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Scope<'a> {
    name: Cow<'a, str>,
    version: Cow<'a, str>,
}

/// A span that can't be one in OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("span {number} of the request has no {id}; nothing of the request was taken")]
pub(super) struct WithoutId {
    number: usize,
    id: &'static str,
}

/// A request's spans as a batch.
pub(super) fn batch(spans: Vec<Span<'_>>, parse_string_tags: bool) -> Result<Batch, WithoutId> {
    let mut resources = BTreeMap::<Resource<'_>, BTreeMap<Scope<'_>, Vec<Mapped<'_>>>>::new();
    for (index, span) in spans.into_iter().enumerate() {
        let id = match (span.trace_id.is_zero(), span.id.is_zero()) {
            (true, _) => Some("trace id"),
            (_, true) => Some("id"),
            _ => None,
        };
        if let Some(id) = id {
            let number = index + 1;
            return Err(WithoutId { number, id });
        }
        let (resource, scope, mapped) = span::map(span, parse_string_tags);
        let scopes = resources.entry(resource).or_default();
        scopes.entry(scope).or_default().push(mapped);
    }
    let mut out = RequestWriter::new(Signal::Traces);
    for (Resource(texts), scopes) in &resources {
        let attributes: Vec<(&str, Value<'_>)> = texts
            .iter()
            .map(|(key, text)| (&**key, Value::Str(text)))
            .collect();
        out.resource(&attributes, |resource| {
            for (scope, spans) in scopes {
                resource.scope(&scope.name, &scope.version, |out| {
                    spans.iter().for_each(|span| write_span(span, out));
                });
            }
        });
    }
    Ok(out.finish())
}

fn write_span(mapped: &Mapped<'_>, out: &mut ScopeWriter<'_>) {
    let attributes: Vec<(&str, Value<'_>)> = mapped
        .attributes
        .iter()
        .map(|(key, value)| (&**key, view(value)))
        .collect();
    let owned: Vec<OwnedEvent<'_>> = mapped.annotations.iter().map(OwnedEvent::read).collect();
    let of_events: Vec<_> = owned.iter().map(|event| views(&event.attributes)).collect();
    let events: Vec<Event<'_>> = owned
        .iter()
        .zip(&of_events)
        .map(|(event, attributes)| Event {
            time_unix_nano: event.time_unix_nano,
            name: event.name,
            attributes,
            dropped_attributes_count: event.dropped_attributes_count,
        })
        .collect();
    let of_links: Vec<_> = mapped
        .links
        .iter()
        .map(|link| views(&link.attributes))
        .collect();
    let links: Vec<Link<'_>> = mapped
        .links
        .iter()
        .zip(&of_links)
        .map(|(link, attributes): (&OwnedLink, _)| Link {
            trace_id: link.trace_id,
            span_id: link.span_id,
            trace_state: &link.trace_state,
            attributes,
            dropped_attributes_count: link.dropped_attributes_count,
        })
        .collect();
    out.span(&write::Span {
        trace_id: mapped.trace_id,
        span_id: mapped.span_id,
        trace_state: &mapped.trace_state,
        parent_span_id: mapped.parent_span_id,
        name: &mapped.name,
        kind: mapped.kind,
        start_time_unix_nano: mapped.start_time_unix_nano,
        end_time_unix_nano: mapped.end_time_unix_nano,
        attributes: &attributes,
        dropped_attributes_count: mapped.dropped_attributes_count,
        events: &events,
        dropped_events_count: mapped.dropped_events_count,
        links: &links,
        dropped_links_count: mapped.dropped_links_count,
        status_code: mapped.status_code,
        status_message: &mapped.status_message,
        flags: 0,
    });
}

fn view<'v>(value: &'v TagValue<'_>) -> Value<'v> {
    match value {
        TagValue::Text(text) => Value::Str(text),
        TagValue::Bool(value) => Value::Bool(*value),
        TagValue::Int(value) => Value::Int(*value),
        TagValue::Double(value) => Value::Double(*value),
    }
}

fn views(attributes: &JsonAttributes) -> Vec<(&str, Value<'_>)> {
    attributes
        .iter()
        .map(|(key, value)| (key.as_str(), value.view()))
        .collect()
}
