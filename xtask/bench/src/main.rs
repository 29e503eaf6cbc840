//! The benchmark's two ends: `fanlight-load generate` sends, `fanlight-load sink` counts.
//!
//! Both must cost much less than what stands between them: the generator encodes one request and only rewrites a few numbers
//! in it; the sink only walks down to the spans' ids or, in other formats, looks for them in the bytes.

mod backend;
mod calls;
mod generate;
mod latency;
mod payload;
mod providers;
mod sink;
mod tally;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "fanlight-load", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send requests of one signal, and print what was acknowledged and how fast.
    Generate(generate::Options),
    /// Take everything that comes over OTLP/gRPC and HTTP on one port, as its backend would; `GET /stats` says what came.
    Sink(sink::Options),
    /// Call a language model by a proxy, and print how that went.
    Calls(calls::Options),
    /// Answer calls of language models as their providers would.
    Providers(providers::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Generate(options) => generate::run(options).await,
        Command::Sink(options) => sink::run(options).await,
        Command::Calls(options) => calls::run(options).await,
        Command::Providers(options) => providers::run(options).await,
    }
}
