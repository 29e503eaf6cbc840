//! The Zipkin receiver through its socket.

use std::net::SocketAddr;

use bytes::Bytes;
use fanlight_formats::zipkin::proto;
use fanlight_net::compress::{Compressor, Encoding};
use fanlight_otlp::view::{SpanView, Value};
use fanlight_otlp::{Batch, json};
use fanlight_pipeline::Outcome;
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Hub, Recorder, node, post};
use prost::Message as _;

const JSON: &str = "content-type: application/json";

fn start(recorder: &Recorder, options: &str) -> (Hub, SocketAddr) {
    let yaml = format!("receivers: {{zipkin: {{endpoint: '127.0.0.1:0', {options}}}}}");
    let hub = Hub::start(&yaml, RECEIVERS, recorder);
    let address = hub.address("Zipkin");
    (hub, address)
}

fn delivered() -> Recorder {
    Recorder::new(|_| Outcome::Delivered)
}

/// A batch as OTLP/JSON, to be compared as a whole.
fn shown(batch: &Batch) -> serde_json::Value {
    serde_json::from_slice(&json::to_vec(batch).unwrap()).unwrap()
}

/// The only span of a batch.
fn only<T>(batch: &Batch, read: impl FnOnce(SpanView<'_>) -> T) -> T {
    let resource = batch.resources().next().unwrap().unwrap();
    let scope = resource.scopes().next().unwrap().unwrap();
    read(scope.spans().next().unwrap().unwrap())
}

const SPANS: &str = r#"[
  {"traceId":"5b8efff798038103d269b633813fc60c","id":"eee19b7ec3c1b174","parentId":"eee19b7ec3c1b173","kind":"CLIENT",
   "name":"get","timestamp":1700000000000001,"duration":250,
   "localEndpoint":{"serviceName":"shop","ipv4":"10.0.0.1","port":80},"remoteEndpoint":{"serviceName":"bank","ipv6":"::1"},
   "annotations":[{"timestamp":1700000000000002,"value":"retry|{\"n\":2,\"deep\":[true]}|1"}],
   "tags":{"host.name":"a","http.path":"/","n":"1","otel.library.name":"lib","otel.library.version":"2","w3c.tracestate":"x=y",
     "otel.status_code":"ERROR","otel.status_description":"late","error":"true",
     "otlp.link.0":"00000000000000010000000000000002|00000000000000aa|l=1|{\"k\":\"v\"}|3"}},
  {"traceId":"d269b633813fc60c","id":"eee19b7ec3c1b175","localEndpoint":{"serviceName":"shop"},
   "tags":{"host.name":"b","error":"no money","span.kind":"internal"}}]"#;

/// Scenario: a client sends spans with everything that Zipkin knows, the second without times, of two hosts of one service.
/// Guarantee: the answer is 202, and every field has its place in OTLP; each host is a resource of its own.
#[tokio::test]
async fn json_spans_become_otlp() {
    let recorder = delivered();
    let (_hub, address) = start(&recorder, "");
    let answer = post(address, "/api/v2/spans", &[JSON], SPANS.as_bytes()).await;
    assert_eq!((answer.status, answer.text()), (202, String::new()));
    let batch = shown(&recorder.taken()[0]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&batch).unwrap());
}

/// Scenario: the same spans in protobuf and compressed, and with numbers read out of texts.
/// Guarantee: the encoding makes no difference, and `parse_string_tags` changes types only.
#[tokio::test]
async fn protobuf_and_gzip_say_the_same() {
    let recorder = delivered();
    let (_hub, address) = start(&recorder, "parse_string_tags: true");
    let span = proto::Span {
        trace_id: vec![1; 16].into(),
        id: vec![2; 8].into(),
        kind: 2,
        name: "get".into(),
        timestamp: 7,
        tags: [("n".to_owned(), "1".to_owned())].into(),
        ..proto::Span::default()
    };
    let body = proto::ListOfSpans { spans: vec![span] }.encode_to_vec();
    let body = Compressor::new(Encoding::Gzip, None)
        .compress(Bytes::from(body))
        .await
        .unwrap();
    let headers = [
        "content-type: application/x-protobuf",
        "content-encoding: gzip",
    ];
    let answer = post(address, "/api/v2/spans", &headers, &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let text = r#"[{"traceId":"01010101010101010101010101010101","id":"0202020202020202","kind":"SERVER","name":"get","timestamp":7,"tags":{"n":"1"}}]"#;
    let plain = ["content-type: text/plain;charset=UTF-8"];
    let answer = post(address, "/api/v2/spans/", &plain, text.as_bytes()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let [protobuf, json] = &recorder.taken()[..] else {
        panic!("two batches")
    };
    assert_eq!(shown(protobuf), shown(json));
    only(json, |span| {
        assert_eq!(span.attributes.get("n").unwrap(), Some(Value::Int(1)));
        assert_eq!((span.kind, span.start_time_unix_nano), (2, 7_000));
    });
}

/// Scenario: an old client sends v1 spans: kind and times stand in annotations, the peer in an attribute.
/// Guarantee: they become the same fields as in v2.
#[tokio::test]
async fn v1_spans_are_understood() {
    let recorder = delivered();
    let (_hub, address) = start(&recorder, "");
    let body = r#"[{"traceId":"1","id":"2","name":"get","annotations":[
        {"timestamp":10,"value":"cs","endpoint":{"serviceName":"shop","ipv4":"10.0.0.1"}},
        {"timestamp":15,"value":"retry"},
        {"timestamp":30,"value":"cr","endpoint":{"serviceName":"shop"}}],
      "binaryAnnotations":[{"key":"sa","value":true,"endpoint":{"serviceName":"bank"}},
        {"key":"lc","value":"pool"},{"key":"size","value":3}]}]"#;
    let answer = post(address, "/api/v1/spans", &[JSON], body.as_bytes()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let batch = recorder.taken().remove(0);
    let resource = batch.resources().next().unwrap().unwrap();
    let service = resource.attributes.get("service.name").unwrap();
    assert_eq!(service, Some(Value::Str("shop")));
    only(&batch, |span| {
        let times = (span.start_time_unix_nano, span.end_time_unix_nano);
        assert_eq!((span.kind, times), (3, (10_000, 30_000)));
        let events: Vec<_> = span.events().map(|event| event.unwrap().name).collect();
        assert_eq!(events, ["retry"]);
        for (key, value) in [
            ("peer.service", Value::Str("bank")),
            ("net.host.ip", Value::Str("10.0.0.1")),
            ("component", Value::Str("pool")),
            ("size", Value::Int(3)),
        ] {
            assert_eq!(span.attributes.get(key).unwrap(), Some(value), "{key}");
        }
    });
}

