//! The rows that an OTLP/JSON request should become, computed from the JSON alone.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value, json};

use crate::interop::golden::Golden;

type Rows = BTreeMap<&'static str, Vec<Value>>;

/// The rows by table.
pub(super) fn rows(requests: &[Golden]) -> Result<Rows> {
    let mut rows = Rows::new();
    for request in requests {
        let request = request.json()?;
        for (resources, scopes, items) in [
            ("resourceSpans", "scopeSpans", "spans"),
            ("resourceLogs", "scopeLogs", "logRecords"),
            ("resourceMetrics", "scopeMetrics", "metrics"),
        ] {
            for resource in list(&request[resources]) {
                for scope in list(&resource[scopes]) {
                    for item in list(&scope[items]) {
                        match items {
                            "spans" => rows
                                .entry("otel_traces")
                                .or_default()
                                .push(span(resource, scope, item)),
                            "logRecords" => rows
                                .entry("otel_logs")
                                .or_default()
                                .push(log(resource, scope, item)),
                            _ => metric(&mut rows, resource, scope, item),
                        }
                    }
                }
            }
        }
    }
    Ok(rows)
}

/// A row in which equal values have equal text: numbers as text, JSON within texts sorted.
pub(super) fn canonical(row: Value) -> Value {
    match row {
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, canonical(value)));
            Value::Object(fields.collect())
        }
        Value::Array(values) => values.into_iter().map(canonical).collect(),
        Value::Bool(flag) => json!(flag.to_string()),
        Value::Number(number) => json!(digits(
            number.as_f64().filter(|_| number.is_f64()),
            &number.to_string()
        )),
        Value::String(text) if text.starts_with(['{', '[']) => {
            match serde_json::from_str::<Value>(&text) {
                Ok(value) => json!(canonical(value).to_string()),
                Err(_) => json!(text),
            }
        }
        Value::String(text) => json!(match &*text {
            "inf" | "+inf" => "Infinity",
            "-inf" => "-Infinity",
            "nan" => "NaN",
            text => text,
        }),
        Value::Null => json!(""),
    }
}

fn digits(float: Option<f64>, text: &str) -> String {
    float.map_or_else(|| text.to_owned(), |float| float.to_string())
}

fn span(resource: &Value, scope: &Value, span: &Value) -> Value {
    let (start, end) = (
        number(&span["startTimeUnixNano"]),
        number(&span["endTimeUnixNano"]),
    );
    let kinds = [
        "Unspecified",
        "Internal",
        "Server",
        "Client",
        "Producer",
        "Consumer",
    ];
    let codes = ["Unset", "Ok", "Error"];
    let name = |names: &[&str], index: &Value| {
        let index = usize::try_from(index.as_u64().unwrap_or_default()).unwrap_or_default();
        names.get(index).copied().unwrap_or_default().to_owned()
    };
    let of = |field: &str, each: &dyn Fn(&Value) -> Value| -> Value {
        list(&span[field]).map(each).collect()
    };
    json!({
        "Time": start.to_string(),
        "TraceId": id(&span["traceId"]),
        "SpanId": id(&span["spanId"]),
        "ParentSpanId": id(&span["parentSpanId"]),
        "TraceState": text(&span["traceState"]),
        "SpanName": text(&span["name"]),
        "SpanKind": name(&kinds, &span["kind"]),
        "ServiceName": service(resource),
        "ResourceAttributes": attributes(&resource["resource"]["attributes"]),
        "ScopeName": text(&scope["scope"]["name"]),
        "ScopeVersion": text(&scope["scope"]["version"]),
        "SpanAttributes": attributes(&span["attributes"]),
        "Duration": end.saturating_sub(start).to_string(),
        "StatusCode": name(&codes, &span["status"]["code"]),
        "StatusMessage": text(&span["status"]["message"]),
        "EventTimes": of("events", &|event| json!(number(&event["timeUnixNano"]).to_string())),
        "EventNames": of("events", &|event| json!(text(&event["name"]))),
        "EventAttributes": of("events", &|event| attributes(&event["attributes"])),
        "LinkTraceIds": of("links", &|link| json!(id(&link["traceId"]))),
        "LinkSpanIds": of("links", &|link| json!(id(&link["spanId"]))),
        "LinkTraceStates": of("links", &|link| json!(text(&link["traceState"]))),
        "LinkAttributes": of("links", &|link| attributes(&link["attributes"])),
    })
}

