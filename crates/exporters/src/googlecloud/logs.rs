//! Log records as entries of [Cloud Logging](https://cloud.google.com/logging/docs/reference/v2/rpc/google.logging.v2#logentry).
//!
//! [Limits](https://cloud.google.com/logging/quotas): 256 KB an entry (longer text goes as several entries that Cloud Logging
//! shows as one), 64 labels whose values have 64 KB. What is beyond is counted in the label
//! `otel.dropped_attributes_count`. An entry's insert id follows from its content, so that what is sent twice is stored once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_formats::google::logging::{
    Kind, ListValue, LogEntry, LogSplit, Payload, Struct, Value,
};
use fanlight_formats::google::{MonitoredResource, Timestamp};
use fanlight_otlp::view::{self, LogView, ScopeView};
use fanlight_otlp::{Batch, DecodeError};
use prost::Message as _;

use super::calls::{Calls, NO_PROJECT, front, project_of};
use super::config::Log;
use super::resource::{Labels, monitored};

/// `WriteLogEntriesRequest.entries`.
const ENTRIES: u32 = 4;
/// `WriteLogEntriesRequest.partial_success`.
const PARTIAL_SUCCESS: u32 = 5;
const LONGEST_ENTRY: usize = 256_000;
/// Room for what a part has beside its text.
const OF_SPLIT: usize = 256;
const MOST_LABELS: usize = 64;
const LONGEST_LABEL: usize = 64_000;
/// The label that counts the attributes that are missing.
const DROPPED: &str = "otel.dropped_attributes_count";
/// The log of records that name none, where none is configured.
const LOG_NAME: &str = "opentelemetry";
const ERROR_REPORTING: &str =
    "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent";

/// The calls that a batch of log records becomes.
pub(super) fn calls(batch: &Batch, project: &str, options: &Log) -> Result<Calls, DecodeError> {
    let mut calls = Calls::new(usize::MAX, |_, request| {
        prost::encoding::bool::encode(PARTIAL_SUCCESS, &true, request);
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |time| time.as_nanos() as u64);
    let mut equal = HashMap::new();
    let mut item = 0;
    for resource in batch.resources() {
        let resource = resource?;
        let project = project_of(&resource.attributes, project)?;
        let source = Source {
            project,
            options,
            monitored: monitored(&resource.attributes)?,
            labels: options.resource_labels(&resource.attributes)?,
            now,
        };
        for scope in resource.scopes() {
            let scope = scope?;
            for record in scope.logs() {
                let record = record?;
                match project {
                    "" => calls.leave_out(NO_PROJECT),
                    _ => {
                        let entry = source.entry(&scope, &record)?;
                        add(&mut calls, project, entry, item, &mut equal);
                    }
                }
                item += 1;
            }
        }
    }
    Ok(calls)
}

fn add(
    calls: &mut Calls,
    project: &str,
    mut entry: LogEntry,
    item: usize,
    equal: &mut HashMap<u64, u32>,
) {
    if entry.timestamp.is_some() {
        let mut hasher = DefaultHasher::new();
        entry.encode_to_vec().hash(&mut hasher);
        let hash = hasher.finish();
        let count = equal.entry(hash).or_default();
        entry.insert_id = format!("{hash:016x}-{count}");
        *count += 1;
    }
    if entry.encoded_len() <= LONGEST_ENTRY {
        calls.add(project, ENTRIES, &entry, item);
        return;
    }
    let text = match entry.payload.take() {
        Some(Payload::TextPayload(text)) => text,
        Some(Payload::JsonPayload(object)) => json(object).to_string(),
        None => String::new(),
    };
    let longest = LONGEST_ENTRY.saturating_sub(entry.encoded_len() + OF_SPLIT);
    if longest < OF_SPLIT {
        calls
            .leave_out("Cloud Logging takes no entry of more than 256 KB; send less in attributes");
        return;
    }
    let parts = parts(&text, longest);
    let total = parts.len() as i32;
    let uid = entry.insert_id.clone();
    for (index, part) in parts.into_iter().enumerate() {
        let part = LogEntry {
            payload: Some(Payload::TextPayload(part.to_owned())),
            insert_id: match uid.as_str() {
                "" => String::new(),
                uid => format!("{uid}-{index}"),
            },
            split: Some(LogSplit {
                uid: uid.clone(),
                index: index as i32,
                total_splits: total,
            }),
            ..entry.clone()
        };
        calls.add(project, ENTRIES, &part, item);
    }
}

fn parts(mut text: &str, longest: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    while !text.is_empty() {
        let part = front(text, longest);
        parts.push(part);
        text = text.get(part.len()..).unwrap_or_default();
    }
    parts
}

/// What the records of one resource share.
struct Source<'s> {
    project: &'s str,
    options: &'s Log,
    monitored: MonitoredResource,
    labels: Labels,
    now: u64,
}

