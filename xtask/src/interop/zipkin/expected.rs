//! What a span of OTLP has to be in Zipkin's answers, worked out from OpenTelemetry's specification alone.
//! [Source](https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/).

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The span that Zipkin answers for one in OTLP/JSON, both in the canonical form of [`crate::otlp_json`]. Zipkin itself
/// writes names in lower case.
#[expect(clippy::too_many_lines, reason = "a mapping, field by field")]
pub(super) fn zipkin(whole: &Value) -> Value {
    let (item, resource) = (&whole["item"], &whole["resource"]["attributes"]);
    let mut tags = BTreeMap::new();
    let mut service = "<missing service name>".to_owned();
    for (key, value) in attributes(resource) {
        match key {
            "service.name" => service = text(value),
            _ => drop(tags.insert(key.to_owned(), text(value))),
        }
    }
    let mut put = |key: &str, value: &Value| {
        if let Some(text) = value.as_str() {
            tags.insert(key.to_owned(), text.to_owned());
        }
    };
    put("otel.library.name", &whole["scope"]["name"]);
    put("otel.library.version", &whole["scope"]["version"]);
    for (key, value) in attributes(&item["attributes"]) {
        put(key, &json!(text(value)));
    }
    put("w3c.tracestate", &item["traceState"]);
    for kind in ["Attributes", "Events", "Links"] {
        let tag = format!("otel.dropped_{}_count", kind.to_lowercase());
        put(&tag, &item[format!("dropped{kind}Count")]);
    }
    match item["status"]["code"].as_str() {
        Some("1") => put("otel.status_code", &json!("OK")),
        Some("2") => {
            put("otel.status_code", &json!("ERROR"));
            put("otel.status_description", &item["status"]["message"]);
            put("error", &json!("true"));
        }
        _ => {}
    }
    if item["kind"] == "1" {
        put("span.kind", &json!("internal"));
    }
    for (number, link) in list(&item["links"]).enumerate() {
        put(&format!("otlp.link.{number}"), &json!(link_text(link)));
    }
    let remote = tags.remove("peer.service");
    let (start, end) = (
        nanos(&item["startTimeUnixNano"]),
        nanos(&item["endTimeUnixNano"]),
    );
    let mut span = json!({
        "traceId": item["traceId"], "id": item["spanId"], "timestamp": start / 1000,
        "localEndpoint": {"serviceName": service.to_lowercase()}, "tags": tags,
    });
    let mut set = |key: &str, value: Value| span[key] = value;
    if item["parentSpanId"].is_string() {
        set("parentId", item["parentSpanId"].clone());
    }
    if let Some(name) = item["name"].as_str() {
        set("name", json!(name.to_lowercase()));
    }
    if end > start {
        set("duration", json!((end - start + 500) / 1000));
    }
    if let Some(kind) = kind(&item["kind"]) {
        set("kind", json!(kind));
    }
    if let Some(service) = remote {
        set(
            "remoteEndpoint",
            json!({"serviceName": service.to_lowercase()}),
        );
    }
    let annotations: Vec<Value> = list(&item["events"]).map(annotation).collect();
    if !annotations.is_empty() {
        set("annotations", json!(annotations));
    }
    if span["tags"] == json!({}) {
        span.as_object_mut().map(|fields| fields.remove("tags"));
    }
    span
}

fn kind(number: &Value) -> Option<&'static str> {
    match number.as_str()? {
        "2" => Some("SERVER"),
        "3" => Some("CLIENT"),
        "4" => Some("PRODUCER"),
        "5" => Some("CONSUMER"),
        _ => None,
    }
}

fn annotation(event: &Value) -> Value {
    let name = event["name"].as_str().unwrap_or_default();
    let dropped = event["droppedAttributesCount"].as_str();
    let value = match (event["attributes"].is_null(), dropped) {
        (true, None) => name.to_owned(),
        (_, dropped) => format!(
            "{name}|{}|{}",
            object(&event["attributes"]),
            dropped.unwrap_or("0")
        ),
    };
    json!({"timestamp": nanos(&event["timeUnixNano"]) / 1000, "value": value})
}

fn link_text(link: &Value) -> String {
    let id = |key: &str, digits: usize| match link[key].as_str() {
        Some(id) => id.to_owned(),
        None => "0".repeat(digits),
    };
    format!(
        "{}|{}|{}|{}|{}",
        id("traceId", 32),
        id("spanId", 16),
        link["traceState"].as_str().unwrap_or_default(),
        object(&link["attributes"]),
        link["droppedAttributesCount"].as_str().unwrap_or("0")
    )
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The keys and values of a list of attributes.
pub(super) fn attributes(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(value).map(|attribute| {
        let key = attribute["key"].as_str().unwrap_or_default();
        (key, &attribute["value"])
    })
}

/// A number of nanoseconds.
pub(super) fn nanos(value: &Value) -> u64 {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// A value as a tag has it.
pub(super) fn text(value: &Value) -> String {
    match plain(value) {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// Attributes as one JSON object, in their order.
fn object(list: &Value) -> String {
    let entries = attributes(list).map(|(key, value)| format!("{}:{}", json!(key), plain(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
}

/// A value as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), inner.as_str()) {
        ("intValue" | "doubleValue", Some(digits)) => {
            serde_json::from_str(digits).unwrap_or_else(|_| inner.clone())
        }
        ("arrayValue", _) => list(&inner["values"]).map(plain).collect(),
        ("kvlistValue", _) => attributes(&inner["values"])
            .map(|(key, value)| (key.to_owned(), plain(value)))
            .collect(),
        _ => inner.clone(),
    }
}
