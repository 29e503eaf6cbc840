//! What the kernel says about a process.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The kernel's clock ticks in a second, which Linux shows to programs as 100 on every architecture.
const TICKS: f64 = 100.0;

/// CPU time that a process has used, in seconds: user and system, all threads.
///
/// # Errors
/// When there is no such process.
pub(super) fn cpu_seconds(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(file(process, "stat")).context("the process is gone")?;
    // The program's name, in parentheses, may hold anything; the fields after it are numbers.
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let mut fields = after_name.split_whitespace().skip(11);
    let mut ticks = || -> Result<f64> {
        Ok(fields
            .next()
            .context("a field of /proc is missing")?
            .parse()?)
    };
    Ok((ticks()? + ticks()?) / TICKS)
}

/// The most memory that a process has had resident, in MiB.
///
/// # Errors
/// When there is no such process.
pub(super) fn peak_memory(process: u32) -> Result<f64> {
    let text = std::fs::read_to_string(file(process, "status")).context("the process is gone")?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM in /proc")?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes / 1024.0)
}

/// The sum of a figure over a process and those that it started.
///
/// # Errors
/// When there is no such process.
pub(super) fn with_children(process: u32, figure: fn(u32) -> Result<f64>) -> Result<f64> {
    let mut sum = figure(process)?;
    let children = std::fs::read_to_string(file(process, &format!("task/{process}/children")));
    for child in children.unwrap_or_default().split_whitespace() {
        // A child may have ended since.
        sum += with_children(child.parse()?, figure).unwrap_or(0.0);
    }
    Ok(sum)
}

fn file(process: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/{name}"))
}
