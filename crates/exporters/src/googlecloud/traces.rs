//! Spans as [Cloud Trace's](https://cloud.google.com/trace/docs/reference/v2/rpc/google.devtools.cloudtrace.v2#span).
//!
//! Its published limits are applied here, and what is left out or cut off is counted in the span: 32 attributes a span and a
//! link, 4 an annotation, 32 annotations, 128 links; keys of 128 bytes, text of 256, names of 128. Where attributes are too
//! many, those of the span stay before those of the monitored resource, the resource and the scope.

use fanlight_formats::google::trace::{
    Annotation, AttributeValue, Attributes, Link, Links, Span, TimeEvent, TimeEvents,
    TruncatableString, Value,
};
use fanlight_formats::google::{BoolValue, MonitoredResource, Status, Timestamp};
use fanlight_otlp::view::{self, EventView, LinkView, ResourceView, ScopeView, SpanView};
use fanlight_otlp::{Batch, DecodeError};

use super::calls::{Calls, NO_PROJECT, front, project_of};
use super::config::{AttributeMapping, Trace};
use super::resource::monitored;

/// Attributes of a span, or of a link.
const MOST_ATTRIBUTES: usize = 32;
/// Attributes of an annotation.
const MOST_OF_ANNOTATION: usize = 4;
const MOST_ANNOTATIONS: usize = 32;
const MOST_LINKS: usize = 128;
const LONGEST_NAME: usize = 128;
const LONGEST_KEY: usize = 128;
const LONGEST_TEXT: usize = 256;
/// The attribute that names the sender. [Source](https://cloud.google.com/trace/docs/trace-labels).
const AGENT: &str = "g.co/agent";
/// `BatchWriteSpansRequest.spans`.
const SPANS: u32 = 2;

/// Attributes that Cloud Trace shows in columns of their own, by their old and new names.
/// [Source](https://cloud.google.com/trace/docs/trace-labels).
const SHOWN: &[(&str, &str)] = &[
    ("http.method", "/http/method"),
    ("http.request.method", "/http/method"),
    ("http.path", "/http/path"),
    ("url.path", "/http/path"),
    ("http.host", "/http/host"),
    ("http.user_agent", "/http/user_agent"),
    ("user_agent.original", "/http/user_agent"),
    ("http.status_code", "/http/status_code"),
    ("http.response.status_code", "/http/status_code"),
    ("service.name", "g.co/gae/app/module"),
];

/// The calls that a batch of spans becomes.
pub(super) fn calls(
    batch: &Batch,
    project: &str,
    options: &Trace,
    agent: &str,
) -> Result<Calls, DecodeError> {
    let mut calls = Calls::new(usize::MAX, |project, request| {
        prost::encoding::string::encode(1, &format!("projects/{project}"), request);
    });
    let mut item = 0;
    for resource in batch.resources() {
        let resource = resource?;
        let project = project_of(&resource.attributes, project)?;
        let monitored = monitored(&resource.attributes)?;
        for scope in resource.scopes() {
            let scope = scope?;
            let source = Source {
                project,
                mappings: &options.attribute_mappings,
                agent,
                resource: &resource,
                monitored: &monitored,
                scope: &scope,
            };
            for span in scope.spans() {
                let span = span?;
                if project.is_empty() {
                    calls.leave_out(NO_PROJECT);
                } else if span.trace_id.is_zero() || span.span_id.is_zero() {
                    calls.leave_out("Cloud Trace takes no span without trace and span id");
                } else {
                    calls.add(project, SPANS, &source.span(&span)?, item);
                }
                item += 1;
            }
        }
    }
    Ok(calls)
}

/// What the spans of one scope share.
struct Source<'s, 'a> {
    project: &'s str,
    mappings: &'s [AttributeMapping],
    agent: &'s str,
    resource: &'s ResourceView<'a>,
    monitored: &'s MonitoredResource,
    scope: &'s ScopeView<'a>,
}

impl Source<'_, '_> {
    fn span(&self, span: &SpanView<'_>) -> Result<Span, DecodeError> {
        const HAS_IS_REMOTE: u32 = 1 << 8;
        const IS_REMOTE: u32 = 1 << 9;
        let parent = match span.parent_span_id.is_zero() {
            true => String::new(),
            false => span.parent_span_id.to_string(),
        };
        let name = match span.name {
            "" => "(no name)",
            name => name,
        };
        // Cloud Trace refuses the whole call for a span that ends before it starts.
        let end = span.end_time_unix_nano.max(span.start_time_unix_nano);
        let same_process = (span.flags & HAS_IS_REMOTE != 0).then_some(BoolValue {
            value: span.flags & IS_REMOTE == 0,
        });
        let (project, trace) = (self.project, span.trace_id);
        Ok(Span {
            name: format!("projects/{project}/traces/{trace}/spans/{}", span.span_id),
            span_id: span.span_id.to_string(),
            parent_span_id: parent,
            display_name: Some(truncated(name, LONGEST_NAME)),
            start_time: Some(Timestamp::from_unix_nano(span.start_time_unix_nano)),
            end_time: Some(Timestamp::from_unix_nano(end)),
            attributes: Some(self.attributes(span)?),
            time_events: self.events(span)?,
            links: self.links(span)?,
            status: status(span),
            same_process_as_parent_span: same_process,
            span_kind: span.kind.clamp(0, 5),
        })
    }

