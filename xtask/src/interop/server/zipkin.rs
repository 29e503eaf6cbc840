//! Zipkin's server out of Maven Central, with its spans in memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::interop::Setting;
use crate::interop::server::ready;
use crate::process::{Background, free_port, run};
use crate::{download, workspace};

/// The server with all that it stands on, in one file.
const VERSION: &str = "3.4.3";

/// A running Zipkin: its API is below `/api/v2`.
#[derive(Debug)]
pub(in crate::interop) struct Zipkin {
    _process: Background,
    /// The port of its API.
    pub(in crate::interop) http: u16,
}

impl Zipkin {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be installed or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Zipkin> {
        let http = free_port()?;
        let mut command = Command::new("java");
        command
            .args(["-Xmx256m", "-jar"])
            .arg(setting.program("Zipkin", install)?)
            .arg("--armeria.ports[0].ip=127.0.0.1")
            .arg(format!("--armeria.ports[0].port={http}"))
            .arg("--armeria.ports[0].protocols[0]=http");
        let process = ready(command, directory, "zipkin", http, "/health")?;
        Ok(Zipkin {
            _process: process,
            http,
        })
    }
}

/// Fetches the server with Maven, and returns its file.
fn install(log: &Path) -> Result<PathBuf> {
    let directory = workspace::target().join("interop/zipkin");
    let artifact = format!("io.zipkin:zipkin-server:{VERSION}:jar:exec");
    download::once(&directory, &artifact, || {
        let mut maven = Command::new("mvn");
        maven
            .args(["--quiet", "--batch-mode", "dependency:copy"])
            .arg(format!("-Dartifact={artifact}"))
            .arg(format!("-DoutputDirectory={}", directory.display()));
        run(&mut maven, log)
            .map(drop)
            .context("Java 17 and Maven are needed: apt-get install openjdk-17-jre-headless maven")
    })?;
    Ok(directory.join(format!("zipkin-server-{VERSION}-exec.jar")))
}
