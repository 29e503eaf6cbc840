//! Arize Phoenix out of its Python package, with SQLite.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::clients::virtual_environment;
use crate::interop::Setting;
use crate::interop::server::ready;
use crate::process::{Background, free_port};
use crate::workspace;

/// Version 20.26.1 and all that it stands on.
const REQUIREMENTS: &str = include_str!("phoenix.txt");

/// A running Phoenix: OTLP at `/v1/traces`, REST below `/v1`, GraphQL at `/graphql`.
#[derive(Debug)]
pub(in crate::interop) struct Phoenix {
    _process: Background,
    /// The port of its page, its API and OTLP/HTTP.
    pub(in crate::interop) http: u16,
}

impl Phoenix {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be installed or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Phoenix> {
        let (http, grpc) = (free_port()?, free_port()?);
        let data = directory.join("phoenix");
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new(setting.program("Phoenix", install)?);
        command
            .args(["-m", "phoenix.server.main", "serve"])
            .env("PHOENIX_HOST", "127.0.0.1")
            .env("PHOENIX_PORT", http.to_string())
            .env("PHOENIX_GRPC_PORT", grpc.to_string())
            .env("PHOENIX_WORKING_DIR", data)
            .env("PHOENIX_TELEMETRY_ENABLED", "false");
        let process = ready(command, directory, "phoenix", http, "/healthz")?;
        Ok(Phoenix {
            _process: process,
            http,
        })
    }
}

/// Installs it in an environment of its own, and returns that one's interpreter.
///
/// # Errors
/// When `python3` with `venv` is not there, or pip fails.
pub fn install(log: &Path) -> Result<PathBuf> {
    let requirements = workspace::cache("interop")?.join("phoenix.txt");
    std::fs::write(&requirements, REQUIREMENTS)?;
    virtual_environment(
        &workspace::target().join("interop/phoenix"),
        &requirements,
        log,
    )
}
