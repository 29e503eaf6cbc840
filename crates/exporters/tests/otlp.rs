//! The OTLP exporters against backends that record.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::time::Duration;

use bytes::Bytes;
use fanlight_exporters::EXPORTERS;
use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_otlp::{Batch, Signal, json, response};
use fanlight_pipeline::{Exporter, ExporterConfig, Outcome};
use fanlight_testkit::{Backend, batch, exporter_config, with_context};
use http::{Response, StatusCode};

fn config(kind: &str, yaml: &str) -> Box<dyn ExporterConfig> {
    let kind = EXPORTERS
        .iter()
        .find(|known| known.is_called(kind))
        .unwrap();
    exporter_config(kind, yaml)
}

fn exporter(kind: &str, yaml: &str) -> Box<dyn Exporter> {
    with_context(kind, |context| config(kind, yaml).build(context)).unwrap()
}

fn ok(_: &fanlight_testkit::Recorded) -> Response<Body> {
    text(StatusCode::OK, "")
}

/// Scenario: a batch of every signal leaves over gRPC and HTTP, uncompressed.
/// Guarantee: it goes to the signal's method or path, and its bytes are those that came in; an empty one is fine too.
#[tokio::test]
async fn every_signal_leaves_as_the_bytes_that_came_in() {
    let grpc = Backend::grpc(None, |_| Ok(Bytes::new()));
    let http = Backend::http(None, ok);
    let grpc_exporter = exporter(
        "otlp",
        &format!("{{endpoint: '{}', tls: {{insecure: true}}}}", grpc.address),
    );
    let http_exporter = exporter(
        "otlphttp",
        &format!(
            "{{endpoint: 'http://{}/base/', compression: none}}",
            http.address
        ),
    );
    for (index, signal) in Signal::ALL.into_iter().enumerate() {
        let batch = batch(signal, 100);
        assert_eq!(grpc_exporter.send(&batch).await, Outcome::Delivered);
        assert_eq!(http_exporter.send(&batch).await, Outcome::Delivered);
        let sent = &grpc.requests()[index];
        assert_eq!(
            (sent.path.as_str(), &sent.body),
            (signal.info().grpc_method, batch.bytes())
        );
        assert_eq!(
            sent.header("grpc-encoding"),
            "gzip",
            "the Collector's default"
        );
        let sent = &http.requests()[index];
        assert_eq!(
            (sent.path.clone(), &sent.body),
            (format!("/base{}", signal.info().http_path), batch.bytes())
        );
        assert_eq!(
            (sent.header("content-type"), sent.header("content-encoding")),
            ("application/x-protobuf", "")
        );
        assert_eq!(sent.header("user-agent"), "fanlight/test");
    }
    for signal in Signal::ALL {
        let empty = Batch::empty(signal);
        assert_eq!(grpc_exporter.send(&empty).await, Outcome::Delivered);
        assert_eq!(http_exporter.send(&empty).await, Outcome::Delivered);
    }
}

/// Scenario: JSON is asked for, and traces have a URL of their own.
/// Guarantee: bodies are OTLP/JSON; the URL is used as it stands, query included, and the others get the base.
#[tokio::test]
async fn json_and_own_urls_are_used_as_configured() {
    let backend = Backend::http(None, ok);
    let yaml = format!(
        "{{endpoint: 'http://{0}', traces_endpoint: 'http://{0}/in/spans?key=1', encoding: json, compression: none}}",
        backend.address
    );
    let exporter = exporter("otlp_http", &yaml);
    for signal in [Signal::Traces, Signal::Logs] {
        assert_eq!(exporter.send(&batch(signal, 2)).await, Outcome::Delivered);
    }
    let [traces, logs] = &backend.requests()[..] else {
        panic!("two requests")
    };
    assert_eq!(
        (traces.path.as_str(), logs.path.as_str()),
        ("/in/spans?key=1", "/v1/logs")
    );
    assert_eq!(traces.header("content-type"), "application/json");
    assert_eq!(
        json::read(Signal::Traces, &traces.body).unwrap().bytes(),
        batch(Signal::Traces, 2).bytes()
    );
    let shown = config("otlp_http", &yaml).destination();
    assert!(!shown.text.contains("key=1"), "{}", shown.text);
    assert_eq!(shown.peers[0].port, backend.address.port());
}