impl Source<'_> {
    fn entry(&self, scope: &ScopeView<'_>, record: &LogView<'_>) -> Result<LogEntry, DecodeError> {
        let project = self.project;
        let time = match (record.time_unix_nano, record.observed_time_unix_nano) {
            (0, 0) => self.now,
            (0, observed) => observed,
            (time, _) => time,
        };
        let name = record.attributes.get("gcp.log_name")?;
        let name = name.map(|name| name.to_text().into_owned());
        let name = name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| match self.options.default_log_name.as_str() {
            "" => LOG_NAME.to_owned(),
            name => name.to_owned(),
        });
        let sampled = record.attributes.get("gcp.trace_sampled")?;
        let is_sampled = matches!(sampled, Some(view::Value::Bool(true)));
        let severity = severity(record);
        let trace = match record.trace_id.is_zero() {
            true => String::new(),
            false => format!("projects/{project}/traces/{}", record.trace_id),
        };
        let span_id = match record.span_id.is_zero() {
            true => String::new(),
            false => record.span_id.to_string(),
        };
        Ok(LogEntry {
            log_name: format!("projects/{project}/logs/{}", escaped(&name)),
            resource: Some(self.monitored.clone()),
            payload: self.payload(record, severity)?,
            timestamp: Some(Timestamp::from_unix_nano(time)),
            severity,
            insert_id: String::new(),
            labels: self.labels(scope, record)?,
            trace,
            span_id,
            trace_sampled: is_sampled || record.flags & 1 != 0,
            split: None,
        })
    }

    fn labels(&self, scope: &ScopeView<'_>, record: &LogView<'_>) -> Result<Labels, DecodeError> {
        let mut labels = Labels::new();
        let mut dropped = record.dropped_attributes_count;
        let mut add = |key: &str, value: &str| {
            if key.is_empty() || labels.contains_key(key) {
                return;
            }
            let fits = key.len() <= 512 && labels.len() < MOST_LABELS - 1;
            if !fits || value.len() > LONGEST_LABEL {
                dropped = dropped.saturating_add(1);
            }
            if fits {
                labels.insert(key.to_owned(), front(value, LONGEST_LABEL).to_owned());
            }
        };
        for (key, value) in [
            ("instrumentation_source", scope.name),
            ("instrumentation_version", scope.version),
            ("event.name", record.event_name),
        ] {
            if !value.is_empty() {
                add(key, value);
            }
        }
        for (key, value) in &self.labels {
            add(key, value);
        }
        for attribute in record.attributes.iter() {
            let (key, value) = attribute?;
            if !matches!(key, "gcp.log_name" | "gcp.trace_sampled") {
                add(key, &value.to_text());
            }
        }
        if dropped > 0 {
            labels.insert(DROPPED.to_owned(), dropped.to_string());
        }
        Ok(labels)
    }

    fn payload(&self, record: &LogView<'_>, severity: i32) -> Result<Option<Payload>, DecodeError> {
        const ERROR: i32 = 500;
        let payload = match &record.body {
            view::Value::Empty => None,
            view::Value::Map(map) => Some(Payload::JsonPayload(object(map)?)),
            view::Value::Bytes(bytes) => match serde_json::from_slice(bytes) {
                Ok(serde_json::Value::Object(map)) => Some(Payload::JsonPayload(object_of(map))),
                _ => Some(Payload::TextPayload(record.body.to_text().into_owned())),
            },
            other => Some(Payload::TextPayload(other.to_text().into_owned())),
        };
        if !self.options.error_reporting_type || severity < ERROR {
            return Ok(payload);
        }
        let text = |text: String| Value {
            kind: Some(Kind::StringValue(text)),
        };
        let mut object = match payload {
            Some(Payload::JsonPayload(object)) => object,
            Some(Payload::TextPayload(message)) => Struct {
                fields: [("message".to_owned(), text(message))].into(),
            },
            None => Struct::default(),
        };
        let kind = text(ERROR_REPORTING.to_owned());
        object.fields.insert("@type".to_owned(), kind);
        Ok(Some(Payload::JsonPayload(object)))
    }
}

