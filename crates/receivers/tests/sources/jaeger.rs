//! The Jaeger receiver through its sockets.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_formats::jaeger::{self, KeyValue, POST_SPANS, PostSpansRequest, Process};
use fanlight_net::grpc::{CallError, GrpcClient};
use fanlight_net::status::Code;
use fanlight_otlp::view::{SpanView, Value};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::Outcome;
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Hub, Recorder, node, post, with_context};
use prost::Message as _;
use tokio::net::UdpSocket;

const ALL: &str = "receivers: {jaeger: {protocols: {grpc: {endpoint: '127.0.0.1:0'}, thrift_http: {endpoint: '127.0.0.1:0'},
    thrift_compact: {endpoint: '127.0.0.1:0', max_packet_size: 500}, thrift_binary: {endpoint: '127.0.0.1:0'}}}}";

fn delivered() -> Recorder {
    Recorder::new(|_| Outcome::Delivered)
}

/// A `Batch` in Thrift's binary protocol: service `shop`, one span `get`.
fn binary_batch() -> Vec<u8> {
    let mut out = Vec::new();
    let field = |out: &mut Vec<u8>, kind: u8, id: u16| {
        out.push(kind);
        out.extend(id.to_be_bytes());
    };
    let text = |out: &mut Vec<u8>, text: &str| {
        out.extend((text.len() as u32).to_be_bytes());
        out.extend(text.as_bytes());
    };
    field(&mut out, 12, 1);
    field(&mut out, 11, 1);
    text(&mut out, "shop");
    out.push(0);
    field(&mut out, 15, 2);
    out.extend([12, 0, 0, 0, 1]);
    for (id, value) in [(1, 1u64), (2, 2), (3, 3), (8, 7), (9, 5)] {
        field(&mut out, 10, id);
        out.extend(value.to_be_bytes());
    }
    field(&mut out, 11, 5);
    text(&mut out, "get");
    out.extend([0, 0]);
    out
}

/// The same as a call of the agent's, in the binary protocol.
fn binary_packet(method: &str) -> Vec<u8> {
    let mut out = vec![0x80, 1, 0, 4];
    out.extend((method.len() as u32).to_be_bytes());
    out.extend(method.as_bytes());
    out.extend([0, 0, 0, 0, 12, 0, 1]);
    out.extend(binary_batch());
    out.push(0);
    out
}

/// The same in the compact protocol.
fn compact_packet() -> Vec<u8> {
    let mut out = vec![0x82, 0x81, 0, 9];
    out.extend(b"emitBatch");
    // The argument, its process, and the head of its list of one span.
    out.extend([0x1c, 0x1c, 0x18, 4]);
    out.extend(b"shop");
    out.extend([0, 0x19, 0x1c]);
    // Ids 1, 2, 3; the name; start and duration.
    out.extend([0x16, 2, 0x16, 4, 0x16, 6, 0x28, 3]);
    out.extend(b"get");
    out.extend([0x36, 14, 0x16, 10, 0, 0, 0]);
    out
}

fn check(batch: &Batch) {
    let resource = batch.resources().next().unwrap().unwrap();
    let service = resource.attributes.get("service.name").unwrap();
    assert_eq!(service, Some(Value::Str("shop")));
    let scope = resource.scopes().next().unwrap().unwrap();
    let span: SpanView<'_> = scope.spans().next().unwrap().unwrap();
    assert_eq!(span.name, "get");
    assert_eq!(
        span.trace_id.to_string(),
        "00000000000000020000000000000001"
    );
    assert_eq!(span.span_id.to_string(), "0000000000000003");
    let times = (span.start_time_unix_nano, span.end_time_unix_nano);
    assert_eq!(times, (7_000, 12_000));
}

async fn send(to: SocketAddr, packet: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(packet, to).await.unwrap();
}

