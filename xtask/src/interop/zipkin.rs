//! Zipkin on both sides: a real server behind the hub, real clients and a Collector before it.

mod expected;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use fanlight_otlp::Signal;
use serde_json::{Value, json};

use super::Setting;
use super::collector::{Collector, taking};
use super::golden::Golden;
use super::jaeger::trace_ids;
use super::server::zipkin::Zipkin;
use super::tracers::{self, must_be, seen};
use crate::end_to_end::{arrived, file_exporter};
use crate::hub::{Hub, Ports};
use crate::otlp_json::Items;
use crate::process::{eventually, free_port};
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

/// The server, the Collector both ways, and the clients.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for format in ["json", "proto"] {
        steps.run(&format!("hub to Zipkin: {format}"), |_| {
            hub_to_zipkin(setting, format)
        });
        steps.run(
            &format!("hub to the Collector's zipkin receiver: {format}"),
            |_| hub_to_collector(setting, format),
        );
        steps.run(
            &format!("the Collector's zipkin exporter to hub: {format}"),
            |_| collector_to_hub(setting, format),
        );
        steps.run(
            &format!("OpenTelemetry's Python Zipkin exporter: {format}"),
            |_| python_to_hub(setting, format),
        );
    }
    steps.run("OpenTelemetry's JavaScript Zipkin exporter", |_| {
        javascript_to_hub(setting)
    });
    for encoding in ["V1_THRIFT", "V1_JSON", "V2_JSON", "V2_PROTO3"] {
        steps.run(&format!("py_zipkin: {encoding}"), |_| {
            py_zipkin_to_hub(setting, encoding)
        });
    }
}

/// A hub that sends the golden traces to this URL, and what they are.
fn sent(setting: &Setting, directory: &Path, to: &str, format: &str) -> Result<Items> {
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  zipkin:\n    endpoint: {to}\n    format: {format}\n",
        ports.receivers()
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    let sent = Golden::send(Signal::Traces, ports)?.items()?;
    hub.stop()?;
    Ok(sent)
}

/// Scenario: the hub forwards the golden traces to a Zipkin server.
/// Guarantee: every span reads back from its API with every field that Zipkin has, and its service is listed.
fn hub_to_zipkin(setting: &Setting, format: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/zipkin-{format}"))?;
    let zipkin = Zipkin::start(setting, &directory)?;
    let to = format!("http://127.0.0.1:{}/api/v2/spans", zipkin.http);
    let sent = sent(setting, &directory, &to, format)?;
    let ids = trace_ids(&sent);
    let found = eventually(Duration::from_secs(20), || {
        let mut found = BTreeMap::new();
        for id in &ids {
            let answer = http::get(zipkin.http, &format!("/api/v2/trace/{id}"))?.json()?;
            for span in answer.as_array().into_iter().flatten() {
                found.insert(span["id"].to_string(), span.clone());
            }
        }
        let (has, all) = (found.len(), sent.len());
        ensure!(has >= all, "Zipkin has {has} of {all} spans");
        Ok(found)
    })?;
    for span in sent.values() {
        let id = span["item"]["spanId"].to_string();
        let found = found.get(&id).unwrap_or(&Value::Null);
        let mut expected = expected::zipkin(&span);
        if format == "proto" {
            without_empty(&mut expected);
        }
        must_be(found, &expected)?;
    }
    let services = http::get(zipkin.http, "/api/v2/services")?.json()?;
    let expected = json!(["<missing service name>", "checkout", "stock"]);
    ensure!(services == expected, "Zipkin lists {services}");
    Ok(Tests::ONE)
}

/// Takes out tags without a key, and annotations without a value: an empty text is no byte in protobuf, and the server takes
/// what lacks one for broken.
fn without_empty(span: &mut Value) {
    if let Some(tags) = span.get_mut("tags").and_then(Value::as_object_mut) {
        tags.remove("");
    }
    if let Some(annotations) = span.get_mut("annotations").and_then(Value::as_array_mut) {
        annotations.retain(|annotation| annotation["value"] != "");
        if annotations.is_empty() {
            span.as_object_mut().map(|span| span.remove("annotations"));
        }
    }
}

