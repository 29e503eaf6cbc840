//! What Grafana's servers have in common, as they stand on one library: a file of configuration, all parts in one process,
//! and ports for HTTP, gRPC and gossip, here on the loopback interface.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::ready;
use crate::interop::Setting;
use crate::interop::setting::Install;
use crate::process::{Background, free_port};

/// Where a single ingester is found, below `ingester`.
pub(super) const LIFECYCLER: &str = "  lifecycler:
    address: 127.0.0.1
    min_ready_duration: 0s
    ring:
      replication_factor: 1
      kvstore:
        store: inmemory
";

/// Starts a server of this name with its own part of the configuration, and returns it with its HTTP port once it is ready.
///
/// # Errors
/// When it can't be built or does not get ready.
pub(super) fn start(
    setting: &Setting,
    directory: &Path,
    (name, install): (&'static str, Install),
    own: &str,
    arguments: &[String],
) -> Result<(Background, u16)> {
    std::fs::create_dir_all(directory)?;
    let (http, grpc, gossip) = (free_port()?, free_port()?, free_port()?);
    let file = directory.join(format!("{name}.yaml"));
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
{own}"
        ),
    )?;
    let mut command = Command::new(setting.program(name, install)?);
    command
        .arg(format!("-config.file={}", file.display()))
        .args(arguments)
        .current_dir(directory);
    let process = ready(command, directory, name, http, "/ready")?;
    Ok((process, http))
}
