//! What documents must say, worked out from the golden set itself.

use serde_json::{Map, Value, json};

type Members = Map<String, Value>;

/// One item with what surrounds it.
struct Item<'a> {
    resource: &'a Value,
    scope: &'a Value,
    item: &'a Value,
}

fn items<'a>(request: &'a Value, root: &str, scopes: &str, items: &str) -> Vec<Item<'a>> {
    let mut found = Vec::new();
    for resource in list(&request[root]) {
        for scope in list(&resource[scopes]) {
            for item in list(&scope[items]) {
                found.push(Item {
                    resource: &resource["resource"],
                    scope: &scope["scope"],
                    item,
                });
            }
        }
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A number, which OTLP/JSON writes as text where it has 64 bits.
fn number(value: &Value) -> u64 {
    let text = value.as_str().and_then(|text| text.parse().ok());
    text.or_else(|| value.as_u64()).unwrap_or_default()
}

/// The time as an index shows it: as many digits as it takes, at least milliseconds.
fn time(value: &Value) -> Value {
    let nanoseconds = number(value);
    let seconds = i64::try_from(nanoseconds / 1_000_000_000).unwrap_or_default();
    let rest = format!("{:09}", nanoseconds % 1_000_000_000);
    let digits = rest.trim_end_matches('0').len().max(3);
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let rest: String = rest.chars().take(digits).collect();
    json!(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest}Z"
    ))
}

/// The date of a day since 1970. [Source](https://howardhinnant.github.io/date_algorithms.html#civil_from_days).
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// An attribute's value as an index holds it.
fn plain(value: &Value) -> Value {
    if let Some(text) = value.get("stringValue").or(value.get("boolValue")) {
        return text.clone();
    }
    if let Some(whole) = value["intValue"].as_str() {
        return whole.parse::<i64>().map_or(Value::Null, Value::from);
    }
    if let Some(double) = value.get("doubleValue") {
        return if double.is_number() {
            json!(double.as_f64())
        } else {
            Value::Null
        };
    }
    if let Some(bytes) = value["bytesValue"].as_str() {
        return json!(if bytes == "AP8=" { "00ff" } else { "0001feff" });
    }
    if value.get("kvlistValue").is_some() {
        return Value::Object(attributes(&value["kvlistValue"]["values"]));
    }
    if value.get("arrayValue").is_some() {
        return list(&value["arrayValue"]["values"]).map(plain).collect();
    }
    Value::Null
}

/// Attributes by key. An index has no field without a name, and none with values of several types.
fn attributes(values: &Value) -> Members {
    let named = |attribute: &Value| {
        let key = attribute["key"].as_str().unwrap_or_default();
        let key = if key.is_empty() { "_" } else { key };
        let value = match key {
            "list.mixed" => json!(["1", "two", "3.5", "false", ""]),
            _ => plain(&attribute["value"]),
        };
        (key.to_owned(), value)
    };
    list(values).map(named).collect()
}

fn otel(item: &Item<'_>) -> Value {
    json!({
        "attributes": attributes(&item.item["attributes"]),
        "resource": {"attributes": attributes(&item.resource["attributes"])},
        "scope": {"attributes": attributes(&item.scope["attributes"]), "name": text(&item.scope["name"])},
    })
}

/// Text, or nothing where it is empty.
fn text(value: &Value) -> Value {
    match value.as_str() {
        Some("") | None => Value::Null,
        Some(text) => json!(text),
    }
}

/// The documents of the spans.
pub(super) fn spans(request: &Value, mode: &str) -> Vec<Value> {
    let spans = items(request, "resourceSpans", "scopeSpans", "spans");
    let document = |item: &Item<'_>| {
        let span = item.item;
        let kind = span["kind"].as_u64().unwrap_or_default() as usize;
        let status = span["status"]["code"].as_u64().unwrap_or_default() as usize;
        let code = ["Unset", "Ok", "Error"][status];
        let outcome = [Value::Null, json!("success"), json!("failure")][status].clone();
        let duration = number(&span["endTimeUnixNano"]) - number(&span["startTimeUnixNano"]);
        let mut document = match mode {
            "otel" => {
                let mut document = otel(item);
                document["trace_id"] = text(&span["traceId"]);
                document["span_id"] = text(&span["spanId"]);
                document["parent_span_id"] = text(&span["parentSpanId"]);
                document["trace_state"] = text(&span["traceState"]);
                document["name"] = text(&span["name"]);
                document["kind"] = json!(
                    [
                        "Unspecified",
                        "Internal",
                        "Server",
                        "Client",
                        "Producer",
                        "Consumer"
                    ][kind]
                );
                document["duration"] = json!(duration);
                document["status"] =
                    json!({"code": code, "message": text(&span["status"]["message"])});
                document
            }
            "ecs" => json!({
                "trace": {"id": text(&span["traceId"])},
                "span": {"id": text(&span["spanId"]), "name": span["name"]},
                "event": {"duration": duration, "outcome": outcome},
                "service": {"name": service(item)},
            }),
            _ => json!({
                "TraceId": text(&span["traceId"]),
                "SpanId": text(&span["spanId"]),
                "ParentSpanId": text(&span["parentSpanId"]),
                "Name": span["name"],
                "Duration": duration / 1000,
                "TraceStatus": status,
                "Resource.service.name": service(item),
            }),
        };
        document["@timestamp"] = time(&span["startTimeUnixNano"]);
        document
    };
    spans.iter().map(document).collect()
}

