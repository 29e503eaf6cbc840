//! The hub under test: built once, started on free ports, stopped with its owner.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::clients::without_telemetry_variables;
use crate::process::{Background, eventually, free_ports, run};
use crate::{http, workspace};

/// How long the hub may take to answer after its start, and to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which build of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What `cargo test` builds as well.
    Debug,
    /// What users run, and what is measured.
    Release,
}

/// Builds the hub and returns its path; `FANLIGHT_BINARY` names one that is built already.
///
/// # Errors
/// When it does not compile.
pub fn build(profile: Profile, log: &Path) -> Result<PathBuf> {
    if let Some(binary) = std::env::var_os("FANLIGHT_BINARY") {
        return Ok(PathBuf::from(binary));
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--package", "fanlight-hub"])
        .current_dir(workspace::root());
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            cargo.arg("--release");
            "release"
        }
    };
    run(&mut cargo, log)?;
    Ok(workspace::target().join(folder).join("fanlight"))
}

/// The ports that one hub listens on.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// OTLP/gRPC.
    pub grpc: u16,
    /// OTLP/HTTP.
    pub http: u16,
    /// The dashboard.
    pub dashboard: u16,
    /// `/metrics`, `/healthz`, `/readyz`.
    pub metrics: u16,
    /// The LLM proxy.
    pub proxy: u16,
}

impl Ports {
    /// A free port for each.
    ///
    /// # Errors
    /// When the system has none.
    pub fn free() -> Result<Ports> {
        let [grpc, http, dashboard, metrics, proxy] = free_ports()?;
        Ok(Ports {
            grpc,
            http,
            dashboard,
            metrics,
            proxy,
        })
    }

    /// The `receivers:` section for these ports.
    pub fn receivers(&self) -> String {
        format!(
            "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpoint: 127.0.0.1:{}\n      http:\n        endpoint: 127.0.0.1:{}\n",
            self.grpc, self.http
        )
    }

    /// Where a client of this protocol sends to: `grpc`, `http/protobuf` or `http/json`.
    pub fn endpoint(&self, protocol: &str) -> String {
        let port = if protocol == "grpc" {
            self.grpc
        } else {
            self.http
        };
        format!("http://127.0.0.1:{port}")
    }
}

/// A running hub.
#[derive(Debug)]
pub struct Hub {
    process: Background,
    /// Its ports.
    pub ports: Ports,
}

impl Hub {
    /// Starts the hub with a configuration, and waits until it answers.
    ///
    /// Its configuration, data and log are in `directory`.
    ///
    /// # Errors
    /// When it ends or does not answer; the error carries what it printed.
    pub fn start(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        configuration: &str,
    ) -> Result<Hub> {
        let file = directory.join("fanlight.yaml");
        std::fs::create_dir_all(directory)?;
        std::fs::write(&file, configuration)?;
        Hub::from_file(binary, directory, ports, &file, &[])
    }

    /// As [`Hub::start`], with a file that is already there, and environment variables.
    ///
    /// # Errors
    /// As [`Hub::start`].
    pub fn from_file(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        file: &Path,
        variables: &[(String, String)],
    ) -> Result<Hub> {
        Hub::launch(binary, directory, ports, |command| {
            command
                .arg("--config")
                .arg(file)
                .envs(variables.iter().map(|(name, value)| (name, value)));
        })
    }

    /// Starts the hub without a file, on the given ports, with the given environment variables.
    ///
    /// # Errors
    /// As [`Hub::start`].
    pub fn from_environment(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        variables: &[(String, String)],
    ) -> Result<Hub> {
        std::fs::create_dir_all(directory)?;
        Hub::launch(binary, directory, ports, |command| {
            command.args([
                "--otlp-grpc",
                &loopback(ports.grpc),
                "--otlp-http",
                &loopback(ports.http),
            ]);
            command.envs(variables.iter().map(|(name, value)| (name, value)));
        })
    }

    fn launch(
        binary: &Path,
        directory: &Path,
        ports: Ports,
        set_up: impl FnOnce(&mut Command),
    ) -> Result<Hub> {
        let mut command = Command::new(binary);
        without_telemetry_variables(&mut command);
        command.arg("serve").args(["--log-level", "info"]);
        command.args([
            "--dashboard",
            &loopback(ports.dashboard),
            "--metrics",
            &loopback(ports.metrics),
            "--proxy",
            &loopback(ports.proxy),
        ]);
        command
            .arg("--data-dir")
            .arg(directory.join("data"))
            .current_dir(directory);
        set_up(&mut command);
        let process = Background::spawn(&mut command, &directory.join("hub.log"))?;
        let mut hub = Hub { process, ports };
        eventually(PATIENCE, || {
            if let Err(ended) = hub.process.still_running() {
                return Ok(Err(ended));
            }
            let answer = http::get(ports.metrics, "/healthz")?;
            ensure!(
                answer.status == 200,
                "/healthz answers {}: {}",
                answer.status,
                answer.text()
            );
            Ok(Ok(()))
        })
        .with_context(|| format!("the hub does not get healthy\n{}", hub.process.output()))??;
        Ok(hub)
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Background {
        &mut self.process
    }

    /// Stops it as a user would, which must drain and end well.
    ///
    /// # Errors
    /// When it takes too long or ends with a failure.
    pub fn stop(mut self) -> Result<()> {
        let status = self.process.terminate(PATIENCE)?;
        ensure!(
            status.success(),
            "the hub ended with {status} after SIGTERM\n{}",
            self.process.output()
        );
        Ok(())
    }
}

fn loopback(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
