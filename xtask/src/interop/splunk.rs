//! Splunk's HTTP Event Collector: Splunk itself is in no package registry, so a Collector's receiver takes what the hub sends,
//! and the hub's own receiver must read the same out of it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::collector::taking;
use super::golden::Golden;
use crate::hub::{Hub, Ports};
use crate::process::{eventually, free_port};
use crate::steps::{Steps, Tests};
use crate::{end_to_end, workspace};

/// Which token the hub sends, and both receivers pass on.
const TOKEN: &str = "11111111-1111-1111-1111-111111111111";

/// Golden set through the format, twice.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run(
        "hub to a Collector's and a hub's splunk_hec receiver",
        |_| through_both(setting),
    );
}

/// Scenario: the hub sends the golden spans, log records and data points as events to a Collector's receiver, and to another
/// hub's.
/// Guarantee: both have the same log records and data points, field by field; among them is every span, every log record that
/// has a body, with its time, and every number.
fn through_both(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/splunk")?;
    let (collector, other) = (directory.join("collector"), directory.join("other"));
    let port = free_port()?;
    let receiver =
        format!("splunk_hec:\n    endpoint: 127.0.0.1:{port}\n    access_token_passthrough: true");
    let _collector = taking(setting, &collector, &receiver, &["logs", "metrics"], port)?;
    let own = free_port()?;
    let ports = Ports::free()?;
    let configuration = format!(
        "receivers:\n  splunk_hec:\n    endpoint: 127.0.0.1:{own}\n    access_token_passthrough: true\n{}",
        end_to_end::file_exporter(&other)
    );
    let second = Hub::start(&setting.hub()?, &other, ports, &configuration)?;
    let ports = Ports::free()?;
    let exporter = |name: &str, port: u16| {
        format!(
            "  splunk_hec/{name}:\n    token: {TOKEN}\n    endpoint: http://127.0.0.1:{port}\n    source: golden\n    sourcetype: otel\n"
        )
    };
    let configuration = format!(
        "{}exporters:\n{}{}",
        ports.receivers(),
        exporter("collector", port),
        exporter("hub", own)
    );
    let first = setting.start_hub(&directory, ports, &configuration)?;
    let logs = Golden::send(Signal::Logs, ports)?.json()?;
    let metrics = Golden::send(Signal::Metrics, ports)?.json()?;
    let traces = Golden::send(Signal::Traces, ports)?.json()?;
    let wanted = [bodies(&logs), numbers(&metrics), ids(&traces)].concat();
    let (theirs, ours) = eventually(Duration::from_secs(60), || {
        let (theirs, ours) = (items(&collector)?, items(&other)?);
        for parts in &wanted {
            let has = |item: &String| parts.iter().all(|part| item.contains(part));
            ensure!(theirs.iter().any(has), "the Collector has no {parts:?}");
        }
        let (has, all) = (ours.len(), theirs.len());
        ensure!(has == all, "{all} items at the Collector, {has} at the hub");
        Ok((theirs, ours))
    })?;
    for (theirs, ours) in theirs.iter().zip(&ours) {
        ensure!(
            theirs == ours,
            "the Collector has\n{theirs}\nthe hub has\n{ours}"
        );
    }
    first.stop()?;
    second.stop()?;
    Ok(Tests::passed(2))
}

/// Of each log record that has a body, other than bytes: the body and the time.
fn bodies(request: &Value) -> Vec<Vec<String>> {
    let mut bodies = Vec::new();
    for resource in list(&request["resourceLogs"]) {
        for scope in list(&resource["scopeLogs"]) {
            for record in list(&scope["logRecords"]) {
                let time = match record.get("timeUnixNano") {
                    Some(time) => time,
                    None => &record["observedTimeUnixNano"],
                };
                let body = normal(&record["body"]);
                let is_blank = body.is_null() || body == json!({"stringValue": ""});
                if !is_blank && body.get("bytesValue").is_none() {
                    let time = normal(&json!({ "timeUnixNano": time }));
                    bodies.push(vec![
                        format!("\"body\":{body}"),
                        time.to_string().trim_matches(['{', '}']).to_owned(),
                    ]);
                }
            }
        }
    }
    bodies
}

