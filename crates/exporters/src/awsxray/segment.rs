//! One span as one segment document.
//!
//! A span of a server, or without a parent, is a segment; any other is a subsegment that is sent by itself. What has no
//! place of its own in a document is kept in its metadata: attributes, the resource as `otel.resource.*`, the scope as
//! `otel.scope.*`, events as `otel.events`. A document that is too long is written again with shorter texts.
//!
//! Sources: [documents](https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html),
//! [the Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/awsxrayexporter).

use std::collections::{BTreeMap, BTreeSet};

use fanlight_otlp::view::{Attributes, EventView, ScopeView, SpanView, Value};
use fanlight_otlp::{DecodeError, TraceId, json};

use super::attributes::Known;
use super::cause::{self, Limits};
use super::sections;
use crate::json_object::{JsonObject, front};

/// How long a document may be, in bytes.
const LONGEST_DOCUMENT: usize = 64 << 10;
/// How long a name may be, in characters.
const LONGEST_NAME: usize = 200;
/// How long the value of an annotation may be, in characters; a longer one is metadata.
const LONGEST_ANNOTATION: usize = 1000;
/// What is tried in turn until a document is short enough.
const LIMITS: [Limits; 4] = [
    Limits {
        text: usize::MAX,
        frames: usize::MAX,
    },
    Limits {
        text: 4096,
        frames: 200,
    },
    Limits {
        text: 512,
        frames: 50,
    },
    Limits {
        text: 64,
        frames: 10,
    },
];

/// The numbers of OTLP's span kinds.
pub(super) struct SpanKind;

impl SpanKind {
    pub(super) const SERVER: i32 = 2;
    pub(super) const CLIENT: i32 = 3;
    pub(super) const PRODUCER: i32 = 4;
}

/// What of a segment is configured.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// Attributes that become annotations.
    pub(super) indexed: BTreeSet<String>,
    /// All become annotations.
    pub(super) index_all: bool,
    /// The log groups of segments whose resource names none.
    pub(super) log_groups: Vec<String>,
}

/// A span that X-Ray can't take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// Its trace or itself has no id.
    #[error("X-Ray takes no span without a trace id and a span id")]
    NoId,
    /// Its document is too long even with its texts cut.
    #[error("X-Ray takes no document of more than 64 KB")]
    TooLong,
}

/// Everything that a document is made from.
pub(super) struct Source<'s, 'a> {
    pub(super) options: &'s Options,
    /// The resource's attributes, read once for all its spans.
    pub(super) of_resource: &'s Known<'a>,
    pub(super) scope: &'s ScopeView<'a>,
    pub(super) span: &'s SpanView<'a>,
}

impl Source<'_, '_> {
    /// The document.
    pub(super) fn document(&self) -> Result<Result<String, Unfit>, DecodeError> {
        if self.span.trace_id.is_zero() || self.span.span_id.is_zero() {
            return Ok(Err(Unfit::NoId));
        }
        for limits in LIMITS {
            let mut out = Vec::with_capacity(2048);
            self.write(&mut out, limits)?;
            if out.len() <= LONGEST_DOCUMENT {
                return Ok(String::from_utf8(out).map_err(|_| Unfit::TooLong));
            }
        }
        Ok(Err(Unfit::TooLong))
    }

    fn write(&self, out: &mut Vec<u8>, limits: Limits) -> Result<(), DecodeError> {
        let span = self.span;
        let mut known = Known::read(span.attributes)?;
        let events = span.events().collect::<Result<Vec<_>, _>>()?;
        let exceptions = cause::exceptions(span)?;
        let links = span.links().collect::<Result<Vec<_>, _>>()?;
        JsonObject::write(out, |segment| {
            segment.text("name", &self.name(&known));
            segment.text("id", &span.span_id.to_string());
            segment.text("trace_id", &trace_id(span.trace_id));
            self.write_place(segment, &mut known);
            cause::flags(segment, span, sections::status_code(&known));
            cause::cause(segment, span, self.of_resource, &exceptions, limits);
            let user = known.take_text(&["enduser.id", "user.id"]);
            segment.some_text("user", user.unwrap_or(""));
            segment.some_text("origin", sections::origin(self.of_resource));
            sections::http(segment, &mut known, span, limits.text);
            let log_groups = &self.options.log_groups;
            sections::aws(segment, &mut known, self.of_resource, log_groups);
            sections::service(segment, self.of_resource);
            sections::sql(segment, &mut known, span, limits.text);
            self.write_rest(segment, &known, &events, limits.text);
            if links.iter().any(|link| !link.trace_id.is_zero()) {
                segment.array("links", |list| {
                    for link in links.iter().filter(|link| !link.trace_id.is_zero()) {
                        list.object(|out| {
                            out.text("trace_id", &trace_id(link.trace_id));
                            out.text("id", &link.span_id.to_string());
                            out.some_object("attributes", |out| {
                                members(out, link.attributes, limits.text);
                            });
                        });
                    }
                });
            }
        });
        Ok(())
    }