/// Scenario: a backend takes a batch but for some items, in both formats, or takes all with a remark.
/// Guarantee: the first is a partial success with its number and words, the second is delivered.
#[tokio::test]
async fn partial_success_is_counted() {
    for (signal, is_json) in [
        (Signal::Traces, false),
        (Signal::Metrics, true),
        (Signal::Profiles, false),
    ] {
        let backend = Backend::http(None, move |_| {
            let answer = response::encode(signal, 3, "too old", is_json);
            let format = if is_json {
                BodyFormat::Json
            } else {
                BodyFormat::Protobuf
            };
            let mut response = Response::new(Body::from(answer));
            response
                .headers_mut()
                .insert("content-type", format.content_type());
            response
        });
        let encoding = if is_json { "json" } else { "proto" };
        let exporter = exporter(
            "otlp_http",
            &format!(
                "{{endpoint: 'http://{}', encoding: {encoding}}}",
                backend.address
            ),
        );
        let outcome = exporter.send(&batch(signal, 5)).await;
        assert_eq!(
            outcome,
            Outcome::Partial {
                rejected: 3,
                why: "too old".to_owned()
            },
            "{signal}"
        );
    }
    let backend = Backend::grpc(None, |sent| {
        match sent.path == Signal::Logs.info().grpc_method {
            true => Ok(response::encode(Signal::Logs, 0, "slow down", false).into()),
            false => Ok(response::encode(Signal::Traces, 2, "bad ids", false).into()),
        }
    });
    let exporter = exporter(
        "otlp_grpc",
        &format!("endpoint: http://{}", backend.address),
    );
    assert_eq!(
        exporter.send(&batch(Signal::Logs, 5)).await,
        Outcome::Delivered
    );
    let outcome = exporter.send(&batch(Signal::Traces, 5)).await;
    assert_eq!(
        outcome,
        Outcome::Partial {
            rejected: 2,
            why: "bad ids".to_owned()
        }
    );
}

/// Scenario: a backend is overloaded, away, or refuses for good, over HTTP.
/// Guarantee: the first two are retried after the delay that it names, the last is not.
#[tokio::test]
async fn http_refusals_are_retried_as_the_specification_says() {
    let backend = Backend::http(None, |sent| {
        let status = StatusCode::from_bytes(sent.header("x-want").as_bytes()).unwrap();
        let mut response = text(status, "as you like");
        response
            .headers_mut()
            .insert("retry-after", http::HeaderValue::from_static("7"));
        response
    });
    for (status, retried) in [
        (429, true),
        (503, true),
        (502, true),
        (504, true),
        (400, false),
        (401, false),
        (413, false),
        (500, false),
    ] {
        let yaml = format!(
            "{{endpoint: 'http://{}', headers: {{x-want: '{status}'}}}}",
            backend.address
        );
        match exporter("otlp_http", &yaml)
            .send(&batch(Signal::Traces, 1))
            .await
        {
            Outcome::Retry { after, .. } => assert_eq!(
                (retried, after),
                (true, Some(Duration::from_secs(7))),
                "{status}"
            ),
            Outcome::TooLarge { why } => assert!(status == 413 && why.contains("413"), "{why}"),
            Outcome::Rejected { why } => assert!(
                !retried && why.contains(&status.to_string()),
                "{status} {why}"
            ),
            other => panic!("{status} {other:?}"),
        }
    }
}

/// Scenario: a gRPC backend is away for a second, or refuses for good.
/// Guarantee: the first is retried after that second, the second is not.
#[tokio::test]
async fn grpc_refusals_are_retried_as_the_specification_says() {
    let backend = Backend::grpc(None, |sent| {
        Err(match sent.header("x-want") {
            "away" => Failure::unavailable("away"),
            _ => Failure::bad_request("no"),
        })
    });
    let grpc = |want: &str| {
        exporter(
            "otlp",
            &format!(
                "{{endpoint: 'http://{}', headers: {{X-Want: {want}}}}}",
                backend.address
            ),
        )
    };
    let away = grpc("away").send(&batch(Signal::Traces, 1)).await;
    assert!(
        matches!(away, Outcome::Retry { after: Some(after), .. } if after == Duration::from_secs(1)),
        "{away:?}"
    );
    let wrong = grpc("wrong").send(&batch(Signal::Traces, 1)).await;
    assert!(
        matches!(&wrong, Outcome::Rejected { why } if why.contains("INVALID_ARGUMENT: no")),
        "{wrong:?}"
    );
}
