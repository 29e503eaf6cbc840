//! Spans as Zipkin's JSON.

use std::fmt::Arguments;
use std::io::Write as _;
use std::net::IpAddr;

use bytes::Bytes;
use fanlight_otlp::view::Value;
use fanlight_otlp::{Batch, DecodeError, json};

use super::span::{Endpoint, Span, each};

/// The body of a request: an array of spans.
pub(super) fn write(batch: &Batch, default_service: &str) -> Result<Bytes, DecodeError> {
    let mut out = Json(Vec::with_capacity(3 * batch.bytes().len()));
    out.raw("[");
    each(batch, default_service, |span| {
        if out.0.len() > 1 {
            out.raw(",");
        }
        out.span(span);
    })?;
    out.raw("]");
    Ok(out.0.into())
}

struct Json(Vec<u8>);

impl Json {
    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn text(&mut self, text: &str) {
        // Text can't fail to be written.
        let _ = json::write_plain_value(&Value::Str(text), &mut self.0);
    }

    fn put(&mut self, text: Arguments<'_>) {
        // Writing to a Vec can't fail.
        let _ = self.0.write_fmt(text);
    }

    fn span(&mut self, span: &Span<'_>) {
        self.put(format_args!("{{\"traceId\":\"{}\"", span.trace_id));
        if !span.parent_id.is_zero() {
            self.put(format_args!(",\"parentId\":\"{}\"", span.parent_id));
        }
        self.put(format_args!(",\"id\":\"{}\"", span.id));
        if let Some(kind) = kind(span.kind) {
            self.put(format_args!(",\"kind\":\"{kind}\""));
        }
        if !span.name.is_empty() {
            self.raw(",\"name\":");
            self.text(span.name);
        }
        for (key, micros) in [
            (",\"timestamp\":", span.timestamp),
            (",\"duration\":", span.duration),
        ] {
            if micros > 0 {
                self.put(format_args!("{key}{micros}"));
            }
        }
        self.raw(",\"localEndpoint\":");
        self.endpoint(&span.local);
        if let Some(remote) = &span.remote {
            self.raw(",\"remoteEndpoint\":");
            self.endpoint(remote);
        }
        self.lists(span);
        self.raw("}");
    }

    fn lists(&mut self, span: &Span<'_>) {
        for (index, (timestamp, value)) in span.annotations.iter().enumerate() {
            self.raw(match index {
                0 => ",\"annotations\":[",
                _ => ",",
            });
            self.put(format_args!("{{\"timestamp\":{timestamp},\"value\":"));
            self.text(value);
            self.raw("}");
        }
        if !span.annotations.is_empty() {
            self.raw("]");
        }
        for (index, (key, text)) in span.tags.iter().enumerate() {
            self.raw(if index == 0 { ",\"tags\":{" } else { "," });
            self.text(key);
            self.raw(":");
            self.text(text);
        }
        if !span.tags.is_empty() {
            self.raw("}");
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint<'_>) {
        self.raw("{");
        if !endpoint.service.is_empty() {
            self.raw("\"serviceName\":");
            self.text(&endpoint.service);
        }
        if let Some(address) = endpoint.address {
            let key = match address {
                IpAddr::V4(_) => "ipv4",
                IpAddr::V6(_) => "ipv6",
            };
            self.comma();
            self.put(format_args!("\"{key}\":\"{address}\""));
        }
        if endpoint.port > 0 {
            self.comma();
            self.put(format_args!("\"port\":{}", endpoint.port));
        }
        self.raw("}");
    }

    /// A comma, unless an object has just begun.
    fn comma(&mut self) {
        if !self.0.ends_with(b"{") {
            self.raw(",");
        }
    }
}

/// Zipkin's name for the kind of OTLP's number.
const fn kind(number: i32) -> Option<&'static str> {
    match number {
        2 => Some("SERVER"),
        3 => Some("CLIENT"),
        4 => Some("PRODUCER"),
        5 => Some("CONSUMER"),
        _ => None,
    }
}
