//! Log records as spans, for backends that take traces only.
//!
//! A record that belongs to a span becomes a child of it without duration, named after its event or the first line of its
//! body; severity and body go into attributes, and an error makes the status one. A record outside any trace has no place
//! in such a backend: it is left out and counted.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use fanlight_otlp::view::{LogView, ResourceView, Value};
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, DecodeError, Signal, SpanId, TraceId, json};
use fanlight_pipeline::Prepared;

/// How much of a body makes a name, in characters.
const LONGEST_NAME: usize = 120;
/// The first severity number of errors.
const ERROR: i32 = 17;
/// `STATUS_CODE_ERROR`.
const STATUS_ERROR: i32 = 2;
/// `SPAN_KIND_INTERNAL`.
const INTERNAL: i32 = 1;

/// Every record of a batch of logs that belongs to a trace, as a span.
pub(crate) fn logs_as_spans(logs: &Batch) -> Prepared {
    let mut out = RequestWriter::new(Signal::Traces);
    let mut outside = 0;
    for resource in logs.resources() {
        // A batch was validated when it came in, so that it can be read.
        let written = resource.and_then(|resource| write(&resource, &mut out, &mut outside));
        debug_assert!(written.is_ok(), "{written:?}");
    }
    let why = match outside {
        0 => String::new(),
        _ => {
            "log records outside a trace have no place in a backend that takes traces only; set logs_as_spans: false to send none".to_owned()
        }
    };
    Prepared {
        batch: out.finish().with_origin(logs.origin().cloned()),
        dropped: outside,
        why,
        trimmed: 0,
    }
}

fn write(
    resource: &ResourceView<'_>,
    out: &mut RequestWriter,
    outside: &mut u64,
) -> Result<(), DecodeError> {
    let mut scopes = Vec::new();
    for scope in resource.scopes() {
        let scope = scope?;
        let records: Vec<LogView<'_>> = scope.logs().collect::<Result<_, _>>()?;
        let all = records.len();
        let inside: Vec<LogView<'_>> = records
            .into_iter()
            .filter(|record| record.trace_id != TraceId::default())
            .collect();
        *outside += (all - inside.len()) as u64;
        if !inside.is_empty() {
            scopes.push((scope, inside));
        }
    }
    if scopes.is_empty() {
        return Ok(());
    }
    let attributes: Vec<(&str, Value<'_>)> =
        resource.attributes.iter().collect::<Result<_, _>>()?;
    let mut result = Ok(());
    out.resource(&attributes, |out| {
        for (scope, records) in &scopes {
            out.scope(scope.name, scope.version, |out| {
                for record in records {
                    let written = span(record, |span| out.span(span));
                    result = std::mem::replace(&mut result, Ok(())).and(written);
                }
            });
        }
    });
    result
}

/// Makes the span of one record.
fn span(record: &LogView<'_>, write: impl FnOnce(&Span<'_>)) -> Result<(), DecodeError> {
    let body = text(&record.body);
    let first_line = body.lines().next().unwrap_or_default();
    let shortened: String;
    let name = match (record.event_name, first_line) {
        ("", "") => "log",
        ("", line) => {
            shortened = line.chars().take(LONGEST_NAME).collect();
            &shortened
        }
        (event, _) => event,
    };
    let mut attributes: Vec<(&str, Value<'_>)> =
        record.attributes.iter().collect::<Result<_, _>>()?;
    attributes.push(("log.body", Value::Str(&body)));
    if !record.severity_text.is_empty() {
        attributes.push(("log.severity.text", record.severity_text.into()));
    }
    if record.severity_number != 0 {
        attributes.push(("log.severity.number", record.severity_number.into()));
    }
    let is_error = record.severity_number >= ERROR;
    let time = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time => time,
    };
    write(&Span {
        trace_id: record.trace_id,
        span_id: id(record, time, &body),
        parent_span_id: record.span_id,
        name,
        kind: INTERNAL,
        start_time_unix_nano: time,
        end_time_unix_nano: time,
        attributes: &attributes,
        status_code: if is_error { STATUS_ERROR } else { 0 },
        status_message: if is_error { first_line } else { "" },
        ..Span::default()
    });
    Ok(())
}

/// The same record gets the same id, so that one that is delivered twice is one span.
fn id(record: &LogView<'_>, time: u64, body: &str) -> SpanId {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let attributes = record.attributes.fingerprint(&hasher);
    let about = (
        record.trace_id.0,
        record.span_id.0,
        time,
        record.severity_number,
        body,
        attributes,
    );
    SpanId(hasher.hash_one(about).max(1).to_be_bytes())
}

fn text(body: &Value<'_>) -> String {
    match body {
        Value::Empty => String::new(),
        Value::Str(text) => (*text).to_owned(),
        other => {
            let mut out = Vec::new();
            // An unreadable value was refused when it came in.
            drop(json::write_plain_value(other, &mut out));
            String::from_utf8_lossy(&out).into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::golden;

    use super::*;

    #[test]
    fn records_of_a_trace_become_children_and_others_are_counted() {
        let logs = golden(Signal::Logs);
        let prepared = logs_as_spans(&logs);
        assert_eq!(prepared.batch.signal(), Signal::Traces);
        assert_eq!(prepared.batch.items(), 2);
        assert_eq!(prepared.dropped, logs.items() as u64 - 2);
        let text = String::from_utf8(json::to_vec(&prepared.batch).unwrap()).unwrap();
        assert!(text.contains(r#""name":"cart loaded""#), "{text}");
        assert!(text.contains(r#""parentSpanId":"eee19b7ec3c1b174""#));
        assert!(text.contains(r#""log.severity.text""#) && text.contains(r#""code":2"#));
        assert_eq!(
            logs_as_spans(&logs),
            prepared,
            "ids are those of the record"
        );
    }
}
