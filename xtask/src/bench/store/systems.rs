//! The systems: each started with an empty directory of its own, and where it is asked.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanlight_otlp::{Batch, Signal, json};

use super::{FROM_US, Ids, PATIENCE, SERVICE, TO_US};
use crate::hub::{self, Hub, Ports};
use crate::process::{Background, eventually, free_port};
use crate::steps::Steps;
use crate::{http, interop};

/// Where a system is started, and from what.
pub(super) struct Place<'a> {
    pub(super) directory: &'a Path,
    pub(super) llmflow: Option<&'a str>,
    pub(super) steps: &'a Steps,
}

type Start = fn(&Place<'_>) -> Result<System>;

/// Every system; the first is what the others are compared with.
pub(super) const STARTS: [(&str, Start); 4] = [
    ("fanlight", start_fanlight),
    ("jaeger", start_jaeger),
    ("phoenix", start_phoenix),
    ("llmflow", start_llmflow),
];

/// How a system wants its requests.
#[derive(Clone, Copy)]
pub(super) enum Encoding {
    Protobuf,
    Json,
}

impl Encoding {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Encoding::Protobuf => "application/x-protobuf",
            Encoding::Json => "application/json",
        }
    }

    pub(super) fn body(self, request: &[u8]) -> Result<Cow<'_, [u8]>> {
        match self {
            Encoding::Protobuf => Ok(Cow::Borrowed(request)),
            Encoding::Json => {
                let batch = Batch::decode(Signal::Traces, request.to_vec().into())?;
                Ok(Cow::Owned(json::to_vec(&batch)?))
            }
        }
    }
}

/// A system that runs.
pub(super) struct System {
    pub(super) name: &'static str,
    pub(super) process: u32,
    /// What ends it when it is dropped.
    _keep: Box<dyn std::any::Any>,
    /// Where it takes OTLP/HTTP, and where it is asked.
    pub(super) otlp: u16,
    pub(super) encoding: Encoding,
    pub(super) api: u16,
    pub(super) data: PathBuf,
    /// How many requests it is given at most.
    pub(super) requests: usize,
    /// The paths of the questions for a trace by its id, and for the newest traces of a service.
    pub(super) trace: fn(&Ids) -> String,
    pub(super) newest: String,
}

fn start_fanlight(place: &Place<'_>) -> Result<System> {
    let (directory, steps) = (place.directory, place.steps);
    let binary = hub::build(hub::Profile::Release, &steps.log("cargo build"))?;
    let ports = Ports::free()?;
    // Where a file names no exporter, everything goes to the store.
    let configuration = ports.receivers();
    let mut hub = Hub::start(&binary, directory, ports, &configuration)?;
    Ok(System {
        name: "fanlight",
        process: hub.process().id(),
        _keep: Box::new(hub),
        otlp: ports.http,
        encoding: Encoding::Protobuf,
        api: ports.dashboard,
        data: directory.join("data"),
        requests: usize::MAX,
        trace: |ids| format!("/api/traces/{}", ids.trace),
        newest: format!("/api/traces?service={SERVICE}&limit=50"),
    })
}

fn start_jaeger(place: &Place<'_>) -> Result<System> {
    let (directory, steps) = (place.directory, place.steps);
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
        encoding: Encoding::Protobuf,
        api: query,
        data,
        requests: usize::MAX,
        trace: |ids| format!("/api/traces/{}", ids.trace),
        newest: format!("/api/traces?service={SERVICE}&limit=50&start={FROM_US}&end={TO_US}"),
    })
}

fn start_phoenix(place: &Place<'_>) -> Result<System> {
    let (directory, steps) = (place.directory, place.steps);
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
        encoding: Encoding::Protobuf,
        api: port,
        data,
        requests: 100,
        trace: |ids| format!("/v1/projects/default/spans?trace_id={}", ids.trace),
        newest: "/v1/projects/default/spans?limit=50".to_owned(),
    })
}

/// LLMFlow as its repository has it, with its dependencies installed there and `bun` on the PATH. It keeps 10,000 traces
/// unless it is told otherwise, and spends most of its time on deleting the others.
fn start_llmflow(place: &Place<'_>) -> Result<System> {
    let source = place
        .llmflow
        .context("--peer llmflow=PATH does not say where it is")?;
    let data = place.directory.join("data");
    std::fs::create_dir_all(&data)?;
    let (port, proxy) = (free_port()?, free_port()?);
    let mut command = Command::new("bun");
    command
        .args(["run", "src/server.ts"])
        .current_dir(Path::new(source).join("apps/server"))
        .env("DASHBOARD_PORT", port.to_string())
        .env("PROXY_PORT", proxy.to_string())
        .env("DATA_DIR", &data)
        .env("MAX_TRACES", "100000000");
    let process = ready(
        &mut command,
        place.directory,
        "llmflow",
        port,
        "/api/health",
    )?;
    Ok(System {
        name: "llmflow",
        process: process.id(),
        _keep: Box::new(process),
        otlp: port,
        encoding: Encoding::Json,
        api: port,
        data,
        requests: 500,
        trace: |ids| format!("/api/traces/{}/tree", ids.span),
        newest: "/api/traces?limit=50".to_owned(),
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
