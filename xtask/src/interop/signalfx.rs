//! The exporters to Splunk Observability Cloud, in front of a Collector that takes what they send.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::carried::{attributes, number, plain, text};
use super::collector::taking;
use super::golden::{Golden, send};
use crate::end_to_end::arrived;
use crate::hub::{Hub, Ports};
use crate::otlp_json::unordered;
use crate::process::free_port;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// Spans by SAPM; data points and events by SignalFx's protocol.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to Collector: sapm", |_| spans(setting));
    steps.run("hub to Collector: signalfx, data points", |_| {
        points(setting)
    });
    steps.run("hub to Collector: signalfx, events", |_| events(setting));
}

/// Starts the hub with one exporter for one signal.
fn hub(
    setting: &Setting,
    directory: &Path,
    exporter: &str,
    signal: Signal,
) -> Result<(Hub, Ports)> {
    let ports = Ports::free()?;
    let id = exporter.split(':').next().unwrap_or_default();
    let configuration = format!(
        "{}exporters:\n  {exporter}\nservice:\n  pipelines:\n    {signal}:\n      receivers: [otlp]\n      exporters: [{id}]\n",
        ports.receivers()
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    Ok((hub, ports))
}

/// Scenario: the golden spans leave by `sapm` to the Collector's receiver.
/// Guarantee: every span comes out equal field by field, but for what Jaeger's model has no place for.
fn spans(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/sapm")?;
    let port = free_port()?;
    let receiver =
        format!("sapm:\n    endpoint: 127.0.0.1:{port}\n    access_token_passthrough: true");
    let _collector = taking(setting, &directory, &receiver, &["traces"], port)?;
    let exporter =
        format!("sapm:\n    endpoint: http://127.0.0.1:{port}\n    access_token: our-token");
    let (hub, ports) = hub(setting, &directory, &exporter, Signal::Traces)?;
    let sent = Golden::send(Signal::Traces, ports)?.items()?;
    let found = arrived(&directory.join("received.jsonl"), sent.len())?;
    found
        .mapped(as_jaeger_has_it)
        .must_equal(&sent.mapped(as_jaeger_has_it))?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// A span in the form that it has before and after Jaeger's model: without flags, dropped counts, schemas, attributes of
/// scopes and links, links to nowhere; lists, maps and nothing as texts. The receiver adds the token that it was given.
fn as_jaeger_has_it(span: &mut Value) {
    for field in ["scopeSchema", "resourceSchema"] {
        remove(span, field);
    }
    remove(&mut span["resource"], "droppedAttributesCount");
    texts(&mut span["resource"]);
    remove(&mut span["scope"], "attributes");
    let item = &mut span["item"];
    for field in [
        "flags",
        "droppedAttributesCount",
        "droppedEventsCount",
        "droppedLinksCount",
    ] {
        remove(item, field);
    }
    texts(item);
    for event in item["events"].as_array_mut().into_iter().flatten() {
        remove(event, "droppedAttributesCount");
        texts(event);
    }
    if let Some(links) = item["links"].as_array_mut() {
        links.retain(|link| link.get("traceId").is_some());
        for link in links {
            for field in ["attributes", "traceState", "flags"] {
                remove(link, field);
            }
        }
    }
    for list in ["links", "events", "attributes"] {
        if item[list].as_array().is_none_or(Vec::is_empty) {
            remove(item, list);
        }
    }
    for context in ["resource", "scope"] {
        if span[context]
            .as_object()
            .is_none_or(serde_json::Map::is_empty)
        {
            remove(span, context);
        }
    }
    unordered(span);
}

fn remove(owner: &mut Value, field: &str) {
    if let Some(fields) = owner.as_object_mut() {
        fields.remove(field);
    }
}

/// Makes texts of the attributes that have no type of their own in Jaeger's model, and takes the receiver's out.
fn texts(owner: &mut Value) {
    let Some(list) = owner.get_mut("attributes").and_then(Value::as_array_mut) else {
        return;
    };
    list.retain(|attribute| attribute["key"] != "com.splunk.signalfx.access_token");
    for attribute in list.iter_mut() {
        let value = attribute.get("value").cloned().unwrap_or_default();
        let is_typed = ["boolValue", "intValue", "doubleValue", "bytesValue"]
            .iter()
            .any(|kind| value.get(kind).is_some());
        if !is_typed {
            attribute["value"] = json!({"stringValue": text(&value)});
        }
        if attribute["key"] == "" {
            remove(attribute, "key");
        }
    }
    if list.is_empty() {
        remove(owner, "attributes");
    }
}

/// A point as SignalFx has it: name, dimensions as one text, milliseconds, value as text.
type Point = (String, String, u64, String);

/// Scenario: the golden metrics leave by `signalfx` to the Collector's receiver.
/// Guarantee: every number comes out with its name, kind, time, value and dimensions; histograms and summaries as the
/// counts, sums, buckets and quantiles that they are.
fn points(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/signalfx-points")?;
    let port = free_port()?;
    let receiver = format!("signalfx:\n    endpoint: 127.0.0.1:{port}");
    let _collector = taking(setting, &directory, &receiver, &["metrics"], port)?;
    let exporter = format!(
        "signalfx:\n    ingest_url: http://127.0.0.1:{port}\n    access_token: our-token\n    exclude_metrics: []"
    );
    let (hub, ports) = hub(setting, &directory, &exporter, Signal::Metrics)?;
    let expected = expected_points(&Golden::send(Signal::Metrics, ports)?.json()?);
    let found = arrived(&directory.join("received.jsonl"), expected.len())?;
    let mut received: Vec<Point> = found
        .values()
        .filter_map(|item| received_point(&item))
        .collect();
    received.sort();
    ensure!(
        received == expected,
        "received {received:#?}\nexpected {expected:#?}"
    );
    hub.stop()?;
    Ok(Tests::ONE)
}

fn received_point(item: &Value) -> Option<Point> {
    let metric = &item["item"];
    let (kind, data) = match (metric.get("gauge"), metric.get("sum")) {
        (Some(data), _) => ("gauge", data),
        (None, Some(data)) if data["aggregationTemporality"] == "1" => ("counter", data),
        (None, Some(data)) => ("cumulative", data),
        (None, None) => return None,
    };
    let point = &data["dataPoints"][0];
    let dimensions = attributes(point);
    let dimensions = dimensions
        .iter()
        .map(|(key, value)| (key.clone(), text(value)));
    let name = metric["name"].as_str()?;
    let nanoseconds: u64 = point["timeUnixNano"].as_str()?.parse().ok()?;
    Some((
        format!("{name} {kind}"),
        format!("{:?}", dimensions.collect::<BTreeMap<_, _>>()),
        nanoseconds / 1_000_000,
        value_text(point)?,
    ))
}

fn value_text(point: &Value) -> Option<String> {
    let value = point.get("asInt").or(point.get("asDouble"))?;
    let value = match value.as_str() {
        Some(text) => text
            .parse()
            .map_or(value.clone(), |number: f64| json!(number)),
        None => value.clone(),
    };
    Some(value.as_f64()?.to_string())
}

/// What the golden metrics become, written down from the documented mapping and not by the exporter.
fn expected_points(request: &Value) -> Vec<Point> {
    let mut points = Vec::new();
    for resource in elements(request, "resourceMetrics") {
        let shared = attributes(&resource["resource"]);
        for scope in elements(resource, "scopeMetrics") {
            for metric in elements(scope, "metrics") {
                expect_metric(metric, &shared, &mut points);
            }
        }
    }
    points.sort();
    points
}

fn elements<'a>(owner: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    owner[list].as_array().into_iter().flatten()
}

/// Adds what one metric becomes.
fn expect_metric(metric: &Value, shared: &BTreeMap<String, Value>, out: &mut Vec<Point>) {
    let kinds = [
        "gauge",
        "sum",
        "histogram",
        "exponentialHistogram",
        "summary",
    ];
    let Some(kind) = kinds.into_iter().find(|kind| metric.get(kind).is_some()) else {
        return;
    };
    let data = &metric[kind];
    let counter = match data["aggregationTemporality"].as_u64() {
        Some(1) => "counter",
        _ => "cumulative",
    };
    for point in elements(data, "dataPoints").filter(|point| point["flags"] != 1) {
        let expected = match kind {
            "gauge" | "sum" => {
                let falls = kind == "gauge" || data["isMonotonic"] != true;
                let value = point.get("asInt").or(point.get("asDouble"));
                let value = value.cloned().unwrap_or_default();
                vec![("", if falls { "gauge" } else { counter }, None, value)]
            }
            _ => distribution(point, counter),
        };
        let dimensions = dimensions(shared, point);
        let nanoseconds = point["timeUnixNano"]
            .as_str()
            .and_then(|text| text.parse::<u64>().ok());
        let name = metric["name"].as_str().unwrap_or_default();
        for (suffix, kind, more, value) in expected {
            let Some(value) = number(&value).as_f64() else {
                continue;
            };
            let mut dimensions = dimensions.clone();
            dimensions.extend(more.map(|(key, value): (&str, String)| (key.to_owned(), value)));
            out.push((
                format!("{name}{suffix} {kind}"),
                format!("{dimensions:?}"),
                nanoseconds.unwrap_or_default() / 1_000_000,
                value.to_string(),
            ));
        }
    }
}

fn dimensions(shared: &BTreeMap<String, Value>, point: &Value) -> BTreeMap<String, String> {
    let own = attributes(point);
    let all = shared.iter().chain(&own);
    let texts = all.map(|(key, value)| (key.clone(), text(value)));
    texts
        .filter(|(key, value)| !key.is_empty() && value.chars().count() <= 256)
        .collect()
}

/// Suffix, kind, a dimension more, and value.
type Part = (
    &'static str,
    &'static str,
    Option<(&'static str, String)>,
    Value,
);

/// What a histogram's or a summary's point becomes.
fn distribution(point: &Value, counter: &'static str) -> Vec<Part> {
    let mut parts = vec![
        ("_count", counter, None, point["count"].clone()),
        ("_sum", counter, None, point["sum"].clone()),
        ("_min", "gauge", None, point["min"].clone()),
        ("_max", "gauge", None, point["max"].clone()),
    ];
    let mut below = 0;
    let bounds: Vec<&Value> = elements(point, "explicitBounds").collect();
    for (place, count) in elements(point, "bucketCounts").enumerate() {
        below += number(count).as_u64().unwrap_or_default();
        let bound = bounds.get(place).and_then(|bound| bound.as_f64());
        let bound = bound.map_or("+Inf".to_owned(), |bound| bound.to_string());
        parts.push(("_bucket", counter, Some(("le", bound)), json!(below)));
    }
    for quantile in elements(point, "quantileValues") {
        let at = quantile["quantile"]
            .as_f64()
            .unwrap_or_default()
            .to_string();
        let value = quantile["value"].clone();
        parts.push(("_quantile", "gauge", Some(("quantile", at)), value));
    }
    parts
}

/// Scenario: a log record that is an event leaves by `signalfx` to the Collector's receiver.
/// Guarantee: category, type, dimensions, properties and time come out as they were.
fn events(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/signalfx-events")?;
    let port = free_port()?;
    let receiver = format!("signalfx:\n    endpoint: 127.0.0.1:{port}");
    let _collector = taking(setting, &directory, &receiver, &["logs"], port)?;
    let exporter =
        format!("signalfx:\n    ingest_url: http://127.0.0.1:{port}\n    access_token: our-token");
    let (hub, ports) = hub(setting, &directory, &exporter, Signal::Logs)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() * 1_000_000;
    let record = json!([
        {"key": "com.splunk.signalfx.event_category", "value": {"intValue": "1000000"}},
        {"key": "com.splunk.signalfx.event_type", "value": {"stringValue": "deployment"}},
        {"key": "com.splunk.signalfx.event_properties", "value": {"kvlistValue": {"values": [
            {"key": "version", "value": {"stringValue": "1.4.2 – Grüße 🎉"}},
            {"key": "replicas", "value": {"intValue": "3"}},
            {"key": "share", "value": {"doubleValue": 0.25}},
            {"key": "forced", "value": {"boolValue": true}},
        ]}}},
        {"key": "who", "value": {"stringValue": ""}},
    ]);
    let request = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "checkout"}}]},
        "scopeLogs": [{"logRecords": [{"timeUnixNano": now.to_string(), "attributes": record}]}],
    }]});
    send(Signal::Logs, ports, &request.to_string())?;
    let found = arrived(&directory.join("received.jsonl"), 1)?;
    let received: Vec<Value> = found.values().collect();
    ensure!(received.len() == 1, "received {received:#?}");
    let item = &received[0]["item"];
    let plainly = |owner: &Value| -> BTreeMap<String, Value> {
        let pairs = attributes(owner).into_iter();
        pairs.map(|(key, value)| (key, plain(&value))).collect()
    };
    let mut expected = plainly(&json!({ "attributes": record }));
    expected.insert("service.name".to_owned(), json!("checkout"));
    let received = plainly(&received[0]["item"]);
    // What was read is canonical: numbers are texts there.
    let same = |left: &Value, right: &Value| {
        left.to_string().replace('"', "") == right.to_string().replace('"', "")
    };
    for (key, value) in &expected {
        let found = received.get(key);
        ensure!(
            found.is_some_and(|found| same(found, value)),
            "{key} is {found:?} and not {value}"
        );
    }
    ensure!(received.len() == expected.len(), "received {received:#?}");
    ensure!(
        item["timeUnixNano"] == now.to_string(),
        "the time is {}",
        item["timeUnixNano"]
    );
    hub.stop()?;
    Ok(Tests::ONE)
}