fn log(resource: &Value, scope: &Value, log: &Value) -> Value {
    let time = match number(&log["timeUnixNano"]) {
        0 => number(&log["observedTimeUnixNano"]),
        time => time,
    };
    json!({
        "Time": time.to_string(),
        "TraceId": id(&log["traceId"]),
        "SpanId": id(&log["spanId"]),
        "TraceFlags": number(&log["flags"]) & 0xff,
        "SeverityText": text(&log["severityText"]),
        "SeverityNumber": number(&log["severityNumber"]),
        "ServiceName": service(resource),
        "Body": value_text(&log["body"]),
        "ResourceSchemaUrl": text(&resource["schemaUrl"]),
        "ResourceAttributes": attributes(&resource["resource"]["attributes"]),
        "ScopeSchemaUrl": text(&scope["schemaUrl"]),
        "ScopeName": text(&scope["scope"]["name"]),
        "ScopeVersion": text(&scope["scope"]["version"]),
        "ScopeAttributes": attributes(&scope["scope"]["attributes"]),
        "LogAttributes": attributes(&log["attributes"]),
        "EventName": text(&log["eventName"]),
    })
}

fn metric(rows: &mut Rows, resource: &Value, scope: &Value, metric: &Value) {
    for (kind, table) in [
        ("gauge", "otel_metrics_gauge"),
        ("sum", "otel_metrics_sum"),
        ("histogram", "otel_metrics_histogram"),
        ("exponentialHistogram", "otel_metrics_exponential_histogram"),
        ("summary", "otel_metrics_summary"),
    ] {
        for point in list(&metric[kind]["dataPoints"]) {
            let mut row = of_all_metrics(resource, scope, metric, point);
            if kind != "summary" {
                row.extend(exemplars(point));
            }
            row.extend(values(kind, &metric[kind], point));
            rows.entry(table).or_default().push(Value::Object(row));
        }
    }
}

fn of_all_metrics(
    resource: &Value,
    scope: &Value,
    metric: &Value,
    point: &Value,
) -> Map<String, Value> {
    object(json!({
        "ServiceName": service(resource),
        "MetricName": text(&metric["name"]),
        "MetricDescription": text(&metric["description"]),
        "MetricUnit": text(&metric["unit"]),
        "Attributes": attributes(&point["attributes"]),
        "ResourceAttributes": attributes(&resource["resource"]["attributes"]),
        "ResourceSchemaUrl": text(&resource["schemaUrl"]),
        "ScopeName": text(&scope["scope"]["name"]),
        "ScopeVersion": text(&scope["scope"]["version"]),
        "ScopeAttributes": attributes(&scope["scope"]["attributes"]),
        "ScopeDroppedAttrCount": number(&scope["scope"]["droppedAttributesCount"]),
        "ScopeSchemaUrl": text(&scope["schemaUrl"]),
        "Start": number(&point["startTimeUnixNano"]).to_string(),
        "Time": number(&point["timeUnixNano"]).to_string(),
        "Flags": number(&point["flags"]),
    }))
}

fn exemplars(point: &Value) -> Map<String, Value> {
    let of =
        |each: &dyn Fn(&Value) -> Value| -> Value { list(&point["exemplars"]).map(each).collect() };
    object(json!({
        "ExemplarAttributes": of(&|exemplar| attributes(&exemplar["filteredAttributes"])),
        "ExemplarTimes": of(&|exemplar| json!(number(&exemplar["timeUnixNano"]).to_string())),
        "ExemplarValues": of(&measured),
        "ExemplarSpanIds": of(&|exemplar| json!(id(&exemplar["spanId"]))),
        "ExemplarTraceIds": of(&|exemplar| json!(id(&exemplar["traceId"]))),
    }))
}

