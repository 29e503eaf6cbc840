//! Loki as one process, without tenants, with structured metadata and the OTLP endpoint.

use std::path::Path;

use anyhow::Result;

use super::grafana;
use crate::interop::{Setting, go};
use crate::process::Background;

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
        let data = directory.join("loki");
        let data = data.display();
        let own = format!(
            "auth_enabled: false
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
        );
        let install = |log: &Path| MODULE.build(log);
        let (process, http) = grafana::start(setting, directory, ("loki", install), &own, &[])?;
        Ok(Loki {
            _process: process,
            http,
        })
    }
}
