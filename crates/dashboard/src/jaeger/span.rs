//! Spans in Jaeger's form, mapped as
//! [OpenTelemetry says](https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/).

use fanlight_store::{Json, Scope, Span, SpanEvent, Trace};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A trace with its spans and the processes that made them.
pub(super) fn trace(trace: &Trace) -> Value {
    let mut processes = Processes::default();
    let spans: Vec<Value> = trace
        .spans
        .iter()
        .map(|one| span(one, &processes.id_of(one)))
        .collect();
    let warnings = trace
        .truncated
        .then(|| vec!["the trace has more spans than are shown"]);
    json!({
        "traceID": trace.trace_id.to_string(),
        "spans": spans,
        "processes": processes.into_json(),
        "warnings": warnings,
    })
}

/// Processes, each once: a service with its resource.
#[derive(Default)]
struct Processes {
    known: Vec<(String, String)>,
    list: Map<String, Value>,
}

impl Processes {
    fn id_of(&mut self, span: &Span) -> String {
        let identity = (
            span.service.clone(),
            span.resource.attributes.as_str().to_owned(),
        );
        if let Some(index) = self.known.iter().position(|known| *known == identity) {
            return name(index);
        }
        let tags: Vec<Value> = tags(&span.resource.attributes)
            .filter(|tag| tag["key"] != "service.name")
            .collect();
        let id = name(self.known.len());
        let process = json!({ "serviceName": span.service, "tags": tags });
        self.list.insert(id.clone(), process);
        self.known.push(identity);
        id
    }

    fn into_json(self) -> Value {
        Value::Object(self.list)
    }
}

fn name(index: usize) -> String {
    format!("p{}", index + 1)
}

fn span(span: &Span, process: &str) -> Value {
    let duration = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    let logs: Vec<Value> = span.events.iter().map(log).collect();
    json!({
        "traceID": span.trace_id.to_string(),
        "spanID": span.span_id.to_string(),
        "operationName": span.name,
        "references": references(span),
        "startTime": span.start_time_unix_nano / 1000,
        "duration": duration / 1000,
        "tags": span_tags(span),
        "logs": logs,
        "processID": process,
        "warnings": null,
    })
}

fn references(span: &Span) -> Vec<Value> {
    let reference = |kind: &str, trace_id: String, span_id: String| json!({ "refType": kind, "traceID": trace_id, "spanID": span_id });
    let parent = span
        .parent_span_id
        .map(|parent| reference("CHILD_OF", span.trace_id.to_string(), parent.to_string()));
    // Jaeger leaves out links that lead nowhere.
    let links = span
        .links
        .iter()
        .filter(|link| !link.trace_id.is_zero() || !link.span_id.is_zero());
    let links = links.map(|link| {
        reference(
            "FOLLOWS_FROM",
            link.trace_id.to_string(),
            link.span_id.to_string(),
        )
    });
    parent.into_iter().chain(links).collect()
}

/// The attributes, and what has a field of its own in OTLP.
fn span_tags(span: &Span) -> Vec<Value> {
    let mut all: Vec<Value> = tags(&span.attributes).collect();
    if span.kind != "UNSPECIFIED" {
        all.push(text("span.kind", &span.kind.to_ascii_lowercase()));
    }
    if span.status.code != "UNSET" {
        all.push(text("otel.status_code", span.status.code));
    }
    if !span.status.message.is_empty() {
        all.push(text("otel.status_description", &span.status.message));
    }
    if span.status.code == "ERROR" {
        all.push(json!({ "key": "error", "type": "bool", "value": true }));
    }
    let Scope { name, version, .. } = &span.scope;
    let others = [
        ("otel.scope.name", name),
        ("otel.scope.version", version),
        ("w3c.tracestate", &span.trace_state),
    ];
    let others = others.into_iter().filter(|(_, value)| !value.is_empty());
    all.extend(others.map(|(key, value)| text(key, value)));
    all
}

fn log(event: &SpanEvent) -> Value {
    let name = Some(&event.name).filter(|name| !name.is_empty());
    let mut fields: Vec<Value> = name.map(|name| text("event", name)).into_iter().collect();
    fields.extend(tags(&event.attributes).filter(|tag| tag["key"] != "event"));
    json!({ "timestamp": event.time_unix_nano / 1000, "fields": fields })
}

/// An attribute in OTLP/JSON.
#[derive(Deserialize)]
struct Attribute {
    key: String,
    value: Value,
}

/// Attributes as tags.
fn tags(attributes: &Json) -> impl Iterator<Item = Value> {
    // The store wrote this JSON.
    let read: Vec<Attribute> = serde_json::from_str(attributes.as_str()).unwrap_or_default();
    read.into_iter().map(|attribute| {
        let (kind, value) = typed(&attribute.value);
        json!({ "key": attribute.key, "type": kind, "value": value })
    })
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "type": "string", "value": value })
}

/// The type that Jaeger gives a value, and the value in plain JSON.
fn typed(value: &Value) -> (&'static str, Value) {
    let Some((name, content)) = value.as_object().and_then(|object| object.iter().next()) else {
        return ("string", json!(""));
    };
    match name.as_str() {
        "boolValue" => ("bool", content.clone()),
        "intValue" => ("int64", integer(plain(value))),
        "doubleValue" => ("float64", content.clone()),
        "bytesValue" => ("binary", content.clone()),
        "arrayValue" | "kvlistValue" => ("string", json!(plain(value).to_string())),
        _ => ("string", content.clone()),
    }
}

/// An integer; as text where JavaScript's numbers can't hold it.
fn integer(value: Value) -> Value {
    const GREATEST: u64 = (1 << 53) - 1;
    match value.as_i64() {
        Some(number) if number.unsigned_abs() > GREATEST => json!(number.to_string()),
        _ => value,
    }
}

/// A value without its types.
fn plain(value: &Value) -> Value {
    let Some((name, content)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let items = || content["values"].as_array().into_iter().flatten();
    match name.as_str() {
        "intValue" => {
            let number = content.as_str().and_then(|text| text.parse::<i64>().ok());
            number.map_or_else(|| content.clone(), |number| json!(number))
        }
        "arrayValue" => items().map(plain).collect(),
        "kvlistValue" => {
            let entry = |item: &Value| {
                (
                    item["key"].as_str().unwrap_or_default().to_owned(),
                    plain(&item["value"]),
                )
            };
            Value::Object(items().map(entry).collect())
        }
        _ => content.clone(),
    }
}