    /// When it was, and what it is part of.
    fn write_place(&self, segment: &mut JsonObject<'_>, known: &mut Known<'_>) {
        let span = self.span;
        let start = span.start_time_unix_nano;
        segment.number("start_time", Seconds(start));
        match span.end_time_unix_nano {
            0 if start != 0 => segment.boolean("in_progress", true),
            end => segment.number("end_time", Seconds(end.max(start))),
        }
        if !span.parent_span_id.is_zero() {
            segment.text("parent_id", &span.parent_span_id.to_string());
        }
        if self.is_subsegment() {
            segment.text("type", "subsegment");
        }
        let is_aws = known.text(&["rpc.system"]) == Some("aws-api")
            || known.text(&["aws.service"]).is_some();
        if is_aws {
            segment.text("namespace", "aws");
        } else if span.kind == SpanKind::CLIENT {
            segment.text("namespace", "remote");
        }
    }

    fn is_subsegment(&self) -> bool {
        self.span.kind != SpanKind::SERVER && !self.span.parent_span_id.is_zero()
    }

    /// A segment is named after a service, where a span is named after what it does.
    fn name(&self, known: &Known<'_>) -> String {
        let by_aws = match self.is_subsegment() {
            true => "aws.remote.service",
            false => "aws.local.service",
        };
        let found = known
            .text(&[by_aws, "peer.service", "aws.service"])
            .map(str::to_owned)
            .or_else(|| database(known))
            .or_else(|| {
                let is_server = self.span.kind == SpanKind::SERVER;
                let service = self.of_resource.text(&["service.name"]);
                service.filter(|_| is_server).map(str::to_owned)
            })
            .or_else(|| {
                let keys = [
                    "rpc.service",
                    "http.host",
                    "server.address",
                    "net.peer.name",
                ];
                known.text(&keys).map(str::to_owned)
            })
            .unwrap_or_else(|| self.span.name.to_owned());
        fit_name(&found)
    }

    /// What has no section: annotations are indexed, metadata is only kept.
    fn write_rest(
        &self,
        segment: &mut JsonObject<'_>,
        known: &Known<'_>,
        events: &[EventView<'_>],
        longest: usize,
    ) {
        let asked_for = known.get(&["aws.xray.annotations"]);
        let resource = match self.is_subsegment() {
            true => Vec::new(),
            false => self.of_resource.all().collect(),
        };
        let resource: Vec<_> = resource
            .iter()
            .map(|(key, value, _)| (format!("otel.resource.{key}"), *value))
            .collect();
        let is_indexed = |key: &str, value: &Value<'_>| {
            let wanted = self.options.index_all
                || self.options.indexed.contains(key)
                || is_listed(asked_for, key);
            wanted && annotation(value).is_some()
        };
        let of_span = known.all().map(|(key, value, _)| (key, value));
        let of_resource = resource.iter().map(|(key, value)| (key.as_str(), *value));
        let annotations: BTreeMap<String, Value<'_>> = of_resource
            .clone()
            .chain(of_span)
            .filter(|(key, value)| is_indexed(key, value))
            .map(|(key, value)| (annotation_key(key), value))
            .collect();
        segment.some_object("annotations", |out| {
            for (key, value) in &annotations {
                out.value(key, value);
            }
        });
        segment.some_object("metadata", |out| {
            out.some_object("default", |out| {
                for (key, value) in of_resource.filter(|(key, value)| !is_indexed(key, value)) {
                    member(out, key, &value, longest);
                }
                out.some_text("otel.scope.name", self.scope.name);
                out.some_text("otel.scope.version", self.scope.version);
                out.some_text("otel.trace_state", self.span.trace_state);
                // With exceptions, `cause` has their messages.
                let message = front(self.span.status.message, longest);
                out.some_text("otel.status_description", message);
                let rest = known.all().filter(|(key, value, taken)| {
                    !taken && *key != "aws.xray.annotations" && !is_indexed(key, value)
                });
                for (key, value, _) in rest {
                    member(out, key, &value, longest);
                }
                let untold = |event: &&EventView<'_>| !cause::tells(event, self.of_resource);
                let untold: Vec<_> = events.iter().filter(untold).collect();
                write_events(out, &untold, longest);
            });
        });
    }
}

