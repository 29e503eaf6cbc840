//! `cargo xtask bench store`: what it costs to keep spans and to find them again.
//!
//! First the store alone, with all the spans (`crates/store/benches/ingest.rs`). Then the hub and its peers, each given the
//! same requests over OTLP/HTTP and asked the same questions over its own API: Jaeger with Badger, its embedded storage,
//! Phoenix with SQLite, and LLMFlow with SQLite where `--peer llmflow=PATH` says where it is. The last two get fewer requests, since
//! they take minutes for what takes the others seconds; rates and bytes are per span. Last, searches that a person makes:
//! the time until the hub's page shows what was found, beside the time in which Jaeger's API answers. What counts are ratios.

mod search;
mod systems;

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use self::systems::{Place, System};
use super::{Options, proc};
use crate::check::cargo_command;
use crate::process::{eventually, run};
use crate::steps::Steps;
use crate::{http, workspace};

/// The spans of a request.
const SPANS: u64 = 100;
/// How often each question is asked.
const ROUNDS: usize = 20;
/// How long a system may take to show what it was given.
const PATIENCE: Duration = Duration::from_secs(300);

/// The service of the first request, and the times that all spans are in, in microseconds.
const SERVICE: &str = "shop";
const FROM_US: u64 = 1_699_999_999_000_000;
const TO_US: u64 = 1_700_090_000_000_000;

/// What was measured of a system.
struct Figures {
    name: &'static str,
    spans_per_cpu_second: f64,
    bytes_per_span: f64,
    trace_ms: f64,
    newest_ms: f64,
}

/// Runs the benchmark.
///
/// # Errors
/// When a system can't be built, started or asked.
pub(super) fn run_all(options: &Options) -> Result<()> {
    println!("the store alone");
    let status = bench(&["--spans", &options.spans.to_string()]).status()?;
    ensure!(status.success(), "the store's own benchmark failed");
    let directory = workspace::emptied("bench/runs/store")?;
    let file = directory.join("requests");
    let mut write = bench(&["--requests", &file.display().to_string()]);
    let spans = options.requests * SPANS;
    write.args(["--count", &options.requests.to_string()]);
    write.args(["--spans", &spans.to_string()]);
    let steps = Steps::new("bench");
    run(&mut write, &steps.log("write requests"))?;
    let requests = read_requests(&file)?;
    let wanted = |name: &str| {
        options.systems.is_empty() || options.systems.iter().any(|system| system == name)
    };
    let (mut all, mut searches) = (Vec::new(), Vec::new());
    for (name, start) in systems::STARTS.into_iter().filter(|(name, _)| wanted(name)) {
        let place = Place {
            directory: &directory.join(name),
            llmflow: options
                .peer
                .iter()
                .find_map(|peer| peer.strip_prefix("llmflow=")),
            steps: &steps,
        };
        let measured = start(&place).and_then(|system| {
            let figures = measure(&system, &requests)?;
            let times = search::times(&system, &place)?;
            Ok((figures, times))
        });
        match measured {
            Ok((figures, times)) => {
                all.push(figures);
                searches.extend(times.map(|times| (name, times)));
            }
            Err(error) => println!("{name} was not measured: {error:#}"),
        }
    }
    print(&all);
    search::print(&searches, spans);
    Ok(())
}

/// The store's own benchmark.
fn bench(arguments: &[&str]) -> Command {
    let mut command = cargo_command(&["bench", "--quiet", "-p", "fanlight-store"]);
    command.args(["--bench", "ingest", "--"]).args(arguments);
    command
}

fn read_requests(file: &Path) -> Result<Vec<Vec<u8>>> {
    let mut file = std::io::BufReader::new(std::fs::File::open(file)?);
    let mut requests = Vec::new();
    let mut length = [0; 4];
    while file.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_le_bytes(length) as usize];
        file.read_exact(&mut request)?;
        requests.push(request);
    }
    Ok(requests)
}

