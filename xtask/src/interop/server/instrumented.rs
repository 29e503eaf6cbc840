//! A program that Prometheus' own client for Go instruments, `instrumented.go`: what Prometheus and the hub scrape.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::ready;
use crate::interop::Setting;
use crate::interop::go::go;
use crate::process::{Background, free_port};
use crate::{download, workspace};

const PROGRAM: &str = include_str!("instrumented.go");
const CLIENT: &str = "github.com/prometheus/client_golang@v1.23.2";

/// A running program with every type of metric: `/metrics`, `/openmetrics` and `/text`.
#[derive(Debug)]
pub(in crate::interop) struct Instrumented {
    _process: Background,
    /// Its only port.
    pub(in crate::interop) http: u16,
}

impl Instrumented {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be built or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Instrumented> {
        let http = free_port()?;
        let mut command = Command::new(setting.program("the instrumented program", build)?);
        command.arg(format!("127.0.0.1:{http}"));
        let process = ready(command, directory, "instrumented", http, "/metrics")?;
        Ok(Instrumented {
            _process: process,
            http,
        })
    }
}

fn build(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/instrumented");
    download::once(&directory, &format!("{CLIENT}\n{PROGRAM}"), || {
        std::fs::write(directory.join("main.go"), PROGRAM)?;
        let module = "fanlight.invalid/interop/instrumented";
        go(&directory, &["mod", "init", module], log)?;
        go(&directory, &["get", CLIENT], log)?;
        let build = ["build", "-mod=mod", "-trimpath", "-o", "instrumented", "."];
        go(&directory, &build, log)
    })?;
    Ok(directory.join("instrumented"))
}
