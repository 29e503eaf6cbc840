//! Prometheus: Debian's 2.42, and the newest one as a Go module.
//!
//! 2.42 is the last of its kind: remote write 1.0, native histograms behind a flag, names in the old alphabet. 3.x takes
//! remote write 2.0 and UTF-8 names. Each takes exemplars.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::interop::server::ready;
use crate::interop::{Setting, debian, go};
use crate::process::{Background, free_port};

/// Which Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::interop) enum Release {
    /// 2.42, of Debian 12.
    Debian,
    /// 3.x, from its Go module.
    Newest,
}

/// v0.315 is the module that holds Prometheus 3.15.
const NEWEST: go::Server = go::Server {
    name: "prometheus-3",
    module: "github.com/prometheus/prometheus",
    version: "v0.315.0",
    command: "cmd/prometheus",
    edits: &[],
    added: &[],
};

/// A running Prometheus that takes remote write at `/api/v1/write`.
#[derive(Debug)]
pub(in crate::interop) struct Prometheus {
    _process: Background,
    /// Its API's port.
    pub(in crate::interop) http: u16,
}

impl Prometheus {
    /// Starts one. `scrape_configs` is YAML of that name's value, or nothing: `[]`.
    ///
    /// # Errors
    /// When it can't be installed or does not get ready.
    pub(in crate::interop) fn start(
        setting: &Setting,
        release: Release,
        directory: &Path,
        scrape_configs: &str,
    ) -> Result<Prometheus> {
        let (binary, features) = match release {
            Release::Debian => (
                setting.program("Debian's Prometheus", debian_binary)?,
                "native-histograms,exemplar-storage",
            ),
            Release::Newest => (
                setting.program("Prometheus", |log| NEWEST.build(log))?,
                "exemplar-storage",
            ),
        };
        std::fs::create_dir_all(directory)?;
        let http = free_port()?;
        let file = directory.join("prometheus.yaml");
        std::fs::write(
            &file,
            format!(
                "global:\n  scrape_interval: 1s\nstorage:\n  exemplars:\n    max_exemplars: 1000\nscrape_configs: {scrape_configs}\n"
            ),
        )?;
        let mut command = Command::new(binary);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                directory.join("prometheus").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{http}"))
            .arg(format!("--enable-feature={features}"))
            .arg("--web.enable-remote-write-receiver");
        let process = ready(command, directory, "prometheus", http, "/-/ready")?;
        Ok(Prometheus {
            _process: process,
            http,
        })
    }
}

fn debian_binary(log: &Path) -> Result<PathBuf> {
    Ok(debian::unpacked("prometheus", log)?.join("usr/bin/prometheus"))
}
