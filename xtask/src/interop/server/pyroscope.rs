//! Pyroscope as one process, without tenants.

use std::path::Path;

use anyhow::Result;

use super::grafana;
use crate::interop::{Setting, go};
use crate::process::Background;

/// The newest release that the proxy has. Its OTLP endpoint takes `v1experimental`, a form of profiles older than the hub's.
const MODULE: go::Server = go::Server {
    name: "pyroscope",
    module: "github.com/grafana/pyroscope",
    version: "v1.12.0",
    command: "cmd/pyroscope",
    // Replaced by a folder in the repository, which is a module of its own.
    edits: &["-replace=github.com/grafana/pyroscope/api=github.com/grafana/pyroscope/api@v1.2.0"],
    added: &[],
};

/// Parts of the one process that would find each other by the machine's address.
const RINGS: [&str; 6] = [
    "compactor.ring",
    "distributor.ring",
    "overrides-exporter.ring",
    "query-frontend",
    "query-scheduler.ring",
    "store-gateway.sharding-ring",
];

/// A running Pyroscope: push at `/ingest` and `/push.v1.PusherService/Push`, queries at `/pyroscope/render` and
/// `/querier.v1.QuerierService/...`.
#[derive(Debug)]
pub(in crate::interop) struct Pyroscope {
    _process: Background,
    /// The port of all of its API.
    pub(in crate::interop) http: u16,
}

impl Pyroscope {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be built or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Pyroscope> {
        let data = directory.join("pyroscope");
        let data = data.display();
        let own = format!(
            "pyroscopedb:
  data_path: {data}/db
storage:
  backend: filesystem
  filesystem:
    dir: {data}/storage
ingester:
{}analytics:
  reporting_enabled: false
self_profiling:
  disable_push: true
",
            grafana::LIFECYCLER
        );
        let rings = RINGS.map(|ring| format!("-{ring}.instance-addr=127.0.0.1"));
        let install = |log: &Path| MODULE.build(log);
        let (process, http) =
            grafana::start(setting, directory, ("pyroscope", install), &own, &rings)?;
        Ok(Pyroscope {
            _process: process,
            http,
        })
    }
}
