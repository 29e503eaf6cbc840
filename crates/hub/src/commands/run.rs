//! `fanlight run`: a command whose telemetry and calls of language models go through a hub. The terminal and the exit code
//! are the command's; the hub is the one that runs, or one that lives in this process for as long as the command does.

mod child;
mod summary;
mod variables;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser as _;
use fanlight_config::{Environment, env_vars};
use fanlight_pipeline::{Status, Stopped};

use crate::api::{Api, Problem};
use crate::cli::{Cli, HubArgs, LogFormat, LogLevel, RunArgs, ServeArgs};
use crate::endpoints::Endpoints;
use crate::hub::{Hub, HubError};
use crate::report::{self, FAINT};
use crate::sources::Sources;
use crate::{data_dir, logging};
use variables::{Owner, Variables};

/// How long the hub may go on delivering after the command's end.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs the command. Exit codes: the command's; 128 and the signal's number where a signal ended it; 127 where there is no
/// such program, 126 where it can't be started; 1 where there is no hub.
pub(super) fn run(args: &RunArgs, environment: &Environment) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            report::error("the runtime can't start", &[error.to_string()], None);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run_command(args, environment));
    runtime.shutdown_timeout(Duration::from_secs(1));
    code.unwrap_or_else(|problem| {
        report::error(&problem.message, &[], problem.hint.as_deref());
        ExitCode::FAILURE
    })
}

async fn run_command(args: &RunArgs, environment: &Environment) -> Result<ExitCode, Problem> {
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Problem::new("there is no command to run"));
    };
    let (api, own) = match Api::running(&args.hub, environment).await? {
        Some(api) => (api, None),
        None => {
            let hub = start(&args.hub, environment)?;
            let api = Api::running(&args.hub, environment).await?;
            let api =
                api.ok_or_else(|| Problem::new("the hub that was started does not answer"))?;
            (api, Some(hub))
        }
    };
    let endpoints = Endpoints::of(&api).await?;
    let owner = if own.is_some() {
        Owner::Run
    } else {
        Owner::User
    };
    let variables = Variables::choose(&endpoints, owner, &name(program), environment);
    tell(&variables, &api, own.is_some());
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut arguments: Vec<OsString> = arguments.to_vec();
    arguments.splice(0..0, variables.arguments.iter().map(OsString::from));
    let code = child::run(program, &arguments, &variables).await;
    let since = since.as_nanos();
    let line = match own {
        None => summary::of_running(&api, since).await,
        Some(hub) => {
            let stopped = stop(hub).await;
            for (exporter, items) in stopped.lost {
                report::complain(&format!(
                    "fanlight: {exporter} did not take {items} items in time; they are lost\n"
                ));
            }
            summary::of_stored(&args.hub, environment, since).await
        }
    };
    report::complain(&format!("{FAINT}fanlight: {line}{FAINT:#}\n"));
    Ok(code)
}

/// Stops the hub and lets go of its data.
async fn stop(hub: Hub) -> Stopped {
    hub.running.stop(DRAIN).await
}

/// A program's name without its folder.
fn name(program: &OsStr) -> String {
    let name = Path::new(program).file_name().unwrap_or(program);
    name.to_string_lossy().into_owned()
}

fn tell(variables: &Variables, api: &Api, is_own: bool) {
    let hub = if is_own {
        "watch it while it runs"
    } else {
        "through the hub"
    };
    let mut text = format!("{FAINT}fanlight: {hub}: {}\n", api.base());
    for note in &variables.notes {
        text.push_str(&format!("fanlight: {note}\n"));
    }
    report::complain(&format!("{text}{FAINT:#}"));
}

/// Starts a hub in this process, on free ports, with the user's data and with what the environment says.
fn start(args: &HubArgs, environment: &Environment) -> Result<Hub, Problem> {
    let environment = variables::for_own_hub(environment);
    let directory = data_dir::choose(args.data_dir.as_deref(), &environment);
    let serve = serve_args(args, &directory);
    let sources = Sources::read(&serve.config, Some(&serve), &environment).map_err(|unusable| {
        unusable.show();
        Problem::new("the environment can't be used for a hub")
    })?;
    let status = Status::default();
    // The terminal is the command's; what is lost is told at the end.
    logging::start(LogLevel::Off, LogFormat::Text, false, status.clone());
    Hub::start(sources, &serve, &environment, status).map_err(|error| match error {
        HubError::Config(unusable) => {
            unusable.show();
            Problem::new("the environment can't be used for a hub")
        }
        HubError::Start(error) => {
            Problem::new(format!("{} can't start: {}", error.component, error.error))
        }
        HubError::Part { what, error } => {
            let causes = report::causes(&error).join(": ");
            let problem = Problem::new(format!("{what} can't start: {error}: {causes}"));
            match error.advice() {
                Some(advice) => problem.hint(advice),
                None => problem,
            }
        }
    })
}

/// The options of `fanlight serve` for a hub beside others.
fn serve_args(args: &HubArgs, directory: &Path) -> ServeArgs {
    let mut line: Vec<OsString> = ["fanlight", "--metrics", "off"]
        .map(OsString::from)
        .to_vec();
    for option in ["--otlp-grpc", "--otlp-http", "--dashboard", "--proxy"] {
        line.extend([option, "127.0.0.1:0"].map(OsString::from));
    }
    line.extend(["--data-dir".into(), directory.into()]);
    let mut serve = Cli::parse_from(line).serve;
    serve.token.clone_from(&args.token);
    serve
}

/// The variable that names the hub's token is the hub's alone.
const TOKEN: &str = env_vars::FANLIGHT_TOKEN.name;
