//! Zipkin: what is on the wire, and what its answers become.

use std::time::Duration;

use fanlight_exporters::EXPORTERS;
use fanlight_formats::zipkin::{proto, read_json};
use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::{Backend, golden, node};
use http::{Response, StatusCode};
use serde_json::Value;

use crate::made;

fn exporter(backend: &Backend, options: &str) -> Box<dyn Exporter> {
    let yaml = format!(
        "{{endpoint: 'http://{}/api/v2/spans?key=hidden', {options}}}",
        backend.address
    );
    made::exporter("zipkin", &yaml)
}

fn accepted(_: &fanlight_testkit::Recorded) -> Response<Body> {
    text(StatusCode::ACCEPTED, "")
}

/// The JSON body that a batch becomes.
async fn sent(batch: &Batch) -> Vec<Value> {
    let backend = Backend::http(None, accepted);
    assert_eq!(exporter(&backend, "").send(batch).await, Outcome::Delivered);
    serde_json::from_slice(&backend.requests()[0].body).unwrap()
}

/// A batch of spans in one resource, each in a scope of its own.
fn scopes(spans: &[(&str, Span<'_>)]) -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[("faas.name", "resize".into())], |resource| {
        for (scope, span) in spans {
            resource.scope(scope, "", |out| out.span(span));
        }
    });
    out.finish()
}

fn span<'a>() -> Span<'a> {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        name: "n",
        ..Span::default()
    }
}

/// Scenario: the golden traces are sent in JSON, and again in protobuf.
/// Guarantee: method, path, headers and every field are Zipkin's, and both formats say the same.
#[tokio::test]
async fn golden_traces_are_the_same_in_both_formats() {
    let backend = Backend::http(None, accepted);
    let batch = golden(Signal::Traces);
    for format in ["json", "proto"] {
        let exporter = exporter(&backend, &format!("format: {format}"));
        assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    }
    let [json, protobuf] = &backend.requests()[..] else {
        panic!("two requests")
    };
    assert_eq!(protobuf.header("content-type"), "application/x-protobuf");
    let spans = read_json(&json.body).unwrap();
    assert_eq!(spans, proto::read(protobuf.body.clone()).unwrap());
    assert_eq!(spans.len(), batch.items());
    let body: Value = serde_json::from_slice(&json.body).unwrap();
    let body = serde_json::to_string_pretty(&body).unwrap();
    insta::assert_snapshot!(format!(
        "POST {}\ncontent-type: {}\ncontent-encoding: {}\n\n{}",
        json.path,
        json.header("content-type"),
        json.header("content-encoding"),
        body.replace(&"huge ".repeat(4_000), "(huge)")
    ));
}

/// Scenario: a resource has a scope with a name, and then one without.
/// Guarantee: the second scope's span has no tag of the first; the Collector's exporter leaks it.
#[tokio::test]
async fn tags_of_one_scope_do_not_reach_the_next() {
    let spans = sent(&scopes(&[("first", span()), ("", span())])).await;
    assert_eq!(spans[0]["tags"]["otel.library.name"], "first");
    assert_eq!(spans[1]["tags"].get("otel.library.name"), None);
    assert_eq!(spans[1]["localEndpoint"]["serviceName"], "resize");
    assert_eq!(spans[1]["tags"]["otlp.service.name.source"], "faas.name");
}

/// Scenario: spans say who talks to whom in tags, in a way that fits an endpoint and in one that does not.
/// Guarantee: what fits moves into the endpoints; what does not fit stays a tag, so that nothing is lost.
#[tokio::test]
async fn addresses_move_into_the_endpoints_where_they_are_valid() {
    let valid = [
        ("net.host.ip", "10.0.0.1".into()),
        ("net.host.port", 8080i64.into()),
        ("net.peer.ip", "2001:db8::1".into()),
        ("net.peer.port", 443i64.into()),
        ("peer.service", "bank".into()),
        ("error", "stray".into()),
    ];
    let invalid = [
        ("net.host.ip", "host-1".into()),
        ("net.peer.port", 443i64.into()),
    ];
    let with = |attributes| Span {
        attributes,
        start_time_unix_nano: 1_000_000,
        end_time_unix_nano: 1_000_100,
        ..span()
    };
    let spans = sent(&scopes(&[("", with(&valid)), ("", with(&invalid))])).await;
    let local = serde_json::json!({"serviceName": "resize", "ipv4": "10.0.0.1", "port": 8080});
    assert_eq!(spans[0]["localEndpoint"], local);
    let remote = serde_json::json!({"serviceName": "bank", "ipv6": "2001:db8::1", "port": 443});
    assert_eq!(spans[0]["remoteEndpoint"], remote);
    let source = serde_json::json!({"otlp.service.name.source": "faas.name"});
    assert_eq!(spans[0]["tags"], source, "and no error where none was");
    assert_eq!(spans[0]["duration"], 1, "100 ns are not nothing");
    assert_eq!(spans[1].get("remoteEndpoint"), None);
    assert_eq!(spans[1]["tags"]["net.host.ip"], "host-1");
    assert_eq!(spans[1]["tags"]["net.peer.port"], "443");
}

