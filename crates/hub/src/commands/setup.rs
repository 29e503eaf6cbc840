//! `fanlight setup`: what to set in a coding assistant so that a hub sees it, printed or merged into its own file.
//!
//! What is merged keeps everything else of the file, comments as well; the file as it was stays beside it. What the user
//! had set already is kept and told.

mod block;
mod file;
mod json;
mod toml;
mod tools;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use fanlight_config::{Environment, nearest};

use crate::api::{Api, Problem};
use crate::cli::SetupArgs;
use crate::endpoints::Endpoints;
use crate::report::{self, FAINT, NAME};
use file::{Change, Outcome};
use tools::{Format, TOOLS, Tool};

/// Prints, writes or takes back. Exit codes: 0 done, 1 not.
pub(super) fn run(args: &SetupArgs, environment: &Environment) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(set_up(args, environment)),
        Err(error) => Err(Problem::new(format!("the runtime can't start: {error}"))),
    };
    match done {
        Ok(text) => {
            report::print(&text);
            ExitCode::SUCCESS
        }
        Err(problem) => {
            report::error(&problem.message, &[], problem.hint.as_deref());
            ExitCode::FAILURE
        }
    }
}

async fn set_up(args: &SetupArgs, environment: &Environment) -> Result<String, Problem> {
    let Some(name) = &args.tool else {
        return Ok(list());
    };
    let tool = named(name)?;
    let (endpoints, runs) = match Api::running(&args.hub, environment).await? {
        Some(api) => (Endpoints::of(&api).await?, true),
        None => (Endpoints::usual(), false),
    };
    let plan = Plan {
        tool,
        file: tool.file(environment),
        settings: tool.settings(&endpoints, environment),
    };
    let mut text = if args.write {
        plan.change(&Change::Write)?
    } else if args.undo {
        return plan.change(&Change::Undo);
    } else {
        plan.print()
    };
    for note in tool.notes(&endpoints, environment) {
        let _ = writeln!(text, "{FAINT}{note}{FAINT:#}");
    }
    if !runs {
        let _ = writeln!(
            text,
            "{FAINT}No hub runs now, so these are the usual addresses; start one with: fanlight{FAINT:#}"
        );
    }
    Ok(text)
}

/// A tool's settings and where they go.
struct Plan {
    tool: &'static Tool,
    /// The tool's own file; none where it has none that could be written.
    file: Option<PathBuf>,
    settings: Vec<tools::Setting>,
}

impl Plan {
    fn print(&self) -> String {
        let snippet = self.tool.format.snippet(&self.settings);
        match &self.file {
            Some(file) => format!(
                "{FAINT}# {}: merge this into it, or let --write do it{FAINT:#}\n{snippet}",
                file.display()
            ),
            None => snippet,
        }
    }

    fn change(&self, change: &Change) -> Result<String, Problem> {
        let Some(file) = &self.file else {
            return Err(Problem::new(format!(
                "{} keeps its settings where no other program can write them",
                self.tool.title
            ))
            .hint(format!(
                "fanlight setup {} says what to set by hand",
                self.tool.name
            )));
        };
        let Outcome { done, kept } = file::change(file, self.tool.format, &self.settings, change)?;
        let mut text = format!("{NAME}{}{NAME:#}: {done}\n", file.display());
        for (setting, value) in kept {
            let _ = writeln!(
                text,
                "  {setting} is {value} already and was kept; to have the hub see it, set it to {}",
                self.wanted(&setting)
            );
        }
        Ok(text)
    }

    fn wanted(&self, name: &str) -> String {
        let mut settings = self.settings.iter();
        let found = settings.find(|setting| setting.name() == name);
        found.map_or_else(String::new, |setting| setting.value.to_string())
    }
}

fn named(name: &str) -> Result<&'static Tool, Problem> {
    let mut tools = TOOLS.iter();
    if let Some(tool) = tools.find(|tool| tool.name == name || tool.aliases.contains(&name)) {
        return Ok(tool);
    }
    let known: Vec<&str> = TOOLS
        .iter()
        .flat_map(|tool| std::iter::once(tool.name).chain(tool.aliases.iter().copied()))
        .collect();
    let problem = Problem::new(format!("{name} is no tool that is known"));
    Err(match nearest(name, &known) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint(
            "fanlight setup lists the tools; for any other, fanlight setup shell prints variables that most read",
        ),
    })
}

fn list() -> String {
    let mut text = String::new();
    for tool in TOOLS {
        // Writing to a String can't fail.
        let _ = writeln!(text, "{NAME}{:<14}{NAME:#}{}", tool.name, tool.about);
    }
    text
}

impl Format {
    /// The settings alone, in the tool's format.
    fn snippet(self, settings: &[tools::Setting]) -> String {
        match self {
            Format::Json => json::snippet(settings),
            Format::Toml => toml::snippet(settings),
            Format::Yaml => block::yaml(settings),
            Format::Shell => block::shell(settings),
            Format::Form => block::form(settings),
        }
    }
}