/// Scenario: the hub forwards the golden traces, in Zipkin's format, to a Collector.
/// Guarantee: what the Collector makes of them is what they were, as far as Zipkin's format carries it.
fn hub_to_collector(setting: &Setting, format: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/zipkin-to-collector-{format}"))?;
    let port = free_port()?;
    let receiver = format!("zipkin:\n    endpoint: 127.0.0.1:{port}");
    let _collector = taking(setting, &directory, &receiver, &["traces"], port)?;
    let to = format!("http://127.0.0.1:{port}/api/v2/spans");
    let sent = sent(setting, &directory, &to, format)?;
    let found = arrived(&directory.join("received.jsonl"), sent.len())?;
    let known = |span: &mut Value| {
        as_carried(span);
        // This release does not know `OK` as the specification writes it.
        let status = span["item"]["status"].take();
        if status["code"] != "1" {
            span["item"]["status"] = status;
        }
    };
    found.mapped(known).must_equal(&sent.mapped(known))?;
    Ok(Tests::ONE)
}

/// Scenario: a Collector forwards the golden traces, in Zipkin's format, to the hub.
/// Guarantee: what the hub makes of them is what they were, as far as Zipkin's format carries it.
fn collector_to_hub(setting: &Setting, format: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/zipkin-from-collector-{format}"))?;
    let (hub, port) = receiving(setting, &directory)?;
    let source = Ports::free()?;
    let exporter = format!(
        "zipkin:\n    endpoint: http://127.0.0.1:{port}/api/v2/spans\n    format: {format}"
    );
    let binary = setting.contrib()?;
    let exporter = ("zipkin", exporter.as_str());
    let collector = Collector::of_signals(&binary, &directory, source, exporter, &["traces"])?;
    let sent = Golden::send(Signal::Traces, source)?.items()?;
    let found = arrived(&directory.join("received.jsonl"), sent.len())?;
    let known = |span: &mut Value| {
        as_carried(span);
        // It has no text for NaN and infinity, and a span without a scope gets that of the one before.
        if let Some(tags) = span["tags"].as_object_mut() {
            tags.retain(|key, _| key != "number.nan" && key != "number.inf");
        }
        span["scope"].take();
    };
    found.mapped(known).must_equal(&sent.mapped(known))?;
    drop(collector);
    hub.stop()?;
    Ok(Tests::ONE)
}

