//! What a span of OTLP is in Zipkin, whatever the encoding.
//!
//! Names of tags are those of the
//! [Collector's translator](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/translator/zipkin).

use std::borrow::Cow;
use std::net::IpAddr;
use std::str::FromStr;

use fanlight_otlp::view::{
    Attributes, EventView, LinkView, ResourceView, ScopeView, SpanView, StatusView,
};
use fanlight_otlp::{Batch, DecodeError, SpanId, TraceId, json};

/// Where a service's name is looked for. If it is not the first, a tag says which.
const SERVICE_NAMES: [&str; 4] = [
    "service.name",
    "faas.name",
    "k8s.deployment.name",
    "process.executable.name",
];

/// A key with its text.
type Tag<'a> = (Cow<'a, str>, Cow<'a, str>);

/// A span ready to be written; one value is filled again and again.
#[derive(Debug, Default)]
pub(super) struct Span<'a> {
    pub(super) trace_id: TraceId,
    pub(super) parent_id: SpanId,
    pub(super) id: SpanId,
    /// OTLP's number.
    pub(super) kind: i32,
    pub(super) name: &'a str,
    /// In microseconds since 1970; zero where it is not known.
    pub(super) timestamp: u64,
    /// In microseconds; zero where it is not known.
    pub(super) duration: u64,
    pub(super) local: Endpoint<'a>,
    pub(super) remote: Option<Endpoint<'a>>,
    /// Times in microseconds since 1970, and what happened then.
    pub(super) annotations: Vec<(u64, Cow<'a, str>)>,
    /// Sorted by key, each key once.
    pub(super) tags: Vec<Tag<'a>>,
}

/// A node of the network.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint<'a> {
    pub(super) service: Cow<'a, str>,
    pub(super) address: Option<IpAddr>,
    /// Zero where it is not known.
    pub(super) port: u16,
}

/// For each span of a batch, whether it has the ids that Zipkin needs.
pub(super) fn with_ids(batch: &Batch) -> Result<Vec<bool>, DecodeError> {
    let mut valid = Vec::with_capacity(batch.items());
    for resource in batch.resources() {
        for scope in resource?.scopes() {
            for span in scope?.spans() {
                let span = span?;
                valid.push(!span.trace_id.is_zero() && !span.span_id.is_zero());
            }
        }
    }
    Ok(valid)
}

/// Calls `write` for every span of a batch.
pub(super) fn each<'a>(
    batch: &'a Batch,
    default_service: &'a str,
    mut write: impl FnMut(&Span<'a>),
) -> Result<(), DecodeError> {
    let mut span = Span::default();
    for resource in batch.resources() {
        let resource = resource?;
        let mut shared = Shared::of(&resource, default_service)?;
        let of_resource = shared.tags.len();
        for scope in resource.scopes() {
            let scope = scope?;
            // The tags of one scope are not those of the next.
            shared.tags.truncate(of_resource);
            shared.add_scope(&scope);
            for view in scope.spans() {
                span.fill(&view?, &shared)?;
                write(&span);
            }
        }
    }
    Ok(())
}

/// What a resource and a scope give to all of their spans.
struct Shared<'a> {
    service: Cow<'a, str>,
    tags: Vec<Tag<'a>>,
}

impl<'a> Shared<'a> {
    fn of(resource: &ResourceView<'a>, default_service: &'a str) -> Result<Self, DecodeError> {
        let mut found = None;
        for key in SERVICE_NAMES {
            let name = resource.attributes.get(key)?.map(|value| value.to_text());
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                found = Some((key, name));
                break;
            }
        }
        let (source, service) = found.unwrap_or(("service.name", Cow::Borrowed(default_service)));
        let mut tags = Vec::with_capacity(resource.attributes.len() + 2);
        for attribute in resource.attributes {
            let (key, value) = attribute?;
            if key != source {
                tags.push((Cow::Borrowed(key), value.to_text()));
            }
        }
        if source != "service.name" {
            tags.push(tag("otlp.service.name.source", source));
        }
        Ok(Shared { service, tags })
    }

    fn add_scope(&mut self, scope: &ScopeView<'a>) {
        for (key, text) in [
            ("otel.library.name", scope.name),
            ("otel.library.version", scope.version),
        ] {
            if !text.is_empty() {
                self.tags.push(tag(key, text));
            }
        }
    }
}

impl<'a> Span<'a> {
    fn fill(&mut self, view: &SpanView<'a>, shared: &Shared<'a>) -> Result<(), DecodeError> {
        self.trace_id = view.trace_id;
        self.parent_id = view.parent_span_id;
        self.id = view.span_id;
        self.kind = view.kind;
        self.name = view.name;
        self.timestamp = micros(view.start_time_unix_nano);
        // The shortest duration that Zipkin knows is one microsecond; zero would be "not known".
        self.duration = match view
            .end_time_unix_nano
            .saturating_sub(view.start_time_unix_nano)
        {
            0 => 0,
            duration => micros(duration).max(1),
        };
        self.annotations.clear();
        for event in view.events() {
            let event = event?;
            let value = annotation(&event)?;
            self.annotations.push((micros(event.time_unix_nano), value));
        }
        self.tags.clear();
        self.tags.extend_from_slice(&shared.tags);
        for attribute in view.attributes {
            let (key, value) = attribute?;
            self.tags.push((Cow::Borrowed(key), value.to_text()));
        }
        self.add_fields(view)?;
        self.sort_tags();
        self.set_endpoints(shared.service.clone());
        Ok(())
    }