/// Scenario: some spans of a batch have no ids, which Zipkin can't take.
/// Guarantee: those are left out and counted, and the others are sent; the Collector's exporter loses the batch.
#[tokio::test]
async fn a_span_without_ids_costs_only_itself() {
    let backend = Backend::http(None, accepted);
    let without = [
        Span {
            trace_id: TraceId::default(),
            ..span()
        },
        span(),
        Span {
            span_id: SpanId::default(),
            ..span()
        },
    ];
    let batch = scopes(&without.map(|span| ("", span)));
    let exporter = exporter(&backend, "");
    let prepared = exporter.prepare(batch);
    assert_eq!((prepared.batch.items(), prepared.dropped), (1, 2));
    assert!(prepared.why.contains("span id"), "{}", prepared.why);
    assert_eq!(exporter.send(&prepared.batch).await, Outcome::Delivered);
    let body = backend.requests()[0].body.clone();
    assert_eq!(read_json(&body).unwrap().len(), 1);
    let good = golden(Signal::Traces);
    let prepared = exporter.prepare(good.clone());
    assert_eq!((prepared.batch, prepared.dropped), (good, 0));
}

/// Scenario: Zipkin answers with every kind of failure, repeating a secret.
/// Guarantee: what can pass is tried again, after the time that it asks for; what it refuses is not, and its words are told
/// without the secret.
#[tokio::test]
async fn refusals_are_final_and_outages_are_not() {
    for (status, retried) in [
        (400, false),
        (401, false),
        (404, false),
        (413, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let backend = Backend::http(None, move |_| {
            let status = StatusCode::from_u16(status).unwrap();
            let mut response = text(status, "no such token-12345 here");
            response.headers_mut().insert("retry-after", 7.into());
            response
        });
        let exporter = exporter(&backend, "headers: {authorization: Bearer token-12345}");
        let outcome = exporter.send(&golden(Signal::Traces)).await;
        let why = match outcome {
            Outcome::TooLarge { why } if status == 413 => why,
            Outcome::Rejected { why } if !retried => why,
            Outcome::Retry { after, why } if retried => {
                assert_eq!(after, Some(Duration::from_secs(7)), "{status}");
                why
            }
            other => panic!("{status}: {other:?}"),
        };
        assert!(why.contains(&format!("answered {status}")), "{why}");
        assert!(why.contains("/api/v2/spans"), "{why}");
        assert!(!why.contains("12345") && !why.contains("hidden"), "{why}");
    }
}

/// Scenario: configurations with nothing but an endpoint, without one, and with one that has no path.
/// Guarantee: the defaults are the Collector's; a missing endpoint says what to write; Zipkin's path is known.
#[test]
fn defaults_are_the_collectors() {
    let zipkin = made::config("zipkin", "endpoint: http://zipkin:9411/api/v2/spans");
    assert_eq!(zipkin.settings().timeout, Duration::from_secs(5));
    let shown = zipkin.destination();
    assert_eq!(shown.text, "http://zipkin:9411/api/v2/spans (zipkin json)");
    assert_eq!(zipkin.signals(), [Signal::Traces].into_iter().collect());
    let bare = made::config(
        "zipkin",
        "{endpoint: 'https://zipkin.example.com', format: proto}",
    );
    let shown = bare.destination();
    assert_eq!(
        shown.text,
        "https://zipkin.example.com/api/v2/spans (zipkin proto)"
    );
    assert_eq!(shown.peers[0].port, 443);
    let kind = EXPORTERS.iter().find(|known| known.is_called("zipkin"));
    let error = (kind.unwrap().decode)(&node("format: json")).unwrap_err();
    let error = error.render(None);
    assert!(
        error.contains("http://localhost:9411/api/v2/spans"),
        "{error}"
    );
}
