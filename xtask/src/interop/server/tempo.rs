//! Tempo as one process, with its blocks in a directory.

use std::path::Path;

use anyhow::Result;

use super::grafana;
use crate::hub::Ports;
use crate::interop::{Setting, go};
use crate::process::Background;

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
        let otlp = Ports::free()?;
        let data = directory.join("tempo");
        let data = data.display();
        let own = format!(
            "distributor:
  receivers:
    otlp:
      protocols:
        grpc:
          endpoint: 127.0.0.1:{}
        http:
          endpoint: 127.0.0.1:{}
ingester:
{}storage:
  trace:
    backend: local
    local:
      path: {data}/blocks
    wal:
      path: {data}/wal
usage_report:
  reporting_enabled: false
",
            otlp.grpc,
            otlp.http,
            grafana::LIFECYCLER
        );
        let install = |log: &Path| MODULE.build(log);
        let (process, http) = grafana::start(setting, directory, ("tempo", install), &own, &[])?;
        Ok(Tempo {
            _process: process,
            otlp,
            http,
        })
    }
}
