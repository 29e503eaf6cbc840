//! The OpenTelemetry JS exporter pointed at the dashboard's port, and curl.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Case;
use crate::clients::Node;
use crate::process::run_within;
use crate::steps::Tests;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs the cases.
///
/// # Errors
/// The first failure.
pub(super) fn run(node: &Node, binary: &Path) -> Result<Tests> {
    let tests = exporter(node, binary)?;
    curl(binary)?;
    Ok(Tests::passed(tests.passed + 1))
}

/// Scenario: the JS exporter, which speaks OTLP/JSON, sends to `/v1/traces` of the dashboard's port.
/// Guarantee: its spans come out equal, field by field.
fn exporter(node: &Node, binary: &Path) -> Result<Tests> {
    println!("   A16 @opentelemetry/exporter-trace-otlp-http");
    let case = Case::start("node", binary)?;
    let mut client = node.script("clients/node/trace_exporter.js");
    client
        .arg(format!(
            "http://127.0.0.1:{}/v1/traces",
            case.hub.ports.dashboard
        ))
        .arg(case.record());
    run_within(&mut client, &case.directory.join("client.log"), LIMIT)?;
    let tests = case.everything_came_out()?;
    case.hub.stop()?;
    Ok(tests)
}

/// Scenario: somebody tries the endpoint by hand with an empty request.
/// Guarantee: the receiver's and the dashboard's port both answer 200 with an OTLP/JSON response.
fn curl(binary: &Path) -> Result<()> {
    println!("   A18 curl with an empty request");
    let case = Case::start("curl", binary)?;
    for port in [case.hub.ports.http, case.hub.ports.dashboard] {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--write-out",
            "\n%{http_code} %{content_type}",
            "-X",
            "POST",
        ]);
        curl.arg(format!("http://localhost:{port}/v1/traces"));
        curl.args([
            "-H",
            "Content-Type: application/json",
            "-d",
            r#"{"resourceSpans":[]}"#,
        ]);
        let answer = run_within(&mut curl, &case.directory.join("curl.log"), LIMIT);
        let answer = answer.context("curl is needed: apt-get install curl")?;
        ensure!(
            answer.trim() == "{}\n200 application/json",
            "port {port} answers {answer:?}"
        );
    }
    case.hub.stop()
}