    /// What has a field in OTLP and none in Zipkin becomes a tag.
    fn add_fields(&mut self, view: &SpanView<'a>) -> Result<(), DecodeError> {
        if !view.trace_state.is_empty() {
            self.tags.push(tag("w3c.tracestate", view.trace_state));
        }
        if view.kind == 1 {
            self.tags.push(tag("span.kind", "internal"));
        }
        self.add_status(&view.status);
        for (number, link) in view.links().enumerate() {
            let key = Cow::Owned(format!("otlp.link.{number}"));
            self.tags.push((key, Cow::Owned(link_text(&link?)?)));
        }
        for (key, count) in [
            (
                "otel.dropped_attributes_count",
                view.dropped_attributes_count,
            ),
            ("otel.dropped_events_count", view.dropped_events_count),
            ("otel.dropped_links_count", view.dropped_links_count),
        ] {
            if count > 0 {
                let text = Cow::Owned(count.to_string());
                self.tags.push((Cow::Borrowed(key), text));
            }
        }
        Ok(())
    }

    /// Whatever value the tag `error` has, Zipkin shows the span as failed.
    fn add_status(&mut self, status: &StatusView<'a>) {
        match status.code {
            2 => self.tags.push(tag("error", "true")),
            _ => self.tags.retain(|(key, _)| key != "error"),
        }
        let code = match status.code {
            1 => "OK",
            2 => "ERROR",
            _ => return,
        };
        self.tags.push(tag("otel.status_code", code));
        if !status.message.is_empty() {
            self.tags
                .push(tag("otel.status_description", status.message));
        }
    }

    /// Of tags with the same key the last one stays: a span's attribute hides its resource's, and a field hides both.
    fn sort_tags(&mut self) {
        self.tags.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.tags.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
    }

    /// Moves the tags that say who talks to whom into the endpoints. What is no address or port stays a tag.
    fn set_endpoints(&mut self, service: Cow<'a, str>) {
        self.local = Endpoint {
            service,
            address: self.take("net.host.ip"),
            port: self.take("net.host.port").unwrap_or_default(),
        };
        let service = self.index("peer.service");
        let service = service.map(|index| self.tags.remove(index).1);
        let address = self.take("net.peer.ip");
        self.remote = (service.is_some() || address.is_some()).then(|| Endpoint {
            service: service.unwrap_or_default(),
            address,
            port: self.take("net.peer.port").unwrap_or_default(),
        });
    }

    /// Takes a tag out, if it is what it should be.
    fn take<T: FromStr>(&mut self, key: &str) -> Option<T> {
        let index = self.index(key)?;
        let (_, text) = self.tags.get(index)?;
        let value = text.parse().ok()?;
        self.tags.remove(index);
        Some(value)
    }

    /// Where the tag is, if it has a text.
    fn index(&self, key: &str) -> Option<usize> {
        let order = |(found, _): &Tag<'_>| found.as_ref().cmp(key);
        let index = self.tags.binary_search_by(order).ok()?;
        self.tags.get(index).filter(|(_, text)| !text.is_empty())?;
        Some(index)
    }
}

fn tag<'a>(key: &'static str, text: &'a str) -> Tag<'a> {
    (Cow::Borrowed(key), Cow::Borrowed(text))
}

/// An event: its name, and behind it its attributes where it has some.
fn annotation<'a>(event: &EventView<'a>) -> Result<Cow<'a, str>, DecodeError> {
    if event.attributes.is_empty() && event.dropped_attributes_count == 0 {
        return Ok(Cow::Borrowed(event.name));
    }
    let attributes = as_json(&event.attributes)?;
    Ok(Cow::Owned(format!(
        "{}|{attributes}|{}",
        event.name, event.dropped_attributes_count
    )))
}

fn link_text(link: &LinkView<'_>) -> Result<String, DecodeError> {
    let attributes = as_json(&link.attributes)?;
    Ok(format!(
        "{}|{}|{}|{attributes}|{}",
        link.trace_id, link.span_id, link.trace_state, link.dropped_attributes_count
    ))
}

fn as_json(attributes: &Attributes<'_>) -> Result<String, DecodeError> {
    let mut out = Vec::new();
    json::write_plain_attributes(attributes, &mut out)?;
    Ok(String::from_utf8(out).unwrap_or_default())
}

/// Nanoseconds as microseconds, rounded as the Collector does.
const fn micros(nanos: u64) -> u64 {
    nanos / 1000 + (nanos % 1000 >= 500) as u64
}
