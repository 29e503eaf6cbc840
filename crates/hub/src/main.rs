//! The `fanlight` binary: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser as _;
use fanlight_hub::cli::Cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = std::env::vars().collect();
    fanlight_hub::commands::run(cli, &environment)
}
