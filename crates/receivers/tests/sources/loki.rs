//! `loki` behind real sockets.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use fanlight_config::blocks;
use fanlight_formats::loki::{Entry, LabelPair, PUSH_METHOD, PushRequest, Stream, Timestamp};
use fanlight_net::grpc::GrpcClient;
use fanlight_otlp::view::Value;
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::Outcome;
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Exchange, Hub, Recorder, node, post, with_context};
use prost::Message as _;

const CONFIG: &str = "
receivers:
  loki:
    use_incoming_timestamp: true
    protocols:
      http: {endpoint: '127.0.0.1:0', max_request_body_size: 4096}
      grpc: {endpoint: '127.0.0.1:0'}
";

fn start(answer: impl Fn(&Batch) -> Outcome + Send + Sync + 'static) -> (Hub, Recorder) {
    let recorder = Recorder::new(answer);
    (Hub::start(CONFIG, RECEIVERS, &recorder), recorder)
}

fn message() -> PushRequest {
    let metadata = [
        ("trace_id", "5b8efff798038103d269b633813fc60c"),
        ("user", "ä"),
    ];
    let pair = |(name, value): (&str, &str)| LabelPair {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    PushRequest {
        streams: vec![Stream {
            labels: r#"{service_name="shop", level="WARN", __path__="/x"}"#.to_owned(),
            entries: vec![
                Entry {
                    timestamp: Some(Timestamp::from_nanos(1_700_000_000_000_000_007)),
                    line: "Grüße".to_owned(),
                    structured_metadata: metadata.into_iter().map(pair).collect(),
                },
                Entry::default(),
            ],
        }],
    }
}

const JSON: &str = r#"{"streams":[{"stream":{"service_name":"shop","level":"WARN","__path__":"/x"},"values":[
["1700000000000000007","Grüße",{"trace_id":"5b8efff798038103d269b633813fc60c","user":"ä"}],["0",""]]}]}"#;

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(bytes).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

async fn push(to: SocketAddr, headers: &[&str], body: &[u8]) -> Exchange {
    post(to, "/loki/api/v1/push", headers, body).await
}

fn assert_is_message(batch: &Batch) {
    assert_eq!((batch.signal(), batch.items()), (Signal::Logs, 2));
    let resource = batch.resources().next().unwrap().unwrap();
    let service = resource.attributes.get("service.name").unwrap();
    assert_eq!(service, Some(Value::Str("shop")));
    let scope = resource.scopes().next().unwrap().unwrap();
    let logs: Vec<_> = scope.logs().map(Result::unwrap).collect();
    let [first, second] = &logs[..] else {
        panic!("{logs:?}")
    };
    assert_eq!(first.time_unix_nano, 1_700_000_000_000_000_007);
    assert_eq!(first.body, Value::Str("Grüße"));
    assert_eq!((first.severity_number, first.severity_text), (13, "WARN"));
    assert_eq!(
        first.trace_id.to_string(),
        "5b8efff798038103d269b633813fc60c"
    );
    let attributes: Vec<_> = first.attributes.iter().map(Result::unwrap).collect();
    assert_eq!(
        attributes,
        [
            ("service_name", "shop".into()),
            ("level", "WARN".into()),
            ("trace_id", "5b8efff798038103d269b633813fc60c".into()),
            ("user", "ä".into()),
        ]
    );
    assert_eq!(second.body, Value::Str(""));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_nanos()).unwrap();
    assert!(
        now - second.time_unix_nano < 60_000_000_000,
        "the time of arrival"
    );
}

/// Scenario: the same push as protobuf and as JSON, compressed and not.
/// Guarantee: each is answered 204 and becomes the same records.
#[tokio::test]
async fn every_form_of_a_push_becomes_the_same_records() {
    let (hub, recorder) = start(|_| Outcome::Delivered);
    let to = hub.address("Loki/HTTP");
    let protobuf = snappy(&message().encode_to_vec());
    let forms: [(&[&str], Vec<u8>); 5] = [
        (&["content-type: application/x-protobuf"], protobuf.clone()),
        (
            &[
                "content-type: application/x-protobuf",
                "content-encoding: snappy",
            ],
            protobuf.clone(),
        ),
        (
            &[
                "content-type: application/x-protobuf",
                "content-encoding: gzip",
            ],
            gzip(&protobuf),
        ),
        (
            &["content-type: application/json; charset=utf-8"],
            JSON.into(),
        ),
        (
            &["content-type: application/json", "content-encoding: gzip"],
            gzip(JSON.as_bytes()),
        ),
    ];
    for (headers, body) in &forms {
        let answer = push(to, headers, body).await;
        assert_eq!(answer.status, 204, "{headers:?}: {}", answer.text());
    }
    let taken = recorder.taken();
    assert_eq!(taken.len(), forms.len());
    taken.iter().for_each(assert_is_message);
}

