//! A batch of log records as requests for `/api/v2/logs`: JSON lists of at most 1000 entries and 5 MB.
//!
//! An entry has `message`, `hostname`, `service`, `ddtags`, `ddsource`, `status`, `@timestamp`, the ids by which Datadog
//! finds the trace, and all attributes beside them; maps are flattened with dots. Datadog itself cuts an entry at 1 MB.
//! [Source](https://docs.datadoghq.com/api/latest/logs/#send-logs) and Datadog's
//! [mapping](https://github.com/DataDog/opentelemetry-mapping-go/blob/main/pkg/otlp/logs/transform.go).

use bytes::Bytes;
use fanlight_otlp::view::{LogView, ResourceView, ScopeView, Value};
use fanlight_otlp::{Batch, DecodeError, SpanId, TraceId};
use jiff::Timestamp;
use serde_json::Map;

use super::source::{self, Source};
use super::span;
use crate::pieces::{LeftOut, Piece};

/// The most that the intake takes, in bytes before compression.
const LARGEST: usize = 5_000_000;
/// The most entries that it takes.
const MOST: usize = 1000;
/// How deep maps are flattened.
const DEEPEST: usize = 10;

type Fields = Map<String, serde_json::Value>;

/// The requests of a batch.
pub(super) fn pieces(
    batch: &Batch,
    hostname: &str,
) -> Result<(Vec<Piece<Bytes>>, LeftOut), DecodeError> {
    let mut lists: Vec<(Vec<u8>, Vec<usize>)> = Vec::new();
    let mut left_out = LeftOut::default();
    let mut number = 0..;
    let mut written = Vec::new();
    for resource in batch.resources() {
        let resource = resource?;
        let tags = source::tags(&resource.attributes)?;
        for scope in resource.scopes() {
            let scope = scope?;
            for (log, number) in scope.logs().zip(&mut number) {
                let entry = entry(&log?, &resource, &scope, &tags, hostname)?;
                written.clear();
                // Writing a map of texts to memory can't fail.
                let _ = serde_json::to_writer(&mut written, &entry);
                if written.len() + 2 > LARGEST {
                    left_out.items += 1;
                    left_out.why =
                        format!("a log record is larger than the intake's {LARGEST} bytes");
                    continue;
                }
                let fits = |(list, items): &(Vec<u8>, Vec<usize>)| {
                    items.len() < MOST && list.len() + written.len() + 2 <= LARGEST
                };
                if !lists.last().is_some_and(fits) {
                    lists.push((Vec::new(), Vec::new()));
                }
                if let Some((list, items)) = lists.last_mut() {
                    list.push(if items.is_empty() { b'[' } else { b',' });
                    list.extend_from_slice(&written);
                    items.push(number);
                }
            }
        }
    }
    let piece = |(mut list, items): (Vec<u8>, _)| {
        list.push(b']');
        Piece {
            request: Bytes::from(list),
            items,
        }
    };
    Ok((lists.into_iter().map(piece).collect(), left_out))
}

fn entry(
    log: &LogView<'_>,
    resource: &ResourceView<'_>,
    scope: &ScopeView<'_>,
    tags: &[String],
    hostname: &str,
) -> Result<Fields, DecodeError> {
    let mut entry = Entry::default();
    for attribute in log.attributes {
        let (key, value) = attribute?;
        entry.attribute(key, &value)?;
    }
    for attribute in resource.attributes {
        let (key, value) = attribute?;
        // These two are Datadog's own.
        let key = match key {
            "hostname" | "service" => format!("otel.{key}"),
            key => key.to_owned(),
        };
        entry.fields.insert(key, value.to_text().into());
    }
    for attribute in scope.attributes {
        let (key, value) = attribute?;
        entry.fields.insert(key.to_owned(), value.to_text().into());
    }
    entry.trace(log.trace_id);
    entry.span(log.span_id);
    entry.severity(log);
    entry.time(log);
    let from = match Source::of(&resource.attributes)? {
        Source::Unknown => Source::of(&log.attributes)?,
        source => source,
    };
    let mut service = source::first(&resource.attributes, &["service.name"])?;
    if service.is_none() {
        service = source::first(&log.attributes, &["service.name"])?;
    }
    entry.text("hostname", from.hostname(hostname));
    entry.text("service", service.unwrap_or_default());
    entry.text("otel.event_name", log.event_name.to_owned());
    let mut tags = tags.to_vec();
    tags.extend(entry.more_tags.take());
    tags.push("otel_source:datadog_exporter".to_owned());
    entry.text("ddtags", tags.join(","));
    let source = source::first(&log.attributes, &["datadog.log.source"])?;
    entry.text(
        "ddsource",
        source.unwrap_or_else(|| "otlp_log_ingestion".to_owned()),
    );
    let message = match entry.message.take() {
        Some(message) => message,
        None => log.body.to_text().into_owned(),
    };
    entry.fields.insert("message".to_owned(), message.into());
    Ok(entry.fields)
}

