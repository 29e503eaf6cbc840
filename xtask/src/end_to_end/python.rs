//! The OpenTelemetry Python SDK over every protocol, and Logfire.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::Case;
use crate::clients::Python;
use crate::otlp_json::Items;
use crate::process::run_within;
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
    Ok(tests)
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
