//! `cargo xtask interop`: real backends at the other end.
//!
//! Each part starts a real server, installed once by the package manager of its field at a pinned version, and the hub in
//! front of it. What the hub was given is read back from the backend and compared field by field.

mod carried;
mod clickhouse;
mod collector;
mod datadog;
mod debian;
mod elasticsearch;
mod fan_out;
mod go;
mod golden;
mod jaeger;
mod jaeger_api;
mod jaeger_receiver;
mod kafka;
mod ledger;
mod llm;
mod llm_tools;
mod llmflow;
mod loki;
mod moto;
mod phoenix;
mod prometheus;
mod pyroscope;
mod sdk;
mod server;
mod setting;
mod signalfx;
mod splunk;
mod tempo;
mod tracers;
mod zipkin;

use anyhow::{Result, bail};
use clap::Args;

use crate::hub::Profile;
use crate::steps::Steps;

pub use collector::{build as build_collector, build_contrib as build_contrib_collector};
pub use jaeger::build as build_jaeger;
pub use server::phoenix::install as install_phoenix;
use setting::Setting;

/// The command's name in its summary and for its logs.
const COMMAND: &str = "interop";

/// Options of `cargo xtask interop`.
#[derive(Args)]
pub struct Options {
    /// Only these parts; all when left out. An unknown name lists them.
    parts: Vec<String>,
    /// Take the debug build of the hub, which is there sooner.
    #[arg(long)]
    debug: bool,
}

/// The parts, by name.
const PARTS: &[(&str, Part)] = &[
    ("collector", collector::run),
    ("jaeger", jaeger::run),
    ("jaeger_api", jaeger_api::run),
    ("tempo", tempo::run),
    ("phoenix", phoenix::run),
    ("llm", llm::run),
    ("datadog", datadog::run),
    ("signalfx", signalfx::run),
    ("splunk", splunk::run),
    ("moto", moto::run),
    ("fan-out", fan_out::run),
    ("loki", loki::run),
    ("pyroscope", pyroscope::run),
    ("prometheus", prometheus::run),
    ("clickhouse", clickhouse::run),
    ("kafka", kafka::run),
    ("elasticsearch", elasticsearch::run),
    ("zipkin", zipkin::run),
    ("jaeger_receiver", jaeger_receiver::run),
    ("sdk", sdk::run),
    ("llm_tools", llm_tools::run_all),
    ("llmflow", llmflow::run),
    ("outage", ledger::outage),
    ("crash", ledger::crash),
];

/// Runs its steps. What it asks of the setting is installed then, so a part alone installs only what it needs.
type Part = fn(&mut Steps, &Setting);

/// Runs the parts.
///
/// # Errors
/// When one fails, or a name is none of a part.
pub fn run(options: &Options) -> Result<()> {
    let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = options
        .parts
        .iter()
        .find(|part| !known.contains(&part.as_str()))
    {
        bail!("{unknown} is no part; the parts are {}", known.join(", "));
    }
    let profile = if options.debug {
        Profile::Debug
    } else {
        Profile::Release
    };
    let setting = Setting::new(profile);
    let mut steps = Steps::new(COMMAND);
    for (name, part) in PARTS {
        if options.parts.is_empty() || options.parts.iter().any(|wanted| wanted == name) {
            part(&mut steps, &setting);
        }
    }
    steps.finish()
}
