//! The hub without a file: environment variables name where it forwards to. The destination is a second hub.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::Case;
use crate::clients::Python;
use crate::hub::{Hub, Ports};
use crate::process::{finish, run_within};
use crate::steps::Tests;
use crate::workspace;

/// The variables that name a destination on these ports.
type Variables = fn(Ports) -> Vec<(&'static str, String)>;

const LIMIT: Duration = Duration::from_secs(60);

/// Runs the cases.
///
/// # Errors
/// The first failure.
pub(super) fn run(python: &Python, binary: &Path) -> Result<Tests> {
    let variables: [(&str, Variables); 4] = [
        ("base endpoint", |to| {
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", to.endpoint("http/protobuf"))]
        }),
        ("base endpoint, gRPC", |to| {
            vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", to.endpoint("grpc")),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc".to_owned()),
            ]
        }),
        ("endpoint of each signal", |to| {
            let path = |signal: &str| format!("{}/v1/{signal}", to.endpoint("http/protobuf"));
            vec![
                ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", path("traces")),
                ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", path("metrics")),
                ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", path("logs")),
            ]
        }),
        ("OTLP_EXPORT_ENDPOINT", |to| {
            let endpoint = format!("{}/v1/traces", to.endpoint("http/protobuf"));
            vec![
                ("OTLP_EXPORT_ENABLED", "true".to_owned()),
                ("OTLP_EXPORT_ENDPOINT", endpoint),
            ]
        }),
    ];
    for (name, variables) in variables {
        forwards(python, binary, name, variables)?;
    }
    refuses_itself(binary)?;
    Ok(Tests::passed(variables.len() + 1))
}

/// Scenario: only variables say where to forward to, and the SDK sends to the hub.
/// Guarantee: every item reaches the destination, equal field by field.
fn forwards(python: &Python, binary: &Path, name: &str, variables: Variables) -> Result<()> {
    println!("   {name}");
    let folder = format!("environment-{}", name.replace([' ', ','], "-"));
    let destination = Case::start(&folder, binary)?;
    let own: Vec<(String, String)> = variables(destination.hub.ports)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let hub = Hub::from_environment(
        binary,
        &destination.directory.join("forwarder"),
        Ports::free()?,
        &own,
    )?;
    let mut client = python.script("all_signals.py");
    client.args([
        "--protocol",
        "http/protobuf",
        "--endpoint",
        &hub.ports.endpoint("http/protobuf"),
    ]);
    client.arg("--record").arg(destination.record());
    if own.iter().any(|(name, _)| name == "OTLP_EXPORT_ENDPOINT") {
        // It names the traces' path, and so promises traces alone.
        client.args(["--signals", "traces"]);
    }
    run_within(
        &mut client,
        &destination.directory.join("client.log"),
        LIMIT,
    )?;
    let sent = destination.sent()?;
    destination.received(sent.len())?.must_equal(&sent)?;
    hub.stop()?;
    destination.hub.stop()
}

/// Scenario: the endpoint is the hub's own.
/// Guarantee: it refuses to start, with a sentence that says so.
fn refuses_itself(binary: &Path) -> Result<()> {
    println!("   an endpoint that is the hub itself");
    let directory = workspace::emptied("xtask/end-to-end/environment-itself")?;
    let ports = Ports::free()?;
    let mut command = std::process::Command::new(binary);
    crate::clients::without_telemetry_variables(&mut command);
    command
        .arg("serve")
        .args(["--otlp-http", &format!("127.0.0.1:{}", ports.http)]);
    command.args([
        "--otlp-grpc",
        &format!("127.0.0.1:{}", ports.grpc),
        "--dashboard",
        "off",
        "--metrics",
        "off",
        "--proxy",
        "off",
    ]);
    command.arg("--data-dir").arg(directory.join("data"));
    command.env(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        format!("http://localhost:{}", ports.http),
    );
    let (status, output) = finish(
        &mut command,
        &directory.join("hub.log"),
        Duration::from_secs(10),
    )?;
    ensure!(
        !status.success() && output.contains("itself"),
        "the hub ended with {status} and said\n{output}"
    );
    Ok(())
}
