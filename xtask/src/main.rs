//! The project's own commands, as `cargo xtask COMMAND`.
//!
//! Everything a command downloads or builds is kept under `target/`; the source tree is never written to, except by `fmt`.

mod bench;
mod check;
mod clients;
mod download;
mod end_to_end;
mod fuzz;
mod http;
mod hub;
mod interop;
mod otlp_json;
mod process;
mod snippets;
mod steps;
mod test;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Check, test and measure Fanlight.
#[derive(Parser)]
#[command(name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write all Rust code and the dashboard's page in the project's format.
    Fmt,
    /// Format, clippy with warnings denied, arrows between crates, sizes, documentation links.
    Check,
    /// Pass every test; installs what its parts need (Python and Node clients, a browser).
    Test(test::Options),
    /// Start real backends, and check both ends field by field.
    Interop(interop::Options),
    /// Run every configuration snippet of Markdown documents through `fanlight check` and a short `fanlight serve`.
    Snippets {
        /// Documents, or folders with documents.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
    /// Measure the hub beside its peers; without a name, lists the benchmarks.
    Bench(bench::Options),
    /// Run every fuzz target for a while.
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Fmt => check::format(),
        Command::Check => check::run(),
        Command::Test(options) => test::run(&options),
        Command::Interop(options) => interop::run(&options),
        Command::Snippets { paths } => snippets::run(&paths),
        Command::Bench(options) => bench::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
