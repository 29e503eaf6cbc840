//! VictoriaMetrics, a second store that is compatible with Prometheus.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::interop::server::ready;
use crate::interop::{Setting, go};
use crate::process::{Background, free_port};

const MODULE: go::Server = go::Server {
    name: "victoria-metrics",
    module: "github.com/VictoriaMetrics/VictoriaMetrics",
    version: "v1.122.0",
    command: "app/victoria-metrics",
    edits: &[],
    added: &[],
};

/// A running VictoriaMetrics: remote write at `/api/v1/write`, Prometheus' query API at `/api/v1/query`.
#[derive(Debug)]
pub(in crate::interop) struct VictoriaMetrics {
    _process: Background,
    /// Its only port.
    pub(in crate::interop) http: u16,
}

impl VictoriaMetrics {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be built or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Self> {
        let http = free_port()?;
        let mut command =
            Command::new(setting.program("VictoriaMetrics", |log| MODULE.build(log))?);
        command
            .arg(format!("-httpListenAddr=127.0.0.1:{http}"))
            .arg(format!(
                "-storageDataPath={}",
                directory.join("victoria-metrics").display()
            ))
            // What was written is to be seen at once.
            .args(["-search.latencyOffset=0s", "-search.disableCache"]);
        let process = ready(command, directory, "victoria-metrics", http, "/health")?;
        Ok(VictoriaMetrics {
            _process: process,
            http,
        })
    }
}