fn measure(system: &System, requests: &[Vec<u8>]) -> Result<Figures> {
    let requests = requests.get(..system.requests).unwrap_or(requests);
    let before = proc::cpu_seconds(system.process)?;
    let headers = [("content-type", system.encoding.content_type())];
    for request in requests {
        let body = system.encoding.body(request)?;
        eventually(PATIENCE, || {
            let answer = http::request(system.otlp, "POST", "/v1/traces", &headers, &body)?;
            ensure!(answer.status == 200, "OTLP is answered {}", answer.status);
            Ok(())
        })?;
    }
    let ids: Vec<Ids> = requests
        .iter()
        .map(|request| first_ids(request))
        .collect::<Result<_>>()?;
    let last = ids.last().context("there are no requests")?;
    eventually(PATIENCE, || ask(system, &(system.trace)(last), &last.trace))?;
    let cpu = proc::cpu_seconds(system.process)? - before;
    let spans = requests.len() as f64 * SPANS as f64;
    let step = (ids.len() / ROUNDS).max(1);
    let mut traces = Vec::new();
    for id in ids.iter().step_by(step).take(ROUNDS) {
        traces.push(timed(|| ask(system, &(system.trace)(id), &id.trace))?);
    }
    let mut newest = Vec::new();
    for _ in 0..ROUNDS {
        newest.push(timed(|| ask(system, &system.newest, ""))?);
    }
    Ok(Figures {
        name: system.name,
        spans_per_cpu_second: spans / cpu,
        bytes_per_span: size(&system.data)? as f64 / spans,
        trace_ms: median(traces),
        newest_ms: median(newest),
    })
}

/// By which a span is found.
struct Ids {
    trace: String,
    span: String,
}

/// The ids of a request's first span: the bytes behind the first field that is a trace id. Every request of the benchmark
/// has it as its first span's first field, with the span's id behind it.
fn first_ids(request: &[u8]) -> Result<Ids> {
    let at = request.windows(2).position(|two| two == [0x0a, 0x10]);
    let ids = at.and_then(|at| request.get(at + 2..at + 28));
    let ids = ids.context("a request has no trace id")?;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Ids {
        trace: hex(&ids[..16]),
        span: hex(&ids[18..]),
    })
}

/// Asks a question whose answer must have a text.
fn ask(system: &System, path: &str, text: &str) -> Result<()> {
    let answer = http::get(system.api, path)?;
    ensure!(answer.status == 200, "{path} is answered {}", answer.status);
    ensure!(answer.text().contains(text), "{path} does not have {text}");
    Ok(())
}

fn timed(ask: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    ask()?;
    Ok(begun.elapsed().as_secs_f64() * 1e3)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The bytes that a directory takes on the disk. Files with holes, as Badger's, count for what they hold.
fn size(directory: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let file = entry.metadata()?;
        bytes += match file.is_dir() {
            true => size(&entry.path())?,
            false => file.blocks() * 512,
        };
    }
    Ok(bytes)
}

/// Prints the table: figures, and in parentheses by how much the hub is better.
fn print(all: &[Figures]) {
    println!(
        "\nover OTLP/HTTP, the same spans; in parentheses how many times as much the hub does, or as little it takes"
    );
    println!(
        "{:<12}{:>28}{:>24}{:>24}{:>28}",
        "", "spans per CPU-second", "bytes a span", "trace by id, ms", "newest 50 of a service, ms"
    );
    let Some(hub) = all.first() else { return };
    for one in all {
        let more = |value: f64, own: f64| format!("{value:.0} ({:.1})", own / value);
        let less = |value: f64, own: f64| format!("{value:.2} ({:.1})", value / own);
        println!(
            "{:<12}{:>28}{:>24}{:>24}{:>28}",
            one.name,
            more(one.spans_per_cpu_second, hub.spans_per_cpu_second),
            less(one.bytes_per_span, hub.bytes_per_span),
            less(one.trace_ms, hub.trace_ms),
            less(one.newest_ms, hub.newest_ms),
        );
    }
}
