//! `cargo xtask fuzz`: every fuzz target for a while, from the committed corpus.
//!
//! The targets are libFuzzer programs in a workspace of their own, in cargo-fuzz's layout. Here they are built with the
//! stable compiler: coverage counters and the sanitizer's hooks are flags that `RUSTC_BOOTSTRAP` is needed for, and the
//! code under test is free of `unsafe`, so that no sanitizer is needed to see a fault. Only `fuzz/` itself depends on that.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::process::run_within;
use crate::steps::{Steps, Tests};
use crate::workspace;

/// What libFuzzer needs of the compiler: edge counters, tables of them, and traced comparisons.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";
/// The longest input that is tried, in bytes.
const LONGEST: &str = "4096";

/// Options of `cargo xtask fuzz`.
#[derive(Args)]
pub struct Options {
    /// Only these targets; all when left out.
    targets: Vec<String>,
    /// How long each target runs.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// Builds the targets and runs each.
///
/// # Errors
/// When a target does not build, or finds an input that makes the code panic, hang or take too much memory.
pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("fuzz");
    let mut built = None;
    steps.run("build the fuzz targets", |steps| {
        built = Some(build(steps)?);
        Ok(Tests::default())
    });
    if let Some(binaries) = built {
        for target in targets()? {
            if options.targets.is_empty() || options.targets.contains(&target) {
                steps.run(&format!("fuzz {target}"), |steps| {
                    fuzz(steps, &binaries, &target, options.seconds)
                });
            }
        }
    }
    steps.finish()
}

fn targets() -> Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(workspace::root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        targets.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    targets.sort();
    Ok(targets)
}

fn build(steps: &Steps) -> Result<PathBuf> {
    let target = workspace::cache("fuzz")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // A named target keeps the flags away from build scripts and macros.
    cargo.args([
        "build",
        "--release",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--bins",
    ]);
    cargo
        .arg("--manifest-path")
        .arg(workspace::root().join("fuzz/Cargo.toml"));
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", FLAGS);
    run_within(
        &mut cargo,
        &steps.log("cargo build"),
        Duration::from_secs(1800),
    )
    .context("g++ is needed: apt-get install g++")?;
    Ok(target.join("x86_64-unknown-linux-gnu/release"))
}

fn fuzz(steps: &Steps, binaries: &Path, target: &str, seconds: u64) -> Result<Tests> {
    let found = workspace::cache(&format!("fuzz/corpus/{target}"))?;
    let faults = workspace::emptied(&format!("fuzz/faults/{target}"))?;
    let committed = workspace::root().join("fuzz/corpus").join(target);
    let mut command = Command::new(binaries.join(target));
    command
        .arg(found)
        .arg(committed)
        .arg(format!("-artifact_prefix={}/", faults.display()));
    command.args([
        &format!("-max_total_time={seconds}"),
        &format!("-max_len={LONGEST}"),
    ]);
    command.args(["-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
    let log = steps.log(target);
    let output =
        run_within(&mut command, &log, Duration::from_secs(seconds + 120)).with_context(|| {
            format!(
                "an input that fails is in {}; to see it alone: {} FILE",
                workspace::shown(&faults),
                binaries.join(target).display()
            )
        })?;
    let runs = output
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    match runs.and_then(|runs| runs.trim().parse::<u64>().ok()) {
        Some(runs) if runs > 0 => println!("   {runs} inputs"),
        _ => bail!("the target tried no input"),
    }
    Ok(Tests::ONE)
}