/// Waits until something holds, as packets have no answer.
async fn until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never holds");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What a transport's counters say: accepted and refused spans.
fn counted(hub: &Hub, transport: &str) -> (u64, u64) {
    let snapshot = hub.status.snapshot();
    let mut receivers = snapshot.receivers.iter();
    let Some(found) = receivers.find(|receiver| receiver.transport == transport) else {
        return (0, 0);
    };
    let of = |counts: &std::collections::BTreeMap<Signal, u64>| {
        counts.get(&Signal::Traces).copied().unwrap_or(0)
    };
    (of(&found.accepted), of(&found.refused))
}

/// Scenario: a client sends the same span over Thrift/HTTP, compact UDP and binary UDP.
/// Guarantee: each arrives as the same span of OTLP; over HTTP the answer is 202.
#[tokio::test]
async fn thrift_arrives_over_every_transport() {
    let recorder = delivered();
    let hub = Hub::start(ALL, RECEIVERS, &recorder);
    let http = hub.address("Jaeger/Thrift/HTTP");
    let headers = ["content-type: application/x-thrift"];
    let path = "/api/traces?format=jaeger.thrift";
    let answer = post(http, path, &headers, &binary_batch()).await;
    assert_eq!((answer.status, answer.text()), (202, String::new()));
    send(
        hub.address("Jaeger/binary/UDP"),
        &binary_packet("emitBatch"),
    )
    .await;
    until(|| recorder.taken().len() == 2).await;
    send(hub.address("Jaeger/compact/UDP"), &compact_packet()).await;
    until(|| recorder.taken().len() == 3).await;
    recorder.taken().iter().for_each(check);
    until(|| counted(&hub, "udp_thrift_compact") == (1, 0)).await;
    assert_eq!(counted(&hub, "collector_http"), (1, 0));
}

/// Scenario: packets come that are no batches, of another method, cut, and longer than allowed; then a good one.
/// Guarantee: each of the bad ones is counted as refused and does no harm to the good one.
#[tokio::test]
async fn bad_packets_are_counted_and_do_no_harm() {
    let recorder = delivered();
    let hub = Hub::start(ALL, RECEIVERS, &recorder);
    let (binary, compact) = (
        hub.address("Jaeger/binary/UDP"),
        hub.address("Jaeger/compact/UDP"),
    );
    let whole = binary_packet("emitBatch");
    for packet in [
        b"".as_slice(),
        b"GET / HTTP/1.1",
        &whole[..whole.len() - 3],
        &[0x80, 1, 0, 4, 0xff, 0xff, 0xff, 0xff],
        &binary_packet("emitZipkinBatch"),
        &whole,
    ] {
        send(binary, packet).await;
    }
    until(|| counted(&hub, "udp_thrift_binary") == (1, 5)).await;
    let mut long = compact_packet();
    long.resize(600, 0);
    send(compact, &long).await;
    send(compact, &compact_packet()).await;
    until(|| counted(&hub, "udp_thrift_compact") == (1, 1)).await;
    recorder.taken().iter().for_each(check);
}

/// Scenario: packets come, and the only destination refuses them.
/// Guarantee: what it does not take is counted as refused, over UDP too.
#[tokio::test]
async fn packets_that_nobody_takes_are_counted() {
    let recorder = Recorder::new(|_| Outcome::Rejected {
        why: "no room".to_owned(),
    });
    let hub = Hub::start(ALL, RECEIVERS, &recorder);
    send(hub.address("Jaeger/compact/UDP"), &compact_packet()).await;
    until(|| counted(&hub, "udp_thrift_compact") == (0, 1)).await;
}

fn client(address: SocketAddr) -> GrpcClient {
    let endpoint = Some(format!("http://{address}").parse().unwrap());
    let block = blocks::GrpcClient {
        endpoint,
        ..Default::default()
    };
    with_context("otlp_grpc", |context| {
        GrpcClient::new(&block, Compression::Gzip, context)
    })
    .unwrap()
}

