//! The subcommands, one module each.

mod backends;
mod check;
mod components;
mod logins;
mod mcp;
mod query;
mod run;
mod serve;
mod setup;
mod tail;
mod trace;

use std::process::ExitCode;

use clap::CommandFactory as _;
use fanlight_config::Environment;

use crate::api::{Api, Problem};
use crate::cli::{Cli, Command, HubArgs};
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
        Some(Command::Tail(args)) => tail::run(&args, environment),
        Some(Command::Trace(args)) => trace::run(&args, environment),
        Some(Command::Query(args)) => query::run(&args, environment),
        Some(Command::Run(args)) => run::run(&args, environment),
        Some(Command::Setup(args)) => setup::run(&args, environment),
        Some(Command::Mcp(args)) => mcp::run(&args, environment),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "fanlight", &mut script);
            report::print(&String::from_utf8_lossy(&script));
            ExitCode::SUCCESS
        }
    }
}

/// Asks a hub, and shows what went wrong. Exit codes: 0 answered, 1 not.
fn ask(
    args: &HubArgs,
    environment: &Environment,
    question: impl AsyncFnOnce(Api) -> Result<(), Problem>,
) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let answered = match runtime {
        Ok(runtime) => {
            runtime.block_on(async { question(Api::find(args, environment).await?).await })
        }
        Err(error) => Err(Problem::new(format!("the runtime can't start: {error}"))),
    };
    match answered {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            report::error(&problem.message, &[], problem.hint.as_deref());
            ExitCode::FAILURE
        }
    }
}

/// The configuration can't be used.
fn unusable(unusable: &Unusable) -> ExitCode {
    unusable.show();
    ExitCode::from(2)
}
