//! Spans: requests for what a service was asked, dependencies for what it asked others, exceptions and messages for events.
//!
//! Names follow the semantic conventions, those of today before those of yesterday. A span whose attributes say nothing
//! known, such as one of a function, is a request or a dependency all the same.

use std::borrow::Cow;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, EventView, SpanView, Value};

use super::envelope::{Common, Head, Limits, SHORT, Track, duration, or_none};
use crate::http_call;
use crate::json_object::{JsonObject, front};
use crate::span_words;

/// How long a URL may be.
const LONGEST_URL: usize = 2048;
/// How long the command of a dependency may be.
const LONGEST_DATA: usize = 8192;

/// Whether a span is of a server or a consumer.
const fn is_request(span: &SpanView<'_>) -> bool {
    matches!(span.kind, 2 | 5)
}

/// Appends a span's envelopes.
pub(super) fn write(
    track: &mut Track,
    common: &Common<'_, '_>,
    span: &SpanView<'_>,
    item: usize,
    all_events: bool,
) -> Result<(), DecodeError> {
    let links = links(span)?;
    let mut own = vec![(
        "otel.status_code",
        Cow::Borrowed(span_words::status_constant(span.status.code)),
    )];
    if !span.status.message.is_empty() {
        own.push((
            "otel.status_description",
            Cow::Borrowed(span.status.message),
        ));
    }
    if let Some(links) = &links {
        own.push(("_MS.links", Cow::Borrowed(links.as_str())));
    }
    let properties = common.properties(own, span.attributes);
    let facts = Facts::of(span);
    let is_request = is_request(span);
    let head = Head {
        kind: if is_request {
            "Request"
        } else {
            "RemoteDependency"
        },
        time_unix_nano: span.start_time_unix_nano,
        trace_id: span.trace_id,
        parent_id: span.parent_span_id,
        operation: if is_request { &facts.name } else { "" },
        item,
    };
    track.add(common, head, |base, limits| {
        base.text("id", &span.span_id.to_string());
        base.text("name", or_none(front(&facts.name, SHORT)));
        base.text(
            "duration",
            &duration(span.start_time_unix_nano, span.end_time_unix_nano),
        );
        base.boolean("success", facts.success);
        match is_request {
            true => facts.write_request(base),
            false => facts.write_dependency(base, limits),
        }
        properties.write(base, limits);
    });
    for event in span.events() {
        let event = event?;
        if event.name == "exception" || all_events {
            write_event(track, common, span, &event, item);
        }
    }
    Ok(())
}

fn write_event(
    track: &mut Track,
    common: &Common<'_, '_>,
    span: &SpanView<'_>,
    event: &EventView<'_>,
    item: usize,
) {
    let is_exception = event.name == "exception";
    let properties = common.properties([], event.attributes);
    let head = Head {
        kind: if is_exception { "Exception" } else { "Message" },
        time_unix_nano: event.time_unix_nano,
        trace_id: span.trace_id,
        parent_id: span.span_id,
        operation: "",
        item,
    };
    track.add(common, head, |base, limits| {
        match is_exception {
            true => {
                base.text("severityLevel", "Error");
                write_exception(base, event.attributes, limits);
            }
            false => {
                base.text("message", or_none(front(event.name, limits.text)));
            }
        }
        properties.write(base, limits);
    });
}

/// `exceptions`, of an event or a log record. A type or a message that is missing would be refused.
pub(super) fn write_exception(
    base: &mut JsonObject<'_>,
    attributes: Attributes<'_>,
    limits: Limits,
) {
    let text = |key: &str| match attributes.get(key) {
        Ok(Some(Value::Str(text))) => text,
        _ => "",
    };
    let kind = match text("exception.type") {
        "" => "Exception",
        kind => kind,
    };
    let message = match text("exception.message") {
        "" => kind,
        message => message,
    };
    let stack = text("exception.stacktrace");
    base.array("exceptions", |list| {
        list.object(|details| {
            details.text("typeName", front(kind, SHORT));
            details.text("message", front(message, limits.text));
            details.boolean("hasFullStack", !stack.is_empty());
            details.some_text("stack", front(stack, limits.text));
        });
    });
}

/// What a span's attributes say of the call.
struct Facts<'a> {
    name: Cow<'a, str>,
    success: bool,
    code: String,
    /// The URL of a request, the command of a dependency.
    data: Cow<'a, str>,
    /// Who called a request; whom a dependency called.
    other: Cow<'a, str>,
    /// What kind of dependency.
    kind: Cow<'a, str>,
}

