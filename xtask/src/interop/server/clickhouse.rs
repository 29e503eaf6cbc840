//! ClickHouse's own engine (PyPI `chdb-core`) behind a small HTTP server, `tests/clickhouse/server.py`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::ready;
use crate::clients::virtual_environment;
use crate::interop::Setting;
use crate::process::{Background, free_port};
use crate::{http, workspace};

/// The only user, as the script has it.
pub(in crate::interop) const USER: (&str, &str) = ("fanlight", "secret-of-the-test");

/// A running server.
#[derive(Debug)]
pub(in crate::interop) struct ClickHouse {
    _process: Background,
    /// The HTTP interface's port.
    pub(in crate::interop) port: u16,
}

fn install(log: &Path) -> Result<PathBuf> {
    let requirements = workspace::root().join("tests/clickhouse/requirements.txt");
    virtual_environment(
        &workspace::target().join("interop/clickhouse"),
        &requirements,
        log,
    )
}

impl ClickHouse {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be had or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<ClickHouse> {
        let port = free_port()?;
        let mut python = Command::new(setting.program("ClickHouse", install)?);
        python
            .arg(workspace::root().join("tests/clickhouse/server.py"))
            .arg(port.to_string())
            .arg(directory.join("clickhouse"))
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let process = ready(python, directory, "clickhouse", port, "/ping")?;
        Ok(ClickHouse {
            _process: process,
            port,
        })
    }

    /// The rows of a query, which names its columns.
    ///
    /// # Errors
    /// The server's own.
    pub(in crate::interop) fn rows(&self, query: &str) -> Result<Vec<Value>> {
        let headers = [("X-ClickHouse-User", USER.0), ("X-ClickHouse-Key", USER.1)];
        let query = format!("{query} FORMAT JSONEachRow");
        let answer = http::request(self.port, "POST", "/", &headers, query.as_bytes())?;
        ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
        let text = answer.text();
        Ok(text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()?)
    }
}
