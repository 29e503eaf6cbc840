//! An OpenTelemetry Collector before and behind the hub.

mod distribution;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::{Setting, golden};
use crate::clients::Python;
use crate::end_to_end::arrived;
use crate::hub::Ports;
use crate::process::{Background, eventually, run_within};
use crate::steps::{Steps, Tests};
use crate::{http, workspace};

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

/// Builds the Collector that tests and benchmarks need, and returns its path.
///
/// # Errors
/// When Go is not there, or a module can't be had.
pub fn build(log: &Path) -> Result<PathBuf> {
    distribution::SMALL.build(log)
}

/// Builds the Collector that also speaks other formats than OTLP, and returns its path.
///
/// # Errors
/// When Go is not there, or a module can't be had.
pub fn build_contrib(log: &Path) -> Result<PathBuf> {
    distribution::OTHER_FORMATS.build(log)
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
        let signals = ["traces", "metrics", "logs"];
        Collector::of_signals(binary, directory, ports, (id, exporter), &signals)
    }

    /// As [`Collector::start`], with an exporter that does not take every signal.
    pub(super) fn of_signals(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        (id, exporter): (&str, &str),
        signals: &[&str],
    ) -> Result<Collector> {
        std::fs::create_dir_all(directory)?;
        let file = directory.join("collector.yaml");
        let mut configuration = ports.receivers();
        configuration.push_str(&format!("exporters:\n  {exporter}\nservice:\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n"));
        for signal in signals {
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

/// Starts a Collector that takes another format than OTLP, and writes it to `received.jsonl` in the directory as OTLP/JSON.
///
/// `receiver` is an entry of `receivers:`, its id first, each further line with four spaces before it; its server listens on
/// `port`. `signals` are the names of the pipelines. [`arrived`] reads the file. The release is one that does not know the
/// event name of log records yet.
///
/// # Errors
/// When it ends or does not listen; the error carries what it printed.
pub(super) fn taking(
    setting: &Setting,
    directory: &Path,
    receiver: &str,
    signals: &[&str],
    port: u16,
) -> Result<Background> {
    let id = receiver.split(':').next().unwrap_or_default();
    let mut pipelines = String::new();
    for signal in signals {
        pipelines.push_str(&format!(
            "    {signal}:\n      receivers: [{id}]\n      exporters: [file]\n"
        ));
    }
    let configuration = format!(
        "receivers:\n  {receiver}\nexporters:\n  file:\n    path: {}/received.jsonl\n    append: true\n    flush_interval: 50ms\n\
         service:\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n{pipelines}",
        directory.display()
    );
    std::fs::create_dir_all(directory)?;
    let file = directory.join("collector.yaml");
    std::fs::write(&file, configuration)?;
    let mut process = Background::spawn(
        Command::new(setting.contrib()?).arg("--config").arg(&file),
        &directory.join("collector.log"),
    )?;
    eventually(Duration::from_secs(20), || {
        process.still_running()?;
        Ok(std::net::TcpStream::connect(("127.0.0.1", port))?)
    })?;
    Ok(process)
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
    let hub = setting.start_hub(
        &directory,
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
    let hub = setting.start_hub(&directory, ports, &configuration)?;
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