/// An entry that is being filled.
#[derive(Default)]
struct Entry {
    fields: Fields,
    message: Option<String>,
    status: Option<String>,
    more_tags: Option<String>,
}

impl Entry {
    /// Sets a field, unless there is nothing to say.
    fn text(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.fields.insert(key.to_owned(), value.into());
        }
    }

    fn attribute(&mut self, key: &str, value: &Value<'_>) -> Result<(), DecodeError> {
        match key.to_ascii_lowercase().as_str() {
            "msg" | "message" | "log" => self.message = Some(value.to_text().into_owned()),
            "status" | "severity" | "level" | "syslog.severity" => {
                self.status = Some(value.to_text().into_owned());
            }
            "traceid" | "trace_id" | "contextmap.traceid" | "oteltraceid" => {
                match value.to_text().parse::<TraceId>() {
                    Ok(trace) => self.trace(trace),
                    Err(_) => self.flatten(key.to_owned(), value, 1)?,
                }
            }
            "spanid" | "span_id" | "contextmap.spanid" | "otelspanid" => {
                match value.to_text().parse::<SpanId>() {
                    Ok(span) => self.span(span),
                    Err(_) => self.flatten(key.to_owned(), value, 1)?,
                }
            }
            "ddtags" => self.more_tags = Some(value.to_text().into_owned()),
            _ => self.flatten(key.to_owned(), value, 1)?,
        }
        Ok(())
    }

    fn flatten(&mut self, key: String, value: &Value<'_>, depth: usize) -> Result<(), DecodeError> {
        let json = match value {
            Value::Map(map) if depth < DEEPEST && !map.is_empty() => {
                for entry in *map {
                    let (inner, value) = entry?;
                    self.flatten(format!("{key}.{inner}"), &value, depth + 1)?;
                }
                return Ok(());
            }
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Double(value) if value.is_finite() => (*value).into(),
            value => value.to_text().into(),
        };
        self.fields.insert(key, json);
        Ok(())
    }

    fn trace(&mut self, trace: TraceId) {
        if !trace.is_zero() {
            self.text("dd.trace_id", span::low_bits(trace).to_string());
            self.text("otel.trace_id", trace.to_string());
        }
    }

    fn span(&mut self, span: SpanId) {
        if !span.is_zero() {
            self.text("dd.span_id", span::id(span).to_string());
            self.text("otel.span_id", span.to_string());
        }
    }

    fn severity(&mut self, log: &LogView<'_>) {
        self.text("otel.severity_text", log.severity_text.to_owned());
        if log.severity_number != 0 {
            self.text("otel.severity_number", log.severity_number.to_string());
        }
        let status = match (self.status.take(), log.severity_text) {
            (Some(status), _) => status,
            (None, "") => status_name(log.severity_number).to_owned(),
            (None, text) => text.to_owned(),
        };
        self.text("status", status);
    }

    fn time(&mut self, log: &LogView<'_>) {
        let nanoseconds = match log.time_unix_nano {
            0 => log.observed_time_unix_nano,
            time => time,
        };
        if nanoseconds == 0 {
            return;
        }
        if log.time_unix_nano != 0 {
            self.text("otel.timestamp", log.time_unix_nano.to_string());
        }
        if let Ok(time) = Timestamp::from_nanosecond(i128::from(nanoseconds)) {
            self.text("@timestamp", format!("{time:.3}"));
        }
    }
}

const fn status_name(severity: i32) -> &'static str {
    match severity {
        ..=0 => "",
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        21..=24 => "fatal",
        _ => "error",
    }
}
