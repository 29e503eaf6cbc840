//! Claude Code, Codex and Gemini CLI from npm, run by `fanlight run` without an account: their providers are stand-ins, their
//! keys are made up. What each prints must be the stand-in's answer, and the hub must have recorded one call for it, with its
//! tokens, beside what the tool reports of itself.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fanlight_testkit::fakes::llm::{self, Providers};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{COMMAND, Setting};
use crate::clients::{Node, without_telemetry_variables};
use crate::process::{run, run_within};
use crate::steps::{self, Steps, Tests};
use crate::workspace;

const LIMIT: Duration = Duration::from_secs(120);

/// A tool and how it is asked something once.
struct Tool {
    name: &'static str,
    /// The program and its arguments.
    command: &'static [&'static str],
    /// A file below its home, for a tool that must be told to use a key.
    file: Option<(&'static str, &'static str)>,
    /// The model, and the tokens that the stand-in's answer has.
    model: &'static str,
    tokens: (u64, u64),
    /// What the tool reports itself as.
    service: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        name: "Claude Code",
        command: &[
            "claude",
            "-p",
            "Say hello",
            "--model",
            "claude-sonnet-4-20250514",
        ],
        file: None,
        model: "claude-sonnet-4-20250514",
        tokens: (25 + 2048 + 512, 12),
        service: "claude",
    },
    Tool {
        name: "Codex",
        command: &[
            "codex",
            "exec",
            "--skip-git-repo-check",
            "-m",
            "gpt-4o-mini",
            "Say hello",
        ],
        file: None,
        model: "gpt-4o-mini",
        tokens: (50, 30),
        service: "codex",
    },
    Tool {
        name: "Gemini CLI",
        command: &[
            "gemini",
            "--skip-trust",
            "-m",
            "gemini-2.5-flash",
            "-p",
            "Say hello",
        ],
        file: Some((
            ".gemini/settings.json",
            r#"{"security": {"auth": {"selectedType": "gemini-api-key"}}}"#,
        )),
        model: "gemini-2.5-flash",
        tokens: (18, 51),
        service: "gemini",
    },
];

/// Each tool is a step.
pub(super) fn run_all(steps: &mut Steps, setting: &Setting) {
    for tool in &TOOLS {
        steps.run(&format!("{} through fanlight run", tool.name), |_| {
            through_run(tool, setting)
        });
    }
}

/// Scenario: somebody with nothing but a key runs a coding assistant by `fanlight run`.
/// Guarantee: it answers as it would, and one call is recorded, which counts once although the tool reports it as well.
fn through_run(tool: &Tool, setting: &Setting) -> Result<Tests> {
    let log = steps::log(COMMAND, "npm ci llm_tools");
    let node = Node::install_from("clients/llm_tools", &log)?;
    let name = tool.name.to_lowercase().replace(' ', "-");
    let directory = workspace::emptied(&format!("interop/runs/llm_tools-{name}"))?;
    let runtime = Runtime::new()?;
    let providers = {
        let _on = runtime.enter();
        Providers::start()
    };
    let place = Place {
        home: directory.join("home"),
        work: directory.join("work"),
        data: directory.join("data"),
        binary: setting.hub()?,
    };
    place.make(tool)?;
    let mut command = place.fanlight(&["run", "--"]);
    command.args(tool.command).current_dir(&place.work);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", node.programs().display()));
    credentials(&mut command, &providers);
    let output = run_within(&mut command, &directory.join("tool.log"), LIMIT)?;
    ensure!(
        output.contains(llm::ANSWER),
        "{} did not answer\n{output}",
        tool.name
    );
    let calls = place.query("select request_model, input_tokens, output_tokens, service from llm_calls where service = 'llm-proxy'", &directory)?;
    let answered: Vec<&Value> = calls
        .iter()
        .filter(|call| call["input_tokens"] == tool.tokens.0)
        .collect();
    ensure!(answered.len() == 1, "recorded are {calls:?}");
    let call = answered.first().context("no call")?;
    ensure!(
        call["request_model"] == tool.model && call["output_tokens"] == tool.tokens.1,
        "recorded is {call}"
    );
    let tokens = format!("{} out", tool.tokens.1);
    ensure!(
        output.contains(&tokens),
        "the call does not count once: {}",
        output.lines().last().unwrap_or("")
    );
    let own = format!(
        "select count(*) as n from spans where service like '{}%'",
        tool.service
    );
    let own = place.query(&own, &directory)?;
    let spans = own.first().and_then(|row| row["n"].as_u64()).unwrap_or(0);
    ensure!(spans > 0, "{} reported nothing of itself", tool.name);
    println!("   {}: one call, {spans} spans of its own", tool.name);
    Ok(Tests::passed(3))
}

/// Where a tool runs.
struct Place {
    home: PathBuf,
    work: PathBuf,
    data: PathBuf,
    binary: PathBuf,
}

impl Place {
    fn make(&self, tool: &Tool) -> Result<()> {
        for directory in [&self.home, &self.work] {
            std::fs::create_dir_all(directory)?;
        }
        if let Some((path, text)) = tool.file {
            let path = self.home.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&self.home))?;
            std::fs::write(path, text)?;
        }
        let log = self.work.with_extension("log");
        let mut git = Command::new("git");
        run(git.args(["init", "--quiet"]).current_dir(&self.work), &log).map(drop)
    }

    fn fanlight(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        without_telemetry_variables(&mut command);
        command
            .args(arguments)
            .env("HOME", &self.home)
            .env("DATA_DIR", &self.data)
            .env("NO_COLOR", "1");
        command
    }

    fn query(&self, sql: &str, directory: &Path) -> Result<Vec<Value>> {
        let mut command = self.fanlight(&["query", "--json", sql]);
        let output = run(&mut command, &directory.join("query.log"))?;
        let rows = output.lines().filter(|line| line.starts_with('{'));
        rows.map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

/// Made-up keys, and the stand-ins as where the hub forwards to.
fn credentials(command: &mut Command, providers: &Providers) {
    command
        .env("ANTHROPIC_API_KEY", llm::ANTHROPIC_KEY)
        .env("CODEX_API_KEY", llm::OPENAI_KEY)
        .env("GEMINI_API_KEY", llm::GEMINI_KEY)
        .env("ANTHROPIC_BASE_URL", providers.url(""))
        .env("OPENAI_BASE_URL", providers.url("/v1"))
        .env("GOOGLE_GEMINI_BASE_URL", providers.url(""))
        .env("DISABLE_AUTOUPDATER", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
}
