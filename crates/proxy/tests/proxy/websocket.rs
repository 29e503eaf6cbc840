//! Realtime interfaces.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Proxy, Upstream, call, read_head};

const UPGRADE: &str = "GET /v1/realtime?model=gpt-realtime HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: realtime\r\nauthorization: Bearer k\r\n\r\n";

/// Scenario: a client upgrades to a WebSocket; bytes go to and fro; the client hangs up.
/// Guarantee: the upstream gets the upgrade with path and key, bytes pass both ways at once, and the end is passed on.
#[tokio::test]
async fn a_websocket_goes_through() {
    let mut upstream = Upstream::start(|_, mut stream| {
        Box::pin(async move {
            let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
                sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nsec-websocket-protocol: realtime\r\n\r\nhello";
            stream.write_all(head.as_bytes()).await.ok()?;
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.ok()?;
            None
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(UPGRADE.as_bytes()).await.unwrap();
    let (head, mut read) = read_head(&mut client, Vec::new()).await.unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 101"), "{head}");
    assert!(
        head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    let seen = upstream.next().await;
    assert_eq!(seen.line(), "GET /v1/realtime?model=gpt-realtime HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer k"));
    assert_eq!(seen.header("sec-websocket-protocol"), Some("realtime"));
    client.write_all(b"\x81\x02\xff\x00").await.unwrap();
    while read.len() < 9 {
        client.read_buf(&mut read).await.unwrap();
    }
    assert_eq!(read, b"hello\x81\x02\xff\x00");
    client.shutdown().await.unwrap();
    assert_eq!(client.read_to_end(&mut read).await.unwrap(), 0);
}

/// Scenario: the upstream refuses to upgrade.
/// Guarantee: the client gets its refusal.
#[tokio::test]
async fn a_refusal_to_upgrade_arrives() {
    let answer = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 4\r\n\r\nnope";
    let upstream = Upstream::answering(answer).await;
    let proxy = Proxy::before(upstream.address, "");
    let headers = ["upgrade: websocket", "sec-websocket-version: 13"];
    let reply = call(proxy.address, "GET /v1/realtime", &headers, b"").await;
    assert_eq!((reply.status, reply.text().as_str()), (401, "nope"));
}
