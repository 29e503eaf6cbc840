//! `loki` in front of a server that records and answers as Loki does.

use std::fmt::Write as _;

use bytes::Bytes;
use fanlight_formats::loki::PushRequest;
use fanlight_net::http::text;
use fanlight_otlp::status::Status;
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::{Backend, Recorded, golden};
use http::StatusCode;
use prost::Message as _;

use crate::made;

const PUSH: &str = "/loki/api/v1/push";

fn exporter(backend: &Backend, path: &str, more: &str) -> Box<dyn Exporter> {
    let yaml = format!("{{endpoint: 'http://{}{path}', {more}}}", backend.address);
    made::exporter("loki", &yaml)
}

fn message(recorded: &Recorded) -> PushRequest {
    let body = snap::raw::Decoder::new()
        .decompress_vec(&recorded.body)
        .unwrap();
    PushRequest::decode(&body[..]).unwrap()
}

fn readable(request: &PushRequest) -> String {
    let mut out = String::new();
    for stream in &request.streams {
        writeln!(out, "{}", stream.labels).unwrap();
        for entry in &stream.entries {
            let nanos = entry.timestamp.unwrap().to_nanos();
            let line = entry.line.replace(&"huge ".repeat(4000), "@HUGE@");
            writeln!(out, "  {nanos} {line}").unwrap();
        }
    }
    out
}

/// Scenario: the golden logs are pushed.
/// Guarantee: streams, labels, times and lines are what the Collector's exporter makes of them, and nothing is lost.
#[tokio::test]
async fn golden_logs_are_pushed_as_streams() {
    let backend = Backend::http(None, |_| text(StatusCode::NO_CONTENT, ""));
    let exporter = exporter(&backend, PUSH, "headers: {X-Scope-OrgID: team-a}");
    let batch = golden(Signal::Logs);
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    let [request] = &backend.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, PUSH);
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    assert_eq!(request.header("content-encoding"), "");
    assert_eq!(request.header("x-scope-orgid"), "team-a");
    let message = message(request);
    let entries: usize = message
        .streams
        .iter()
        .map(|stream| stream.entries.len())
        .sum();
    assert_eq!(entries, batch.items());
    insta::assert_snapshot!("loki_push", readable(&message));
}

/// Scenario: the endpoint is Loki's OTLP.
/// Guarantee: the batch leaves as OTLP in gzip, to the path for logs.
#[tokio::test]
async fn an_otlp_endpoint_gets_otlp() {
    let backend = Backend::http(None, |_| text(StatusCode::NO_CONTENT, ""));
    let batch = golden(Signal::Logs);
    let plain = exporter(&backend, "/otlp", "compression: none");
    assert_eq!(plain.send(&batch).await, Outcome::Delivered);
    let gzip = exporter(&backend, "/otlp/v1/logs", "");
    assert_eq!(gzip.send(&batch).await, Outcome::Delivered);
    let [plain, gzip] = &backend.requests()[..] else {
        panic!("two requests")
    };
    assert_eq!(
        (plain.path.as_str(), gzip.path.as_str()),
        ("/otlp/v1/logs", "/otlp/v1/logs")
    );
    assert_eq!(&plain.body, batch.bytes());
    assert_eq!(gzip.header("content-encoding"), "gzip");
}

async fn answered(path: &str, status: u16, body: impl Into<Bytes>) -> Outcome {
    let (status, body) = (StatusCode::from_u16(status).unwrap(), body.into());
    let backend = Backend::http(None, move |_| text(status, body.clone()));
    let exporter = exporter(&backend, path, "");
    exporter.send(&golden(Signal::Logs)).await
}

/// Scenario: Loki answers 400 because of some entries, having taken the others.
/// Guarantee: as many as it says are lost, nothing is sent again, and its reason is told, over both protocols.
#[tokio::test]
async fn refused_entries_are_counted_and_the_rest_is_not_sent_again() {
    let words = "entry with timestamp 2023-11-14 22:13:20 ignored, reason: 'entry too far behind',\nuser 'fake', total ignored: 2 out of 5 for stream: {a=\"b\"}";
    let status = Status {
        code: 0,
        message: words.to_owned(),
        retry_delay: None,
    };
    for (path, body) in [
        (PUSH, Bytes::from(words)),
        ("/otlp", status.encode().into()),
    ] {
        match answered(path, 400, body).await {
            Outcome::Partial { rejected: 2, why } => {
                assert!(why.contains("too far behind"), "{why}");
                assert!(!why.contains('\u{fffd}'), "{why}");
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

/// Scenario: answers about the request as a whole.
/// Guarantee: 429 and 5xx are sent again, others not; a missing tenant is explained.
#[tokio::test]
async fn other_answers_are_about_everything() {
    for status in [429, 500, 503] {
        let outcome = answered(PUSH, status, "ingestion rate limit exceeded").await;
        assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    }
    match answered(PUSH, 401, "no org id").await {
        Outcome::Rejected { why } => assert!(why.contains("loki.tenant"), "{why}"),
        other => panic!("{other:?}"),
    }
    let outcome = answered(PUSH, 400, "couldn't parse push request").await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

/// Scenario: two tenants' records in one batch; Loki is over the limit of the second.
/// Guarantee: only the second's are sent again.
#[tokio::test]
async fn only_the_tenant_over_its_limit_is_sent_again() {
    let backend = Backend::http(None, |request| match request.header("x-scope-orgid") {
        "b" => text(StatusCode::TOO_MANY_REQUESTS, "slow down"),
        _ => text(StatusCode::NO_CONTENT, ""),
    });
    let mut out = RequestWriter::new(Signal::Logs);
    for tenant in ["a", "b", "a"] {
        let attributes: &[(&str, Value<'_>)] =
            &[("loki.tenant", "team".into()), ("team", tenant.into())];
        out.resource(attributes, |resource| {
            resource.scope("", "", |scope| scope.log(&LogRecord::default()));
        });
    }
    let exporter = exporter(&backend, PUSH, "");
    match exporter.send(&out.finish()).await {
        Outcome::Resend { rest, rejected, .. } => assert_eq!((rest.items(), rejected), (1, 0)),
        other => panic!("{other:?}"),
    }
    let empty = exporter.send(&Batch::empty(Signal::Logs)).await;
    assert_eq!((empty, backend.requests().len()), (Outcome::Delivered, 2));
}
