//! `cargo xtask bench store`: what it costs to keep spans and to find them again.
//!
//! First the store alone, with all the spans (`crates/store/benches/ingest.rs`). Then the hub and its peers, each given the
//! same requests over OTLP/HTTP and asked the same questions over its own API: Jaeger with Badger, its embedded storage, and
//! Phoenix with SQLite. Phoenix gets fewer requests, since it takes minutes for what takes the others seconds; rates and
//! bytes are per span. What counts are ratios.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{Options, proc};
use crate::check::cargo_command;
use crate::hub::{self, Hub, Ports};
use crate::interop;
use crate::process::{Background, eventually, free_port, run};
use crate::steps::Steps;
use crate::{http, workspace};

/// The spans of a request.
const SPANS: u64 = 100;
/// How many requests systems are given, and how many Phoenix is.
const REQUESTS: usize = 2_000;
const FEW_REQUESTS: usize = 100;
/// How often each question is asked.
const ROUNDS: usize = 20;
/// How long a system may take to show what it was given.
const PATIENCE: Duration = Duration::from_secs(300);

/// The service of the first request, and the times that all spans are in, in microseconds.
const SERVICE: &str = "shop";
const FROM_US: u64 = 1_699_999_999_000_000;
const TO_US: u64 = 1_700_090_000_000_000;

/// A system that runs.
struct System {
    name: &'static str,
    process: u32,
    /// What ends it when it is dropped.
    _keep: Box<dyn std::any::Any>,
    /// Where it takes OTLP/HTTP, and where it is asked.
    otlp: u16,
    api: u16,
    data: PathBuf,
    requests: usize,
    trace: fn(&str) -> String,
    newest: String,
}

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
    write.args(["--count", &REQUESTS.to_string()]);
    let steps = Steps::new("bench");
    run(&mut write, &steps.log("write requests"))?;
    let requests = read_requests(&file)?;
    let wanted = |name: &str| {
        options.systems.is_empty() || options.systems.iter().any(|system| system == name)
    };
    let starts: [(&str, Start); 3] = [
        ("fanlight", start_fanlight),
        ("jaeger", start_jaeger),
        ("phoenix", start_phoenix),
    ];
    let mut all: Vec<Figures> = Vec::new();
    for (name, start) in starts.into_iter().filter(|(name, _)| wanted(name)) {
        let measured =
            start(&directory.join(name), &steps).and_then(|system| measure(system, &requests));
        match measured {
            Ok(figures) => all.push(figures),
            Err(error) => println!("{name} was not measured: {error:#}"),
        }
    }
    print(&all);
    Ok(())
}

type Start = fn(&Path, &Steps) -> Result<System>;

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

fn start_fanlight(directory: &Path, steps: &Steps) -> Result<System> {
    let binary = hub::build(hub::Profile::Release, &steps.log("cargo build"))?;
    let ports = Ports::free()?;
    let configuration = format!(
        "{}exporters:\n  store:\nservice:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      exporters: [store]\n",
        ports.receivers()
    );
    let mut hub = Hub::start(&binary, directory, ports, &configuration)?;
    Ok(System {
        name: "fanlight",
        process: hub.process().id(),
        _keep: Box::new(hub),
        otlp: ports.http,
        api: ports.dashboard,
        data: directory.join("data"),
        requests: REQUESTS,
        trace: |id| format!("/api/traces/{id}"),
        newest: format!("/api/traces?service={SERVICE}&limit=50"),
    })
}

fn start_jaeger(directory: &Path, steps: &Steps) -> Result<System> {
    let binary = interop::build_jaeger(&steps.log("build Jaeger"))?;
    let data = directory.join("data");
    std::fs::create_dir_all(&data)?;
    let (ports, query, grpc) = (Ports::free()?, free_port()?, free_port()?);
    let (keys, values) = (data.join("keys"), data.join("values"));
    let configuration = format!(
        "service:\n  extensions: [jaeger_storage, jaeger_query]\n  telemetry:\n    metrics:\n      level: none\n  pipelines:\n\
         \x20   traces:\n      receivers: [otlp]\n      exporters: [jaeger_storage_exporter]\n\
         extensions:\n  jaeger_storage:\n    backends:\n      badger:\n        badger:\n          ephemeral: false\n\
         \x20         directories:\n            keys: {}\n            values: {}\n\
         \x20 jaeger_query:\n    storage:\n      traces: badger\n    grpc:\n      endpoint: 127.0.0.1:{grpc}\n\
         \x20   http:\n      endpoint: 127.0.0.1:{query}\n\
         {}exporters:\n  jaeger_storage_exporter:\n    trace_storage: badger\n",
        keys.display(),
        values.display(),
        ports.receivers()
    );
    let file = directory.join("jaeger.yaml");
    std::fs::write(&file, configuration)?;
    let mut command = Command::new(binary);
    command
        .arg("--config")
        .arg(&file)
        // Otherwise it looks for a place to send traces of its own to.
        .env("OTEL_TRACES_SAMPLER", "always_off");
    let process = ready(&mut command, directory, "jaeger", query, "/api/services")?;
    Ok(System {
        name: "jaeger",
        process: process.id(),
        _keep: Box::new(process),
        otlp: ports.http,
        api: query,
        data,
        requests: REQUESTS,
        trace: |id| format!("/api/traces/{id}"),
        newest: format!("/api/traces?service={SERVICE}&limit=50&start={FROM_US}&end={TO_US}"),
    })
}

