//! The subcommands, one module each.

mod backends;
mod check;
mod components;
mod serve;

use std::process::ExitCode;

use clap::CommandFactory as _;
use fanlight_config::Environment;

use crate::cli::{Cli, Command};
use crate::report;
use crate::sources::Unusable;

/// Runs what the command line asks for. Exit codes: 0 done, 1 something broke, 2 the configuration can't be used.
pub fn run(cli: Cli, environment: &Environment) -> ExitCode {
    match cli.command {
        None => serve::run(&cli.serve, environment),
        Some(Command::Serve(args)) => serve::run(&args, environment),
        Some(Command::Check(args)) => check::run(&args, environment),
        Some(Command::Components) => components::run(),
        Some(Command::Backends(args)) => backends::run(&args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "fanlight", &mut script);
            report::print(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
    }
}

/// The configuration can't be used.
fn unusable(unusable: &Unusable) -> ExitCode {
    unusable.show();
    ExitCode::from(2)
}
