//! Events become log records, or gauges where they are metrics. Events of one host, source, source type and index share a
//! resource.

use fanlight_formats::splunk_hec::Event;
use fanlight_otlp::view::{NumberView, OwnedValue, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use serde_json::Value as Json;

use super::answer::Refusal;
use super::{Metadata, Rules, Splitting};

/// The attribute that a client's token becomes.
const TOKEN: &str = "com.splunk.hec.access_token";
/// The fields of an event that is a metric.
const METRIC_NAME: &str = "metric_name";
const METRIC_VALUE: &str = "_value";

/// What a request holds.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    logs: Vec<(Source, Record)>,
    metrics: Vec<(Source, Points)>,
}

/// Where events come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) host: String,
    pub(super) source: String,
    pub(super) sourcetype: String,
    pub(super) index: String,
}

#[derive(Debug, Default)]
struct Record {
    time: u64,
    body: OwnedValue,
    attributes: Vec<(String, OwnedValue)>,
}

#[derive(Debug)]
struct Points {
    time: u64,
    values: Vec<(String, NumberView)>,
    dimensions: Vec<(String, OwnedValue)>,
}

impl Parsed {
    /// Reads a body of events: objects one after the other, or one list of them.
    pub(super) fn events(body: &[u8]) -> Result<Parsed, Refusal> {
        let text = body.trim_ascii();
        let events: Vec<Event> = match text.first() {
            None => return Err(Refusal::no_data()),
            Some(b'[') => serde_json::from_slice(text).map_err(|_| Refusal::invalid_format())?,
            Some(_) => {
                let mut events = Vec::new();
                for event in serde_json::Deserializer::from_slice(text).into_iter() {
                    let number = events.len();
                    let invalid = |_| Refusal::invalid_format().of_event(number);
                    events.push(event.map_err(invalid)?);
                }
                events
            }
        };
        if events.is_empty() {
            return Err(Refusal::no_data());
        }
        let mut parsed = Parsed::default();
        for (number, event) in events.into_iter().enumerate() {
            parsed
                .add(event)
                .map_err(|refusal| refusal.of_event(number))?;
        }
        Ok(parsed)
    }

    /// Reads a raw body.
    pub(super) fn raw(body: &[u8], splitting: Splitting, source: &Source, time: u64) -> Parsed {
        let text = String::from_utf8_lossy(body);
        let record = |text: &str| {
            let body = OwnedValue::from(Value::Str(text));
            let record = Record {
                time,
                body,
                attributes: Vec::new(),
            };
            (source.clone(), record)
        };
        let logs = match splitting {
            Splitting::None => vec![record(&text)],
            Splitting::Line => text
                .lines()
                .filter(|line| !line.is_empty())
                .map(record)
                .collect(),
        };
        Parsed {
            logs,
            metrics: Vec::new(),
        }
    }

    fn add(&mut self, event: Event) -> Result<(), Refusal> {
        let is_flat = |value: &Json| match value {
            Json::Object(_) => false,
            Json::Array(list) => !list
                .iter()
                .any(|value| value.is_object() || value.is_array()),
            _ => true,
        };
        if !event.fields.values().all(is_flat) {
            return Err(Refusal::indexed_fields());
        }
        let time = match &event.time {
            None => 0,
            Some(time) => time.nanoseconds().ok_or_else(Refusal::invalid_format)?,
        };
        let source = Source {
            host: event.host.unwrap_or_default(),
            source: event.source.unwrap_or_default(),
            sourcetype: event.sourcetype.unwrap_or_default(),
            index: event.index.unwrap_or_default(),
        };
        let is_named = |key: &String| key == METRIC_NAME || metric_name(key).is_some();
        if event.event == "metric" || event.fields.keys().any(is_named) {
            self.metrics.push((source, points(event.fields, time)?));
            return Ok(());
        }
        match event.event {
            Json::Null => return Err(Refusal::event_required()),
            Json::String(text) if text.is_empty() => return Err(Refusal::event_blank()),
            body => {
                let attributes = event.fields.into_iter();
                let record = Record {
                    time,
                    body: owned(&body),
                    attributes: attributes
                        .map(|(key, value)| (key, owned(&value)))
                        .collect(),
                };
                self.logs.push((source, record));
            }
        }
        Ok(())
    }

