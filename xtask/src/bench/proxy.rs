//! `cargo xtask bench proxy`: what a proxy for calls of language models costs, with recording on.
//!
//! One client and one stand-in for the providers, each in a process of its own, and each system between them in turn: what it
//! adds to a call, how many calls a second of its CPU answers, how evenly streams flow through it, and its peak memory. Direct
//! calls are measured in the same moment. LiteLLM comes from PyPI; others take part by `--peer NAME=PATH`.

mod figures;
mod peers;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::measure::build_load;
use super::{Options, proc};
use crate::process::{Background, eventually, free_port, run_within};
use crate::steps::Steps;
use crate::{http, workspace};
use figures::{Figures, Round};
use peers::{Place, System};

/// Bytes of requests' and answers' texts.
const SIZES: [usize; 3] = [1 << 10, 16 << 10, 100 << 10];
/// How many streams flow at the same time.
const STREAMS: [usize; 3] = [64, 256, 512];
/// Their pieces, and milliseconds between two of them.
const CHUNKS: usize = 64;
const PACE: u64 = 20;
/// How long an ordinary provider thinks at least, in milliseconds.
const DELAY: u64 = 20;
/// Calls at the same time, of a quick provider and of one that thinks.
const QUICK: usize = 16;
const THINKING: usize = 64;

/// Installs, measures and reports.
///
/// # Errors
/// When a system can't be installed or started.
pub(super) fn run_all(options: &Options) -> Result<()> {
    let steps = Steps::new("bench");
    let load = build_load(&steps)?;
    let systems = peers::wanted(options, &steps)?;
    let mut rounds = Vec::new();
    for round in 0..options.rounds {
        for turn in 0..systems.len() {
            let Some(system) = systems.get((round + turn) % systems.len()) else {
                continue;
            };
            println!("── {}, round {}", system.name(), round + 1);
            let bench = Bench {
                load: &load,
                system,
                seconds: options.seconds,
                directory: workspace::emptied(&format!("bench/runs/proxy-{}", system.name()))?,
            };
            match bench.round() {
                Ok(figures) => {
                    println!("   {}", figures.line());
                    rounds.push(Round {
                        system: system.name(),
                        figures,
                    });
                }
                // A peer that breaks under load is a result; the others are measured all the same.
                Err(error) => println!("   {} could not be measured: {error:#}", system.name()),
            }
        }
    }
    figures::print(&rounds);
    let file = workspace::cache("bench")?.join("proxy.json");
    std::fs::write(&file, serde_json::to_string_pretty(&rounds)?)?;
    println!("\neach round: {}", workspace::shown(&file));
    Ok(())
}

/// One system in one round.
struct Bench<'a> {
    load: &'a Path,
    system: &'a System,
    seconds: u64,
    directory: PathBuf,
}

/// Stand-ins, and a system before them.
struct Stage {
    providers: u16,
    proxy: u16,
    system: Background,
    _providers: Background,
}

