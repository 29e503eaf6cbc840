//! One span as Datadog's: service, operation, resource and type, texts in `meta`, numbers in `metrics`.
//!
//! What attributes become follows the Agent's
//! [conversion](https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/transform/transform.go). Numbers that are not
//! finite become texts, since a metric can't be. The statement of a database is never the resource: it may hold data, and
//! there is no obfuscation here.

mod json;
mod naming;

use std::collections::BTreeMap;

use fanlight_formats::datadog::Span;
use fanlight_otlp::view::{Attributes, ScopeView, SpanView, Value};
use fanlight_otlp::{DecodeError, SpanId, TraceId};

pub(super) use self::naming::Naming;
use super::normalize;
use crate::span_words;

/// Longest key of a tag, in bytes.
const LONGEST_KEY: usize = 200;
/// Longest value of a tag, in bytes.
const LONGEST_VALUE: usize = 25_000;

/// What a service without a name is called.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// OTLP's name of an attribute, and the name by which Datadog knows it.
const HTTP: &[(&str, &str)] = &[
    ("client.address", "http.client_ip"),
    ("http.response.body.size", "http.response.content_length"),
    ("http.response.status_code", "http.status_code"),
    ("http.request.body.size", "http.request.content_length"),
    ("http.request.header.referrer", "http.referrer"),
    ("http.request.method", "http.method"),
    ("network.protocol.version", "http.version"),
    ("server.address", "http.server_name"),
    ("url.full", "http.url"),
    ("user_agent.original", "http.useragent"),
];

/// A resource's attributes as they are part of each of its spans.
pub(super) fn template(resource: &Attributes<'_>) -> Result<Span, DecodeError> {
    let mut span = Span::default();
    for attribute in resource.iter() {
        let (key, value) = attribute?;
        set_text(&mut span, key, &value.to_text());
    }
    if let Some(version) = span.meta.get("service.version").cloned() {
        span.meta.entry("version".to_owned()).or_insert(version);
    }
    Ok(span)
}

/// A span, made from its resource's template.
pub(super) fn convert(
    template: &Span,
    span: &SpanView<'_>,
    scope: &ScopeView<'_>,
    naming: &Naming,
) -> Result<Span, DecodeError> {
    let mut out = template.clone();
    out.trace_id = low_bits(span.trace_id);
    out.span_id = id(span.span_id);
    out.parent_id = id(span.parent_span_id);
    out.start = i64::try_from(span.start_time_unix_nano).unwrap_or(i64::MAX);
    let taken = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    out.duration = i64::try_from(taken).unwrap_or(i64::MAX);
    set_text(&mut out, "otel.trace_id", &span.trace_id.to_string());
    set_text(
        &mut out,
        "span.kind",
        span_words::kind_in_lower_case(span.kind),
    );
    for attribute in span.attributes {
        let (key, value) = attribute?;
        set(&mut out, key, &value);
    }
    map_http(&mut out);
    for (key, value) in [
        ("w3c.tracestate", span.trace_state),
        ("otel.library.name", scope.name),
        ("otel.library.version", scope.version),
        ("otel.scope.name", scope.name),
        ("otel.scope.version", scope.version),
        ("otel.status_code", span_words::status(span.status.code)),
        ("otel.status_description", span.status.message),
    ] {
        if !value.is_empty() {
            set_text(&mut out, key, value);
        }
    }
    if let Some(events) = json::events(span)? {
        out.meta.insert("events".to_owned(), events);
    }
    if let Some(links) = json::links(span)? {
        out.meta.insert("_dd.span_links".to_owned(), links);
    }
    set_environment(&mut out);
    set_error(&mut out, span)?;
    name(&mut out, span, scope, naming);
    shorten(&mut out);
    Ok(out)
}

/// The lower 64 bits of a trace's id, by which Datadog knows it.
pub(super) fn low_bits(trace: TraceId) -> u64 {
    trace
        .0
        .iter()
        .skip(8)
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The upper 64 bits, in hexadecimal, as the tag `_dd.p.tid` has them.
pub(super) fn high_bits(trace: TraceId) -> String {
    let high = trace
        .0
        .iter()
        .take(8)
        .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    format!("{high:016x}")
}

/// A span's id.
pub(super) fn id(span: SpanId) -> u64 {
    u64::from_be_bytes(span.0)
}

fn set(span: &mut Span, key: &str, value: &Value<'_>) {
    let number = match value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) if value.is_finite() => Some(*value),
        _ => None,
    };
    match (key, number) {
        ("sampling.priority", Some(number)) => {
            span.metrics
                .insert("_sampling_priority_v1".to_owned(), number);
        }
        (_, Some(number)) => {
            span.metrics.insert(key.to_owned(), number);
        }
        (_, None) => set_text(span, key, &value.to_text()),
    }
}