/// Path, header, body; status and words of the answer.
const WRONG: &[(&str, &str, &str, u16, &str)] = &[
    ("/api/v2/spans", JSON, "[{]", 400, "line 1 column"),
    (
        "/api/v2/spans",
        JSON,
        "{}",
        400,
        "JSON array of Zipkin v2 spans",
    ),
    (
        "/api/v2/spans",
        JSON,
        r#"[{"traceId":"1","id":"2"},{"id":"1"}]"#,
        400,
        "span 2 of the request has no trace id",
    ),
    (
        "/api/v2/spans",
        "content-type: application/x-protobuf",
        "\u{7}",
        400,
        "protobuf list",
    ),
    (
        "/api/v1/spans",
        "content-type: application/x-thrift",
        "\u{c}\u{7f}",
        400,
        "Thrift list",
    ),
    (
        "/api/v2/spans",
        "content-type: application/x-thrift",
        "",
        415,
        "/api/v1/spans",
    ),
    (
        "/api/v1/spans",
        "content-type: application/x-protobuf",
        "",
        415,
        "/api/v2/spans",
    ),
    ("/v1/traces", JSON, "[]", 404, "/api/v2/spans"),
    ("/api/v2/spans", "content-encoding: br", "[]", 415, "gzip"),
];

/// Scenario: requests that are no spans, to wrong places, too large, and while nobody can take more.
/// Guarantee: each is answered with its status and a line that says what to do, and nothing of it is taken.
#[tokio::test]
async fn what_is_no_span_is_refused_with_advice() {
    let recorder = delivered();
    let (_hub, address) = start(&recorder, "max_request_body_size: 1000");
    for (path, header, body, status, words) in WRONG {
        let answer = post(address, path, &[header], body.as_bytes()).await;
        assert_eq!(
            answer.status,
            *status,
            "{path} {header} {body:.40}: {}",
            answer.text()
        );
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    let large = format!("[{}]", " ".repeat(2000));
    let answer = post(address, "/api/v2/spans", &[JSON], large.as_bytes()).await;
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(recorder.taken().is_empty());
    let answer = post(address, "/api/v2/spans", &[JSON], b"[]").await;
    assert_eq!(answer.status, 202, "nothing is fine too");
    let away = Recorder::new(|_| Outcome::Rejected {
        why: "full of spans".to_owned(),
    });
    let (_hub, address) = start(&away, "");
    let answer = post(address, "/api/v2/spans", &[JSON], SPANS.as_bytes()).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
}

/// Scenario: the configuration has the server's keys in their old and their new place, none, and a wrong one.
/// Guarantee: the address is the Collector's by default; both places are read; a protocol that is none is refused.
#[test]
fn configuration_is_the_collectors() {
    let kind = RECEIVERS
        .iter()
        .find(|known| known.is_called("zipkin"))
        .unwrap();
    let port = |yaml: &str| (kind.decode)(&node(yaml)).unwrap().endpoints()[0].port;
    assert_eq!(port("{}"), 9411);
    assert_eq!(port("endpoint: 0.0.0.0:9412"), 9412);
    assert_eq!(port("protocols: {http: {endpoint: '0.0.0.0:9413'}}"), 9413);
    assert_eq!(port("protocols: {http: }"), 9411);
    for wrong in ["protocols: {udp: {}}", "protocols: {}", "endpont: x"] {
        assert!((kind.decode)(&node(wrong)).is_err(), "{wrong}");
    }
}
