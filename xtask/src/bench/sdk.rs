//! `cargo xtask bench sdk`: what a span costs the program that makes it, beside other SDKs.
//!
//! Peers are built from crates.io in a workspace of their own (`xtask/bench/sdk`). Every figure is of the calling thread; each
//! system runs in a process of its own, and rounds of all systems take turns. The spans have a number and a text. Peers hand
//! their spans to a processor that does nothing; Fanlight collects and sends all of them meanwhile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Options;
use crate::check::cargo_command;
use crate::process::run;
use crate::steps::Steps;
use crate::workspace;

/// The costs of one call: case, what it is, and who has it.
const CALLS: [(&str, &str, &[&str]); 5] = [
    (
        "span",
        "a span with two attributes, entered and left, a trace of its own",
        &[
            FANLIGHT,
            "opentelemetry",
            "tracing-opentelemetry",
            "logfire",
            "fastrace",
        ],
    ),
    (
        "bare span",
        "the same, not entered",
        &[FANLIGHT, "opentelemetry"],
    ),
    (
        "child span",
        "the same inside a trace",
        &[FANLIGHT, "fastrace"],
    ),
    (
        "log",
        "a log record with two attributes",
        &[FANLIGHT, "logfire"],
    ),
    (
        "disabled",
        "a span below the minimum level",
        &[FANLIGHT, "tracing-opentelemetry", "logfire"],
    ),
];

/// How many spans a burst has, and who makes one: as fast as a loop can, at default settings, to a backend that takes everything.
const BURST: (u64, [&str; 2]) = (1_000_000, [FANLIGHT, "logfire"]);
/// How many spans are sent in peace, to see how many bytes each takes.
const PACED: u64 = 1_000;

const FANLIGHT: &str = "fanlight";

/// Builds, measures and reports.
///
/// # Errors
/// When a peer can't be built or fails.
pub(super) fn run_all(options: &Options) -> Result<()> {
    let steps = Steps::new("bench");
    let program = build(&steps)?;
    let mut results: BTreeMap<(&str, &str), Vec<Value>> = BTreeMap::new();
    for _ in 0..options.rounds {
        for (case, _, systems) in CALLS {
            for system in systems {
                let measured = measure(&program, &steps, &[system, case])?;
                results.entry((case, system)).or_default().push(measured);
            }
        }
    }
    for (case, about, systems) in CALLS {
        println!(
            "\n{case}: {about}; median of rounds\n{:<24}{:>8}{:>14}{:>22}",
            "", "ns", "allocations", "fanlight's share"
        );
        let figure = |system: &str, of: &str| median(results.get(&(case, system)), of);
        for system in systems {
            let (own, ours) = (
                figure(system, "nanoseconds"),
                figure(FANLIGHT, "nanoseconds"),
            );
            println!(
                "{system:<24}{own:>8.1}{:>14.2}{:>22.3}",
                figure(system, "allocations"),
                ours / own
            );
        }
    }
    deliveries(&program, &steps)
}

/// What arrives of a burst, and how large spans are on the wire.
fn deliveries(program: &Path, steps: &Steps) -> Result<()> {
    let (spans, systems) = BURST;
    println!(
        "\na burst of {spans} spans, then a shutdown\n{:<24}{:>12}{:>12}{:>14}",
        "", "arrived", "lost", "recorded in ms"
    );
    for system in systems {
        let told = measure(program, steps, &[system, "burst", &spans.to_string()])?;
        let (arrived, took) = (count(&told, "arrived"), count(&told, "recorded_ms"));
        println!(
            "{system:<24}{arrived:>12}{:>12}{took:>14}",
            spans.saturating_sub(arrived)
        );
    }
    println!(
        "\n{PACED} spans in peace\n{:<24}{:>20}{:>24}",
        "", "bytes sent a span", "before compression"
    );
    for system in systems {
        let told = measure(program, steps, &[system, "wire", &PACED.to_string()])?;
        let of_each = |what| count(&told, what) as f64 / PACED as f64;
        println!(
            "{system:<24}{:>20.0}{:>24.0}",
            of_each("sent_bytes"),
            of_each("plain_bytes")
        );
    }
    Ok(())
}

fn build(steps: &Steps) -> Result<PathBuf> {
    let directory = workspace::target().join("bench/sdk");
    let manifest = workspace::root().join("xtask/bench/sdk/Cargo.toml");
    let mut cargo = cargo_command(&["build", "--release", "--manifest-path"]);
    cargo.arg(manifest).arg("--target-dir").arg(&directory);
    run(&mut cargo, &steps.log("cargo build sdk"))?;
    Ok(directory.join("release/fanlight-sdk-bench"))
}

fn measure(program: &Path, steps: &Steps, arguments: &[&str]) -> Result<Value> {
    let name = arguments.join(" ");
    let mut command = Command::new(program);
    // No variable of the user's sends what is measured elsewhere.
    command.env_clear().args(arguments);
    let output = run(&mut command, &steps.log(&name))?;
    let line = output.lines().rev().find(|line| line.starts_with('{'));
    let figures = line.with_context(|| format!("{name} printed no figures"))?;
    serde_json::from_str(figures).with_context(|| format!("{name} printed {figures}"))
}

fn median(measured: Option<&Vec<Value>>, figure: &str) -> f64 {
    let mut values: Vec<f64> = measured
        .into_iter()
        .flatten()
        .filter_map(|one| one[figure].as_f64())
        .collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn count(told: &Value, what: &str) -> u64 {
    told[what].as_u64().unwrap_or_default()
}
