//! `fanlight serve`: load, open, run, stop.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use fanlight_config::Environment;
use fanlight_pipeline::{Broken, Running, StartError, Status, Stopped};

use crate::cli::ServeArgs;
use crate::hub::{Hub, HubError};
use crate::signals::Signals;
use crate::sources::Sources;
use crate::{commands, logging, report};

/// Runs the hub until a signal arrives or a component breaks.
pub(super) fn run(args: &ServeArgs, environment: &Environment) -> ExitCode {
    let begun = Instant::now();
    let sources = match Sources::read(&args.config, Some(args), environment) {
        Ok(sources) => sources,
        Err(unusable) => return commands::unusable(&unusable),
    };
    let status = Status::default();
    logging::start(
        sources.settings.log_level,
        args.log_format,
        report::has_colours(),
        status.clone(),
    );
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            report::error("the runtime can't start", &[error.to_string()], None);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        // Caught before anything is served: from then on, a stop must drain.
        let mut signals = match Signals::catch() {
            Ok(signals) => signals,
            Err(error) => {
                report::error("signals can't be caught", &[error.to_string()], None);
                return ExitCode::FAILURE;
            }
        };
        let hub = match Hub::start(sources, args, environment, status) {
            Ok(hub) => hub,
            Err(error) => return explain(error),
        };
        report::print(&hub.summary(begun.elapsed()).text());
        serve(hub, &mut signals, args.drain_timeout).await
    });
    // What still runs then (a query, a write that hangs) has had its time.
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

/// Waits for the end, and stops in order.
async fn serve(mut hub: Hub, signals: &mut Signals, drain: Duration) -> ExitCode {
    let broken = tokio::select! {
        name = signals.next() => {
            tracing::info!(signal = name, "stopping; a second signal ends at once");
            None
        }
        broken = hub.running.broken() => Some(broken),
    };
    if let Some(broken) = &broken {
        tell(broken);
    }
    let stopped = tokio::select! {
        stopped = stop(hub.running, drain) => stopped,
        name = signals.next() => {
            tracing::warn!(signal = name, "ended before everything was delivered");
            return ExitCode::FAILURE;
        }
    };
    farewell(&stopped);
    if broken.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

async fn stop(running: Running, drain: Duration) -> Stopped {
    running.stop(drain).await
}

fn tell(broken: &Broken) {
    let causes = broken.error.as_ref().map(|error| {
        let mut causes = vec![error.to_string()];
        causes.extend(report::causes(error));
        causes
    });
    report::error(
        &broken.to_string(),
        &causes.unwrap_or_default(),
        Some("the hub stops so that it can be started again"),
    );
}

fn farewell(stopped: &Stopped) {
    for (exporter, batches) in &stopped.kept {
        tracing::info!(%exporter, batches, "batches wait on disk for the next start");
    }
    for (exporter, items) in &stopped.lost {
        tracing::error!(%exporter, items, "items are lost: the destination did not take them in time");
    }
    if stopped.lost.is_empty() {
        tracing::info!("stopped; everything accepted was delivered or is kept");
    }
}

fn explain(error: HubError) -> ExitCode {
    match error {
        HubError::Config(unusable) => commands::unusable(&unusable),
        HubError::Start(StartError { component, error }) => {
            let options = match component.as_str() {
                "receiver otlp" => "; --otlp-grpc and --otlp-http do it without a file",
                "receiver llm_proxy" => "; --proxy ADDRESS moves it, --proxy off does without it",
                _ => "",
            };
            let hint = error.advice().map(|advice| format!("{advice}{options}"));
            let message = format!("{component} can't start: {error}");
            report::error(&message, &report::causes(&error), hint.as_deref());
            ExitCode::FAILURE
        }
        HubError::Part { what, error } => {
            report::error(
                &format!("{what} can't start: {error}"),
                &report::causes(&error),
                error.advice(),
            );
            ExitCode::FAILURE
        }
    }
}