    /// The batches: log records, data points, or both.
    pub(super) fn batches(self, rules: &Rules, token: Option<&str>) -> Vec<Batch> {
        let names = &rules.hec_metadata_to_otel_attrs;
        let token = token.filter(|_| rules.access_token_passthrough);
        let mut batches = Vec::new();
        if !self.logs.is_empty() {
            let mut out = RequestWriter::new(Signal::Logs);
            for (source, records) in grouped(self.logs) {
                out.resource(&source.attributes(names, token), |resource| {
                    resource.scope("", "", |scope| {
                        for record in &records {
                            scope.log(&LogRecord {
                                time_unix_nano: record.time,
                                body: record.body.view(),
                                attributes: &views(&record.attributes),
                                ..LogRecord::default()
                            });
                        }
                    });
                });
            }
            batches.push(out.finish());
        }
        if !self.metrics.is_empty() {
            let mut out = RequestWriter::new(Signal::Metrics);
            for (source, points) in grouped(self.metrics) {
                out.resource(&source.attributes(names, token), |resource| {
                    resource.scope("", "", |scope| {
                        for points in &points {
                            let attributes = views(&points.dimensions);
                            for (name, value) in &points.values {
                                let point = NumberPoint {
                                    attributes: &attributes,
                                    start_time_unix_nano: 0,
                                    time_unix_nano: points.time,
                                    value: *value,
                                };
                                scope.metric(&Metric {
                                    name,
                                    description: "",
                                    unit: "",
                                    data: Data::Gauge(&[point]),
                                });
                            }
                        }
                    });
                });
            }
            batches.push(out.finish());
        }
        batches
    }
}

impl Source {
    fn attributes<'a>(
        &'a self,
        names: &'a Metadata,
        token: Option<&'a str>,
    ) -> Vec<(&'a str, Value<'a>)> {
        let token = token.unwrap_or_default();
        [
            (names.host.as_str(), self.host.as_str()),
            (&names.source, &self.source),
            (&names.sourcetype, &self.sourcetype),
            (&names.index, &self.index),
            (TOKEN, token),
        ]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name, Value::Str(value)))
        .collect()
    }
}

/// Together what comes from the same source, in the order of the first of each.
fn grouped<T>(list: Vec<(Source, T)>) -> Vec<(Source, Vec<T>)> {
    let mut groups: Vec<(Source, Vec<T>)> = Vec::new();
    for (source, item) in list {
        // Nearly always the last one: clients send for one source at a time.
        match groups.iter_mut().rev().find(|(known, _)| *known == source) {
            Some((_, items)) => items.push(item),
            None => groups.push((source, vec![item])),
        }
    }
    groups
}

fn views(attributes: &[(String, OwnedValue)]) -> Vec<(&str, Value<'_>)> {
    attributes
        .iter()
        .map(|(key, value)| (key.as_str(), value.view()))
        .collect()
}

/// Values and dimensions of an event that is a metric. A value that is no number is an error: it would be lost.
fn points(mut fields: serde_json::Map<String, Json>, time: u64) -> Result<Points, Refusal> {
    let mut values = Vec::new();
    if let Some(name) = fields.remove(METRIC_NAME) {
        let name = name.as_str().ok_or_else(Refusal::indexed_fields)?;
        let value = fields.remove(METRIC_VALUE).unwrap_or_default();
        values.push((
            name.to_owned(),
            number(&value).ok_or_else(Refusal::indexed_fields)?,
        ));
    }
    let mut dimensions = Vec::new();
    for (key, value) in fields {
        match metric_name(&key) {
            Some(name) => {
                let value = number(&value).ok_or_else(Refusal::indexed_fields)?;
                values.push((name.to_owned(), value));
            }
            None if key.is_empty() || value.is_null() => {}
            None => {
                let text = match value {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                dimensions.push((key, OwnedValue::from(Value::Str(&text))));
            }
        }
    }
    match values.is_empty() {
        true => Err(Refusal::indexed_fields()),
        false => Ok(Points {
            time,
            values,
            dimensions,
        }),
    }
}

/// The metric that a field is the value of: `metric_name:cpu.usage`.
fn metric_name(field: &str) -> Option<&str> {
    field
        .strip_prefix("metric_name:")
        .filter(|name| !name.is_empty())
}

/// A number, or the text of one: JSON has none for `NaN`.
fn number(value: &Json) -> Option<NumberView> {
    match value {
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Some(NumberView::Int(whole)),
            None => number.as_f64().map(NumberView::Double),
        },
        Json::String(text) => text.trim().parse().ok().map(NumberView::Double),
        _ => None,
    }
}

fn owned(value: &Json) -> OwnedValue {
    match value {
        Json::Null => OwnedValue::default(),
        Json::Bool(value) => Value::Bool(*value).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole).into(),
            None => Value::Double(number.as_f64().unwrap_or_default()).into(),
        },
        Json::String(text) => Value::Str(text).into(),
        Json::Array(list) => {
            let list: Vec<OwnedValue> = list.iter().map(owned).collect();
            OwnedValue::array(&list)
        }
        Json::Object(map) => {
            let map: Vec<(&String, OwnedValue)> =
                map.iter().map(|(key, value)| (key, owned(value))).collect();
            OwnedValue::map(map.iter().map(|(key, value)| (key.as_str(), value)))
        }
    }
}