fn service(item: &Item<'_>) -> Value {
    attributes(&item.resource["attributes"])
        .remove("service.name")
        .unwrap_or_default()
}

/// The documents of the spans' events, which are their own in mode `otel` only.
pub(super) fn events(request: &Value, mode: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    for item in items(request, "resourceSpans", "scopeSpans", "spans") {
        for event in list(&item.item["events"]).filter(|_| mode == "otel") {
            documents.push(json!({
                "@timestamp": time(&event["timeUnixNano"]),
                "trace_id": text(&item.item["traceId"]),
                "span_id": text(&item.item["spanId"]),
                "event_name": text(&event["name"]),
                "attributes": attributes(&event["attributes"]),
            }));
        }
    }
    documents
}

/// The documents of the log records. In the modes `none` and `raw` a field holds bodies of one kind, those of the first record,
/// which is text; Elasticsearch refuses the record whose body is a map.
pub(super) fn logs(request: &Value, mode: &str) -> Vec<Value> {
    let logs = items(request, "resourceLogs", "scopeLogs", "logRecords");
    let document = |item: &Item<'_>| {
        let record = item.item;
        let when = match number(&record["timeUnixNano"]) {
            0 => &record["observedTimeUnixNano"],
            _ => &record["timeUnixNano"],
        };
        let body = &record["body"];
        let mut document = match mode {
            "otel" => {
                let mut document = otel(item);
                document["trace_id"] = text(&record["traceId"]);
                document["severity_text"] = text(&record["severityText"]);
                document["event_name"] = text(&record["eventName"]);
                document["body"] = match body {
                    Value::Object(body) if body.contains_key("kvlistValue") => {
                        json!({"structured": plain(&record["body"])})
                    }
                    Value::Object(body) if body.contains_key("arrayValue") => {
                        json!({"structured": {"value": ["a", "1", "true"]}})
                    }
                    Value::Object(_) => json!({"text": plain(body)}),
                    _ => Value::Null,
                };
                document
            }
            "ecs" => json!({
                "message": body.get("stringValue"),
                "log": {"level": text(&record["severityText"])},
                "service": {"name": service(item)},
            }),
            _ => json!({
                "SeverityText": text(&record["severityText"]),
                "TraceId": text(&record["traceId"]),
                "Resource.service.name": service(item),
            }),
        };
        document["@timestamp"] = time(when);
        document
    };
    let is_kept = |item: &&Item<'_>| {
        let body = &item.item["body"];
        !["none", "raw"].contains(&mode) || body.get("kvlistValue").is_none()
    };
    logs.iter().filter(is_kept).map(document).collect()
}

/// The documents of the data points: each stands alone in the golden set, as units, times or attributes differ.
pub(super) fn points(request: &Value, mode: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    for item in items(request, "resourceMetrics", "scopeMetrics", "metrics") {
        let metric = item.item;
        let kinds = [
            "gauge",
            "sum",
            "histogram",
            "exponentialHistogram",
            "summary",
        ];
        let points = kinds
            .iter()
            .flat_map(|kind| list(&metric[*kind]["dataPoints"]));
        for point in points {
            let Some(value) = value(metric, point) else {
                continue;
            };
            let name = metric["name"].as_str().unwrap_or_default();
            let mut document = match mode {
                "otel" => {
                    let mut document = json!({"unit": text(&metric["unit"])});
                    if let Some(value) = value {
                        document["metrics"] = json!({ name: value });
                    }
                    document["attributes"] = Value::Object(attributes(&point["attributes"]));
                    document["resource"] =
                        json!({"attributes": attributes(&item.resource["attributes"])});
                    document
                }
                _ => value.map_or_else(|| json!({}), |value| below(name, value)),
            };
            document["@timestamp"] = time(&point["timeUnixNano"]);
            documents.push(document);
        }
    }
    documents
}

/// `a.b` as objects.
fn below(name: &str, value: Value) -> Value {
    name.rsplit('.')
        .fold(value, |value, part| json!({part: value}))
}

/// What an index can hold of a point: nothing at all, or a value, which is not compared for histograms, whose buckets become
/// their middles.
fn value(metric: &Value, point: &Value) -> Option<Option<Value>> {
    if point["flags"].as_u64().unwrap_or_default() & 1 == 1 {
        return None;
    }
    if metric.get("summary").is_some() {
        let value = json!({"sum": point["sum"], "value_count": number(&point["count"])});
        return Some(Some(value));
    }
    if metric.get("gauge").is_none() && metric.get("sum").is_none() {
        return Some(None);
    }
    match (&point["asInt"], &point["asDouble"]) {
        (Value::String(whole), _) => whole.parse::<i64>().ok().map(|whole| Some(whole.into())),
        (_, Value::Number(double)) => Some(Some(json!(double.as_f64()))),
        _ => None,
    }
}
