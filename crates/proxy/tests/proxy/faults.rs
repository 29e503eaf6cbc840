//! Clients and upstreams that go away.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{Proxy, STREAM, Upstream, call, chunk, json, read_head};

const JSON: &[&str] = &["content-type: application/json"];

/// Scenario: a client hangs up in the middle of a stream.
/// Guarantee: the upstream's connection is closed, so that it stops.
#[tokio::test]
async fn a14_a_client_that_hangs_up_stops_the_upstream() {
    let stopped = Arc::new(Notify::new());
    let told = Arc::clone(&stopped);
    let upstream = Upstream::start(move |_, mut stream| {
        let stopped = Arc::clone(&told);
        Box::pin(async move {
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            stream.write_all(&chunk(b"data: one\n\n")).await.ok()?;
            let read = stream.read(&mut [0; 16]).await;
            assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
            stopped.notify_one();
            None
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let request =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n{}";
    client.write_all(request.as_bytes()).await.unwrap();
    read_head(&mut client, Vec::new()).await.unwrap();
    drop(client);
    stopped.notified().await;
}

/// Scenario: a client hangs up before the upstream answers at all.
/// Guarantee: the upstream's connection is closed.
#[tokio::test]
async fn a_client_that_does_not_wait_stops_the_upstream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap(), "");
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let request = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_head(&mut upstream, Vec::new()).await.unwrap();
    drop(client);
    let read = upstream.read(&mut [0; 16]).await;
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
}

/// Scenario: an upstream breaks off in the middle of a stream, and of a body of known length.
/// Guarantee: the client sees a broken answer, not one that ended well.
#[tokio::test]
async fn an_upstream_that_breaks_off_is_seen_to() {
    let stream = [STREAM.as_bytes(), &chunk(b"data: one\n\n")].concat();
    let body = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this".to_vec();
    for answer in [stream, body] {
        let upstream = Upstream::start(move |_, mut stream| {
            let answer = answer.clone();
            Box::pin(async move {
                stream.write_all(&answer).await.ok()?;
                None
            })
        })
        .await;
        let proxy = Proxy::before(upstream.address, "");
        let reply = call(
            proxy.address,
            "POST /v1/chat/completions",
            JSON,
            br#"{"stream":true}"#,
        )
        .await;
        assert_eq!(reply.status, 200);
        assert!(!reply.is_whole);
        assert!(!reply.body.is_empty(), "what came is there");
    }
}

/// Scenario: nobody listens at the upstream; it answers nonsense; it closes without an answer.
/// Guarantee: 502 with an error that an OpenAI client shows, which names the place and the provider.
#[tokio::test]
async fn an_upstream_without_an_answer_is_a_502_in_words() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let nonsense = Upstream::start(|_, mut stream| {
        Box::pin(async move {
            stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").await.ok()?;
            None
        })
    })
    .await;
    let silent = Upstream::start(|_, _| Box::pin(std::future::ready(None))).await;
    for address in [nobody, nonsense.address, silent.address] {
        let proxy = Proxy::before(address, "");
        let reply = call(proxy.address, "POST /v1/chat/completions", JSON, b"{}").await;
        assert_eq!(reply.status, 502);
        let error = &reply.json()["error"];
        assert_eq!(error["type"], "upstream_error");
        assert_eq!(error["provider"], "openai");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&address.port().to_string()), "{message}");
    }
}

/// Scenario: an upstream closes its idle connection; the next call finds out.
/// Guarantee: the call goes over a new connection, and the client notices nothing.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let closed = Arc::new(Notify::new());
    let told = Arc::clone(&closed);
    let upstream = Upstream::start(move |_, mut stream| {
        let closed = Arc::clone(&told);
        Box::pin(async move {
            stream.write_all(json("{}").as_bytes()).await.ok()?;
            drop(stream);
            closed.notify_one();
            None
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    for _ in 0..5 {
        let reply = call(proxy.address, "POST /v1/chat/completions", JSON, b"{}").await;
        assert_eq!((reply.status, reply.text().as_str()), (200, "{}"));
        closed.notified().await;
    }
}

/// Scenario: an upstream answers before it has read the whole upload, and closes.
/// Guarantee: the client gets that answer.
#[tokio::test]
async fn an_early_refusal_of_an_upload_arrives() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap(), "");
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream, Vec::new()).await.unwrap();
        let answer = "HTTP/1.1 413 Payload Too Large\r\ncontent-length: 2\r\n\r\n{}";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut buffer = vec![0; 1 << 16];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    let head = "POST /v1/files HTTP/1.1\r\nhost: localhost\r\ncontent-type: a/b\r\ncontent-length: 1000000\r\n\r\nsome";
    client.write_all(head.as_bytes()).await.unwrap();
    let (head, _) = read_head(&mut client, Vec::new()).await.unwrap();
    assert!(head.starts_with("HTTP/1.1 413"), "{head}");
}
