//! Clients that speak HTTP/2 without TLS, as some SDKs' clients and meshes do; upstreams get HTTP/1.1 all the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fanlight_net::Body;
use fanlight_otlp::Signal;
use futures::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{Proxy, STREAM, Upstream, chunk, json, read_head};

/// A connection with prior knowledge.
async fn connect(address: SocketAddr) -> SendRequest<Body> {
    let socket = TcpStream::connect(address).await.unwrap();
    let shaken = http2::handshake(TokioExecutor::new(), TokioIo::new(socket)).await;
    let (sender, connection) = shaken.unwrap();
    tokio::spawn(connection);
    sender
}

fn post(address: SocketAddr, path: &str, body: Body) -> Request<Body> {
    Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/json")
        .header("authorization", "Bearer k")
        .body(body)
        .unwrap()
}

/// Scenario: one connection of HTTP/2 carries a stream that is silent after its first event, and a call beside it.
/// Guarantee: the event arrives while the stream is silent, the call is answered meanwhile, and the stream goes on; the upstream
/// is asked in HTTP/1.1 with its own host, and both calls are recorded.
#[tokio::test]
async fn calls_share_a_connection_of_http2() {
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let mut upstream = Upstream::start(move |seen, mut stream| {
        let waiting = Arc::clone(&waiting);
        Box::pin(async move {
            if !String::from_utf8_lossy(&seen.body).contains("stream") {
                stream.write_all(json(r#"{"a":1}"#).as_bytes()).await.ok()?;
                return Some(stream);
            }
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            stream.write_all(&chunk(b"data: one\n\n")).await.ok()?;
            waiting.notified().await;
            stream.write_all(&chunk(b"data: two\n\n")).await.ok()?;
            stream.write_all(b"0\r\n\r\n").await.ok()?;
            Some(stream)
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = connect(proxy.address).await;
    let path = "/v1/chat/completions";
    let asked = post(proxy.address, path, Body::from(r#"{"stream":true}"#));
    let mut streamed = client.send_request(asked).await.unwrap();
    assert_eq!(streamed.status(), 200);
    let first = streamed.frame().await.unwrap().unwrap();
    assert_eq!(first.into_data().unwrap(), "data: one\n\n");
    let seen = upstream.next().await;
    assert_eq!(seen.line(), "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(
        seen.header("host"),
        Some(upstream.address.to_string().as_str())
    );
    let asked = post(proxy.address, path, Body::from("{}"));
    let whole = client.send_request(asked).await.unwrap();
    assert_eq!(whole.collect().await.unwrap().to_bytes(), r#"{"a":1}"#);
    go_on.notify_one();
    let rest = streamed.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "data: two\n\n");
    proxy.hub.running.stop(Duration::from_secs(10)).await;
    let batches = proxy.recorder.taken();
    let spans = batches
        .iter()
        .filter(|batch| batch.signal() == Signal::Traces);
    assert_eq!(spans.map(|batch| batch.items()).sum::<usize>(), 2);
}

/// Scenario: a client hangs up one of two streams of a connection of HTTP/2.
/// Guarantee: that upstream is stopped, and the other stream goes on.
#[tokio::test]
async fn a_stream_of_http2_that_is_reset_stops_its_upstream() {
    let stopped = Arc::new(Notify::new());
    let telling = Arc::clone(&stopped);
    let upstream = Upstream::start(move |seen, mut stream| {
        let telling = Arc::clone(&telling);
        Box::pin(async move {
            stream.write_all(STREAM.as_bytes()).await.ok()?;
            stream.write_all(&chunk(b"data: one\n\n")).await.ok()?;
            if String::from_utf8_lossy(&seen.body).contains("short") {
                // Nothing more comes from the proxy until it closes the connection.
                drop(stream.read(&mut [0; 16]).await);
                telling.notify_one();
                return None;
            }
            telling.notified().await;
            telling.notify_one();
            stream.write_all(&chunk(b"data: two\n\n")).await.ok()?;
            stream.write_all(b"0\r\n\r\n").await.ok()?;
            Some(stream)
        })
    })
    .await;
    let proxy = Proxy::before(upstream.address, "");
    let mut client = connect(proxy.address).await;
    let path = "/v1/chat/completions";
    let long = post(proxy.address, path, Body::from(r#"{"stream":true}"#));
    let long = client.send_request(long).await.unwrap();
    let short = post(
        proxy.address,
        path,
        Body::from(r#"{"stream":true,"user":"short"}"#),
    );
    let mut short = client.send_request(short).await.unwrap();
    assert!(short.frame().await.is_some());
    drop(short);
    let told = long.collect().await.unwrap().to_bytes();
    assert_eq!(told, "data: one\n\ndata: two\n\n");
}

/// Scenario: 100 MB are uploaded over HTTP/2 to an upstream that does not read at first.
/// Guarantee: the client has to wait (no more than the windows and the sockets' buffers pile up), and then every byte arrives.
#[tokio::test]
async fn a_large_upload_over_http2_does_not_pile_up() {
    const PIECE: usize = 1 << 16;
    const PIECES: usize = (100 << 20) / PIECE;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap(), "");
    let read_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&read_on);
    let upstream = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        waiting.notified().await;
        let (head, body) = read_head(&mut stream, Vec::new()).await.unwrap();
        assert!(head.to_lowercase().contains("transfer-encoding: chunked"));
        let (mut all, mut end) = (body.len(), Vec::new());
        let mut buffer = vec![0; 1 << 20];
        while !end.ends_with(b"\r\n0\r\n\r\n") {
            let read = stream.read(&mut buffer).await.unwrap();
            all += read;
            end.extend_from_slice(&buffer[read.saturating_sub(7)..read]);
            end.drain(..end.len().saturating_sub(7));
        }
        stream.write_all(json("{}").as_bytes()).await.unwrap();
        all
    });
    let taken = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&taken);
    let piece = Bytes::from(vec![7; PIECE]);
    let pieces = stream::iter((0..PIECES).map(move |_| {
        counted.fetch_add(PIECE, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Frame::data(piece.clone()))
    }));
    let mut client = connect(proxy.address).await;
    let upload = post(
        proxy.address,
        "/v1/files",
        Body::streaming(StreamBody::new(pieces)),
    );
    let answered = tokio::spawn(async move { client.send_request(upload).await.unwrap() });
    let piled_up = settled(&taken).await;
    assert!(0 < piled_up && piled_up < 40 << 20, "{piled_up} bytes");
    read_on.notify_one();
    assert!(upstream.await.unwrap() >= PIECE * PIECES);
    assert_eq!(answered.await.unwrap().status(), 200);
}

/// What a count is once it has stopped growing.
async fn settled(count: &AtomicUsize) -> usize {
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = count.load(Ordering::SeqCst);
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
}
