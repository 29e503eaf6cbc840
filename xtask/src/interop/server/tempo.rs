//! Tempo as one process, with its blocks in a directory.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::hub::Ports;
use crate::interop::server::ready;
use crate::interop::{Setting, go};
use crate::process::{Background, free_port};

/// Later releases than 1.5 are no versions of the module, which has no `/v2` in its name.
const MODULE: go::Server = go::Server {
    name: "tempo",
    module: "github.com/grafana/tempo",
    version: "v1.5.0",
    command: "cmd/tempo",
    edits: &[],
    // Go 1.21 and newer start packages in the order of their names; the codec for Tempo's own types must come after gRPC's.
    added: &[(
        "pkg/gogocodec/order.go",
        "package gogocodec\n\nimport _ \"google.golang.org/grpc/encoding/proto\"\n",
    )],
};

/// A running Tempo: OTLP on two ports, `/api/traces/ID` on a third.
#[derive(Debug)]
pub(in crate::interop) struct Tempo {
    _process: Background,
    /// Where it takes OTLP; the other two are not used.
    pub(in crate::interop) otlp: Ports,
    /// Its API's port.
    pub(in crate::interop) http: u16,
}

impl Tempo {
    /// Starts one.
    ///
    /// # Errors
    /// When it can't be built or does not get ready.
    pub(in crate::interop) fn start(setting: &Setting, directory: &Path) -> Result<Tempo> {
        std::fs::create_dir_all(directory)?;
        let otlp = Ports::free()?;
        let (http, grpc, gossip) = (free_port()?, free_port()?, free_port()?);
        let file = directory.join("tempo.yaml");
        let data = directory.join("tempo");
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
distributor:
  receivers:
    otlp:
      protocols:
        grpc:
          endpoint: 127.0.0.1:{}
        http:
          endpoint: 127.0.0.1:{}
ingester:
  lifecycler:
    address: 127.0.0.1
    min_ready_duration: 0s
    ring:
      kvstore:
        store: inmemory
      replication_factor: 1
storage:
  trace:
    backend: local
    local:
      path: {data}/blocks
    wal:
      path: {data}/wal
usage_report:
  reporting_enabled: false
",
                otlp.grpc, otlp.http
            ),
        )?;
        let mut command = Command::new(setting.program("Tempo", |log| MODULE.build(log))?);
        command.arg(format!("-config.file={}", file.display()));
        let process = ready(command, directory, "tempo", http, "/ready")?;
        Ok(Tempo {
            _process: process,
            otlp,
            http,
        })
    }
}
