//! Pyroscope as one process, without tenants.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::interop::server::ready;
use crate::interop::{Setting, go};
use crate::process::{Background, free_port};

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
        std::fs::create_dir_all(directory)?;
        let (http, grpc, gossip) = (free_port()?, free_port()?, free_port()?);
        let file = directory.join("pyroscope.yaml");
        let data = directory.join("pyroscope");
        let data = data.display();
        std::fs::write(
            &file,
            format!(
                "server:
  http_listen_address: 127.0.0.1
  http_listen_port: {http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc}
memberlist:
  bind_addr: [127.0.0.1]
  bind_port: {gossip}
pyroscopedb:
  data_path: {data}/db
storage:
  backend: filesystem
  filesystem:
    dir: {data}/storage
ingester:
  lifecycler:
    address: 127.0.0.1
    min_ready_duration: 0s
    ring:
      replication_factor: 1
      kvstore:
        store: inmemory
analytics:
  reporting_enabled: false
self_profiling:
  disable_push: true
"
            ),
        )?;
        let mut command = Command::new(setting.program("Pyroscope", |log| MODULE.build(log))?);
        command
            .arg(format!("-config.file={}", file.display()))
            .current_dir(directory);
        for ring in RINGS {
            command.arg(format!("-{ring}.instance-addr=127.0.0.1"));
        }
        let process = ready(command, directory, "pyroscope", http, "/ready")?;
        Ok(Pyroscope {
            _process: process,
            http,
        })
    }
}
