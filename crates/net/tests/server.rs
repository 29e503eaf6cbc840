//! A server through its socket: CORS, time limits, stopping.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use fanlight_config::ListenAddress;
use fanlight_config::blocks::{Cors, HttpServer};
use fanlight_net::Body;
use fanlight_net::http::{Drain, Handler, Server, text};
use fanlight_pipeline::Stop;
use fanlight_testkit::{exchange, post};
use http::{Request, Response, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

fn open(block: &HttpServer) -> Server {
    Server::http(
        block,
        &ListenAddress::new("127.0.0.1", 0),
        "receivers.otlp.protocols.http.endpoint",
    )
    .unwrap()
}

fn hello(_: Request<Body>) -> futures::future::BoxFuture<'static, Response<Body>> {
    Box::pin(async { text(StatusCode::OK, "hello") })
}

/// Scenario: two servers are given one port.
/// Guarantee: the error names the address, what is wrong, and the key to change.
#[test]
fn a_port_in_use_is_named_with_the_key_to_change() {
    let first = open(&HttpServer::default());
    let address = ListenAddress::new("127.0.0.1", first.address().port());
    let error = Server::http(
        &HttpServer::default(),
        &address,
        "receivers.otlp.protocols.http.endpoint",
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not listen on {address}: the port is in use")
    );
    assert!(
        error
            .advice()
            .unwrap()
            .contains("receivers.otlp.protocols.http.endpoint")
    );
}

/// Scenario: a request is being answered when the word to stop comes, beside an idle connection.
/// Guarantee: the request gets its answer, nothing new is accepted, and the server returns.
#[tokio::test]
async fn stopping_lets_open_requests_get_their_answers() {
    let (began, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handler = {
        let (began, release) = (began.clone(), release.clone());
        move |_: Request<Body>| -> futures::future::BoxFuture<'static, Response<Body>> {
            let (began, release) = (began.clone(), release.clone());
            Box::pin(async move {
                began.notify_one();
                release.notified().await;
                text(StatusCode::OK, "done")
            })
        }
    };
    let (stopper, stop) = Stop::new();
    let server = open(&HttpServer::default());
    let address = server.address();
    let serving = tokio::spawn(server.serve(Arc::new(handler), stop));
    let _idle = TcpStream::connect(address).await.unwrap();
    let request = tokio::spawn(async move { post(address, "/", &[], b"x").await });
    began.notified().await;
    stopper.stop();
    // Once connections are refused, the server has understood.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    release.notify_one();
    assert_eq!(request.await.unwrap().text(), "done");
    tokio::time::timeout(Duration::from_secs(5), serving)
        .await
        .expect("the server returns")
        .unwrap()
        .unwrap();
}

/// Scenario: a handler hangs when the word to stop comes.
/// Guarantee: the server returns when the deadline is over.
#[tokio::test]
async fn the_deadline_ends_what_does_not_end() {
    let began = Arc::new(Notify::new());
    let handler = {
        let began = began.clone();
        move |_: Request<Body>| -> futures::future::BoxFuture<'static, Response<Body>> {
            began.notify_one();
            Box::pin(std::future::pending())
        }
    };
    let (stopper, stop) = Stop::new();
    let server = open(&HttpServer::default()).with_drain(Drain(Duration::from_millis(50)));
    let address = server.address();
    let serving = tokio::spawn(server.serve(Arc::new(handler), stop));
    let _request = tokio::spawn(async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        drop(stream.read(&mut [0]).await);
    });
    began.notified().await;
    stopper.stop();
    tokio::time::timeout(Duration::from_secs(5), serving)
        .await
        .expect("the server returns")
        .unwrap()
        .unwrap();
}

/// Scenario: a client connects and sends half a header; another's handler never answers.
/// Guarantee: the first connection is closed, the second client gets 503.
#[tokio::test]
async fn silence_and_slowness_have_limits() {
    let block = HttpServer {
        read_header_timeout: Duration::from_millis(50),
        write_timeout: Duration::from_millis(50),
        ..HttpServer::default()
    };
    let server = open(&block);
    let address = server.address();
    let (_stopper, stop) = Stop::new();
    let never = |_: Request<Body>| -> futures::future::BoxFuture<'static, Response<Body>> {
        Box::pin(std::future::pending())
    };
    tokio::spawn(server.serve(Arc::new(never), stop));
    let mut silent = TcpStream::connect(address).await.unwrap();
    silent.write_all(b"POST /v1/traces HT").await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(5), silent.read_to_end(&mut rest)).await;
    closed.expect("the connection is closed").unwrap();
    assert_eq!(post(address, "/", &[], b"").await.status, 503);
}

/// Scenario: pages of an allowed and of a foreign origin ask first, then send.
/// Guarantee: only the allowed one may send and read the answer; others get no permission.
#[tokio::test]
async fn only_allowed_origins_may_send_from_a_browser() {
    let cors = Cors {
        allowed_origins: vec!["https://*.example.com".to_owned()],
        allowed_headers: vec!["x-tenant".to_owned()],
        max_age: 7200,
        ..Cors::default()
    };
    let server = open(&HttpServer {
        cors: Some(cors),
        ..HttpServer::default()
    });
    let address = server.address();
    let (_stopper, stop) = Stop::new();
    let handler: fn(Request<Body>) -> _ = hello;
    tokio::spawn(server.serve(Arc::new(handler) as Arc<dyn Handler>, stop));
    let preflight = |origin: &'static str| async move {
        let request = format!(
            "OPTIONS /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\naccess-control-request-method: POST\r\n\
             access-control-request-headers: content-type,x-tenant\r\n\r\n"
        );
        exchange(address, request.as_bytes()).await
    };
    let allowed = preflight("https://app.example.com").await;
    assert_eq!((allowed.status, allowed.text()), (204, String::new()));
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.example.com"
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("content-type")
    );
    assert!(
        allowed
            .header("access-control-allow-headers")
            .contains("x-tenant")
    );
    assert_eq!(allowed.header("access-control-max-age"), "7200");
    let foreign = preflight("https://evil.example").await;
    assert_eq!(
        (
            foreign.status,
            foreign.header("access-control-allow-origin")
        ),
        (204, "")
    );
    let sent = post(address, "/", &["origin: https://app.example.com"], b"").await;
    assert_eq!(
        (
            sent.text().as_str(),
            sent.header("access-control-allow-origin")
        ),
        ("hello", "https://app.example.com")
    );
    assert_eq!(
        post(address, "/", &["origin: https://evil.example"], b"")
            .await
            .header("access-control-allow-origin"),
        ""
    );
}
