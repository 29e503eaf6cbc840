//! `cargo xtask test`: every test, with what it needs installed on the way.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::check::{self, cargo_command};
use crate::process;
use crate::steps::{Steps, Tests};
use crate::{end_to_end, hub, snippets, workspace};

/// How long `cargo test` may take, its build included.
const LIMIT: Duration = Duration::from_secs(45 * 60);

/// Options of `cargo xtask test`.
#[derive(Args)]
pub struct Options {
    /// Leave out the real clients and the browser.
    #[arg(long)]
    quick: bool,
    /// Only the real clients and the browser.
    #[arg(long, conflicts_with = "quick")]
    end_to_end: bool,
    /// Of the real clients and the browser, only steps with this in their name.
    #[arg(long, requires = "end_to_end", value_name = "TEXT")]
    only: Option<String>,
}

/// Runs all tests.
///
/// # Errors
/// When one fails.
pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("test");
    add_to(&mut steps, options);
    steps.finish()
}

fn add_to(steps: &mut Steps, options: &Options) {
    if !options.end_to_end {
        steps.run("the page: types, lint, tests", page);
        steps.run(
            "cargo test --workspace, with all of the SDK",
            workspace_tests,
        );
        steps.run(
            "every order in which the SDK's threads can meet",
            model_tests,
        );
    }
    let mut built = None;
    steps.run("cargo build --package fanlight-hub", |steps| {
        built = Some(hub::build(hub::Profile::Debug, &steps.log("cargo build"))?);
        Ok(Tests::default())
    });
    let Some(binary) = built else { return };
    if !options.end_to_end {
        steps.run(
            "configuration snippets of the project's own documents",
            |_| snippets::own_documents(&binary),
        );
    }
    if !options.quick {
        end_to_end::run_all(steps, &binary, options.only.as_deref());
    }
}

fn page(steps: &Steps) -> Result<Tests> {
    let page = workspace::root().join("crates/dashboard/ui");
    let npm = |arguments: &[&str]| {
        let mut npm = Command::new("npm");
        npm.args(arguments)
            .current_dir(&page)
            .env("NO_COLOR", "1")
            .env_remove("FORCE_COLOR");
        process::run(
            &mut npm,
            &steps.log(&format!("npm {}", arguments.join(" "))),
        )
    };
    npm(&["ci", "--no-audit", "--no-fund"])?;
    npm(&["run", "check"])?;
    npm(&["run", "lint"])?;
    let output = npm(&["run", "test"])?;
    Ok(Tests::passed(vitest_count(&output)))
}

/// The number in vitest's closing `Tests  12 passed (12)`.
fn vitest_count(output: &str) -> usize {
    let line = output
        .lines()
        .find(|line| line.trim_start().starts_with("Tests "));
    line.and_then(|line| line.split_whitespace().find_map(|word| word.parse().ok()))
        .unwrap_or(1)
}

fn workspace_tests(steps: &Steps) -> Result<Tests> {
    let features = check::sdk_features()?;
    let mut cargo = cargo_command(&["test", "--workspace", "--no-fail-fast", "--quiet"]);
    cargo_tests(
        cargo.args(["--features", &features]),
        &steps.log("cargo test"),
    )
}

/// The hand-off from threads to the collector, in a model that tries all orders. It is built apart from everything else, as
/// the flag concerns all crates.
fn model_tests(steps: &Steps) -> Result<Tests> {
    let mut cargo = cargo_command(&["test", "--quiet", "--release", "--package", "fanlight"]);
    cargo
        .args(["--no-default-features", "--lib", "handoff"])
        .env("RUSTFLAGS", "--cfg model")
        .env("LOOM_MAX_PREEMPTIONS", "3")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_TARGET_DIR", workspace::cache("model")?);
    cargo_tests(&mut cargo, &steps.log("model"))
}

fn cargo_tests(cargo: &mut Command, log: &Path) -> Result<Tests> {
    let (status, output) = process::finish(cargo, log, LIMIT)?;
    let tests = cargo_count(&output);
    if !status.success() && tests.failed == 0 {
        bail!("cargo test ended with {status}\n{}", process::tail(&output));
    }
    print!("{}", failures(&output));
    println!(
        "   {} passed, {} failed in {} binaries",
        tests.passed,
        tests.failed,
        output.matches("test result: ").count()
    );
    Ok(tests)
}

/// What cargo says about tests that failed: from each first `failures:` to the result.
fn failures(output: &str) -> String {
    let mut told = String::new();
    let mut failing = false;
    for line in output.lines() {
        failing = (failing || line == "failures:") && !line.starts_with("test result: ");
        let noise = line.trim_start().starts_with("at ")
            || line.contains(": core::")
            || line.contains(": std::");
        if failing && !noise {
            told.push_str(line);
            told.push('\n');
        }
    }
    told
}

/// Adds up cargo's `test result: ok. 12 passed; 0 failed; ...` lines.
fn cargo_count(output: &str) -> Tests {
    let mut tests = Tests::default();
    for line in output
        .lines()
        .filter(|line| line.starts_with("test result: "))
    {
        for part in line.split(['.', ';']) {
            match part.trim().split_once(' ') {
                Some((count, "passed")) => tests.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => tests.failed += count.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_are_told() {
        let output = "running 2 tests\nfailures:\n\n---- a stdout ----\npanicked\n\nfailures:\n    a\n\ntest result: FAILED. 1 passed; 1 failed;\nrunning 1 test\n";
        assert_eq!(
            failures(output),
            "failures:\n\n---- a stdout ----\npanicked\n\nfailures:\n    a\n\n"
        );
    }

    #[test]
    fn counts_are_read_from_closing_lines() {
        let tests = cargo_count(
            "test result: ok. 12 passed; 0 failed; 1 ignored; finished in 0.1s\ntest result: FAILED. 3 passed; 2 failed;",
        );
        assert_eq!((tests.passed, tests.failed), (15, 2));
        assert_eq!(vitest_count("\n      Tests  31 passed (31)\n"), 31);
    }
}