impl<'a> Facts<'a> {
    fn of(span: &SpanView<'a>) -> Facts<'a> {
        let known = Known(span.attributes);
        let mut facts = Facts {
            name: Cow::Borrowed(span.name),
            success: span.status.code != 2,
            code: span.status.code.to_string(),
            data: Cow::Borrowed(""),
            other: other(&known, span),
            kind: Cow::Borrowed(""),
        };
        if let Some(system) = known.text(&["rpc.system.name", "rpc.system"]) {
            facts.of_rpc(&known, system);
        } else if let Some(method) = known.text(http_call::METHOD) {
            facts.of_http(&known, method, span);
        } else if let Some(system) = known.text(&["db.system.name", "db.system"]) {
            facts.kind = system;
            let keys = [
                "db.query.text",
                "db.statement",
                "db.operation.name",
                "db.operation",
            ];
            facts.data = known.text(&keys).unwrap_or_default();
        } else if let Some(system) = known.text(&["messaging.system"]) {
            facts.kind = system;
            let destination = known.text(&["messaging.destination.name", "messaging.destination"]);
            facts.of_messages(destination.unwrap_or_default(), is_request(span));
        } else if let Some(system) = known.text(&["gen_ai.provider.name", "gen_ai.system"]) {
            facts.kind = system;
        } else if known.text(&["faas.trigger", "faas.invoked_name"]).is_some() {
            facts.kind = Cow::Borrowed("FaaS");
            facts.data = known.text(&["faas.invoked_name"]).unwrap_or_default();
        }
        // A call that stays within the service.
        if matches!(span.kind, 0 | 1) {
            facts.kind = Cow::Borrowed("InProc");
        }
        facts
    }

    fn of_rpc(&mut self, known: &Known<'a>, system: Cow<'a, str>) {
        let keys = ["rpc.response.status_code", "rpc.grpc.status_code"];
        if let Some(code) = known.text(&keys) {
            self.code = code.into_owned();
        }
        self.data = self.name.clone();
        self.name = Cow::Owned(format!("{system} {}", self.name));
        self.kind = system;
    }

    /// Where messages come from, or go to.
    fn of_messages(&mut self, destination: Cow<'a, str>, is_request: bool) {
        if self.other.is_empty() {
            self.other = destination.clone();
        }
        if !is_request {
            self.data = destination;
        }
    }

    fn of_http(&mut self, known: &Known<'a>, method: Cow<'a, str>, span: &SpanView<'_>) {
        if let Some(status) = known.integer(http_call::STATUS) {
            self.code = status.to_string();
            self.success = (100..=399).contains(&status);
        }
        if let Some(route) = known.text(&["http.route"]) {
            let slash = if route.starts_with('/') { "" } else { "/" };
            self.name = Cow::Owned(format!("{method} {slash}{route}"));
        }
        self.kind = Cow::Borrowed("HTTP");
        self.data = known.text(http_call::URL).unwrap_or_else(|| {
            let url = http_call::url_of_parts(span.kind == 2, |keys| known.text(keys));
            Cow::Owned(url.unwrap_or_default())
        });
    }

    fn write_request(&self, base: &mut JsonObject<'_>) {
        base.text("responseCode", front(&self.code, SHORT));
        base.some_text("url", front(&self.data, LONGEST_URL));
        base.some_text("source", front(&self.other, SHORT));
    }

    fn write_dependency(&self, base: &mut JsonObject<'_>, limits: Limits) {
        base.text("resultCode", front(&self.code, SHORT));
        base.some_text("data", front(&self.data, LONGEST_DATA.min(limits.text)));
        base.some_text("type", front(&self.kind, SHORT));
        base.some_text("target", front(&self.other, SHORT));
    }
}

/// The other side: the client of a request, the server of a dependency.
fn other<'a>(known: &Known<'a>, span: &SpanView<'_>) -> Cow<'a, str> {
    let (hosts, ports): (&[&str], &[&str]) = match span.kind {
        2 | 5 => (
            &[
                "client.address",
                "http.client_ip",
                "network.peer.address",
                "net.peer.ip",
            ],
            &[],
        ),
        _ => (
            &[
                "server.address",
                "net.peer.name",
                "network.peer.address",
                "net.peer.ip",
                "peer.service",
            ],
            &["server.port", "net.peer.port"],
        ),
    };
    match (known.text(hosts), known.text(ports)) {
        (None, _) => Cow::Borrowed(""),
        (Some(host), None) => host,
        (Some(host), Some(port)) => Cow::Owned(format!("{host}:{port}")),
    }
}

/// `_MS.links`: the spans that a span links to.
fn links(span: &SpanView<'_>) -> Result<Option<String>, DecodeError> {
    let mut links = span.links().collect::<Result<Vec<_>, _>>()?;
    links.retain(|link| !link.trace_id.is_zero());
    if links.is_empty() {
        return Ok(None);
    }
    let each: Vec<String> = links
        .iter()
        .map(|link| {
            format!(
                r#"{{"operation_Id":"{}","id":"{}"}}"#,
                link.trace_id, link.span_id
            )
        })
        .collect();
    Ok(Some(format!("[{}]", each.join(","))))
}

/// Attributes by name.
struct Known<'a>(Attributes<'a>);

impl<'a> Known<'a> {
    /// The text of the first of these that has one.
    fn text(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| {
            let value = self.0.get(key).ok().flatten()?;
            Some(value.to_text()).filter(|text| !text.is_empty())
        })
    }

    fn integer(&self, keys: &[&str]) -> Option<i64> {
        self.text(keys)?.parse().ok()
    }
}
