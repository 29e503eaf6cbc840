//! Whether somebody on this machine receives telemetry.
//!
//! Where nothing is configured, the SDK looks for a receiver at `127.0.0.1:4318`, the port at which a Fanlight hub, or any
//! other receiver of OTLP over HTTP, listens by default. It asks with an export request that holds nothing, which receivers
//! answer with 200. It waits for a moment only, asks once, and never in tests.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Where hubs listen.
pub(crate) const ADDRESS: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4318);

/// A receiver on the same machine answers long before.
const PATIENCE: Duration = Duration::from_millis(250);

/// Whether a receiver of OTLP over HTTP answers there.
pub(crate) fn answers_at(address: SocketAddr) -> bool {
    ask(address).is_ok_and(|answer| is_success(&answer))
}

fn ask(address: SocketAddr) -> std::io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!(
        "POST /v1/traces HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-protobuf\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status)
}

fn is_success(status: &[u8]) -> bool {
    status.starts_with(b"HTTP/1.") && status.ends_with(b" 200")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers one connection with a text.
    fn server(answer: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"POST /v1/traces HTTP/1.1\r\n"));
            stream.write_all(answer.as_bytes()).unwrap();
        });
        address
    }

    #[test]
    fn only_who_takes_an_empty_request_is_a_receiver() {
        assert!(answers_at(server(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        )));
        assert!(!answers_at(server("HTTP/1.1 404 Not Found\r\n\r\n")));
        assert!(!answers_at(server("SSH-2.0-OpenSSH_10\r\n")));
        assert!(!answers_at(server("")));
        let nobody = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(!answers_at(nobody));
    }

    #[test]
    fn who_never_answers_is_not_waited_for() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let begin = std::time::Instant::now();
        assert!(!answers_at(silent.local_addr().unwrap()));
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}
