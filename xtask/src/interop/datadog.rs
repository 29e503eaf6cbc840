//! The exporter to Datadog, in front of a Collector whose receiver takes what a Datadog Agent sends. That receiver knows
//! spans, series and sketches; logs and statistics are checked against the strict fake alone.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::carried::{attributes, number, text};
use super::collector::taking;
use super::golden::Golden;
use crate::end_to_end::arrived;
use crate::hub::Ports;
use crate::otlp_json::Items;
use crate::process::free_port;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// Spans, series and sketches.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("hub to Collector: datadog, spans", |_| spans(setting));
    steps.run("hub to Collector: datadog, metrics", |_| metrics(setting));
}

/// Sends the golden set of a signal through the hub, and returns it with what came out of the Collector.
fn through(
    setting: &Setting,
    directory: &Path,
    signal: Signal,
    at_least: usize,
) -> Result<(Value, Items)> {
    let (port, ports) = (free_port()?, Ports::free()?);
    let receiver = format!("datadog:\n    endpoint: 127.0.0.1:{port}");
    let _collector = taking(setting, directory, &receiver, &[signal.name()], port)?;
    let configuration = format!(
        "{}exporters:\n  datadog:\n    api:\n      key: 0123456789abcdef0123456789abcdef\n    traces:\n      endpoint: http://127.0.0.1:{port}\n\
         \x20   metrics:\n      endpoint: http://127.0.0.1:{port}\nservice:\n  pipelines:\n    {signal}:\n      receivers: [otlp]\n      exporters: [datadog]\n",
        ports.receivers()
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    let golden = Golden::send(signal, ports)?.json()?;
    let found = arrived(&directory.join("received.jsonl"), at_least)?;
    hub.stop()?;
    Ok((golden, found))
}

/// Scenario: the golden spans leave by `datadog` to the Collector's receiver.
/// Guarantee: every span comes out with its ids (the trace's lower half), times, kind, error and service, and with every
/// attribute: texts as they were, numbers as numbers, the rest as text.
fn spans(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/datadog-spans")?;
    let count = fanlight_testkit::golden(Signal::Traces).items();
    let (golden, found) = through(setting, &directory, Signal::Traces, count)?;
    let sent = Items::from_lines(&golden.to_string())?;
    let sent: BTreeMap<String, Value> = sent
        .values()
        .map(|item| carried_span(&item, &item))
        .collect();
    let originals: BTreeMap<String, Value> = Items::from_lines(&golden.to_string())?
        .values()
        .map(|item| (id(&item["item"]), item))
        .collect();
    let received: BTreeMap<String, Value> = found
        .values()
        .filter_map(|item| {
            let original = originals.get(&id(&item["item"]))?;
            Some(carried_span(&item, original))
        })
        .collect();
    ensure!(
        received.len() == sent.len(),
        "{} of {} spans",
        received.len(),
        sent.len()
    );
    for (id, span) in &sent {
        let found = &received[id];
        ensure!(
            found == span,
            "span {id} came out as {found:#}\nand was {span:#}"
        );
    }
    Ok(Tests::ONE)
}

fn id(span: &Value) -> String {
    span["spanId"].as_str().unwrap_or_default().to_owned()
}

/// What Datadog's format carries of a span, whichever side it is read on; the attributes are those of the original.
fn carried_span(item: &Value, original: &Value) -> (String, Value) {
    let span = &item["item"];
    let trace = span["traceId"].as_str().unwrap_or_default();
    let service = attributes(&item["resource"]).get("service.name").map(text);
    let own = attributes(span);
    let asked = attributes(&original["item"]);
    // The receiver drops a tag without a name.
    let values: BTreeMap<&String, Option<String>> = asked
        .keys()
        .filter(|key| !key.is_empty())
        .map(|key| (key, own.get(key).map(|value| rounded(&text(value)))))
        .collect();
    let kind = match span["kind"].as_str() {
        Some(kind) => kind.to_owned(),
        None => "0".to_owned(),
    };
    let carried = json!({
        "trace": trace.get(16..),
        "parent": span["parentSpanId"],
        "start": span["startTimeUnixNano"],
        "end": span["endTimeUnixNano"],
        "kind": kind,
        "error": span["status"]["code"] == "2",
        "service": service.unwrap_or_else(|| "otlpresourcenoservicename".to_owned()),
        "attributes": values,
    });
    (id(span), carried)
}

/// Numbers are doubles on the way: the largest whole ones lose their last digit.
fn rounded(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => text.to_owned(),
    }
}