/// Scenario: an agent posts spans over gRPC; then a message that is none, one with a broken id, and another method.
/// Guarantee: the good ones arrive, and the others are refused with what is wrong.
#[tokio::test]
async fn spans_arrive_over_grpc() {
    let recorder = delivered();
    let hub = Hub::start(ALL, RECEIVERS, &recorder);
    let client = client(hub.address("Jaeger/gRPC"));
    let span = |span_id: &[u8]| jaeger::Span {
        trace_id: [[0, 0, 0, 0, 0, 0, 0, 2], [0, 0, 0, 0, 0, 0, 0, 1]]
            .concat()
            .into(),
        span_id: span_id.to_vec().into(),
        operation_name: "get".to_owned(),
        start_time: Some(jaeger::Timestamp::from_nanos(7_000)),
        duration: Some(jaeger::Duration::from_nanos(5_000)),
        tags: vec![KeyValue::text("span.kind", "client")],
        ..jaeger::Span::default()
    };
    let request = |span| PostSpansRequest {
        batch: Some(jaeger::Batch {
            spans: vec![span],
            process: Some(Process {
                service_name: "shop".to_owned(),
                tags: Vec::new(),
            }),
        }),
    };
    let good = request(span(&[0, 0, 0, 0, 0, 0, 0, 3])).encode_to_vec();
    assert_eq!(client.call(POST_SPANS, good.into()).await, Ok(Bytes::new()));
    check(&recorder.taken()[0]);
    let broken = request(span(&[3])).encode_to_vec();
    for (method, message, code, words) in [
        (
            POST_SPANS,
            vec![0xff],
            Code::InvalidArgument,
            "PostSpansRequest",
        ),
        (
            POST_SPANS,
            broken,
            Code::InvalidArgument,
            "span id of 1 bytes",
        ),
        (
            "/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
            Vec::new(),
            Code::Unimplemented,
            "no method",
        ),
    ] {
        match client.call(method, message.into()).await {
            Err(CallError::Status(status)) => {
                assert_eq!(status.code, code);
                assert!(status.message.contains(words), "{}", status.message);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(recorder.taken().len(), 1);
}

/// Scenario: requests to the HTTP port that are no Thrift batch.
/// Guarantee: each is answered with its status and what to do, and nothing is taken.
#[tokio::test]
async fn what_is_no_thrift_is_refused_with_advice() {
    let recorder = delivered();
    let hub = Hub::start(ALL, RECEIVERS, &recorder);
    let http = hub.address("Jaeger/Thrift/HTTP");
    let thrift = "content-type: application/vnd.apache.thrift.binary";
    for (path, header, body, status, words) in [
        ("/api/traces", thrift, "\u{c}", 400, "no Thrift batch"),
        (
            "/api/traces",
            "content-type: application/json",
            "{}",
            415,
            "apache.thrift.binary",
        ),
        ("/api/v2/spans", thrift, "", 404, "/api/traces"),
    ] {
        let answer = post(http, path, &[header], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    assert!(recorder.taken().is_empty());
}

/// Scenario: configurations with one protocol, with none, and with what is not supported.
/// Guarantee: only what is named is opened, at the Collector's ports; the rest is refused by name.
#[test]
fn configuration_is_the_collectors() {
    let kind = RECEIVERS
        .iter()
        .find(|known| known.is_called("jaeger"))
        .unwrap();
    let ports = |yaml: &str| -> Vec<u16> {
        let config = (kind.decode)(&node(yaml)).unwrap();
        config.endpoints().iter().map(|peer| peer.port).collect()
    };
    assert_eq!(ports("protocols: {grpc: }"), [14250]);
    let all = "protocols: {thrift_binary: , thrift_compact: , thrift_http: , grpc: {endpoint: '0.0.0.0:1'}}";
    assert_eq!(ports(all), [1, 14268, 6831, 6832]);
    for (wrong, words) in [
        ("", "no protocol is named"),
        ("protocols: {}", "no protocol is named"),
        ("protocols: {thrift_htp: }", "thrift_http"),
        ("protocols: {thrift_compact: {queue: 1}}", "queue_size"),
        (
            "{protocols: {grpc: }, remote_sampling: {host_endpoint: 'x:1'}}",
            "remote_sampling",
        ),
    ] {
        let error = (kind.decode)(&node(wrong)).unwrap_err().render(None);
        assert!(error.contains(words), "{wrong}: {error}");
    }
}