/// Scenario: what is no push, or too much of one.
/// Guarantee: each is refused with the status that Loki's clients understand, and nothing gets in.
#[tokio::test]
async fn what_is_no_push_is_refused() {
    let (hub, recorder) = start(|_| Outcome::Delivered);
    let to = hub.address("Loki/HTTP");
    let json: &[&str] = &["content-type: application/json"];
    let protobuf: &[&str] = &["content-type: application/x-protobuf"];
    let mut bad_labels = message();
    bad_labels.streams[0].labels = "{shop}".to_owned();
    let large = message_of(&"x".repeat(5000));
    for (headers, body, status) in [
        (json, b"{".to_vec(), 400),
        (
            json,
            br#"{"streams":[{"stream":{},"values":[["now","a"]]}]}"#.to_vec(),
            400,
        ),
        (protobuf, message().encode_to_vec(), 400),
        (protobuf, snappy(b"\xff\xff"), 400),
        (protobuf, snappy(&bad_labels.encode_to_vec()), 400),
        (protobuf, snappy(&large.encode_to_vec()), 413),
        (&["content-type: text/plain"], b"a".to_vec(), 415),
        (&[], b"a".to_vec(), 415),
    ] {
        let answer = push(to, headers, &body).await;
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        assert!(!answer.text().is_empty());
    }
    assert_eq!(post(to, "/api/v1/logs", json, b"{}").await.status, 404);
    let empty = push(to, json, br#"{"streams":[]}"#).await;
    assert_eq!(empty.status, 204, "nothing to take is no error");
    assert!(recorder.taken().is_empty());
}

fn message_of(line: &str) -> PushRequest {
    let mut message = message();
    message.streams[0].entries[0].line = line.to_owned();
    message
}

/// Scenario: the same push over gRPC, in gzip, and one that is none.
/// Guarantee: it becomes the same records; the other is refused as the caller's mistake.
#[tokio::test]
async fn a_push_over_grpc_becomes_the_same_records() {
    let (hub, recorder) = start(|_| Outcome::Delivered);
    let to = hub.address("Loki/gRPC");
    let block = node(&format!("{{endpoint: '{to}', tls: {{insecure: true}}}}"));
    let block: blocks::GrpcClient = block.decode().unwrap();
    let gzip = blocks::Compression::Gzip;
    let client = with_context("loki", |context| GrpcClient::new(&block, gzip, context)).unwrap();
    let push = |bytes: Vec<u8>| client.call(PUSH_METHOD, bytes.into());
    assert!(push(message().encode_to_vec()).await.unwrap().is_empty());
    let Err(refused) = push(b"\xff\xff".to_vec()).await else {
        panic!("that is no push")
    };
    let outcome = client.outcome(refused);
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    let [batch] = &recorder.taken()[..] else {
        panic!("one batch")
    };
    assert_is_message(batch);
}

/// Scenario: the destination that the client waits for refuses for good.
/// Guarantee: the client is told not to come back.
#[tokio::test]
async fn a_refusal_reaches_the_client() {
    let (hub, _) = start(|_| Outcome::Rejected {
        why: "never".to_owned(),
    });
    let headers = ["content-type: application/json"];
    let answer = push(hub.address("Loki/HTTP"), &headers, JSON.as_bytes()).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("never"), "{}", answer.text());
}

#[test]
fn a_configuration_without_a_protocol_is_refused() {
    let mut kinds = RECEIVERS.iter();
    let kind = kinds.find(|kind| kind.is_called("loki")).unwrap();
    for yaml in ["{}", "{protocols: {}}"] {
        let Err(error) = (kind.decode)(&node(yaml)) else {
            panic!("{yaml} is refused")
        };
        assert!(
            error.to_string().contains("no protocol is named"),
            "{error}"
        );
    }
    let config = (kind.decode)(&node("{protocols: {http: , grpc: }}")).unwrap();
    let ports: Vec<u16> = config.endpoints().iter().map(|peer| peer.port).collect();
    assert_eq!(ports, [3600, 3500]);
}