/// `LogSeverity`, by the number, else by the text that senders with Google's own levels use.
fn severity(record: &LogView<'_>) -> i32 {
    let of_text = || match record.severity_text.to_ascii_lowercase().as_str() {
        "trace" | "debug" => 100,
        "info" => 200,
        "notice" => 300,
        "warn" | "warning" => 400,
        "error" => 500,
        "fatal" | "critical" => 600,
        "alert" => 700,
        "emergency" => 800,
        _ => 0,
    };
    match record.severity_number {
        1..=8 => 100,
        9..=10 => 200,
        11..=12 => 300,
        13..=16 => 400,
        17..=20 => 500,
        21..=22 => 600,
        23 => 700,
        24 => 800,
        _ => of_text(),
    }
}

fn object(map: &view::Attributes<'_>) -> Result<Struct, DecodeError> {
    let mut object = Struct::default();
    for entry in map.iter() {
        let (key, value) = entry?;
        object.fields.insert(key.to_owned(), of_view(&value)?);
    }
    Ok(object)
}

fn of_view(value: &view::Value<'_>) -> Result<Value, DecodeError> {
    let kind = match value {
        view::Value::Empty => Kind::NullValue(0),
        view::Value::Bool(value) => Kind::BoolValue(*value),
        // Integers past 2^53 would be rounded.
        view::Value::Int(value) if value.unsigned_abs() <= 1 << 53 => {
            Kind::NumberValue(*value as f64)
        }
        view::Value::Double(value) if value.is_finite() => Kind::NumberValue(*value),
        view::Value::Map(map) => Kind::StructValue(object(map)?),
        view::Value::Array(array) => {
            let values = array.into_iter().map(|value| of_view(&value?));
            Kind::ListValue(ListValue {
                values: values.collect::<Result<_, _>>()?,
            })
        }
        other => Kind::StringValue(other.to_text().into_owned()),
    };
    Ok(Value { kind: Some(kind) })
}

fn object_of(map: serde_json::Map<String, serde_json::Value>) -> Struct {
    let fields = map.into_iter().map(|(key, value)| (key, of_json(value)));
    Struct {
        fields: fields.collect(),
    }
}

fn of_json(value: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(value) => Kind::BoolValue(value),
        Json::Number(number) => match number.as_f64() {
            Some(value) => Kind::NumberValue(value),
            None => Kind::StringValue(number.to_string()),
        },
        Json::String(text) => Kind::StringValue(text),
        Json::Array(list) => Kind::ListValue(ListValue {
            values: list.into_iter().map(of_json).collect(),
        }),
        Json::Object(map) => Kind::StructValue(object_of(map)),
    };
    Value { kind: Some(kind) }
}

/// Back to JSON, for an object that is too long for one entry.
fn json(object: Struct) -> serde_json::Value {
    let fields = object.fields.into_iter();
    fields.map(|(key, value)| (key, json_of(value))).collect()
}

fn json_of(value: Value) -> serde_json::Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => serde_json::Value::Null,
        Some(Kind::NumberValue(value)) => value.into(),
        Some(Kind::StringValue(value)) => value.into(),
        Some(Kind::BoolValue(value)) => value.into(),
        Some(Kind::StructValue(value)) => json(value),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json_of).collect(),
    }
}

/// A log's name in a path: all but letters, digits and `-_.~` percent-encoded, at most 500 characters.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in front(name, 160).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    escaped
}
