//! An OpenTelemetry Collector before and behind the hub.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::go::go;
use super::{Setting, golden};
use crate::clients::Python;
use crate::end_to_end::arrived;
use crate::hub::{Hub, Ports};
use crate::process::{self, Background, eventually, run_within};
use crate::steps::{Steps, Tests};
use crate::{download, http, workspace};

/// The release of the Collector and its Builder. Newer ones need a module that not every proxy serves.
const VERSION: &str = "v0.162.0";
/// The components that tests and benchmarks need.
const COMPONENTS: [(&str, &str); 7] = [
    (
        "receivers",
        "go.opentelemetry.io/collector/receiver/otlpreceiver",
    ),
    (
        "processors",
        "go.opentelemetry.io/collector/processor/batchprocessor",
    ),
    (
        "processors",
        "go.opentelemetry.io/collector/processor/memorylimiterprocessor",
    ),
    (
        "exporters",
        "go.opentelemetry.io/collector/exporter/otlpexporter",
    ),
    (
        "exporters",
        "go.opentelemetry.io/collector/exporter/otlphttpexporter",
    ),
    (
        "exporters",
        "go.opentelemetry.io/collector/exporter/debugexporter",
    ),
    (
        "exporters",
        "github.com/open-telemetry/opentelemetry-collector-contrib/exporter/fileexporter",
    ),
];

/// How the hub, or the Collector, is told to send: exporter type, and what stands below its endpoint.
const WAYS: [(&str, &str); 7] = [
    ("otlp", "compression: none"),
    ("otlp", "compression: gzip"),
    ("otlp", "compression: zstd"),
    ("otlphttp", "compression: none"),
    ("otlphttp", "compression: gzip"),
    ("otlphttp", "compression: zstd"),
    ("otlphttp", "encoding: json"),
];

/// Builds a Collector with the Collector Builder, and returns its path.
///
/// The Builder writes the sources; `go get` and `go build` do the rest, because the Builder's own `go mod tidy` also wants
/// modules that only the components' tests use.
///
/// # Errors
/// When Go is not there, or a module can't be had.
pub fn build(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/collector");
    let manifest = manifest();
    let binary = directory.join("bin/otelcol");
    download::once(&directory, &manifest, || {
        println!("   building the Collector {VERSION}, which takes some minutes");
        std::fs::write(directory.join("builder.yaml"), &manifest)?;
        go(
            &directory,
            &[
                "install",
                &format!("go.opentelemetry.io/collector/cmd/builder@{VERSION}"),
            ],
            log,
        )?;
        let mut builder = Command::new(directory.join("bin/builder"));
        builder
            .args([
                "--config",
                "builder.yaml",
                "--skip-get-modules",
                "--skip-compilation",
            ])
            .current_dir(&directory);
        process::run(&mut builder, log)?;
        let sources = directory.join("sources");
        go(
            &sources,
            &["mod", "init", "fanlight.invalid/interop/otelcol"],
            log,
        )?;
        let modules = COMPONENTS.map(|(_, module)| format!("{module}@{VERSION}"));
        let core = format!("go.opentelemetry.io/collector/otelcol@{VERSION}");
        let mut get = vec!["get", &core];
        get.extend(modules.iter().map(String::as_str));
        get.push(".");
        go(&sources, &get, log)?;
        go(
            &sources,
            &[
                "build",
                "-trimpath",
                "-ldflags",
                "-s -w",
                "-o",
                &binary.display().to_string(),
                ".",
            ],
            log,
        )
    })?;
    Ok(binary)
}

fn manifest() -> String {
    let mut text = format!(
        "dist:\n  name: otelcol\n  output_path: ./sources\n  version: {}\n",
        VERSION.trim_start_matches('v')
    );
    for section in ["receivers", "processors", "exporters"] {
        text.push_str(&format!("{section}:\n"));
        for (_, module) in COMPONENTS.iter().filter(|(of, _)| *of == section) {
            text.push_str(&format!("  - gomod: {module} {VERSION}\n"));
        }
    }
    text
}

/// A running Collector that sends what it receives to one exporter.
#[derive(Debug)]
pub(super) struct Collector {
    process: Background,
    ports: Ports,
}

impl Collector {
    /// Starts a Collector that writes what it receives to `received.jsonl` in the directory.
    pub(super) fn to_file(binary: &Path, directory: &Path, ports: Ports) -> Result<Collector> {
        let exporter = format!(
            "file:\n    path: {}/received.jsonl\n    append: true\n    flush_interval: 50ms",
            directory.display()
        );
        Collector::start(binary, directory, ports, "file", &exporter)
    }