/// Of each span that has ids: these.
fn ids(request: &Value) -> Vec<Vec<String>> {
    let mut ids = Vec::new();
    for resource in list(&request["resourceSpans"]) {
        for span in list(&resource["scopeSpans"]).flat_map(|scope| list(&scope["spans"])) {
            if let (Some(trace), Some(id)) = (span["traceId"].as_str(), span["spanId"].as_str()) {
                let text = |id: &str| format!("{{\"stringValue\":\"{}\"}}", id.to_lowercase());
                ids.push(vec![text(trace), text(id)]);
            }
        }
    }
    ids
}

/// Of each number: the metric's name, and the value.
fn numbers(request: &Value) -> Vec<Vec<String>> {
    let mut numbers = Vec::new();
    for resource in list(&request["resourceMetrics"]) {
        for metric in list(&resource["scopeMetrics"]).flat_map(|scope| list(&scope["metrics"])) {
            for kind in ["gauge", "sum"] {
                for point in list(&metric[kind]["dataPoints"]) {
                    let value = normal(point)["asDouble"].clone();
                    if value.is_number() {
                        numbers.push(vec![
                            format!("\"name\":{}", metric["name"]),
                            format!("\"asDouble\":{value}"),
                        ]);
                    }
                }
            }
        }
    }
    numbers
}

/// What arrived, one text for each log record and data point, sorted.
fn items(directory: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(directory.join("received.jsonl")).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut items = Vec::new();
    for line in whole.lines() {
        let request: Value = serde_json::from_str(line)?;
        for (root, scopes, kind) in [
            ("resourceLogs", "scopeLogs", "logRecords"),
            ("resourceMetrics", "scopeMetrics", "metrics"),
        ] {
            for resource in list(&request[root]) {
                for item in list(&resource[scopes]).flat_map(|scope| list(&scope[kind])) {
                    let whole = json!([sorted(&resource["resource"]["attributes"]), normal(item)]);
                    items.push(whole.to_string());
                }
            }
        }
    }
    items.sort();
    Ok(items)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Attributes have no order.
fn sorted(attributes: &Value) -> Value {
    let mut list: Vec<Value> = list(attributes).map(normal).collect();
    list.sort_by_key(|attribute| attribute["key"].to_string());
    list.into()
}

/// The same for both: the Collector reads every number as a double, times too, which are exact to a microsecond then.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut changed = serde_json::Map::new();
            for (key, value) in members {
                let (key, value) = match (key.as_str(), value) {
                    ("intValue" | "asInt", value) => {
                        let text = value
                            .as_str()
                            .map(str::to_owned)
                            .unwrap_or_else(|| value.to_string());
                        let key = if key == "asInt" {
                            "asDouble"
                        } else {
                            "doubleValue"
                        };
                        (key, json!(text.parse::<f64>().unwrap_or(f64::NAN)))
                    }
                    ("doubleValue" | "asDouble", value) => (key.as_str(), json!(value.as_f64())),
                    ("timeUnixNano", Value::String(time)) => {
                        let nanoseconds: u64 = time.parse().unwrap_or_default();
                        ("timeUnixNano", json!((nanoseconds + 500) / 1000))
                    }
                    ("attributes" | "values", value)
                        if list(value).any(|value| value.get("key").is_some()) =>
                    {
                        (key.as_str(), sorted(value))
                    }
                    // Defaults, which one of the two writes.
                    ("values", Value::Array(values)) if values.is_empty() => continue,
                    ("key", Value::String(key)) if key.is_empty() => continue,
                    ("traceId" | "spanId" | "flags" | "observedTimeUnixNano", _) => continue,
                    (key, value) => (key, normal(value)),
                };
                changed.insert(key.to_owned(), value);
            }
            changed.into()
        }
        Value::Array(values) => values.iter().map(normal).collect(),
        other => other.clone(),
    }
}