impl Bench<'_> {
    fn round(&self) -> Result<Figures> {
        let mut figures = Figures::default();
        for size in SIZES {
            let stage = self.stage(&["--size", &size.to_string()])?;
            let size = size.to_string();
            let told = self.calls(&stage, "latency", &["--size", &size])?;
            figures.added_p50_us.push(number(&told, "added_p50_us"));
            figures.added_p99_us.push(number(&told, "added_p99_us"));
            let before = stage.cpu()?;
            let parallel = QUICK.to_string();
            let told = self.calls(
                &stage,
                "throughput",
                &["--size", &size, "--parallel", &parallel],
            )?;
            let cpu = stage.cpu()? - before;
            figures
                .per_cpu_second
                .push(number(&told, "answered") / cpu.max(0.01));
            figures.failed += number(&told, "failed");
            figures.peak_mib = figures.peak_mib.max(stage.peak()?);
        }
        let stage = self.stage(&["--delay", &DELAY.to_string()])?;
        let before = stage.cpu()?;
        let told = self.calls(&stage, "throughput", &["--parallel", &THINKING.to_string()])?;
        let cpu = stage.cpu()? - before;
        figures.thinking_per_cpu_second = number(&told, "answered") / cpu.max(0.01);
        figures.failed += number(&told, "failed");
        figures.peak_mib = figures.peak_mib.max(stage.peak()?);
        drop(stage);
        let stage = self.stage(&["--chunks", "8"])?;
        let told = self.calls(&stage, "first-token", &[])?;
        figures.added_first_us = number(&told, "added_p50_us");
        drop(stage);
        let (chunks, pace) = (CHUNKS.to_string(), PACE.to_string());
        let stage = self.stage(&["--chunks", &chunks, "--pace", &pace])?;
        for streams in STREAMS {
            let told = self.calls(
                &stage,
                "streams",
                &["--parallel", &streams.to_string(), "--pace", &pace],
            )?;
            figures.stalled.push(number(&told, "stalled"));
            figures.longest_ms.push(number(&told, "longest_ms"));
            figures
                .direct_longest_ms
                .push(number(&told, "direct_longest_ms"));
        }
        figures.peak_mib = figures.peak_mib.max(stage.peak()?);
        Ok(figures)
    }

    /// Starts stand-ins that behave so, and the system before them.
    fn stage(&self, behaviour: &[&str]) -> Result<Stage> {
        let (port, proxy) = (free_port()?, free_port()?);
        let mut providers = Command::new(self.load);
        providers
            .args(["providers", "--port", &port.to_string()])
            .args(behaviour);
        let providers = Background::spawn(&mut providers, &self.directory.join("providers.log"))?;
        eventually(Duration::from_secs(10), || http::get(port, "/_requests"))?;
        let place = Place {
            directory: &self.directory,
            port: proxy,
            providers: port,
        };
        let mut command = self.system.command(&place)?;
        let mut system = Background::spawn(&mut command, &self.directory.join("system.log"))?;
        let request = self.arguments("throughput", proxy, port, &[]);
        eventually(self.system.patience(), || {
            system.still_running()?;
            let mut try_it = Command::new(self.load);
            try_it.args(&request).args(["--seconds", "0.2"]);
            let output = run_within(
                &mut try_it,
                &self.directory.join("try.log"),
                Duration::from_secs(30),
            )?;
            let told = figures_of(&output)?;
            anyhow::ensure!(
                number(&told, "answered") > 0.0,
                "no call is answered: {told}"
            );
            Ok(())
        })
        .with_context(|| {
            format!(
                "{} does not get ready\n{}",
                self.system.name(),
                system.output()
            )
        })?;
        Ok(Stage {
            providers: port,
            proxy,
            system,
            _providers: providers,
        })
    }

    fn arguments(&self, mode: &str, proxy: u16, providers: u16, more: &[&str]) -> Vec<String> {
        let mut arguments: Vec<String> = [
            "calls",
            mode,
            "--proxy",
            &format!("127.0.0.1:{proxy}"),
            "--direct",
            &format!("127.0.0.1:{providers}"),
            "--path",
            self.system.path(),
            "--model",
            self.system.model(),
        ]
        .map(str::to_owned)
        .to_vec();
        arguments.extend(more.iter().map(|&one| one.to_owned()));
        arguments
    }

    fn calls(&self, stage: &Stage, mode: &str, more: &[&str]) -> Result<Value> {
        let mut client = Command::new(self.load);
        client.args(self.arguments(mode, stage.proxy, stage.providers, more));
        client.args(["--seconds", &self.seconds.to_string()]);
        let log = self.directory.join(format!("{mode}.log"));
        let limit = Duration::from_secs(self.seconds + 120);
        figures_of(&run_within(&mut client, &log, limit)?)
    }
}

impl Stage {
    fn cpu(&self) -> Result<f64> {
        proc::with_children(self.system.id(), proc::cpu_seconds)
    }

    fn peak(&self) -> Result<f64> {
        proc::with_children(self.system.id(), proc::peak_memory)
    }
}

fn figures_of(output: &str) -> Result<Value> {
    let line = output.lines().rev().find(|line| line.starts_with('{'));
    Ok(serde_json::from_str(
        line.context("the client printed no figures")?,
    )?)
}

fn number(told: &Value, name: &str) -> f64 {
    told[name].as_f64().unwrap_or(f64::NAN)
}