fn set_text(span: &mut Span, key: &str, value: &str) {
    match key {
        "operation.name" => value.clone_into(&mut span.name),
        "service.name" => value.clone_into(&mut span.service),
        "resource.name" => value.clone_into(&mut span.resource),
        "span.type" => value.clone_into(&mut span.r#type),
        "analytics.event" => {
            if let Ok(analyzed) = value.parse::<bool>() {
                let rate = f64::from(u8::from(analyzed));
                span.metrics.insert("_dd1.sr.eausr".to_owned(), rate);
            }
        }
        _ => {
            span.meta.insert(key.to_owned(), value.to_owned());
        }
    }
}

/// Datadog's own names of what OTLP calls otherwise, where nobody has set them.
fn map_http(span: &mut Span) {
    for (otlp, own) in HTTP {
        let value = match (span.meta.get(*otlp), span.metrics.get(*otlp)) {
            (Some(text), _) => text.clone(),
            (None, Some(number)) => number.to_string(),
            (None, None) => continue,
        };
        span.meta.entry((*own).to_owned()).or_insert(value);
    }
    // The status is looked for among the texts.
    if let Some(status) = span.metrics.get("http.status_code").copied() {
        let text = status.to_string();
        span.meta
            .entry("http.status_code".to_owned())
            .or_insert(text);
    }
}

fn set_environment(span: &mut Span) {
    if span.meta.contains_key("env") {
        return;
    }
    let known = ["deployment.environment.name", "deployment.environment"];
    let found = known.iter().find_map(|key| span.meta.get(*key));
    if let Some(environment) = found.map(|text| normalize::tag(text)) {
        span.meta.insert("env".to_owned(), environment);
    }
}

/// An error's type, message and stack, from the last exception, else from the status.
fn set_error(out: &mut Span, span: &SpanView<'_>) -> Result<(), DecodeError> {
    const ERROR: i32 = 2;
    if span.status.code != ERROR {
        return Ok(());
    }
    out.error = 1;
    for event in span.events() {
        let event = event?;
        if !event.name.eq_ignore_ascii_case("exception") {
            continue;
        }
        for (key, tag) in [
            ("exception.message", "error.msg"),
            ("exception.type", "error.type"),
            ("exception.stacktrace", "error.stack"),
        ] {
            if let Some(value) = event.attributes.get(key)? {
                out.meta
                    .insert(tag.to_owned(), value.to_text().into_owned());
            }
        }
    }
    if !out.meta.contains_key("error.msg") {
        let message = match (span.status.message, out.meta.get("http.status_code")) {
            ("", None) => return Ok(()),
            ("", Some(code)) => match out.meta.get("http.status_text") {
                Some(text) => format!("{code} {text}"),
                None => code.clone(),
            },
            (message, _) => message.to_owned(),
        };
        out.meta.insert("error.msg".to_owned(), message);
    }
    Ok(())
}

fn name(out: &mut Span, span: &SpanView<'_>, scope: &ScopeView<'_>, naming: &Naming) {
    if out.name.is_empty() {
        out.name = naming.operation(out, span, scope);
    }
    out.name = normalize::name(&out.name);
    if out.service.is_empty() {
        NO_SERVICE.clone_into(&mut out.service);
    }
    out.service = normalize::service(&out.service);
    if out.resource.is_empty() {
        out.resource = naming::resource(out, span);
    }
    out.resource = normalize::resource(&out.resource, &out.name);
    if out.r#type.is_empty() {
        naming::span_type(&out.meta, span.kind).clone_into(&mut out.r#type);
    }
    out.r#type = normalize::span_type(&out.r#type);
}

/// Cuts keys and values that are longer than the intake takes.
fn shorten(span: &mut Span) {
    let long =
        |key: &String, value: &String| key.len() > LONGEST_KEY || value.len() > LONGEST_VALUE;
    if span.meta.iter().any(|(key, value)| long(key, value)) {
        let meta = std::mem::take(&mut span.meta);
        let short = |(key, value): (String, String)| {
            let key = normalize::shortened(&key, LONGEST_KEY).into_owned();
            (
                key,
                normalize::shortened(&value, LONGEST_VALUE).into_owned(),
            )
        };
        span.meta = meta.into_iter().map(short).collect();
    }
    if span.metrics.keys().any(|key| key.len() > LONGEST_KEY) {
        let metrics = std::mem::take(&mut span.metrics);
        let short = |(key, value): (String, f64)| {
            (normalize::shortened(&key, LONGEST_KEY).into_owned(), value)
        };
        span.metrics = metrics.into_iter().map(short).collect::<BTreeMap<_, _>>();
    }
}
