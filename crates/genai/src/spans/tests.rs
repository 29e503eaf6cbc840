use fanlight_otlp::{Batch, Signal, json::read as decode};
use serde_json::{Value as Json, json};

use super::*;
use crate::{Counts, Dollars, Kind, Message, Part, Usage};

mod agents;
mod arbitrary;
mod dialects;
mod faults;
mod proxy;

/// An OTLP value in JSON.
fn typed(value: &Json) -> Json {
    match value {
        Json::Null => json!({}),
        Json::Bool(truth) => json!({"boolValue": truth}),
        Json::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Json::Number(number) => json!({"intValue": number.to_string()}),
        Json::String(text) => json!({"stringValue": text}),
        Json::Array(items) => {
            json!({"arrayValue": {"values": items.iter().map(typed).collect::<Vec<_>>()}})
        }
        Json::Object(_) => json!({"kvlistValue": {"values": attributes(value)}}),
    }
}

fn attributes(object: &Json) -> Json {
    let members = object.as_object().unwrap().iter();
    members
        .map(|(key, value)| json!({"key": key, "value": typed(value)}))
        .collect()
}

/// What a span or a log record is made of.
#[derive(Default)]
struct Sent {
    resource: Json,
    scope: &'static str,
    name: &'static str,
    attributes: Json,
    events: Vec<(&'static str, Json)>,
    is_error: bool,
    span_id: &'static str,
    body: Json,
}

impl Sent {
    fn attributes(attributes: Json) -> Sent {
        Sent {
            attributes,
            ..Sent::default()
        }
    }

    fn named(scope: &'static str, name: &'static str, attributes: Json) -> Sent {
        Sent {
            scope,
            name,
            attributes,
            ..Sent::default()
        }
    }

    fn resource(&self) -> Json {
        let resource = if self.resource.is_null() {
            json!({})
        } else {
            self.resource.clone()
        };
        json!({"attributes": attributes(&resource)})
    }

    fn as_span(&self) -> Option<LlmCall> {
        let events = self.events.iter();
        let events: Vec<_> = events
            .map(|(name, fields)| json!({"name": name, "timeUnixNano": "1", "attributes": attributes(fields)}))
            .collect();
        let body = json!({"resourceSpans": [{"resource": self.resource(), "scopeSpans": [{"scope": {"name": self.scope}, "spans": [{
            "traceId": "01010101010101010101010101010101", "spanId": "0202020202020202", "name": self.name,
            "startTimeUnixNano": "1709208000000000000", "endTimeUnixNano": "1709208001000000000",
            "attributes": attributes(&self.attributes), "events": events,
            "status": {"code": if self.is_error { 2 } else { 0 }},
        }]}]}]});
        let batch = batch(Signal::Traces, &body);
        let resource = batch.resources().next().unwrap().unwrap();
        let scope = resource.scopes().next().unwrap().unwrap();
        let span = scope.spans().next().unwrap().unwrap();
        read_span(&resource, &scope, &span)
    }

    fn as_log(&self) -> Option<LlmCall> {
        let body = json!({"resourceLogs": [{"resource": self.resource(), "scopeLogs": [{"scope": {"name": self.scope}, "logRecords": [{
            "timeUnixNano": "1709208000000000000", "spanId": self.span_id, "eventName": self.name,
            "attributes": attributes(&self.attributes), "body": typed(&self.body),
        }]}]}]});
        let batch = batch(Signal::Logs, &body);
        let resource = batch.resources().next().unwrap().unwrap();
        let scope = resource.scopes().next().unwrap().unwrap();
        let log = scope.logs().next().unwrap().unwrap();
        read_log(&resource, &scope, &log)
    }
}

fn batch(signal: Signal, body: &Json) -> Batch {
    decode(signal, body.to_string().as_bytes()).unwrap()
}

fn span(attributes: Json) -> LlmCall {
    Sent::attributes(attributes).as_span().expect("a call")
}
