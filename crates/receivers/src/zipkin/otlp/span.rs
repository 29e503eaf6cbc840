//! One span: which tag stands for what.

use std::borrow::Cow;

use fanlight_formats::zipkin::{Annotation, Endpoint, Kind, Span, TagValue};
use fanlight_otlp::{SpanId, TraceId};

use super::annotation::OwnedLink;
use super::status::Status;
use super::{Resource, Scope};

/// Beginnings of keys that describe what sends, not what is done.
const OF_RESOURCES: [&str; 13] = [
    "aws.ecs.",
    "aws.eks.",
    "aws.log.",
    "cloud.",
    "container.",
    "deployment.",
    "device.",
    "host.",
    "k8s.",
    "os.",
    "process.",
    "service.",
    "telemetry.",
];
/// Those that have no beginning of their own.
const ALSO_OF_RESOURCES: [&str; 6] = [
    "faas.id",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "opencensus.resourcetype",
];
/// What the Collector's exporter writes for a resource without a service.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

type Tag<'a> = (Cow<'a, str>, TagValue<'a>);

/// A span, its tags sorted into where they belong. Field names are OTLP's.
#[derive(Debug, Default)]
pub(super) struct Mapped<'a> {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) parent_span_id: SpanId,
    pub(super) trace_state: Cow<'a, str>,
    pub(super) name: Cow<'a, str>,
    pub(super) kind: i32,
    pub(super) start_time_unix_nano: u64,
    pub(super) end_time_unix_nano: u64,
    pub(super) attributes: Vec<Tag<'a>>,
    pub(super) dropped_attributes_count: u32,
    pub(super) annotations: Vec<Annotation<'a>>,
    pub(super) dropped_events_count: u32,
    pub(super) links: Vec<OwnedLink>,
    pub(super) dropped_links_count: u32,
    pub(super) status_code: i32,
    pub(super) status_message: Cow<'a, str>,
}

/// Takes a span apart.
pub(super) fn map<'a>(
    span: Span<'a>,
    parse_string_tags: bool,
) -> (Resource<'a>, Scope<'a>, Mapped<'a>) {
    let mut sorted = Sorted {
        mapped: Mapped {
            trace_id: span.trace_id,
            span_id: span.id,
            // A span that names itself as its parent has none.
            parent_span_id: if span.parent_id == span.id {
                SpanId::default()
            } else {
                span.parent_id
            },
            name: span.name,
            kind: match span.kind {
                None => 0,
                Some(Kind::Server) => 2,
                Some(Kind::Client) => 3,
                Some(Kind::Producer) => 4,
                Some(Kind::Consumer) => 5,
            },
            start_time_unix_nano: span.timestamp,
            end_time_unix_nano: span.timestamp.saturating_add(span.duration),
            annotations: span.annotations,
            ..Mapped::default()
        },
        parse_string_tags,
        ..Sorted::default()
    };
    if span.timestamp == 0 {
        let absent = Cow::Borrowed("otel.zipkin.absentField.startTime");
        sorted.add(absent, TagValue::Bool(true));
    }
    for (key, value) in span.tags {
        sorted.tag(key, value);
    }
    sorted.endpoints(span.local_endpoint, span.remote_endpoint);
    sorted.finish()
}

/// A span whose tags are being sorted.
#[derive(Debug, Default)]
struct Sorted<'a> {
    mapped: Mapped<'a>,
    resource: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    scope: Scope<'a>,
    status: Status<'a>,
    /// Which attribute the service's name comes from, if not from `service.name`.
    source: Option<Cow<'a, str>>,
    /// Links with their numbers, which may come in any order.
    links: Vec<(u32, OwnedLink)>,
    parse_string_tags: bool,
}

impl<'a> Sorted<'a> {
    fn tag(&mut self, key: Cow<'a, str>, value: TagValue<'a>) {
        if let Some(number) = key.strip_prefix("otlp.link.")
            && let Ok(number) = number.parse()
            && let TagValue::Text(text) = &value
            && let Some(link) = OwnedLink::read(text)
        {
            self.links.push((number, link));
            return;
        }
        match &*key {
            "w3c.tracestate" => self.mapped.trace_state = text(value),
            "span.kind" if self.mapped.kind == 0 && is(&value, "internal") => self.mapped.kind = 1,
            "otel.library.name" | "otel.scope.name" => self.scope.name = text(value),
            "otel.library.version" | "otel.scope.version" => self.scope.version = text(value),
            "otel.status_code" => self.status.code(&text(value)),
            "otel.status_description" => self.status.description = text(value),
            "error" if !is(&value, "false") => self.status.error = Some(text(value)),
            "otlp.service.name.source" => self.source = Some(text(value)),
            "otel.dropped_attributes_count" => {
                self.mapped.dropped_attributes_count = number(&value);
            }
            "otel.dropped_events_count" => self.mapped.dropped_events_count = number(&value),
            "otel.dropped_links_count" => self.mapped.dropped_links_count = number(&value),
            name if is_of_resource(name) => self.resource.push((key, text(value))),
            _ => self.add(key, value),
        }
    }

