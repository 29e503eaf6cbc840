//! Loki as one process, without tenants, with structured metadata and the OTLP endpoint.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::interop::server::ready;
use crate::interop::{Setting, go};
use crate::process::{Background, free_port};

const MODULE: go::Server = go::Server {
    name: "loki",
    module: "github.com/grafana/loki/v3",
    version: "v3.7.8",
    command: "cmd/loki",
    // Replaced by a folder in the repository, which is a module of its own.
    edits: &[
        "-replace=github.com/grafana/loki/pkg/push=github.com/grafana/loki/pkg/push@v0.0.0-20250630054201-94c0ba7b0952",
    ],
    added: &[],
};

/// A running Loki: push at `/loki/api/v1/push`, OTLP at `/otlp/v1/logs`, queries at `/loki/api/v1/query_range`.
#[derive(Debug)]
pub(in crate::interop) struct Loki {
    _process: Background,
    /// Its API's port.
    pub(in crate::interop) http: u16,
}

impl Loki {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be built or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Loki> {
        std::fs::create_dir_all(directory)?;
        let (http, grpc, gossip) = (free_port()?, free_port()?, free_port()?);
        let file = directory.join("loki.yaml");
        let data = directory.join("loki");
        let data = data.display();
        std::fs::write(
            &file,
            format!(
                "auth_enabled: false
server:
  http_listen_address: 127.0.0.1
  http_listen_port: {http}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc}
memberlist:
  bind_addr: [127.0.0.1]
  bind_port: {gossip}
common:
  instance_addr: 127.0.0.1
  path_prefix: {data}
  replication_factor: 1
  ring:
    kvstore:
      store: inmemory
  storage:
    filesystem:
      chunks_directory: {data}/chunks
      rules_directory: {data}/rules
schema_config:
  configs:
    - from: 2020-01-01
      store: tsdb
      object_store: filesystem
      schema: v13
      index:
        prefix: index_
        period: 24h
ingester:
  lifecycler:
    min_ready_duration: 0s
limits_config:
  allow_structured_metadata: true
  volume_enabled: true
analytics:
  reporting_enabled: false
"
            ),
        )?;
        let mut command = Command::new(setting.program("Loki", |log| MODULE.build(log))?);
        command.arg(format!("-config.file={}", file.display()));
        let process = ready(command, directory, "loki", http, "/ready")?;
        Ok(Loki {
            _process: process,
            http,
        })
    }
}
