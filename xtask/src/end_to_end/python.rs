//! The OpenTelemetry Python SDK over every protocol, and Logfire.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{ARRIVAL, Case};
use crate::clients::Python;
use crate::http;
use crate::otlp_json::Items;
use crate::process::{eventually, run_within};
use crate::steps::Tests;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs the cases.
///
/// # Errors
/// The first failure.
pub(super) fn run(python: &Python, binary: &Path) -> Result<Tests> {
    let mut tests = Tests::default();
    for (protocol, compression) in [
        ("grpc", "none"),
        ("grpc", "gzip"),
        ("http/protobuf", "gzip"),
        ("http/protobuf", "deflate"),
    ] {
        tests.passed += sdk(python, binary, protocol, compression)?.passed;
    }
    tests.passed += sdk(python, binary, "http/json", "none")?.passed;
    tests.passed += logfire_traces_endpoint(python, binary)?.passed;
    tests.passed += logfire_base_endpoint(python, binary)?.passed;
    tests.passed += one_endpoint(python, binary)?.passed;
    Ok(tests)
}

/// Scenario: exporters are given one endpoint, which they use as it is: the dashboard's port with its path, that path twice, and
/// gRPC's own port; plain and in gzip.
/// Guarantee: each call is there with its tokens and its cost.
fn one_endpoint(python: &Python, binary: &Path) -> Result<Tests> {
    let case = Case::start("one-endpoint", binary)?;
    let ports = case.hub.ports;
    let dashboard = format!("http://localhost:{}/v1/traces", ports.dashboard);
    let clients = [
        ("A15", "http/protobuf", "none", dashboard.clone()),
        (
            "A17",
            "http/protobuf",
            "none",
            format!("{dashboard}/v1/traces"),
        ),
        ("A18", "http/protobuf", "gzip", dashboard),
        ("A18", "grpc", "none", ports.endpoint("grpc")),
        ("A18", "grpc", "gzip", ports.endpoint("grpc")),
    ];
    for (number, protocol, compression, endpoint) in &clients {
        println!("   {number} an exporter with one endpoint: {protocol}, {compression}");
        let mut client = python.script("trace_exporters.py");
        client.args([protocol, compression, endpoint.as_str()]);
        run_within(&mut client, &case.directory.join("client.log"), LIMIT)?;
    }
    eventually(ARRIVAL, || one_call_each(ports.dashboard, clients.len()))?;
    case.hub.stop()?;
    Ok(Tests::passed(clients.len()))
}

/// Checks that the dashboard has so many calls, all of the same tokens and cost.
///
/// # Errors
/// Says which is not so.
pub(crate) fn one_call_each(dashboard: u16, count: usize) -> Result<()> {
    let answer = http::get(dashboard, "/api/llm/calls")?.json()?;
    let calls = answer["calls"].as_array().context("no calls")?;
    ensure!(calls.len() == count, "{} of {count} calls", calls.len());
    for call in calls {
        let found = [
            &call["requestModel"],
            &call["inputTokens"],
            &call["outputTokens"],
            &call["cost"],
        ];
        // At $2.50 and $10 for a million.
        let expected = [json!("gpt-4o"), json!(1200), json!(80), json!(0.0038)];
        ensure!(found == expected.each_ref(), "it is {call}");
    }
    Ok(())
}

/// Scenario: the SDK sends spans, log records and data points of every shape.
/// Guarantee: what it acknowledged comes out equal, field by field.
fn sdk(python: &Python, binary: &Path, protocol: &str, compression: &str) -> Result<Tests> {
    println!("   SDK over {protocol}, {compression}");
    let case = Case::start(
        &format!("sdk-{}-{compression}", protocol.replace('/', "-")),
        binary,
    )?;
    let mut client = python.script("all_signals.py");
    client.args([
        "--protocol",
        protocol,
        "--compression",
        compression,
        "--endpoint",
        &case.hub.ports.endpoint(protocol),
    ]);
    client.arg("--record").arg(case.record());
    run_within(&mut client, &case.directory.join("client.log"), LIMIT)?;
    let tests = case.everything_came_out()?;
    case.hub.stop()?;
    Ok(tests)
}

/// Scenario: Logfire is pointed at the hub by the traces endpoint.
/// Guarantee: its span and its log, which is a span as well, arrive with the service's name.
fn logfire_traces_endpoint(python: &Python, binary: &Path) -> Result<Tests> {
    println!("   Logfire, traces endpoint");
    let case = Case::start("logfire-traces", binary)?;
    let mut client = python.script("logfire_span.py");
    client.env(
        "TRACES_ENDPOINT",
        format!("http://127.0.0.1:{}/v1/traces", case.hub.ports.http),
    );
    run_within(&mut client, &case.directory.join("client.log"), LIMIT)?;
    let spans = case.received(2)?;
    ensure!(
        spans.len() == 2,
        "Logfire made 2 spans, {} arrived",
        spans.len()
    );
    ensure!(
        resource_attribute(&spans, "service.name") == Some("my_logfire_service".to_owned()),
        "service.name is lost"
    );
    let outer = named(&spans, "This is a span")?;
    let inner = named(&spans, "Logfire logs are also actually just spans!")?;
    ensure!(
        inner["parentSpanId"] == outer["spanId"] && inner["traceId"] == outer["traceId"],
        "parent and child are apart"
    );
    case.hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: Logfire is pointed at the hub by the base endpoint.
/// Guarantee: traces, metrics and logs all arrive.
fn logfire_base_endpoint(python: &Python, binary: &Path) -> Result<Tests> {
    println!("   Logfire, base endpoint");
    let case = Case::start("logfire-base", binary)?;
    let mut client = python.script("logfire_base_endpoint.py");
    client.env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        case.hub.ports.endpoint("http/protobuf"),
    );
    run_within(&mut client, &case.directory.join("client.log"), LIMIT)?;
    let items = case.received(5)?;
    named(&items.only("spans"), "order 17")
        .or_else(|_| named(&items.only("spans"), "order {order_id}"))?;
    named(&items.only("metrics"), "orders")?;
    let logs = items.only("logRecords");
    ensure!(
        logs.values()
            .any(|log| log["item"]["body"]["stringValue"] == "stock is low"),
        "the log record is lost"
    );
    case.hub.stop()?;
    Ok(Tests::ONE)
}

fn named(items: &Items, name: &str) -> Result<Value> {
    let found = items
        .values()
        .map(|mut whole| whole["item"].take())
        .find(|item| item["name"] == name);
    found.ok_or_else(|| anyhow::anyhow!("nothing named {name:?} arrived, of {} items", items.len()))
}

fn resource_attribute(items: &Items, key: &str) -> Option<String> {
    let first = items.values().next()?;
    let attribute = first["resource"]["attributes"]
        .as_array()?
        .iter()
        .find(|attribute| attribute["key"] == key)?;
    attribute["value"]["stringValue"]
        .as_str()
        .map(str::to_owned)
}
