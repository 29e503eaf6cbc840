//! `fanlight check`: what the configuration means, and on request what every destination answers.

use std::fmt::Write as _;
use std::process::ExitCode;

use fanlight_config::{ComponentId, Environment};
use fanlight_pipeline::{Answer, Host, Plan, Status};

use crate::cli::CheckArgs;
use crate::hub::{self, USER_AGENT};
use crate::report::{self, BAD, FAINT, GOOD, NAME};
use crate::sample::sample;
use crate::sources::Sources;
use crate::{commands, data_dir, graph};

/// Checks a configuration. Exit codes: 0 good, 1 a destination did not take its sample, 2 it can't be used.
pub(super) fn run(args: &CheckArgs, environment: &Environment) -> ExitCode {
    let read = Sources::read(&args.config, None, environment);
    let planned = read.and_then(|mut sources| {
        let plan = graph::plan(&mut sources, hub::unopened_additions)?;
        Ok((plan, sources.loaded.notes))
    });
    let (plan, notes) = match planned {
        Ok(planned) => planned,
        Err(unusable) => return commands::unusable(&unusable),
    };
    report::print(&describe(&plan, &notes));
    if !args.send {
        return ExitCode::SUCCESS;
    }
    let host = Host {
        data_dir: data_dir::choose(args.config.data_dir.as_deref(), environment),
        user_agent: USER_AGENT,
        status: Status::default(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let answers = match runtime {
        Ok(runtime) => runtime.block_on(plan.probe(&host, sample)),
        Err(error) => {
            report::error("the runtime can't start", &[error.to_string()], None);
            return ExitCode::FAILURE;
        }
    };
    match answers {
        Ok(answers) => tell(&answers),
        Err(error) => {
            let why = &error.error;
            report::error(
                &format!("{}: {why}", error.component),
                &report::causes(why),
                why.advice(),
            );
            ExitCode::FAILURE
        }
    }
}

/// The pipelines, one line each.
fn describe(plan: &Plan, notes: &[String]) -> String {
    let mut text = format!("{GOOD}ok{GOOD:#} the configuration can be used\n\n");
    let join = |ids: &[ComponentId]| {
        ids.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let width = plan
        .pipelines()
        .iter()
        .map(|pipeline| pipeline.id().len())
        .max()
        .unwrap_or(0);
    for pipeline in plan.pipelines() {
        let steps = [
            &pipeline.receivers,
            &pipeline.processors,
            &pipeline.exporters,
        ];
        let steps: Vec<String> = steps
            .iter()
            .filter(|ids| !ids.is_empty())
            .map(|ids| join(ids))
            .collect();
        // Writing to a String can't fail.
        let _ = writeln!(
            text,
            "  {NAME}{:<width$}{NAME:#}  {}",
            pipeline.id(),
            steps.join(" -> ")
        );
    }
    text.push('\n');
    for (id, destination, signals) in plan.destinations() {
        let _ = writeln!(
            text,
            "  {NAME}{id}{NAME:#} sends {signals} to {}",
            destination.text
        );
    }
    for note in notes {
        let _ = writeln!(text, "\n  note: {note}");
    }
    text
}

fn tell(answers: &[Answer]) -> ExitCode {
    let mut text = String::from("\n");
    let mut all_good = true;
    for answer in answers {
        let (good, what) = report::told(&answer.outcome);
        all_good &= good;
        let (style, mark) = if good { (GOOD, "ok") } else { (BAD, "failed") };
        let Answer {
            exporter,
            signal,
            took,
            ..
        } = answer;
        let took = took.as_millis();
        let _ = writeln!(
            text,
            "  {style}{mark:<6}{style:#} {exporter} {signal}: {what} {FAINT}({took} ms){FAINT:#}"
        );
    }
    report::print(&text);
    if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
