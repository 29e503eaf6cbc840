//! The OTLP receiver through its sockets.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fanlight_config::ListenAddress;
use fanlight_config::blocks::{self, Compression, HttpServer, Queue};
use fanlight_net::compress::{Compressor, Encoding};
use fanlight_net::grpc::{CallError, GrpcClient, Status};
use fanlight_net::http::Server;
use fanlight_net::status::Code;
use fanlight_otlp::{Signal, json, response, status};
use fanlight_pipeline::{Outcome, Stop};
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Exchange, Hub, Recorder, batch, exchange, post, with_context};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BOTH: &str = "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, http: {endpoint: '127.0.0.1:0'}}}}";
const PROTOBUF: &str = "content-type: application/x-protobuf";
const JSON: &str = "content-type: application/json; charset=utf-8";

fn delivered() -> Recorder {
    Recorder::new(|_| Outcome::Delivered)
}

fn start(recorder: &Recorder) -> (Hub, SocketAddr, SocketAddr) {
    let hub = Hub::start(BOTH, RECEIVERS, recorder);
    let (grpc, http) = (hub.address("OTLP/gRPC"), hub.address("OTLP/HTTP"));
    (hub, grpc, http)
}

fn client(address: SocketAddr, compression: Compression) -> GrpcClient {
    let endpoint = Some(format!("http://{address}").parse().unwrap());
    let block = blocks::GrpcClient {
        endpoint,
        compression: Some(compression),
        ..Default::default()
    };
    with_context("otlp_grpc", |context| {
        GrpcClient::new(&block, Compression::None, context)
    })
    .unwrap()
}