/// Scenario: the golden metrics leave by `datadog` to the Collector's receiver.
/// Guarantee: every gauge and every delta comes out with its name, tags, value and time in seconds; a histogram that is
/// delta as a sketch of as many values, with their sum.
fn metrics(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/datadog-metrics")?;
    let (golden, found) = through(setting, &directory, Signal::Metrics, 13)?;
    let received: Vec<Value> = found.values().map(|item| item["item"].clone()).collect();
    let sent = Items::from_lines(&golden.to_string())?;
    let mut compared = 0;
    for item in sent.values() {
        compared += usize::from(compare(&item["item"], &received)?);
    }
    ensure!(compared >= 6, "only {compared} points were compared");
    Ok(Tests::ONE)
}

/// Finds a golden point among what came out; `false` for one that Datadog has no place for or that is held back.
fn compare(metric: &Value, received: &[Value]) -> Result<bool> {
    let Some((kind, becomes)) = becomes(metric) else {
        return Ok(false);
    };
    let point = &metric[kind]["dataPoints"][0];
    let expected = values(point);
    if expected.contains(&None) || point["flags"] == "1" {
        return Ok(false);
    }
    let name = metric["name"].as_str().unwrap_or_default();
    let name = match name.starts_with("system.") || name.starts_with("process.") {
        true => format!("otel.{name}"),
        false => name.to_owned(),
    };
    let tags = attributes(point);
    let is_it = |candidate: &&Value| {
        let point = &candidate[becomes]["dataPoints"][0];
        let found = attributes(point);
        let has = |(key, value): (&String, &Value)| {
            let value = text(value);
            let value = if value.is_empty() {
                "n/a".to_owned()
            } else {
                value
            };
            key.is_empty() || found.get(key).map(text) == Some(value)
        };
        candidate["name"] == name && point.is_object() && tags.iter().all(has)
    };
    let Some(candidate) = received.iter().find(is_it) else {
        let names: Vec<&Value> = received.iter().map(|metric| &metric["name"]).collect();
        bail!("{name} with {tags:?} did not come out, but {names:?}");
    };
    let found = &candidate[becomes]["dataPoints"][0];
    let value = values(found);
    ensure!(
        value == expected,
        "{name} is {value:?} and not {expected:?}"
    );
    let nanoseconds = point["timeUnixNano"]
        .as_str()
        .and_then(|text| text.parse::<u64>().ok());
    let seconds = nanoseconds.unwrap_or_default() / 1_000_000_000;
    let time = format!("{seconds}000000000");
    ensure!(
        found["timeUnixNano"] == time,
        "the time of {name} is {} and not {time}",
        found["timeUnixNano"]
    );
    Ok(true)
}

/// The kind of a metric and what the receiver makes of it, if it is sent at once.
fn becomes(metric: &Value) -> Option<(&'static str, &'static str)> {
    let kinds = ["gauge", "sum", "histogram", "exponentialHistogram"];
    let kind = kinds.into_iter().find(|kind| metric.get(kind).is_some())?;
    let is_delta = metric[kind]["aggregationTemporality"] == "1";
    let becomes = match kind {
        "gauge" => "gauge",
        "sum" if is_delta => "sum",
        "sum" if metric[kind]["isMonotonic"] != true => "gauge",
        "histogram" | "exponentialHistogram" if is_delta => "exponentialHistogram",
        _ => return None,
    };
    Some((kind, becomes))
}

/// A point's number, or how many values it counts and their sum.
fn values(point: &Value) -> Vec<Option<f64>> {
    match point.get("count") {
        Some(count) => vec![float(count), float(&point["sum"])],
        None => {
            let number = point.get("asInt").or(point.get("asDouble"));
            vec![number.and_then(float)]
        }
    }
}

/// A finite number, which canonical OTLP/JSON has as text.
fn float(value: &Value) -> Option<f64> {
    let parsed = match number(value) {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    };
    parsed.filter(|float: &f64| float.is_finite())
}
