//! The systems that are measured: how each is installed and started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

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

    /// What runs with this exporter; `None` when the system does not have it.
    pub(super) fn program(self, exporter: &Exporter) -> Option<Program> {
        match self {
            System::Fanlight => Some(Program::Fanlight),
            System::Rotel => exporter.rotel.as_ref().map(|_| Program::Rotel),
            System::Otelcol => exporter.collector,
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
                let arguments = set_up.exporter.rotel.iter().flatten();
                command.args(arguments.map(|argument| set_up.with_sink(argument)));
            }
        }
        Ok(command)
    }
}

/// How systems are told to send on. In every text, `{sink}` is the sink's port.
#[derive(Clone, Debug)]
pub(super) struct Exporter {
    /// The type, for the hub and the Collector.
    pub id: String,
    /// What stands below the type, line by line.
    pub settings: String,
    /// The Collector that has it.
    pub collector: Option<Program>,
    /// rotel's arguments.
    pub rotel: Option<Vec<String>>,
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Program {
    Fanlight,
    Rotel,
    /// The newest Collector, with OTLP's exporters.
    Collector,
    /// An older one, with exporters of other formats.
    ContribCollector,
}

impl Program {
    /// Installs or builds it, and returns its path.
    pub(super) fn install(self, steps: &Steps) -> Result<PathBuf> {
        match self {
            Program::Fanlight => hub::build(hub::Profile::Release, &steps.log("cargo build")),
            Program::Collector => interop::build_collector(&steps.log("build the Collector")),
            Program::ContribCollector => {
                interop::build_contrib_collector(&steps.log("build the contrib Collector"))
            }
            Program::Rotel => {
                let requirements = workspace::cache("bench")?.join("rotel.txt");
                std::fs::write(&requirements, ROTEL)?;
                let directory = workspace::target().join("bench/rotel");
                virtual_environment(&directory, &requirements, &steps.log("pip install rotel"))?;
                agent(&directory)
            }
        }
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
    pub signal: &'a str,
    pub exporter: &'a Exporter,
}

impl SetUp<'_> {
    /// Writes the one configuration that the hub and the Collector both read: `otlp` in, `batch`, the exporter out.
    fn write_collector_configuration(&self, name: &str, service: &str) -> Result<PathBuf> {
        let id = &self.exporter.id;
        let settings = self.exporter.settings.lines();
        let settings: String = settings.map(|line| format!("    {line}\n")).collect();
        let text = format!(
            "{}processors:\n  batch:\nexporters:\n  {id}:\n{settings}\
             service:\n{service}  pipelines:\n    {}:\n      receivers: [otlp]\n      processors: [batch]\n      exporters: [{id}]\n",
            self.ports.receivers(),
            self.signal,
        );
        let file = self.directory.join(name);
        std::fs::write(&file, self.with_sink(&text))?;
        Ok(file)
    }

    fn with_sink(&self, text: &str) -> String {
        text.replace("{sink}", &self.sink.to_string())
    }
}
