//! Jaeger's own clients before the hub: Thrift over UDP and HTTP, and gRPC.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::json;

use super::Setting;
use super::tracers::{self, must_be, seen};
use crate::end_to_end::file_exporter;
use crate::hub::{Hub, Ports};
use crate::process::free_port;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// Every protocol, each with a client that speaks it.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("jaeger-client for Python: compact Thrift over UDP", |_| {
        python_to_hub(setting)
    });
    for protocol in ["thrift_binary", "thrift_http"] {
        steps.run(
            &format!("OpenTelemetry's JavaScript Jaeger exporter: {protocol}"),
            |_| javascript_to_hub(setting, protocol),
        );
    }
    steps.run("Jaeger's Go client: gRPC", |_| go_to_hub(setting));
}

/// A hub that takes one of Jaeger's protocols on the port, and writes what it takes into the directory.
fn receiving(setting: &Setting, directory: &Path, protocol: &str) -> Result<(Hub, u16)> {
    let (ports, port) = (Ports::free()?, free_port()?);
    let configuration = format!(
        "receivers:\n  jaeger:\n    protocols:\n      {protocol}:\n        endpoint: 127.0.0.1:{port}\n{}",
        file_exporter(directory)
    );
    let hub = setting.start_hub(directory, ports, &configuration)?;
    Ok((hub, port))
}

/// Scenario: an application reports with Jaeger's own Python client, as to an agent.
/// Guarantee: both spans arrive with every field.
fn python_to_hub(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/jaeger-python")?;
    let (hub, port) = receiving(setting, &directory, "thrift_compact")?;
    let mut client = tracers::python(setting, "jaeger_client_spans.py")?;
    client.arg(port.to_string());
    tracers::send(client, &directory)?;
    let mut seen = seen(&directory, 2)?;
    for span in seen
        .as_object_mut()
        .into_iter()
        .flat_map(|spans| spans.values_mut())
    {
        // The client names the machine that it runs on.
        for key in ["ip", "host.name"] {
            let resource = span["resource"].as_object_mut();
            ensure!(
                resource.is_some_and(|tags| tags.remove(key).is_some()),
                "no {key}"
            );
        }
    }
    let text = |text: &str| json!({"stringValue": text});
    let resource = json!({
        "service.name": text("shop"),
        "service.version": text("1.2"),
        "opencensus.exporterversion": text("Jaeger-Python-4.8.0"),
    });
    let expected = json!({
        "GET /cart": {
            "kind": "2",
            "resource": resource,
            "attributes": {
                "cached": {"boolValue": false}, "note": text("Grüße 🦀"), "ratio": {"doubleValue": "0.25"},
                "size": {"intValue": "3"}, "sampler.type": text("const"), "sampler.param": {"boolValue": true},
            },
        },
        "SELECT carts": {
            "kind": "3",
            "resource": resource,
            "parent": "GET /cart",
            "events": [{"name": "slow", "attributes": {"rows": {"intValue": "12"}}}],
            "status": {"code": "2"},
        },
    });
    must_be(&seen, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: an application exports with OpenTelemetry's own Jaeger exporter for JavaScript, to an agent or a collector.
/// Guarantee: both spans arrive with every field; the way makes no difference.
fn javascript_to_hub(setting: &Setting, protocol: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!("interop/runs/jaeger-javascript-{protocol}"))?;
    let (hub, port) = receiving(setting, &directory, protocol)?;
    let mut client = tracers::node(setting)?;
    let to = match protocol {
        "thrift_http" => format!("http://127.0.0.1:{port}/api/traces"),
        _ => port.to_string(),
    };
    client.args([protocol, &to]);
    tracers::send(client, &directory)?;
    let (text, double) = (
        |text: &str| json!({"stringValue": text}),
        |number: &str| json!({"doubleValue": number}),
    );
    let (service, scope) = (
        json!({"service.name": text("shop")}),
        json!({"name": "cart", "version": "1.0"}),
    );
    // The exporter repeats the resource on every span.
    let mut tags = json!({
        "service.name": text("shop"),
        "service.version": text("1.2"),
        "telemetry.sdk.language": text("nodejs"),
        "telemetry.sdk.name": text("opentelemetry"),
        "telemetry.sdk.version": text("1.30.1"),
    });
    let client = json!({
        "kind": "3",
        "resource": service,
        "scope": scope,
        "parent": "GET /cart",
        "attributes": tags,
        "events": [{"name": "slow", "attributes": {"rows": double("12")}}],
        "status": {"code": "2", "message": "connection lost"},
    });
    tags["cached"] = json!({"boolValue": false});
    tags["note"] = text("Grüße 🦀");
    tags["ratio"] = double("0.25");
    tags["size"] = double("3");
    let server = json!({"kind": "2", "resource": service, "scope": scope, "attributes": tags});
    let expected = json!({"GET /cart": server, "SELECT carts": client});
    must_be(&seen(&directory, 2)?, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: an agent posts a span with tags of every type over gRPC, with Jaeger's own generated client.
/// Guarantee: it arrives with every field.
fn go_to_hub(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied("interop/runs/jaeger-go")?;
    let (hub, port) = receiving(setting, &directory, "grpc")?;
    let mut client = tracers::go_program(setting)?;
    client.arg(format!("127.0.0.1:{port}"));
    tracers::send(client, &directory)?;
    let text = |text: &str| json!({"stringValue": text});
    let reference = json!([{"key": "opentracing.ref_type", "value": text("follows_from")}]);
    let expected = json!({"charge": {
        "kind": "3",
        "resource": {
            "service.name": text("checkout"), "host.name": text("node-1"), "process.pid": {"intValue": "17"},
        },
        "attributes": {
            "text": text("Grüße 世界"), "flag": {"boolValue": true}, "number": {"intValue": "-7"},
            "ratio": {"doubleValue": "0.25"}, "bytes": {"bytesValue": "AP8="},
        },
        "events": [{"name": "retry", "attributes": {"attempt": {"intValue": "2"}}}],
        "links": [{
            "traceId": "00000000000000000000000000000009", "spanId": "0000000000000008", "attributes": reference,
        }],
        "status": {"code": "2"},
    }});
    must_be(&seen(&directory, 1)?, &expected)?;
    hub.stop()?;
    Ok(Tests::ONE)
}
