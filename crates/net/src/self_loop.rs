//! Recognises an exporter that points back at the hub itself, which would send everything round for ever.
//!
//! Looks at host and port only: a proxy in between, or an address translated on the way, can't be seen from here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use fanlight_pipeline::{Listening, Peer};

/// The first of these listening addresses that one of the peers leads to.
///
/// `own_names` are the machine's names. Other names are resolved, but only when their port is one of the hub's; this
/// may block for as long as the system's resolver does.
pub fn find<'a>(
    peers: &[Peer],
    listening: &'a [Listening],
    own_names: &[String],
) -> Option<&'a Listening> {
    peers.iter().find_map(|peer| {
        let same_port: Vec<&Listening> = listening
            .iter()
            .filter(|l| l.address.port() == peer.port)
            .collect();
        if same_port.is_empty() {
            return None;
        }
        let addresses = addresses_of(peer, own_names);
        same_port
            .into_iter()
            .find(|listening| addresses.iter().any(|ip| reaches(*ip, listening.address)))
    })
}

/// The addresses that a connection to this host would try.
fn addresses_of(peer: &Peer, own_names: &[String]) -> Vec<IpAddr> {
    let host = peer
        .host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .trim_end_matches('.');
    if let Ok(ip) = host.parse::<IpAddr>() {
        return vec![ip];
    }
    let mut addresses: Vec<IpAddr> = (host, peer.port)
        .to_socket_addrs()
        .into_iter()
        .flatten()
        .map(|address| address.ip())
        .collect();
    let is_own = |name: &String| name.eq_ignore_ascii_case(host);
    if host.eq_ignore_ascii_case("localhost")
        || host.ends_with(".localhost")
        || own_names.iter().any(is_own)
    {
        addresses.extend([
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]);
    }
    addresses
}

/// Whether a connection to this address arrives at a socket that listens there.
fn reaches(ip: IpAddr, listening: SocketAddr) -> bool {
    let ip = ip.to_canonical();
    let own = listening.ip().to_canonical();
    if ip == own {
        return true;
    }
    // Connecting to the unspecified address connects to the machine itself.
    if ip.is_unspecified() {
        return own.is_loopback() || own.is_unspecified();
    }
    own.is_unspecified() && is_local(ip)
}

/// Whether an address is one of this machine's: only then can a socket be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(host: &str, port: u16, listening: &str) -> bool {
        let listening = [Listening {
            protocol: "OTLP/gRPC",
            address: listening.parse().unwrap(),
            tls: false,
        }];
        find(
            &[Peer {
                host: host.into(),
                port,
            }],
            &listening,
            &["workstation".to_owned()],
        )
        .is_some()
    }

    #[test]
    fn every_spelling_of_this_machine_is_recognised() {
        for host in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "0.0.0.0",
            "[::]",
            "workstation",
            "::ffff:127.0.0.1",
        ] {
            assert!(found(host, 4317, "127.0.0.1:4317"), "{host}");
        }
        for host in [
            "localhost",
            "127.0.0.1",
            "127.3.2.1",
            "[::1]",
            "::1",
            "0.0.0.0",
            "Workstation",
            "app.localhost",
        ] {
            assert!(found(host, 4317, "0.0.0.0:4317"), "{host}");
            assert!(found(host, 4317, "[::]:4317"), "{host}");
        }
    }

    #[test]
    fn other_ports_and_other_machines_are_not_the_hub() {
        assert!(!found("localhost", 4318, "127.0.0.1:4317"));
        assert!(!found("192.0.2.7", 4317, "0.0.0.0:4317"));
        assert!(!found("127.0.0.2", 4317, "127.0.0.1:4317"));
    }
}
