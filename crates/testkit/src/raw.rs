//! HTTP/1.1 by hand: to send what no client would.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// Status line and headers, in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Exchange {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value, empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .into_iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value.trim())
    }
}

/// Sends these bytes and reads the answer to the end; they must ask for `connection: close`.
pub async fn exchange(address: SocketAddr, request: &[u8]) -> Exchange {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    // A server that refuses early may close before everything is written.
    drop(stream.write_all(request).await);
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("there is an answer");
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("there is a status");
    Exchange {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    }
}

/// Sends a POST request with these header lines.
pub async fn post(address: SocketAddr, path: &str, headers: &[&str], body: &[u8]) -> Exchange {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-length: {length}\r\n{lines}\r\n"
    );
    exchange(address, &[head.as_bytes(), body].concat()).await
}
