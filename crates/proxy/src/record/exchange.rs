//! A call as it went over the wire, in a log record: the event `fanlight.llm.exchange`.
//!
//! Its body is `{request: {method, url, headers, body}, response: {status, headers, body, truncated}}`. Bodies are without their
//! content coding; what is no text is described.

use std::borrow::Cow;

use fanlight_otlp::view::Value;
use fanlight_otlp::write::Encoder;
use http::HeaderMap;

use super::Finished;
use super::read::{Read, Record};
use super::span::{Content, nanos, whole_nanos};
use crate::redact::{self, Redaction};

/// The name of the event.
const EVENT: &str = "fanlight.llm.exchange";

/// Writes the fields of the log record.
pub(super) fn exchange(
    finished: &Finished,
    record: &Record<'_>,
    content: &Content,
    redaction: &Redaction,
    out: &mut Encoder,
) {
    let head = &finished.head;
    let room = 1024 + record.request.bytes.len() + record.response.bytes.len();
    let time = nanos(head.started.0).saturating_add(whole_nanos(record.duration));
    out.fixed64(1, time);
    let (severity, name) = match record.error {
        Some(_) => (17, "ERROR"),
        None => (9, "INFO"),
    };
    out.varint(2, severity);
    out.bytes(3, name);
    let most = finished.text_limit().unwrap_or(usize::MAX);
    out.nested_about(5, room, |out| {
        out.nested_about(6, room, |out| {
            entry(out, "request", record.request.bytes.len(), |out| {
                text(out, "method", head.method.as_str());
                text(out, "url", &url(finished, redaction));
                headers(out, &head.headers, redaction);
                text(out, "body", &body(&record.request, most, redaction).0);
            });
            let Some((status, of_answer)) = &finished.response else {
                return;
            };
            entry(out, "response", record.response.bytes.len(), |out| {
                out.attribute(1, "status", &Value::Int(i64::from(status.as_u16())));
                headers(out, of_answer, redaction);
                let (said, is_cut) = answer(record, content, most, redaction);
                text(out, "body", &said);
                out.attribute(1, "truncated", &Value::Bool(is_cut));
            });
        });
    });
    out.bytes(9, record.trace_id.0);
    out.bytes(10, record.span_id.0);
    out.fixed64(11, time);
    out.bytes(12, EVENT);
}

fn url(finished: &Finished, redaction: &Redaction) -> String {
    let head = &finished.head;
    let (host, port) = &head.server;
    let path = redaction.text(&head.path);
    let server = match port {
        443 => format!("https://{host}"),
        80 => format!("http://{host}"),
        port => format!("http://{host}:{port}"),
    };
    match &head.query {
        Some(query) => format!("{server}{path}?{}", redaction.query(query)),
        None => format!("{server}{path}"),
    }
}

/// The answer's body. A stream may tell a key in pieces, each in an event of its own: then none of it is told.
fn answer<'r>(
    record: &'r Record<'_>,
    content: &Content,
    most: usize,
    redaction: &Redaction,
) -> (Cow<'r, str>, bool) {
    if record.call.streaming == Some(true) && content.told_secret {
        let length = record.response.length;
        let said = format!("<stream with a secret in it, {length} bytes>");
        return (Cow::Owned(said), true);
    }
    body(&record.response, most, redaction)
}

/// A body without secrets, and whether something of it is missing.
fn body<'r>(read: &'r Read<'_>, most: usize, redaction: &Redaction) -> (Cow<'r, str>, bool) {
    let described = || {
        let said = format!("<binary, {} bytes>", read.length);
        (Cow::Owned(said), read.is_cut)
    };
    let text = match std::str::from_utf8(&read.bytes) {
        Ok(text) => text,
        // A character may have been cut.
        Err(error) if read.is_cut && error.error_len().is_none() => {
            let valid = read.bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => return described(),
    };
    if memchr::memchr(0, text.as_bytes()).is_some() || (text.is_empty() && read.length > 0) {
        return described();
    }
    let whole = match read.is_cut {
        true => redact::without_beginning_of_key(text),
        false => text,
    };
    let clean = redaction.text(whole);
    let length = redact::beginning(&clean, most).len();
    let is_cut = read.is_cut || length < clean.len();
    let kept = match clean {
        Cow::Borrowed(clean) => Cow::Borrowed(clean.get(..length).unwrap_or_default()),
        Cow::Owned(mut clean) => {
            clean.truncate(length);
            Cow::Owned(clean)
        }
    };
    (kept, is_cut)
}

fn headers(out: &mut Encoder, headers: &HeaderMap, redaction: &Redaction) {
    entry(out, "headers", 0, |out| {
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            text(out, name.as_str(), &redaction.header(name.as_str(), &value));
        }
    });
}

/// An entry of a map that is a map, probably of about so many bytes.
fn entry(out: &mut Encoder, key: &str, expected: usize, write: impl FnOnce(&mut Encoder)) {
    out.nested_about(1, expected, |out| {
        out.bytes(1, key);
        out.nested_about(2, expected, |out| out.nested_about(6, expected, write));
    });
}

fn text(out: &mut Encoder, key: &str, text: &str) {
    out.attribute(1, key, &Value::Str(text));
}