    fn add(&mut self, key: Cow<'a, str>, value: TagValue<'a>) {
        let value = match value {
            TagValue::Text(text) if self.parse_string_tags => parsed(text),
            value => value,
        };
        self.mapped.attributes.push((key, value));
    }

    fn endpoints(&mut self, local: Option<Endpoint<'a>>, remote: Option<Endpoint<'a>>) {
        if let Some(local) = local {
            self.address(&local, "net.host.ip", "net.host.port");
            let is_known = !local.service_name.is_empty()
                && !local.service_name.eq_ignore_ascii_case(NO_SERVICE);
            if is_known {
                let key = self.source.take().unwrap_or(Cow::Borrowed("service.name"));
                self.resource.push((key, local.service_name));
            }
        }
        if let Some(remote) = remote {
            self.address(&remote, "net.peer.ip", "net.peer.port");
            if !remote.service_name.is_empty() {
                let name = TagValue::Text(remote.service_name);
                let key = Cow::Borrowed("peer.service");
                self.mapped.attributes.push((key, name));
            }
        }
    }

    fn address(&mut self, endpoint: &Endpoint<'_>, ip: &'static str, port: &'static str) {
        let four = endpoint.ipv4.map(|address| address.to_string());
        let address = four.or_else(|| endpoint.ipv6.map(|address| address.to_string()));
        if let Some(address) = address {
            let address = TagValue::Text(Cow::Owned(address));
            self.mapped.attributes.push((Cow::Borrowed(ip), address));
        }
        if endpoint.port > 0 {
            let number = TagValue::Int(i64::from(endpoint.port));
            self.mapped.attributes.push((Cow::Borrowed(port), number));
        }
    }

    fn finish(mut self) -> (Resource<'a>, Scope<'a>, Mapped<'a>) {
        self.resource.sort();
        self.links.sort_by_key(|(number, _)| *number);
        self.mapped.links = self.links.into_iter().map(|(_, link)| link).collect();
        (self.mapped.status_code, self.mapped.status_message) = self.status.finish();
        (Resource(self.resource), self.scope, self.mapped)
    }
}

fn is_of_resource(key: &str) -> bool {
    OF_RESOURCES.iter().any(|front| key.starts_with(front)) || ALSO_OF_RESOURCES.contains(&key)
}

fn text<'a>(value: TagValue<'a>) -> Cow<'a, str> {
    match value {
        TagValue::Text(text) => text,
        other => Cow::Owned(other.to_string()),
    }
}

fn is(value: &TagValue<'_>, text: &str) -> bool {
    match value {
        TagValue::Text(found) => found == text,
        TagValue::Bool(found) => text == if *found { "true" } else { "false" },
        TagValue::Int(_) | TagValue::Double(_) => false,
    }
}

fn number(value: &TagValue<'_>) -> u32 {
    match value {
        TagValue::Text(text) => text.parse().unwrap_or(0),
        TagValue::Int(number) => u32::try_from(*number).unwrap_or(0),
        TagValue::Bool(_) | TagValue::Double(_) => 0,
    }
}

/// A text as the number or boolean that it looks like, if it is written as such a value would be: `007` stays text.
fn parsed(text: Cow<'_, str>) -> TagValue<'_> {
    if let Ok(number) = text.parse::<i64>()
        && number.to_string() == text
    {
        return TagValue::Int(number);
    }
    match &*text {
        "true" => return TagValue::Bool(true),
        "false" => return TagValue::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix('-').unwrap_or(&text);
    let looks_like_one = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.contains('.')
        && (digits.starts_with("0.") || !digits.starts_with('0'));
    match text.parse::<f64>() {
        Ok(number) if looks_like_one && number.is_finite() => TagValue::Double(number),
        _ => TagValue::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_as_a_number_becomes_one() {
        let text = |text: &'static str| TagValue::Text(Cow::Borrowed(text));
        for (written, value) in [
            ("1", TagValue::Int(1)),
            ("-7", TagValue::Int(-7)),
            ("1.5", TagValue::Double(1.5)),
            ("-0.25", TagValue::Double(-0.25)),
            ("true", TagValue::Bool(true)),
            ("007", text("007")),
            ("+1", text("+1")),
            ("00.5", text("00.5")),
            ("1.2.3", text("1.2.3")),
            ("NaN", text("NaN")),
            ("True", text("True")),
            ("99999999999999999999", text("99999999999999999999")),
            ("", text("")),
        ] {
            assert_eq!(parsed(Cow::Borrowed(written)), value, "{written}");
        }
    }
}