async fn refusal(address: SocketAddr, method: &'static str, message: &[u8]) -> Status {
    match client(address, Compression::Gzip)
        .call(method, Bytes::copy_from_slice(message))
        .await
    {
        Err(CallError::Status(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// The message of a refusal, in the format that it says it is in.
fn message(answer: &Exchange) -> String {
    match answer.header("content-type") {
        "application/x-protobuf" => status::Status::decode(&answer.body).unwrap().message,
        "application/json" => status::Status::from_json(&answer.body).unwrap().message,
        other => panic!("{other}: {}", answer.text()),
    }
}

/// Scenario: a batch of every signal, over gRPC and HTTP, in protobuf and JSON, under every content coding.
/// Guarantee: each is answered with success in its own format and arrives with the same bytes.
#[tokio::test]
async fn every_signal_arrives_over_every_transport_and_coding() {
    let recorder = delivered();
    let (_hub, grpc, http) = start(&recorder);
    let mut sent = 0;
    for signal in Signal::ALL {
        let batch = batch(signal, 3);
        let json = json::to_vec(&batch).unwrap();
        let encodings = [
            None,
            Some(Encoding::Gzip),
            Some(Encoding::Zstd),
            Some(Encoding::Deflate),
        ];
        let compressions = [
            Compression::None,
            Compression::Gzip,
            Compression::Zstd,
            Compression::Deflate,
        ];
        for (encoding, compression) in encodings.into_iter().zip(compressions) {
            for (format, body) in [(PROTOBUF, &batch.bytes()[..]), (JSON, &json[..])] {
                let compressor = encoding.map(|encoding| Compressor::new(encoding, None));
                let coded = compressor.map_or(Bytes::copy_from_slice(body), |c| {
                    c.compress_now(body).unwrap()
                });
                let coding = format!(
                    "content-encoding: {}",
                    encoding.map_or("identity", Encoding::name)
                );
                let answer = post(http, signal.info().http_path, &[format, &coding], &coded).await;
                let is_json = format == JSON;
                assert_eq!(
                    (answer.status, answer.body),
                    (200, response::encode(signal, 0, "", is_json)),
                    "{signal} {coding}"
                );
                sent += 1;
            }
            let client = client(grpc, compression);
            let answer = client
                .call(signal.info().grpc_method, batch.bytes().clone())
                .await;
            assert_eq!(answer, Ok(Bytes::new()), "{signal} {compression}");
            sent += 1;
        }
        let taken = recorder.taken();
        assert_eq!(taken.len(), sent, "{signal}");
        assert_eq!(taken.last().unwrap().bytes(), batch.bytes());
        assert!(taken.iter().all(|taken| taken.items() == 3));
    }
}

/// Path, header lines, body; the status and the words that it is answered with.
type Wrong = (
    &'static str,
    &'static [&'static str],
    &'static [u8],
    u16,
    &'static str,
);

const WRONG: &[Wrong] = &[
    (
        "/v1/traces",
        &[PROTOBUF],
        b"\x0a\xff",
        400,
        "not a valid OTLP request",
    ),
    (
        "/v1/traces",
        &[JSON],
        b"{\"resourceSpans\":",
        400,
        "not valid OTLP/JSON",
    ),
    (
        "/v1/traces",
        &[PROTOBUF, "content-encoding: gzip"],
        b"plain",
        400,
        "not valid gzip",
    ),
    (
        "/v1/trace",
        &[PROTOBUF],
        b"",
        404,
        "OTLP/HTTP is served at /v1/traces",
    ),
    (
        "/v1/logs",
        &["content-type: text/plain"],
        b"",
        415,
        "application/x-protobuf or application/json",
    ),
    ("/v1/logs", &[], b"", 415, "there is no content-type"),
    (
        "/v1/logs",
        &[PROTOBUF, "content-encoding: br"],
        b"x",
        415,
        "gzip, zstd, deflate",
    ),
    (
        "/v1/logs",
        &[PROTOBUF, "content-encoding: gzip, gzip"],
        b"x",
        415,
        "several content codings",
    ),
    (
        "/v1/logs",
        &[PROTOBUF],
        &[0; 21 << 20],
        413,
        "larger than 20971520 bytes",
    ),
];

/// Scenario: HTTP requests that are wrong in every way that the specification knows.
/// Guarantee: each gets its status, with a `google.rpc.Status` in its own format; nothing of them is forwarded.
#[tokio::test]
async fn wrong_http_requests_get_the_statuses_of_the_specification() {
    let recorder = delivered();
    let (_hub, _, http) = start(&recorder);
    for (path, headers, body, expected, words) in WRONG {
        let answer = post(http, path, headers, body).await;
        assert_eq!(
            answer.status,
            *expected,
            "{path} {headers:?}: {}",
            answer.text()
        );
        assert!(
            message(&answer).contains(words),
            "{path} {headers:?}: {}",
            message(&answer)
        );
    }
    let get = exchange(
        http,
        b"GET /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((get.status, get.header("allow")), (405, "post"));
    assert!(recorder.taken().is_empty());
}

/// Scenario: calls with a damaged message, of an unknown method, with too large a message, and HTTP on the gRPC port.
/// Guarantee: each gets its code; the last is told which port it meant.
#[tokio::test]
async fn wrong_calls_get_the_codes_of_the_specification() {
    let recorder = delivered();
    let (_hub, grpc, _) = start(&recorder);
    let traces = Signal::Traces.info().grpc_method;
    assert_eq!(
        refusal(grpc, traces, b"\x0a\xff").await.code,
        Code::InvalidArgument
    );
    assert_eq!(
        refusal(grpc, "/no.such.Service/Export", b"").await.code,
        Code::Unimplemented
    );
    let too_large = refusal(grpc, traces, &vec![0; 5 << 20]).await;
    assert_eq!(
        (too_large.code, too_large.retry_after),
        (Code::ResourceExhausted, None)
    );
    let wrong_port = post(grpc, "/v1/traces", &[PROTOBUF], b"").await;
    assert!(
        wrong_port.status == 415 && wrong_port.text().contains("usually 4318"),
        "{}",
        wrong_port.text()
    );
    assert!(recorder.taken().is_empty());
}

/// Scenario: a few kilobytes that expand to a gigabyte, in every coding, many at once.
/// Guarantee: each is refused as too large, and the next good request is served.
#[tokio::test]
async fn bombs_are_refused() {
    let recorder = delivered();
    let (_hub, _, http) = start(&recorder);
    let zeros = vec![0; 64 << 20];
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate] {
        let bomb = Compressor::new(encoding, None)
            .compress_now(&zeros)
            .unwrap();
        let coding = format!("content-encoding: {}", encoding.name());
        let headers = [PROTOBUF, coding.as_str()];
        let answers =
            futures::future::join_all((0..8).map(|_| post(http, "/v1/traces", &headers, &bomb)))
                .await;
        // The shared budget may refuse some of many at once before their size is known.
        assert!(
            answers
                .iter()
                .all(|answer| matches!(answer.status, 413 | 503)),
            "{encoding:?}"
        );
        assert!(
            answers.iter().any(|answer| answer.status == 413),
            "{encoding:?}"
        );
    }
    assert_eq!(
        post(
            http,
            "/v1/traces",
            &[PROTOBUF],
            batch(Signal::Traces, 1).bytes()
        )
        .await
        .status,
        200
    );
}

/// Scenario: the one destination is slow to take and its queue is full.
/// Guarantee: HTTP answers 429 with Retry-After, gRPC RESOURCE_EXHAUSTED with RetryInfo.
#[tokio::test]
async fn a_full_queue_asks_the_sender_to_come_back() {
    let recorder = Recorder::new(|_| Outcome::Retry {
        after: Some(Duration::from_secs(60)),
        why: "busy".to_owned(),
    })
    .with_queue(Queue {
        queue_size: 1,
        num_consumers: 1,
        ..Queue::default()
    });
    let (_hub, grpc, http) = start(&recorder);
    let logs = batch(Signal::Logs, 1);
    let mut answer = post(http, "/v1/logs", &[JSON], &json::to_vec(&logs).unwrap()).await;
    for _ in 0..20 {
        if answer.status != 200 {
            break;
        }
        answer = post(http, "/v1/logs", &[JSON], &json::to_vec(&logs).unwrap()).await;
    }
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(answer.header("content-type"), "application/json");
    let refused = refusal(grpc, Signal::Logs.info().grpc_method, logs.bytes()).await;
    assert_eq!(refused.code, Code::ResourceExhausted);
    assert!(refused.retry_after.is_some());
}

/// Scenario: the destination that the sender waits for takes a batch but for two items, or refuses it.
/// Guarantee: the sender is told so: partial success in the request's format, or 400.
#[tokio::test]
async fn the_destinations_verdict_reaches_a_waiting_sender() {
    let recorder = Recorder::new(|_| Outcome::Partial {
        rejected: 2,
        why: "too old".to_owned(),
    });
    let (_hub, grpc, http) = start(&recorder);
    for signal in Signal::ALL {
        let batch = batch(signal, 5);
        let answer = post(
            http,
            signal.info().http_path,
            &[JSON],
            &json::to_vec(&batch).unwrap(),
        )
        .await;
        let partial = response::decode(signal, &answer.body, true).unwrap();
        assert_eq!((answer.status, partial.rejected), (200, 2), "{signal}");
        assert!(partial.message.contains("too old"));
        let answer = client(grpc, Compression::None)
            .call(signal.info().grpc_method, batch.bytes().clone())
            .await
            .unwrap();
        assert_eq!(
            response::decode(signal, &answer, false).unwrap().rejected,
            2
        );
    }
    let (_hub, _, http) = start(&Recorder::new(|_| Outcome::Rejected {
        why: "no such tenant".to_owned(),
    }));
    let answer = post(
        http,
        "/v1/traces",
        &[PROTOBUF],
        batch(Signal::Traces, 1).bytes(),
    )
    .await;
    assert!(
        answer.status == 400 && message(&answer).contains("no such tenant"),
        "{}",
        answer.text()
    );
}

/// Scenario: requests without any item, a doubled path, and one that came in pieces while others overtook it.
/// Guarantee: all are served.
#[tokio::test]
async fn odd_but_legal_requests_are_served() {
    let recorder = delivered();
    let (_hub, grpc, http) = start(&recorder);
    assert_eq!(post(http, "/v1/traces", &[PROTOBUF], b"").await.status, 200);
    assert_eq!(post(http, "/v1/traces", &[JSON], b"{}").await.text(), "{}");
    assert_eq!(
        client(grpc, Compression::Gzip)
            .call(Signal::Logs.info().grpc_method, Bytes::new())
            .await,
        Ok(Bytes::new())
    );
    assert!(recorder.taken().is_empty());
    let body = batch(Signal::Traces, 2).bytes().clone();
    let mut slow = TcpStream::connect(http).await.unwrap();
    let head = format!(
        "POST /v1/traces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{PROTOBUF}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(&[head.as_bytes(), &body[..3]].concat())
        .await
        .unwrap();
    assert_eq!(
        post(
            http,
            "/v1/traces/v1/traces",
            &[PROTOBUF],
            batch(Signal::Traces, 1).bytes()
        )
        .await
        .status,
        200
    );
    slow.write_all(&body[3..]).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(
        recorder
            .taken()
            .iter()
            .map(|batch| batch.items())
            .collect::<Vec<_>>(),
        [1, 2]
    );
}

/// Scenario: `include_metadata` is on for HTTP, and a caller sends a tenant and credentials.
/// Guarantee: the tenant travels with the batch; the credentials do not.
#[tokio::test]
async fn metadata_travels_without_credentials() {
    let recorder = delivered();
    let yaml =
        "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', include_metadata: true}}}}";
    let hub = Hub::start(yaml, RECEIVERS, &recorder);
    let headers = [PROTOBUF, "X-Tenant: blue", "Authorization: Bearer secret"];
    let traces = batch(Signal::Traces, 1);
    assert_eq!(
        post(
            hub.address("OTLP/HTTP"),
            "/v1/traces",
            &headers,
            traces.bytes()
        )
        .await
        .status,
        200
    );
    assert_eq!(
        hub.running.listening().len(),
        1,
        "only the protocol that is named is served"
    );
    let origin = recorder.taken()[0].origin().unwrap().clone();
    assert!(
        origin
            .metadata
            .contains(&("x-tenant".to_owned(), "blue".to_owned()))
    );
    assert!(!format!("{origin:?}").contains("secret"));
}

/// Scenario: the hub is told to stop right after requests were answered.
/// Guarantee: everything that was answered with success was delivered; then connections are refused.
#[tokio::test]
async fn what_was_accepted_before_the_stop_is_delivered() {
    let recorder = delivered().with_queue(Queue::default());
    let (hub, grpc, http) = start(&recorder);
    let traces = batch(Signal::Traces, 10);
    let answers = futures::future::join_all(
        (0..20).map(|_| post(http, "/v1/traces", &[PROTOBUF], traces.bytes())),
    )
    .await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    hub.running.stop(Duration::from_secs(10)).await;
    assert_eq!(
        recorder
            .taken()
            .iter()
            .map(|batch| batch.items())
            .sum::<usize>(),
        200
    );
    assert!(TcpStream::connect(http).await.is_err() && TcpStream::connect(grpc).await.is_err());
}

/// Scenario: a handler that checks credentials, mounted in front of another one on the same port.
/// Guarantee: 401 with the challenge for OTLP; every other path goes to the other handler.
#[tokio::test]
async fn the_handler_shares_a_port_and_checks_credentials() {
    use fanlight_net::http::text;
    use fanlight_net::intake::{Intake, Limits};
    use fanlight_pipeline::{Inlet, ServerAuth, Unauthenticated};

    #[derive(Debug)]
    struct Nobody;
    impl ServerAuth for Nobody {
        fn check(&self, _: &http::HeaderMap) -> Result<(), Unauthenticated> {
            Err(Unauthenticated {
                message: "log in".to_owned(),
                challenge: Some("Basic realm=\"fanlight\""),
            })
        }
    }
    let recorder = delivered();
    let (hub, inlet): (Hub, Inlet) = Hub::with_door(&recorder).await;
    let page = |_: http::Request<fanlight_net::Body>| -> futures::future::BoxFuture<'static, _> {
        Box::pin(async { text(http::StatusCode::OK, "the page") })
    };
    let handler = fanlight_receivers::HttpHandler::new(
        inlet,
        Intake::default(),
        Limits::of_size(1 << 20),
        Some(Arc::new(Nobody)),
    )
    .with_fallback(Arc::new(page));
    let server = Server::http(
        &HttpServer::default(),
        &ListenAddress::new("127.0.0.1", 0),
        "test",
    )
    .unwrap();
    let address = server.address();
    let (_stopper, stop) = Stop::new();
    tokio::spawn(server.serve(Arc::new(handler), stop));
    let refused = post(address, "/v1/traces", &[PROTOBUF], b"").await;
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (401, "basic realm=\"fanlight\"")
    );
    assert_eq!(message(&refused), "log in");
    assert_eq!(post(address, "/", &[], b"").await.text(), "the page");
    drop(hub);
}