fn values(kind: &str, data: &Value, point: &Value) -> Map<String, Value> {
    let counts = |list: &Value| -> Value {
        self::list(list)
            .map(|count| json!(number(count).to_string()))
            .collect()
    };
    let floats = |list: &Value| -> Value { self::list(list).map(float).collect() };
    let temporality = number(&data["aggregationTemporality"]);
    object(match kind {
        "gauge" => json!({"Value": measured(point)}),
        "sum" => json!({
            "Value": measured(point),
            "AggregationTemporality": temporality,
            "IsMonotonic": data["isMonotonic"].as_bool().unwrap_or_default(),
        }),
        "histogram" => json!({
            "Count": number(&point["count"]).to_string(),
            "Sum": float(&point["sum"]),
            "BucketCounts": counts(&point["bucketCounts"]),
            "ExplicitBounds": floats(&point["explicitBounds"]),
            "Min": float(&point["min"]),
            "Max": float(&point["max"]),
            "AggregationTemporality": temporality,
        }),
        "exponentialHistogram" => json!({
            "Count": number(&point["count"]).to_string(),
            "Sum": float(&point["sum"]),
            "Scale": point["scale"].as_i64().unwrap_or_default(),
            "ZeroCount": number(&point["zeroCount"]).to_string(),
            "PositiveOffset": point["positive"]["offset"].as_i64().unwrap_or_default(),
            "PositiveBucketCounts": counts(&point["positive"]["bucketCounts"]),
            "NegativeOffset": point["negative"]["offset"].as_i64().unwrap_or_default(),
            "NegativeBucketCounts": counts(&point["negative"]["bucketCounts"]),
            "Min": float(&point["min"]),
            "Max": float(&point["max"]),
            "AggregationTemporality": temporality,
        }),
        _ => json!({
            "Count": number(&point["count"]).to_string(),
            "Sum": float(&point["sum"]),
            "Quantiles": list(&point["quantileValues"]).map(|at| float(&at["quantile"])).collect::<Value>(),
            "QuantileValues": list(&point["quantileValues"]).map(|at| float(&at["value"])).collect::<Value>(),
        }),
    })
}

/// The number of a data point or an exemplar, which ClickHouse keeps as a floating-point number.
fn measured(point: &Value) -> Value {
    match &point["asInt"] {
        Value::Null => float(&point["asDouble"]),
        integer => float(&json!(text(integer).parse::<f64>().unwrap_or_default())),
    }
}

/// A floating-point number as its digits.
fn float(value: &Value) -> Value {
    match value {
        Value::Null => json!("0"),
        Value::String(name) => match name.parse::<f64>() {
            Ok(float) if float.is_finite() => json!(float.to_string()),
            _ => json!(name),
        },
        number => json!(number.as_f64().unwrap_or_default().to_string()),
    }
}

fn attributes(list: &Value) -> Value {
    let entries =
        self::list(list).map(|entry| (text(&entry["key"]), json!(value_text(&entry["value"]))));
    Value::Object(entries.collect())
}

fn service(resource: &Value) -> String {
    let mut attributes = list(&resource["resource"]["attributes"]);
    let found = attributes.find(|entry| entry["key"] == "service.name");
    found
        .map(|entry| value_text(&entry["value"]))
        .unwrap_or_default()
}

/// An `AnyValue` as text.
fn value_text(value: &Value) -> String {
    match plain(value) {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Number(number) => digits(
            number.as_f64().filter(|_| number.is_f64()),
            &number.to_string(),
        ),
        other => other.to_string(),
    }
}

/// An `AnyValue` as plain JSON.
fn plain(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => json!(text(inner).parse::<i64>().unwrap_or_default()),
        "arrayValue" => list(&inner["values"]).map(plain).collect(),
        "kvlistValue" => {
            let entries =
                list(&inner["values"]).map(|entry| (text(&entry["key"]), plain(&entry["value"])));
            Value::Object(entries.collect())
        }
        _ => inner.clone(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Text, or a number as text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn number(value: &Value) -> u64 {
    text(value).parse().unwrap_or_default()
}

/// An id in lower case; empty where all of it is zero.
fn id(value: &Value) -> String {
    let id = text(value).to_lowercase();
    match id.bytes().all(|digit| digit == b'0') {
        true => String::new(),
        false => id,
    }
}