    fn attributes(&self, span: &SpanView<'_>) -> Result<Attributes, DecodeError> {
        let mut list = List::new(
            self.mappings,
            MOST_ATTRIBUTES,
            span.dropped_attributes_count,
        );
        // One place is kept for the sender's name, which a span may bring itself.
        list.room -= 1;
        list.extend(&span.attributes)?;
        for (label, value) in &self.monitored.labels {
            if !value.is_empty() {
                let key = format!("g.co/r/{}/{label}", self.monitored.r#type);
                list.add(&key, view::Value::Str(value));
            }
        }
        list.extend(&self.resource.attributes)?;
        for (key, value) in [
            ("otel.scope.name", self.scope.name),
            ("otel.scope.version", self.scope.version),
        ] {
            if !value.is_empty() {
                list.add(key, view::Value::Str(value));
            }
        }
        list.room += 1;
        list.add(AGENT, view::Value::Str(self.agent));
        Ok(list.of)
    }

    fn events(&self, span: &SpanView<'_>) -> Result<Option<TimeEvents>, DecodeError> {
        let mut events = TimeEvents {
            dropped_annotations_count: clip(span.dropped_events_count as usize),
            ..TimeEvents::default()
        };
        for event in span.events() {
            let event = event?;
            if events.time_event.len() == MOST_ANNOTATIONS {
                events.dropped_annotations_count += 1;
                continue;
            }
            events.time_event.push(self.event(&event)?);
        }
        Ok((events != TimeEvents::default()).then_some(events))
    }

    fn event(&self, event: &EventView<'_>) -> Result<TimeEvent, DecodeError> {
        let mut list = List::new(
            self.mappings,
            MOST_OF_ANNOTATION,
            event.dropped_attributes_count,
        );
        list.extend(&event.attributes)?;
        Ok(TimeEvent {
            time: Some(Timestamp::from_unix_nano(event.time_unix_nano)),
            annotation: Some(Annotation {
                description: Some(truncated(event.name, LONGEST_TEXT)),
                attributes: Some(list.of),
            }),
        })
    }

    fn links(&self, span: &SpanView<'_>) -> Result<Option<Links>, DecodeError> {
        let mut links = Links {
            dropped_links_count: clip(span.dropped_links_count as usize),
            ..Links::default()
        };
        for link in span.links() {
            let link = link?;
            let is_whole = !link.trace_id.is_zero() && !link.span_id.is_zero();
            match is_whole && links.link.len() < MOST_LINKS {
                true => links.link.push(self.link(&link)?),
                false => links.dropped_links_count += 1,
            }
        }
        Ok((links != Links::default()).then_some(links))
    }

    fn link(&self, link: &LinkView<'_>) -> Result<Link, DecodeError> {
        let mut list = List::new(
            self.mappings,
            MOST_ATTRIBUTES,
            link.dropped_attributes_count,
        );
        list.extend(&link.attributes)?;
        Ok(Link {
            trace_id: link.trace_id.to_string(),
            span_id: link.span_id.to_string(),
            attributes: Some(list.of),
        })
    }
}

/// Attributes that are still being added; of equal keys the first stays.
struct List<'m> {
    mappings: &'m [AttributeMapping],
    of: Attributes,
    room: usize,
}

impl<'m> List<'m> {
    fn new(mappings: &'m [AttributeMapping], room: usize, dropped: u32) -> List<'m> {
        List {
            mappings,
            of: Attributes {
                dropped_attributes_count: clip(dropped as usize),
                ..Attributes::default()
            },
            room,
        }
    }

    fn extend(&mut self, attributes: &view::Attributes<'_>) -> Result<(), DecodeError> {
        for attribute in attributes.iter() {
            let (key, value) = attribute?;
            self.add(key, value);
        }
        Ok(())
    }

    fn add(&mut self, key: &str, value: view::Value<'_>) {
        let key = self.renamed(key);
        if self.of.attribute_map.contains_key(key) {
            return;
        }
        if key.is_empty() || key.len() > LONGEST_KEY || self.of.attribute_map.len() >= self.room {
            self.of.dropped_attributes_count = self.of.dropped_attributes_count.saturating_add(1);
            return;
        }
        let value = match value {
            view::Value::Bool(value) => Value::BoolValue(value),
            view::Value::Int(value) => Value::IntValue(value),
            other => Value::StringValue(truncated(&other.to_text(), LONGEST_TEXT)),
        };
        let value = AttributeValue { value: Some(value) };
        self.of.attribute_map.insert(key.to_owned(), value);
    }

    fn renamed<'k>(&self, key: &'k str) -> &'k str
    where
        'm: 'k,
    {
        let configured = self.mappings.iter().find(|mapping| mapping.key == key);
        match configured {
            Some(mapping) => &mapping.replacement,
            None if !self.mappings.is_empty() => key,
            None => {
                let shown = SHOWN.iter().find(|(name, _)| *name == key);
                shown.map_or(key, |(_, replacement)| replacement)
            }
        }
    }
}

/// `google.rpc.Status`: errors are `UNKNOWN`, the only code that says no more than OTLP does.
fn status(span: &SpanView<'_>) -> Option<Status> {
    const UNKNOWN: i32 = 2;
    let code = match span.status.code {
        1 => 0,
        2 => UNKNOWN,
        _ => return None,
    };
    Some(Status {
        code,
        message: span.status.message.to_owned(),
        details: Vec::new(),
    })
}

fn truncated(text: &str, longest: usize) -> TruncatableString {
    let value = front(text, longest);
    TruncatableString {
        value: value.to_owned(),
        truncated_byte_count: clip(text.len() - value.len()),
    }
}

fn clip(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
