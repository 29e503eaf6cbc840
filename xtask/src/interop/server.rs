//! Servers that parts start: each is installed when the first asks for it, listens on free ports of the loopback interface
//! only, keeps its data in the part's directory, and ends with its owner.
//!
//! Every `start` returns once the server says that it is ready.

pub(super) mod clickhouse;
pub(super) mod elasticsearch;
mod grafana;
pub(super) mod instrumented;
pub(super) mod kafka;
pub(super) mod loki;
pub(super) mod moto;
pub(super) mod phoenix;
pub(super) mod prometheus;
pub(super) mod pyroscope;
pub(super) mod tempo;
pub(super) mod victoria_metrics;
pub(super) mod zipkin;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::http;
use crate::process::{Background, eventually};

/// How long a server may take until it is ready, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(180);

/// Starts a command with its output in `NAME.log`, and waits until a path of its HTTP port answers 2xx.
///
/// # Errors
/// When it ends or does not get ready; the error carries what it printed.
pub(super) fn ready(
    mut command: Command,
    directory: &Path,
    name: &str,
    http: u16,
    path: &str,
) -> Result<Background> {
    let mut process = Background::spawn(&mut command, &directory.join(format!("{name}.log")))?;
    eventually(PATIENCE, || {
        process.still_running()?;
        let answer = http::get(http, path)?;
        ensure!(
            answer.status / 100 == 2,
            "{name} answers {}: {}",
            answer.status,
            answer.text()
        );
        Ok(())
    })?;
    Ok(process)
}
