//! One generator, one sink, and each system between them in turn.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::peers::{Exporter, Program, SetUp, System};
use super::{Compression, Options, Transport, proc, report};
use crate::check::cargo_command;
use crate::hub::Ports;
use crate::process::{self, Background, eventually, free_port, run_within};
use crate::steps::Steps;
use crate::{http, workspace};

/// How long a system may go without delivering anything after the last acknowledgement.
const DRAIN: Duration = Duration::from_secs(15);

/// What goes in, and how it goes out.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Part of its directories' names.
    pub name: String,
    /// What stands above its table.
    pub title: String,
    /// The signal that goes in: traces, metrics or logs.
    pub signal: &'static str,
    /// How it goes in.
    pub transport: Transport,
    pub compression: Compression,
    /// How it goes out.
    pub exporter: Exporter,
}

/// One system in one round.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measurement {
    pub system: &'static str,
    pub case: String,
    pub round: usize,
    /// Items acknowledged to the generator.
    pub accepted: u64,
    /// Items that came to the sink.
    pub arrived: u64,
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub items_per_cpu_second: f64,
    pub peak_mib: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Requests refused with "come back later".
    pub refused: u64,
    /// Items acknowledged that never came to the sink.
    pub lost: u64,
    /// Requests that came more than once.
    pub duplicates: u64,
}

/// What all measurements of a run share.
struct Run<'a> {
    benchmark: &'static str,
    options: &'a Options,
    load: PathBuf,
    programs: BTreeMap<Program, PathBuf>,
}

