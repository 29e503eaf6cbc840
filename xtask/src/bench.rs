//! `cargo xtask bench`: the hub beside its peers, measured in one run.
//!
//! Every benchmark puts each system, in turns, between the same generator and the same counting sink (`xtask/bench`). What
//! counts are ratios; the machine is whatever it is. Configurations, commands and logs stay in `target/bench/runs`.

mod formats;
mod forward;
mod measure;
mod peers;
mod proc;
mod proxy;
mod report;
mod sdk;
mod store;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

/// The benchmarks, each with what it measures.
const BENCHMARKS: [(&str, &str); 5] = [
    (
        "forward",
        "OTLP in, OTLP out: spans per CPU-second, peak memory, latency and lost items, beside rotel and otelcol",
    ),
    (
        "formats",
        "OTLP in, the formats of other backends out: the same figures, beside those that have such an exporter",
    ),
    (
        "sdk",
        "what a span costs the program that makes it, what a burst loses, bytes on the wire, beside other SDKs",
    ),
    (
        "store",
        "spans kept per CPU-second, bytes a span takes, and how long questions take, beside Jaeger and Phoenix",
    ),
    (
        "proxy",
        "what a proxy adds to calls of language models, calls per CPU-second and even streams, beside LiteLLM and others",
    ),
];

/// Options of `cargo xtask bench`.
#[derive(Args, Clone)]
pub struct Options {
    /// Which benchmark; without it, they are listed.
    name: Option<String>,
    /// How often each system is measured; rounds of all systems take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each system is loaded in a round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Only this transport; when left out, `forward` takes both, `formats` takes gRPC.
    #[arg(long, value_enum)]
    transport: Option<Transport>,
    /// Only these formats, by the names that `formats` prints; all when left out.
    #[arg(long, value_delimiter = ',')]
    format: Vec<String>,
    /// Only this compression, of `forward`; `none` when left out.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none")]
    compression: Vec<Compression>,
    /// Requests in flight.
    #[arg(long, default_value_t = 32)]
    in_flight: usize,
    /// Requests of 100 items a second; as many as are answered when left out.
    #[arg(long)]
    rate: Option<f64>,
    /// How many spans the store alone is given, of `store`.
    #[arg(long, default_value_t = 10_000_000)]
    spans: u64,
    /// How many requests of 100 spans the hub and its peers are given, of `store`.
    #[arg(long, default_value_t = 10_000)]
    requests: u64,
    /// Only these systems: fanlight, rotel, otelcol, of `store` fanlight, jaeger, phoenix, llmflow, of `proxy` fanlight,
    /// fanlight_sends, litellm; all when left out.
    #[arg(long, value_delimiter = ',')]
    systems: Vec<String>,
    /// One more system, as NAME=PATH: of `proxy` traceloop, agentgateway, llmflow, or another fanlight, of `store` llmflow.
    #[arg(long, value_name = "NAME=PATH")]
    peer: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    Grpc,
    Http,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Compression {
    None,
    Gzip,
}

impl Transport {
    const fn name(self) -> &'static str {
        match self {
            Transport::Grpc => "grpc",
            Transport::Http => "http",
        }
    }
}

impl Compression {
    const fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
        }
    }
}

/// Runs a benchmark, or lists them.
///
/// # Errors
/// When a system can't be built or started, or the name is none of a benchmark.
pub fn run(options: &Options) -> Result<()> {
    match options.name.as_deref() {
        None => {
            for (name, about) in BENCHMARKS {
                println!("{name:<12}{about}");
            }
            Ok(())
        }
        Some("forward") => forward::run(options),
        Some("formats") => formats::run(options),
        Some("sdk") => sdk::run_all(options),
        Some("store") => store::run_all(options),
        Some("proxy") => proxy::run_all(options),
        Some(other) => bail!("{other} is no benchmark; cargo xtask bench lists them"),
    }
}
