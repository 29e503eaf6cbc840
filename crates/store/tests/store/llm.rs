//! Calls of language models.

mod counting;
mod dialects;
mod lists;
mod older;
mod retention;
mod sessions;
mod steps;
mod texts;

use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_store::{
    CostFilter, CostTotals, LlmCallRow, LlmFilter, LlmKinds, LlmPage, LlmSort, Store,
};
use serde_json::{Value as Json, json};

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
    let members = object.as_object().into_iter().flatten();
    members
        .map(|(key, value)| json!({"key": key, "value": typed(value)}))
        .collect()
}

/// A span of a call: it starts `at` milliseconds after the beginning of 1970 plus a year, and takes 100 ms.
#[derive(Clone, Default)]
struct Call {
    trace: u8,
    id: u8,
    parent: u8,
    at: u64,
    /// In milliseconds; 0 means 100.
    takes: u64,
    name: &'static str,
    scope: &'static str,
    service: &'static str,
    resource: Json,
    attributes: Json,
    events: Vec<(&'static str, Json)>,
    error: Option<&'static str>,
}

const BEGIN: u64 = 31_536_000_000_000_000;

fn hex(byte: u8, length: usize) -> String {
    format!("{byte:02x}").repeat(length)
}

impl Call {
    fn new(trace: u8, id: u8, attributes: Json) -> Call {
        Call {
            trace,
            id,
            attributes,
            ..Call::default()
        }
    }

    /// A call of a model that read and made some tokens.
    fn chat(trace: u8, id: u8, model: &str, tokens: (u64, u64)) -> Call {
        let attributes = json!({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": model,
            "gen_ai.usage.input_tokens": tokens.0, "gen_ai.usage.output_tokens": tokens.1,
        });
        Call::new(trace, id, attributes)
    }

    fn with(mut self, key: &str, value: Json) -> Call {
        self.attributes[key] = value;
        self
    }

    fn at(self, at: u64) -> Call {
        Call { at, ..self }
    }

    fn under(self, parent: u8) -> Call {
        Call { parent, ..self }
    }

    fn start(&self) -> u64 {
        BEGIN + self.at * 1_000_000
    }

    fn json(&self) -> Json {
        let takes = if self.takes == 0 { 100 } else { self.takes };
        let end = self.start() + takes * 1_000_000;
        let events: Vec<Json> = (self.events.iter())
            .map(|(name, fields)| json!({"name": name, "timeUnixNano": "1", "attributes": attributes(fields)}))
            .collect();
        let parent = if self.parent == 0 {
            String::new()
        } else {
            hex(self.parent, 8)
        };
        let span = json!({
            "traceId": hex(self.trace, 16), "spanId": hex(self.id, 8), "parentSpanId": parent,
            "name": if self.name.is_empty() { "chat" } else { self.name },
            "startTimeUnixNano": self.start().to_string(), "endTimeUnixNano": end.to_string(),
            "attributes": attributes(&self.attributes), "events": events,
            "status": {"code": if self.error.is_some() { 2 } else { 0 }, "message": self.error.unwrap_or_default()},
        });
        let mut resource = match &self.resource {
            Json::Null => json!({}),
            resource => resource.clone(),
        };
        let service = if self.service.is_empty() {
            "shop"
        } else {
            self.service
        };
        resource["service.name"] = json!(service);
        json!({"resource": {"attributes": attributes(&resource)},
            "scopeSpans": [{"scope": {"name": self.scope}, "spans": [span]}]})
    }
}

/// Spans as one request.
fn request(calls: &[Call]) -> Batch {
    let spans: Vec<Json> = calls.iter().map(Call::json).collect();
    let body = json!({"resourceSpans": spans}).to_string();
    fanlight_otlp::json::read(Signal::Traces, body.as_bytes()).unwrap()
}

/// A log record of a command-line tool.
fn record(scope: &str, event: &str, at: u64, fields: &Json, resource: &Json) -> Batch {
    let body = json!({"resourceLogs": [{"resource": {"attributes": attributes(resource)},
    "scopeLogs": [{"scope": {"name": scope}, "logRecords": [{
        "timeUnixNano": (BEGIN + at * 1_000_000).to_string(), "eventName": event,
        "attributes": attributes(fields),
    }]}]}]});
    fanlight_otlp::json::read(Signal::Logs, body.to_string().as_bytes()).unwrap()
}

async fn write(store: &Store, calls: &[Call]) {
    assert_eq!(store.write(&request(calls)).await.unwrap(), 0);
}

fn all() -> LlmFilter {
    LlmFilter::default()
}

async fn rows(store: &Store, filter: LlmFilter) -> Vec<LlmCallRow> {
    let wanted = LlmPage {
        filter,
        ..LlmPage::default()
    };
    store.llm_calls(wanted).await.unwrap().items
}

async fn totals(store: &Store) -> CostTotals {
    store.llm_cost(CostFilter::default()).await.unwrap().totals
}

fn ids(trace: u8, span: u8) -> (TraceId, SpanId) {
    (TraceId([trace; 16]), SpanId([span; 8]))
}

fn span_numbers(rows: &[LlmCallRow]) -> Vec<u8> {
    rows.iter().map(|row| row.span_id.0[0]).collect()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}
