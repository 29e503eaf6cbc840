//! `cargo xtask bench forward`: one generator, one sink, and each system between them in turn.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::peers::{SetUp, System};
use super::{Compression, Options, Transport, proc, report};
use crate::check::cargo_command;
use crate::hub::Ports;
use crate::process::{self, Background, eventually, free_port, run_within};
use crate::steps::Steps;
use crate::{http, workspace};

/// How long a system may go on delivering after the last acknowledgement.
const DRAIN: Duration = Duration::from_secs(15);

/// One system in one round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measurement {
    pub system: &'static str,
    pub transport: &'static str,
    pub compression: &'static str,
    pub round: usize,
    /// Spans acknowledged to the generator.
    pub spans: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub spans_per_cpu_second: f64,
    pub peak_mib: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Requests refused with "come back later".
    pub refused: u64,
    /// Spans acknowledged that never came to the sink.
    pub lost: u64,
    /// Requests that came more than once.
    pub duplicates: u64,
}

/// Installs, measures and reports.
///
/// # Errors
/// When a system can't be installed, started or reached.
pub(super) fn run(options: &Options) -> Result<()> {
    let steps = Steps::new("bench");
    let load = build_load(&steps)?;
    let mut systems = Vec::new();
    for system in System::ALL {
        if options.systems.is_empty() || options.systems.iter().any(|name| name == system.name()) {
            println!("── install {}", system.name());
            systems.push((system, system.install(&steps)?));
        }
    }
    options
        .systems
        .iter()
        .try_for_each(|name| System::named(name).map(drop))?;
    let mut measurements = Vec::new();
    for transport in [Transport::Grpc, Transport::Http] {
        if options.transport.is_none_or(|only| only == transport) {
            for compression in &options.compression {
                measurements.extend(rounds(options, &load, &systems, transport, *compression)?);
            }
        }
    }
    report::print(&measurements);
    let file = workspace::cache("bench")?.join("forward.json");
    std::fs::write(&file, serde_json::to_string_pretty(&measurements)?)?;
    println!("\neach measurement: {}", workspace::shown(&file));
    Ok(())
}

fn build_load(steps: &Steps) -> Result<PathBuf> {
    process::run(
        &mut cargo_command(&["build", "--release", "--package", "fanlight-load"]),
        &steps.log("cargo build fanlight-load"),
    )?;
    Ok(workspace::target().join("release/fanlight-load"))
}

/// Rounds take turns, each beginning with another system, so that no system always has the same neighbour.
fn rounds(
    options: &Options,
    load: &Path,
    systems: &[(System, PathBuf)],
    transport: Transport,
    compression: Compression,
) -> Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    for round in 0..options.rounds {
        for turn in 0..systems.len() {
            let Some((system, program)) = systems.get((round + turn) % systems.len()) else {
                continue;
            };
            let measured = measure(
                options,
                load,
                *system,
                program,
                transport,
                compression,
                round,
            );
            let measured = measured.with_context(|| format!("measuring {}", system.name()))?;
            println!(
                "   {:<9} {} {} round {}: {:>9.0} spans per CPU-second, {:>6.1} MiB, p99 {:>7.2} ms, {} lost",
                measured.system,
                measured.transport,
                measured.compression,
                round + 1,
                measured.spans_per_cpu_second,
                measured.peak_mib,
                measured.p99_ms,
                measured.lost
            );
            measurements.push(measured);
        }
    }
    Ok(measurements)
}

fn measure(
    options: &Options,
    load: &Path,
    system: System,
    program: &Path,
    transport: Transport,
    compression: Compression,
    round: usize,
) -> Result<Measurement> {
    let directory = workspace::emptied(&format!("bench/runs/{}", system.name()))?;
    let sink_port = free_port()?;
    let mut sink = Command::new(load);
    sink.args(["sink", "--listen", &format!("127.0.0.1:{sink_port}")]);
    let _sink = Background::spawn(&mut sink, &directory.join("sink.log"))?;
    eventually(Duration::from_secs(5), || http::get(sink_port, "/stats"))?;

    let set_up = SetUp {
        directory: &directory,
        ports: Ports::free()?,
        sink: sink_port,
        transport,
        compression,
    };
    let mut running = Background::spawn(
        &mut system.command(program, &set_up)?,
        &directory.join("system.log"),
    )?;
    let port = match transport {
        Transport::Grpc => set_up.ports.grpc,
        Transport::Http => set_up.ports.http,
    };
    eventually(Duration::from_secs(20), || {
        running.still_running()?;
        Ok(std::net::TcpStream::connect(("127.0.0.1", port))?)
    })?;

    let before = proc::cpu_seconds(running.id())?;
    let sent = generate(options, load, port, transport, compression, &directory)?;
    let spans = sent["spans"].as_u64().unwrap_or(0);
    let arrived = drained(sink_port, spans)?;
    let cpu_seconds = proc::cpu_seconds(running.id())? - before;
    let number = |name: &str| sent[name].as_f64().unwrap_or(0.0);
    Ok(Measurement {
        system: system.name(),
        transport: transport.name(),
        compression: compression.name(),
        round,
        spans,
        seconds: number("seconds"),
        cpu_seconds,
        spans_per_cpu_second: spans as f64 / cpu_seconds.max(0.01),
        peak_mib: proc::peak_memory(running.id())?,
        p50_ms: number("p50_ms"),
        p99_ms: number("p99_ms"),
        refused: sent["refused"].as_u64().unwrap_or(0),
        lost: lost(&sent, &arrived),
        duplicates: arrived["duplicates"].as_u64().unwrap_or(0),
    })
}

fn generate(
    options: &Options,
    load: &Path,
    port: u16,
    transport: Transport,
    compression: Compression,
    directory: &Path,
) -> Result<Value> {
    let mut generator = Command::new(load);
    generator.args([
        "generate",
        "--target",
        &format!("127.0.0.1:{port}"),
        "--transport",
        transport.name(),
    ]);
    generator.args([
        "--seconds",
        &options.seconds.to_string(),
        "--in-flight",
        &options.in_flight.to_string(),
    ]);
    if compression == Compression::Gzip {
        generator.arg("--gzip");
    }
    if let Some(rate) = options.rate {
        generator.args(["--rate", &rate.to_string()]);
    }
    let limit = Duration::from_secs(options.seconds + 60);
    let output = run_within(&mut generator, &directory.join("generator.log"), limit)?;
    let line = output
        .lines()
        .rev()
        .find(|line| line.starts_with('{'))
        .context("the generator printed no result")?;
    Ok(serde_json::from_str(line)?)
}

/// Waits until every acknowledged span has come to the sink, or nothing comes any more; returns what came.
fn drained(sink: u16, spans: u64) -> Result<Value> {
    let mut last = (0, Instant::now());
    loop {
        let stats = http::get(sink, "/stats")?.json()?;
        let items = stats["items"].as_u64().unwrap_or(0);
        if items > last.0 {
            last = (items, Instant::now());
        }
        if items >= spans || last.1.elapsed() > DRAIN {
            return Ok(stats);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Spans of acknowledged requests whose number never came, or spans missing in total, whichever is more.
fn lost(sent: &Value, arrived: &Value) -> u64 {
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
    let requests = number(sent, "acknowledged");
    let per_request = number(sent, "spans").checked_div(requests).unwrap_or(0);
    let missing_requests = requests.saturating_sub(number(arrived, "distinct"));
    let missing_spans = number(sent, "spans").saturating_sub(number(arrived, "items"));
    missing_spans.max(missing_requests * per_request)
}