fn start_phoenix(directory: &Path, steps: &Steps) -> Result<System> {
    let python = interop::install_phoenix(&steps.log("pip install phoenix"))?;
    let data = directory.join("data");
    std::fs::create_dir_all(&data)?;
    let (port, grpc) = (free_port()?, free_port()?);
    let mut command = Command::new(python);
    command
        .args(["-m", "phoenix.server.main", "serve"])
        .env("PHOENIX_HOST", "127.0.0.1")
        .env("PHOENIX_PORT", port.to_string())
        .env("PHOENIX_GRPC_PORT", grpc.to_string())
        .env("PHOENIX_WORKING_DIR", &data)
        .env("PHOENIX_TELEMETRY_ENABLED", "false");
    let process = ready(&mut command, directory, "phoenix", port, "/healthz")?;
    Ok(System {
        name: "phoenix",
        process: process.id(),
        _keep: Box::new(process),
        otlp: port,
        api: port,
        data,
        requests: FEW_REQUESTS,
        trace: |id| format!("/v1/projects/default/spans?trace_id={id}"),
        newest: "/v1/projects/default/spans?limit=50".to_owned(),
    })
}

fn ready(
    command: &mut Command,
    directory: &Path,
    name: &str,
    port: u16,
    path: &str,
) -> Result<Background> {
    let mut process = Background::spawn(command, &directory.join(format!("{name}.log")))?;
    eventually(PATIENCE, || {
        process.still_running()?;
        let answer = http::get(port, path)?;
        ensure!(answer.status == 200, "{path} answers {}", answer.status);
        Ok(())
    })?;
    Ok(process)
}

fn measure(system: System, requests: &[Vec<u8>]) -> Result<Figures> {
    let requests = requests.get(..system.requests).unwrap_or(requests);
    let before = proc::cpu_seconds(system.process)?;
    let headers = [("content-type", "application/x-protobuf")];
    for request in requests {
        eventually(PATIENCE, || {
            let answer = http::request(system.otlp, "POST", "/v1/traces", &headers, request)?;
            ensure!(answer.status == 200, "OTLP is answered {}", answer.status);
            Ok(())
        })?;
    }
    let ids: Vec<String> = requests
        .iter()
        .map(|request| first_trace(request))
        .collect::<Result<_>>()?;
    let last = ids.last().context("there are no requests")?;
    eventually(PATIENCE, || ask(&system, &(system.trace)(last), last))?;
    let cpu = proc::cpu_seconds(system.process)? - before;
    let spans = requests.len() as f64 * SPANS as f64;
    let step = (ids.len() / ROUNDS).max(1);
    let mut traces = Vec::new();
    for id in ids.iter().step_by(step).take(ROUNDS) {
        traces.push(timed(|| ask(&system, &(system.trace)(id), id))?);
    }
    let mut newest = Vec::new();
    for _ in 0..ROUNDS {
        newest.push(timed(|| ask(&system, &system.newest, ""))?);
    }
    Ok(Figures {
        name: system.name,
        spans_per_cpu_second: spans / cpu,
        bytes_per_span: size(&system.data)? as f64 / spans,
        trace_ms: median(traces),
        newest_ms: median(newest),
    })
}

/// The id of the first trace of a request: the 16 bytes behind the first field that is one. Every request of the benchmark
/// has it as its first span's first field.
fn first_trace(request: &[u8]) -> Result<String> {
    let at = request.windows(2).position(|two| two == [0x0a, 0x10]);
    let id = at.and_then(|at| request.get(at + 2..at + 18));
    let id = id.context("a request has no trace id")?;
    Ok(id.iter().map(|byte| format!("{byte:02x}")).collect())
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