/// X-Ray has no events besides exceptions.
fn write_events(out: &mut JsonObject<'_>, events: &[&EventView<'_>], longest: usize) {
    if events.is_empty() {
        return;
    }
    out.array("otel.events", |list| {
        for event in events {
            list.object(|out| {
                out.text("name", front(event.name, longest));
                out.number("time", Seconds(event.time_unix_nano));
                out.some_object("attributes", |out| {
                    members(out, event.attributes, longest);
                });
            });
        }
    });
}

fn members(out: &mut JsonObject<'_>, attributes: Attributes<'_>, longest: usize) {
    for (key, value) in attributes.iter().flatten() {
        member(out, key, &value, longest);
    }
}

/// A value; one that is too long becomes text that is cut.
fn member(out: &mut JsonObject<'_>, key: &str, value: &Value<'_>, longest: usize) {
    let is_long = match value {
        Value::Str(text) => text.len() > longest,
        Value::Bytes(bytes) => bytes.len() > longest,
        Value::Array(_) | Value::Map(_) if longest != usize::MAX => {
            let mut text = Vec::new();
            json::write_plain_value(value, &mut text).is_err() || text.len() > longest
        }
        _ => false,
    };
    match is_long {
        true => out.text(key, front(&value.to_text(), longest)),
        false => out.value(key, value),
    }
}

/// `<database>@<host>`, as X-Ray names queries.
fn database(known: &Known<'_>) -> Option<String> {
    let name = known.text(&["db.namespace", "db.name"])?;
    let of_connection = known.text(&["db.connection_string"]).and_then(|text| {
        let (_, rest) = text.split_once("://")?;
        rest.split(['/', '?', ';']).next()?.rsplit('@').next()
    });
    let host = of_connection.or_else(|| known.text(&["server.address", "net.peer.name"]));
    let host = host.map(|host| host.split(':').next().unwrap_or(host));
    Some(host.map_or(name.to_owned(), |host| format!("{name}@{host}")))
}

fn is_listed(list: Option<Value<'_>>, key: &str) -> bool {
    let Some(Value::Array(list)) = list else {
        return false;
    };
    list.into_iter()
        .flatten()
        .any(|listed| listed.as_str() == Some(key))
}

/// The value, if X-Ray can index it.
fn annotation<'v, 'a>(value: &'v Value<'a>) -> Option<&'v Value<'a>> {
    let fits = match value {
        Value::Str(text) => text.chars().nth(LONGEST_ANNOTATION).is_none(),
        Value::Double(number) => number.is_finite(),
        Value::Bool(_) | Value::Int(_) => true,
        _ => false,
    };
    fits.then_some(value)
}

fn annotation_key(key: &str) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    match key {
        "" => "_".to_owned(),
        key => key.chars().map(fit).take(500).collect(),
    }
}

/// Only the characters that X-Ray takes in names, and not too many.
fn fit_name(name: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric() || " _.:/%&#=+-@".contains(*c);
    let fit: String = name.chars().filter(fits).take(LONGEST_NAME).collect();
    match fit.trim() {
        "" => "span".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// `1-<8 digits>-<24 digits>`. The first part was a time once; X-Ray takes the ids of W3C as they are.
fn trace_id(id: TraceId) -> String {
    let text = id.to_string();
    let (time, rest) = text.split_at_checked(8).unwrap_or((&text, ""));
    format!("1-{time}-{rest}")
}

/// Nanoseconds, written as seconds since 1970.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let mut text = format!("{seconds}.{nanos:09}");
        let end = text.trim_end_matches('0').trim_end_matches('.').len();
        text.truncate(end);
        f.write_str(&text)
    }
}