    /// Starts a Collector with one exporter.
    pub(super) fn start(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        id: &str,
        exporter: &str,
    ) -> Result<Collector> {
        std::fs::create_dir_all(directory)?;
        let file = directory.join("collector.yaml");
        let mut configuration = ports.receivers();
        configuration.push_str(&format!("exporters:\n  {exporter}\nservice:\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n"));
        for signal in ["traces", "metrics", "logs"] {
            configuration.push_str(&format!(
                "    {signal}:\n      receivers: [otlp]\n      exporters: [{id}]\n"
            ));
        }
        std::fs::write(&file, configuration)?;
        let mut process = Background::spawn(
            Command::new(binary).arg("--config").arg(&file),
            &directory.join("collector.log"),
        )?;
        eventually(Duration::from_secs(20), || {
            process.still_running()?;
            http::get(ports.http, "/")
        })?;
        Ok(Collector { process, ports })
    }

    /// Ends it at once, as a crash would.
    pub(super) fn kill(mut self) -> Ports {
        self.process.kill();
        self.ports
    }
}

/// Hub to Collector and Collector to hub, in every way that the exporters know.
pub(super) fn run(steps: &mut Steps, setting: &Setting) {
    for (exporter, option) in WAYS {
        let way = format!("{exporter}, {option}");
        steps.run(&format!("hub to Collector: {way}"), |_| {
            hub_to_collector(setting, exporter, option)
        });
        steps.run(&format!("Collector to hub: {way}"), |_| {
            collector_to_hub(setting, exporter, option)
        });
    }
}

/// Scenario: the hub forwards all signals to a Collector.
/// Guarantee: the Collector's file exporter has every item, equal field by field.
fn hub_to_collector(setting: &Setting, exporter: &str, option: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!(
        "interop/runs/to-collector-{exporter}-{}",
        option.replace(": ", "-")
    ))?;
    let destination = Ports::free()?;
    let _collector = Collector::to_file(&setting.collector()?, &directory, destination)?;
    let ports = Ports::free()?;
    let exporters = format!("exporters:\n  {}\n", sending(exporter, destination, option));
    let hub = Hub::start(
        &setting.hub()?,
        &directory.join("hub"),
        ports,
        &format!("{}{exporters}", ports.receivers()),
    )?;
    let sent = send_all(&setting.python()?, ports, &directory)?.and(golden::send_all(ports)?);
    arrived(&directory.join("received.jsonl"), sent.len())?.must_equal(&sent)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// Scenario: a Collector forwards all signals to the hub.
/// Guarantee: the hub's file exporter has every item, equal field by field.
fn collector_to_hub(setting: &Setting, exporter: &str, option: &str) -> Result<Tests> {
    let directory = workspace::emptied(&format!(
        "interop/runs/from-collector-{exporter}-{}",
        option.replace(": ", "-")
    ))?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}{}",
        ports.receivers(),
        crate::end_to_end::file_exporter(&directory)
    );
    let hub = Hub::start(
        &setting.hub()?,
        &directory.join("hub"),
        ports,
        &configuration,
    )?;
    let source = Ports::free()?;
    let id = format!("{exporter}/next");
    let _collector = Collector::start(
        &setting.collector()?,
        &directory,
        source,
        &id,
        &sending(exporter, ports, option),
    )?;
    let sent = send_all(&setting.python()?, source, &directory)?.and(golden::send_all(source)?);
    arrived(&directory.join("received.jsonl"), sent.len())?.must_equal(&sent)?;
    hub.stop()?;
    Ok(Tests::ONE)
}

/// An exporter `TYPE/next` without TLS, to these ports.
pub(super) fn sending(exporter: &str, to: Ports, option: &str) -> String {
    let endpoint = match exporter {
        "otlp" => format!("127.0.0.1:{}", to.grpc),
        _ => format!("http://127.0.0.1:{}", to.http),
    };
    format!(
        "{exporter}/next:\n    endpoint: {endpoint}\n    tls:\n      insecure: true\n    {option}"
    )
}

/// Sends all signals with the SDK, and returns what was acknowledged.
pub(super) fn send_all(
    python: &Python,
    to: Ports,
    directory: &Path,
) -> Result<crate::otlp_json::Items> {
    let record = directory.join("sent.jsonl");
    let mut client = python.script("all_signals.py");
    client
        .args([
            "--protocol",
            "http/protobuf",
            "--endpoint",
            &to.endpoint("http/protobuf"),
            "--record",
        ])
        .arg(&record);
    run_within(
        &mut client,
        &directory.join("client.log"),
        Duration::from_secs(60),
    )?;
    crate::otlp_json::Items::from_lines(&std::fs::read_to_string(&record)?)
}
