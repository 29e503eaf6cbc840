//! Opening a listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};

use fanlight_config::ListenAddress;
use fanlight_pipeline::BuildError;

/// Listens on an address; `place` is where it is configured.
pub(super) fn bind(
    address: &ListenAddress,
    place: &str,
) -> Result<(TcpListener, SocketAddr), BuildError> {
    let failed = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!(
                    "another program (or another fanlight) has this port; stop it, or set {place} to a free one"
                )
            }
            io::ErrorKind::PermissionDenied => {
                format!("ports below 1024 need a privilege; set {place} to a higher port")
            }
            _ => format!("set {place} to an address of this machine"),
        };
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
            _ => error.to_string(),
        };
        BuildError::new(format!("could not listen on {address}: {why}"))
            .because(error)
            .hint(hint)
    };
    let listener = match address.socket_addr() {
        // An empty host means every interface, also where the machine has no IPv6.
        Some(every) if address.host().is_empty() => {
            TcpListener::bind(every).or_else(|error| match error.kind() {
                io::ErrorKind::AddrInUse => Err(error),
                _ => TcpListener::bind(("0.0.0.0", address.port())),
            })
        }
        Some(address) => TcpListener::bind(address),
        None => (address.host(), address.port())
            .to_socket_addrs()
            .and_then(|addresses| TcpListener::bind(&addresses.collect::<Vec<_>>()[..])),
    };
    let listener = listener.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}
