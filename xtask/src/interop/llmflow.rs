//! What LLMFlow's documents have users set up, with programs that no other part has: Go's exporter, whose address and path are
//! given apart, sends to the dashboard's port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::go::go;
use super::tracers::send;
use super::{COMMAND, Setting};
use crate::clients::without_telemetry_variables;
use crate::end_to_end::{file_exporter, python::one_call_each};
use crate::hub::Ports;
use crate::process::eventually;
use crate::steps::{Steps, Tests};
use crate::{download, workspace};

/// How long what was sent may take to show.
const ARRIVAL: Duration = Duration::from_secs(20);

/// Runs the part.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    steps.run("llmflow: A17 Go's otlptracehttp", |_| exporter(setting));
}

/// Scenario: `otlptracehttp` gets host and port of the dashboard, the path `/v1/traces`, and no TLS.
/// Guarantee: its call is there with its tokens and its cost.
fn exporter(setting: &Setting) -> Result<Tests> {
    let directory = workspace::emptied(&format!("{COMMAND}/runs/llmflow"))?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}{}dashboard: {{}}\n",
        ports.receivers(),
        file_exporter(&directory)
    );
    let hub = setting.start_hub(&directory, ports, &configuration)?;
    let mut client = Command::new(setting.program("an exporter in Go", build)?);
    client.arg(format!("localhost:{}", ports.dashboard));
    without_telemetry_variables(&mut client);
    send(client, &directory)?;
    eventually(ARRIVAL, || one_call_each(ports.dashboard, 1))?;
    hub.stop()?;
    Ok(Tests::ONE)
}

fn build(log: &Path) -> Result<PathBuf> {
    let sources = workspace::root().join("tests/clients/llmflow");
    let directory = workspace::target().join("clients/llmflow");
    let files = ["main.go", "go.mod", "go.sum"];
    let mut wanted = String::new();
    for file in files {
        wanted.push_str(&std::fs::read_to_string(sources.join(file))?);
    }
    let binary = directory.join("bin/exporter");
    download::once(&directory, &wanted, || {
        for file in files {
            std::fs::copy(sources.join(file), directory.join(file))?;
        }
        let output = binary.display().to_string();
        go(&directory, &["build", "-trimpath", "-o", &output, "."], log)
    })?;
    Ok(binary)
}
