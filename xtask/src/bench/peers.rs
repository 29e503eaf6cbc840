//! The systems that are measured: how each is installed and started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::{Compression, Transport};
use crate::clients::{virtual_environment, without_telemetry_variables};
use crate::hub::Ports;
use crate::steps::Steps;
use crate::{hub, interop, workspace};

/// The release of rotel on PyPI.
const ROTEL: &str = "rotel==0.0.1a15\n";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum System {
    Fanlight,
    Rotel,
    Otelcol,
}

impl System {
    pub(super) const ALL: [System; 3] = [System::Fanlight, System::Rotel, System::Otelcol];

    pub(super) const fn name(self) -> &'static str {
        match self {
            System::Fanlight => "fanlight",
            System::Rotel => "rotel",
            System::Otelcol => "otelcol",
        }
    }

    pub(super) fn named(name: &str) -> Result<System> {
        match System::ALL.into_iter().find(|system| system.name() == name) {
            Some(system) => Ok(system),
            None => bail!("{name} is none of fanlight, rotel, otelcol"),
        }
    }

    /// Installs or builds it, and returns its program.
    pub(super) fn install(self, steps: &Steps) -> Result<PathBuf> {
        match self {
            System::Fanlight => hub::build(hub::Profile::Release, &steps.log("cargo build")),
            System::Otelcol => interop::build_collector(&steps.log("build the Collector")),
            System::Rotel => {
                let requirements = workspace::cache("bench")?.join("rotel.txt");
                std::fs::write(&requirements, ROTEL)?;
                let directory = workspace::target().join("bench/rotel");
                virtual_environment(&directory, &requirements, &steps.log("pip install rotel"))?;
                agent(&directory)
            }
        }
    }

    /// The command that takes OTLP on the ports and sends it on to the sink.
    pub(super) fn command(self, program: &Path, set_up: &SetUp<'_>) -> Result<Command> {
        let mut command = Command::new(program);
        without_telemetry_variables(&mut command);
        match self {
            System::Fanlight => {
                command.args([
                    "serve",
                    "--dashboard",
                    "off",
                    "--metrics",
                    "off",
                    "--log-level",
                    "error",
                    "--config",
                ]);
                command.arg(set_up.write_collector_configuration("fanlight.yaml", "")?);
                command.arg("--data-dir").arg(set_up.directory.join("data"));
            }
            System::Otelcol => {
                let quiet = "  telemetry:\n    metrics:\n      level: none\n    logs:\n      level: error\n";
                command
                    .arg("--config")
                    .arg(set_up.write_collector_configuration("otelcol.yaml", quiet)?);
            }
            System::Rotel => {
                command.args([
                    "start",
                    "--otlp-grpc-endpoint",
                    &format!("127.0.0.1:{}", set_up.ports.grpc),
                ]);
                command.args([
                    "--otlp-http-endpoint",
                    &format!("127.0.0.1:{}", set_up.ports.http),
                ]);
                command.args([
                    "--exporter",
                    "otlp",
                    "--otlp-exporter-protocol",
                    set_up.transport.name(),
                ]);
                command.args([
                    "--otlp-exporter-endpoint",
                    &format!("http://127.0.0.1:{}", set_up.sink),
                ]);
                command.args(["--otlp-exporter-compression", set_up.compression.name()]);
            }
        }
        Ok(command)
    }
}

/// rotel's package is a program and a Python script that starts it.
fn agent(directory: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(directory.join("lib"))? {
        let program = entry?.path().join("site-packages/rotel/rotel-agent");
        if program.exists() {
            return Ok(program);
        }
    }
    bail!("the rotel package has no rotel-agent")
}

/// One measurement's surroundings.
#[derive(Debug)]
pub(super) struct SetUp<'a> {
    pub directory: &'a Path,
    pub ports: Ports,
    pub sink: u16,
    pub transport: Transport,
    pub compression: Compression,
}

impl SetUp<'_> {
    /// Writes the one configuration that the hub and the Collector both read: `otlp` in, `batch`, `otlp` out.
    fn write_collector_configuration(&self, name: &str, service: &str) -> Result<PathBuf> {
        let exporter = match self.transport {
            Transport::Grpc => "otlp",
            Transport::Http => "otlphttp",
        };
        let text = format!(
            "{}processors:\n  batch:\nexporters:\n  {exporter}:\n    endpoint: http://127.0.0.1:{}\n    compression: {}\n    tls:\n      insecure: true\n\
             service:\n{service}  pipelines:\n    traces:\n      receivers: [otlp]\n      processors: [batch]\n      exporters: [{exporter}]\n",
            self.ports.receivers(),
            self.sink,
            self.compression.name(),
        );
        let file = self.directory.join(name);
        std::fs::write(&file, text)?;
        Ok(file)
    }
}