/// Installs what the cases need, measures them and reports.
///
/// # Errors
/// When a system can't be installed, started or reached.
pub(super) fn run(benchmark: &'static str, options: &Options, cases: &[Case]) -> Result<()> {
    let steps = Steps::new("bench");
    let wanted = options.systems.iter().map(|name| System::named(name));
    let mut wanted = wanted.collect::<Result<Vec<System>>>()?;
    if wanted.is_empty() {
        wanted.extend(System::ALL);
    }
    let mut run = Run {
        benchmark,
        options,
        load: build_load(&steps)?,
        programs: BTreeMap::new(),
    };
    for case in cases {
        for system in &wanted {
            let Some(program) = system.program(&case.exporter) else {
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(place) = run.programs.entry(program) {
                println!("── install {}", system.name());
                place.insert(program.install(&steps)?);
            }
        }
    }
    let mut measurements = Vec::new();
    for case in cases {
        run.rounds(case, &wanted, &mut measurements)?;
    }
    for case in cases {
        report::print(case, &wanted, &measurements);
    }
    let file = workspace::cache("bench")?.join(format!("{benchmark}.json"));
    std::fs::write(&file, serde_json::to_string_pretty(&measurements)?)?;
    println!(
        "\neach measurement: {}; configurations and logs: {}",
        workspace::shown(&file),
        workspace::shown(&file.with_file_name("runs")),
    );
    Ok(())
}

/// Builds the generator, and returns its path.
///
/// # Errors
/// When it does not compile.
pub(super) fn build_load(steps: &Steps) -> Result<PathBuf> {
    process::run(
        &mut cargo_command(&["build", "--release", "--package", "fanlight-load"]),
        &steps.log("cargo build fanlight-load"),
    )?;
    Ok(workspace::target().join("release/fanlight-load"))
}

impl Run<'_> {
    /// Rounds take turns, each beginning with another system, so that no system always has the same neighbour.
    fn rounds(&self, case: &Case, wanted: &[System], into: &mut Vec<Measurement>) -> Result<()> {
        let able: Vec<(System, &PathBuf)> = wanted
            .iter()
            .filter_map(|system| {
                let program = system.program(&case.exporter)?;
                Some((*system, self.programs.get(&program)?))
            })
            .collect();
        for round in 0..self.options.rounds {
            for turn in 0..able.len() {
                let Some((system, program)) = able.get((round + turn) % able.len()) else {
                    continue;
                };
                let measured = self.measure(case, *system, program, round);
                let measured = measured
                    .with_context(|| format!("measuring {} ({})", system.name(), case.name))?;
                println!(
                    "   {:<9} {} round {}: {:>9.0} items per CPU-second, {:>6.1} MiB, p99 {:>7.2} ms, {} lost",
                    measured.system,
                    case.name,
                    round + 1,
                    measured.items_per_cpu_second,
                    measured.peak_mib,
                    measured.p99_ms,
                    measured.lost
                );
                into.push(measured);
            }
        }
        Ok(())
    }

    fn measure(
        &self,
        case: &Case,
        system: System,
        program: &Path,
        round: usize,
    ) -> Result<Measurement> {
        let directory = format!(
            "bench/runs/{}-{}-{}",
            self.benchmark,
            case.name,
            system.name()
        );
        let directory = workspace::emptied(&directory)?;
        let (sink_port, _sink) = self.start_sink(&directory)?;
        let set_up = SetUp {
            directory: &directory,
            ports: Ports::free()?,
            sink: sink_port,
            signal: case.signal,
            exporter: &case.exporter,
        };
        let mut command = system.command(program, &set_up)?;
        std::fs::write(directory.join("command.txt"), process::described(&command))?;
        let mut running = Background::spawn(&mut command, &directory.join("system.log"))?;
        let port = match case.transport {
            Transport::Grpc => set_up.ports.grpc,
            Transport::Http => set_up.ports.http,
        };
        eventually(Duration::from_secs(20), || {
            running.still_running()?;
            Ok(std::net::TcpStream::connect(("127.0.0.1", port))?)
        })?;

        let before = proc::cpu_seconds(running.id())?;
        let sent = self.generate(case, port, &directory)?;
        let accepted = sent["items"].as_u64().unwrap_or(0);
        let arrived = drained(sink_port, accepted)?;
        let cpu_seconds = proc::cpu_seconds(running.id())? - before;
        let number = |name: &str| sent[name].as_f64().unwrap_or(0.0);
        Ok(Measurement {
            system: system.name(),
            case: case.name.clone(),
            round,
            accepted,
            arrived: arrived["items"].as_u64().unwrap_or(0),
            seconds: number("seconds"),
            cpu_seconds,
            items_per_cpu_second: accepted as f64 / cpu_seconds.max(0.01),
            peak_mib: proc::peak_memory(running.id())?,
            p50_ms: number("p50_ms"),
            p99_ms: number("p99_ms"),
            refused: sent["refused"].as_u64().unwrap_or(0),
            lost: lost(&sent, &arrived),
            duplicates: arrived["duplicates"].as_u64().unwrap_or(0),
        })
    }

    /// Starts a sink, and returns its port.
    fn start_sink(&self, directory: &Path) -> Result<(u16, Background)> {
        let port = free_port()?;
        let mut sink = Command::new(&self.load);
        sink.args(["sink", "--listen", &format!("127.0.0.1:{port}")]);
        let sink = Background::spawn(&mut sink, &directory.join("sink.log"))?;
        eventually(Duration::from_secs(5), || http::get(port, "/stats"))?;
        Ok((port, sink))
    }

    fn generate(&self, case: &Case, port: u16, directory: &Path) -> Result<Value> {
        let mut generator = Command::new(&self.load);
        generator.args([
            "generate",
            "--target",
            &format!("127.0.0.1:{port}"),
            "--transport",
            case.transport.name(),
            "--signal",
            case.signal,
            "--seconds",
            &self.options.seconds.to_string(),
            "--in-flight",
            &self.options.in_flight.to_string(),
        ]);
        if case.compression == Compression::Gzip {
            generator.arg("--gzip");
        }
        if let Some(rate) = self.options.rate {
            generator.args(["--rate", &rate.to_string()]);
        }
        let limit = Duration::from_secs(self.options.seconds + 60);
        let output = run_within(&mut generator, &directory.join("generator.log"), limit)?;
        let line = output
            .lines()
            .rev()
            .find(|line| line.starts_with('{'))
            .context("the generator printed no result")?;
        Ok(serde_json::from_str(line)?)
    }
}

/// Waits until every acknowledged item has come to the sink, or nothing comes any more; returns what came.
fn drained(sink: u16, accepted: u64) -> Result<Value> {
    let mut last = (0, Instant::now());
    loop {
        let stats = http::get(sink, "/stats")?.json()?;
        let items = stats["items"].as_u64().unwrap_or(0);
        if items > last.0 {
            last = (items, Instant::now());
        }
        if items >= accepted || last.1.elapsed() > DRAIN {
            return Ok(stats);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Items of acknowledged requests whose number never came, or items missing in total, whichever is more.
fn lost(sent: &Value, arrived: &Value) -> u64 {
    let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
    let requests = number(sent, "acknowledged");
    let per_request = number(sent, "items").checked_div(requests).unwrap_or(0);
    let missing_requests = requests.saturating_sub(number(arrived, "distinct"));
    let missing_items = number(sent, "items").saturating_sub(number(arrived, "items"));
    missing_items.max(missing_requests * per_request)
}