/// A hub that takes Zipkin's format on the port, and writes what it takes into the directory.
fn receiving(setting: &Setting, directory: &Path) -> Result<(Hub, u16)> {
    let (ports, port) = (Ports::free()?, free_port()?);
    let configuration = format!(
        "receivers:\n  zipkin:\n    endpoint: 127.0.0.1:{port}\n{}",
        file_exporter(directory)
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    Ok((hub, port))
}

/// Scenario: an application exports with OpenTelemetry's own Zipkin exporter for Python.
/// Guarantee: both spans arrive with every field.
fn python_to_hub(setting: &Setting, format: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/zipkin-python-{format}"))?;
    let (hub, port) = receiving(setting, &directory)?;
    let mut client = tracers::python(setting, "otel_zipkin.py")?;
    client.args([format, &format!("http://127.0.0.1:{port}/api/v2/spans")]);
    tracers::send(client, &directory)?;
    let resource = texts(&[("service.name", "shop"), ("service.version", "1.2")]);
    let scope = json!({"name": "cart", "version": "1.0"});
    // This exporter has a form of its own for events.
    let expected = of_opentelemetry(resource, scope, "{\"slow\": {}}");
    must_be(&seen(&directory, 2)?, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: an application exports with OpenTelemetry's own Zipkin exporter for JavaScript.
/// Guarantee: both spans arrive with every field.
fn javascript_to_hub(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/zipkin-javascript")?;
    let (hub, port) = receiving(setting, &directory)?;
    let mut client = tracers::node(setting)?;
    client.args(["zipkin", &format!("http://127.0.0.1:{port}/api/v2/spans")]);
    tracers::send(client, &directory)?;
    let resource = texts(&[
        ("service.name", "shop"),
        ("service.version", "1.2"),
        ("telemetry.sdk.language", "nodejs"),
        ("telemetry.sdk.name", "opentelemetry"),
        ("telemetry.sdk.version", "1.30.1"),
    ]);
    let expected = of_opentelemetry(resource, Value::Null, "slow");
    must_be(&seen(&directory, 2)?, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// What arrives of an SDK's spans, with what the exporter adds to the resource: texts, since Zipkin has nothing else.
fn of_opentelemetry(resource: Value, scope: Value, event: &str) -> Value {
    let mut expected = json!({
        "GET /cart": {
            "kind": "2",
            "resource": resource,
            "scope": scope,
            "attributes": texts(&[("cached", "false"), ("note", "Grüße 🦀"), ("ratio", "0.25"), ("size", "3")]),
        },
        "SELECT carts": {
            "kind": "3",
            "resource": resource,
            "scope": scope,
            "parent": "GET /cart",
            "events": [{"name": event, "attributes": {}}],
            "status": {"code": "2", "message": "connection lost"},
        },
    });
    for span in expected
        .as_object_mut()
        .into_iter()
        .flat_map(|spans| spans.values_mut())
    {
        tracers::remove_nulls(span);
    }
    expected
}

/// Attributes whose values are texts.
fn texts(attributes: &[(&str, &str)]) -> Value {
    let text = |(key, text): &(&str, &str)| ((*key).to_owned(), json!({"stringValue": text}));
    attributes.iter().map(text).collect()
}

/// Scenario: an application reports with py_zipkin, which has every encoding that Zipkin ever had.
/// Guarantee: both spans arrive with every field; the encoding makes no difference.
fn py_zipkin_to_hub(setting: &Setting, encoding: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/py-zipkin-{encoding}"))?;
    let (hub, port) = receiving(setting, &directory)?;
    let version = if encoding.starts_with("V1") {
        "v1"
    } else {
        "v2"
    };
    let mut client = tracers::python(setting, "py_zipkin_spans.py")?;
    let url = format!("http://127.0.0.1:{port}/api/{version}/spans");
    client.args([encoding, &url]);
    tracers::send(client, &directory)?;
    let text = |text: &str| json!({"stringValue": text});
    let number = |number: &str| json!({"intValue": number});
    let (local, service) = (text("127.0.0.1"), texts(&[("service.name", "shop")]));
    let expected = json!({
        "GET /cart": {
            "kind": "2",
            "resource": service,
            "attributes": {"net.host.ip": local, "net.host.port": number("8080"), "note": text("Grüße 🦀")},
        },
        "SELECT carts": {
            "kind": "3",
            "resource": service,
            "parent": "GET /cart",
            "attributes": {
                "net.host.ip": local, "net.host.port": number("8080"), "net.peer.ip": text("127.0.0.2"),
                "net.peer.port": number("5432"), "peer.service": text("carts-db"),
            },
            "events": [{"name": "slow", "attributes": {}}],
            "status": {"code": "2", "message": "connection lost"},
        },
    });
    must_be(&seen(&directory, 2)?, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// What Zipkin's format carries of a span: texts, in microseconds. Which attributes belong to the resource is not part of the
/// format, and how many were dropped is known to the hub alone.
fn as_carried(whole: &mut Value) {
    let mut tags = BTreeMap::from([(
        "service.name".to_owned(),
        "<missing service name>".to_owned(),
    )]);
    for list in [
        &whole["resource"]["attributes"],
        &whole["item"]["attributes"],
    ] {
        for (key, value) in expected::attributes(list) {
            tags.insert(key.to_owned(), expected::text(value));
        }
    }
    tags.retain(|key, _| !key.starts_with("otel.dropped_"));
    let item = &mut whole["item"];
    // The Collector's JSON has names in lower case, as Zipkin itself has them.
    item["name"] = json!(item["name"].as_str().map(str::to_lowercase));
    for time in ["startTimeUnixNano", "endTimeUnixNano"] {
        item[time] = json!((expected::nanos(&item[time]) + 500) / 1000);
    }
    if let Some(fields) = item.as_object_mut() {
        fields
            .retain(|key, _| !key.starts_with("dropped") && key != "flags" && key != "attributes");
    }
    // The Collector writes the attributes of events in any order.
    for event in item["events"].as_array_mut().into_iter().flatten() {
        if let Some(attributes) = event["attributes"].as_array_mut() {
            attributes.sort_by_key(|attribute| attribute["key"].to_string());
        }
    }
    for link in item["links"].as_array_mut().into_iter().flatten() {
        link.as_object_mut().map(|fields| fields.remove("flags"));
    }
    *whole = json!({
        "item": item.take(),
        "tags": tags,
        "scope": [whole["scope"]["name"].take(), whole["scope"]["version"].take()],
    });
}
