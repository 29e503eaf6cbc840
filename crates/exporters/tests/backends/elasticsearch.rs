//! `elasticsearch` against the strict fake of its bulk API.

use std::io::Read as _;

use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{Exporter, ExporterSnapshot, Outcome};
use fanlight_testkit::fakes::elasticsearch::{Elasticsearch, Rules};
use fanlight_testkit::{Recorded, golden};

use crate::made;

fn yaml(endpoints: &[String], more: &str) -> String {
    let endpoints = endpoints.join(", ");
    format!("endpoints: [{endpoints}]\nuser: elastic\npassword: changeme\n{more}")
}

fn exporter(endpoints: &[String], more: &str) -> Box<dyn Exporter> {
    made::exporter("elasticsearch", &yaml(endpoints, more))
}

async fn piped(fake: &Elasticsearch, batch: Batch) -> ExporterSnapshot {
    let yaml = yaml(&[format!("http://{}", fake.address())], "");
    made::piped("elasticsearch", &yaml, batch).await
}

fn to(fake: &Elasticsearch, yaml: &str) -> Box<dyn Exporter> {
    exporter(&[format!("http://{}", fake.address())], yaml)
}

/// A request in readable form: what the headers say, and its lines.
fn readable(request: &Recorded) -> String {
    let mut body = String::new();
    flate2::read::GzDecoder::new(&*request.body)
        .read_to_string(&mut body)
        .unwrap();
    let path = &request.path;
    let content_type = request.header("content-type");
    let body = body.replace(&"huge ".repeat(4000), "HUGE");
    format!("{path}\n{content_type}\n\n{body}")
}

async fn golden_request(signal: Signal, mode: &str) -> (Outcome, String) {
    let fake = Elasticsearch::start(Rules::default());
    let exporter = to(&fake, &format!("mapping:\n  mode: {mode}"));
    let outcome = exporter.send(&golden(signal)).await;
    let requests: Vec<String> = fake.requests().iter().map(readable).collect();
    (outcome, requests.join("\n"))
}

/// Scenario: the golden set of each signal in every mapping mode.
/// Guarantee: the fake, which is strict about documents, takes every one; what leaves is pinned.
#[tokio::test]
async fn documents_of_every_mode_are_pinned() {
    for mode in ["otel", "ecs", "none", "raw"] {
        for signal in [Signal::Traces, Signal::Logs] {
            let (outcome, request) = golden_request(signal, mode).await;
            assert_eq!(outcome, Outcome::Delivered, "{mode} {signal}");
            insta::assert_snapshot!(format!("elasticsearch_{mode}_{signal}"), request);
        }
    }
    for mode in ["otel", "ecs"] {
        let (outcome, request) = golden_request(Signal::Metrics, mode).await;
        let Outcome::Partial { rejected, why } = outcome else {
            panic!("{mode}: {outcome:?}")
        };
        insta::assert_snapshot!(
            format!("elasticsearch_{mode}_metrics"),
            format!("{rejected} left out, the last because: {why}\n\n{request}")
        );
    }
    let (outcome, request) = golden_request(Signal::Logs, "bodymap").await;
    let bodies = "mode bodymap takes log records whose body is a map";
    let items = golden(Signal::Logs).items() as u64;
    assert_eq!(
        outcome,
        Outcome::Partial {
            rejected: items - 1,
            why: bodies.to_owned()
        }
    );
    insta::assert_snapshot!("elasticsearch_bodymap_logs", request);
}

/// Scenario: of a request, one document is refused for good, one for now, the rest is taken; then all is sent again.
/// Guarantee: only what was refused for now is sent again, the other one is counted, and nothing is stored twice.
#[tokio::test]
async fn only_documents_that_come_back_are_sent_again() {
    let fake = Elasticsearch::start(Rules {
        status: Box::new(
            |request, document| match document.source["severity_text"].as_str() {
                Some("ERROR") => 400,
                Some("FATAL") if request == 0 => 429,
                Some("debug") if request == 0 => 503,
                _ => 201,
            },
        ),
        ..Rules::default()
    });
    let exporter = to(&fake, "");
    let batch = golden(Signal::Logs);
    let outcome = exporter.send(&batch).await;
    let Outcome::Resend {
        rest,
        rejected,
        why,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((rest.items(), rejected), (2, 1));
    assert!(
        why.contains("127.0.0.1 refused a document with 503"),
        "{why}"
    );
    assert!(!why.contains("secret"), "reasons quote documents: {why}");
    assert_eq!(exporter.send(&rest).await, Outcome::Delivered);
    assert_eq!(fake.taken().len(), batch.items() - 1);
}

/// Scenario: a document of a known id is there already, since the answer to an earlier attempt was lost.
/// Guarantee: that is no failure, and ids and pipelines come from attributes.
#[tokio::test]
async fn a_document_that_is_there_already_is_delivered() {
    let fake = Elasticsearch::start(Rules {
        status: Box::new(|_, document| {
            assert_eq!(document.action["create"]["_id"], "id-1");
            assert_eq!(document.action["create"]["pipeline"], "mine");
            assert_eq!(
                document.source["attributes"],
                serde_json::json!({"other": 1})
            );
            409
        }),
        ..Rules::default()
    });
    let log = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[
        {"key":"elasticsearch.document_id","value":{"stringValue":"id-1"}},
        {"key":"elasticsearch.document_pipeline","value":{"stringValue":"mine"}},
        {"key":"other","value":{"intValue":"1"}}]}]}]}]}"#;
    let batch = fanlight_otlp::json::read(Signal::Logs, log.as_bytes()).unwrap();
    let yaml = "logs_dynamic_id:\n  enabled: true\nlogs_dynamic_pipeline:\n  enabled: true";
    assert_eq!(to(&fake, yaml).send(&batch).await, Outcome::Delivered);
    assert_eq!(fake.requests().len(), 1);
}

/// Scenario: the server takes small requests only.
/// Guarantee: 413 halves the request until it fits; nothing is lost or stored twice.
#[tokio::test]
async fn a_request_that_is_too_large_is_halved() {
    let fake = Elasticsearch::start(Rules {
        largest: 1500,
        ..Rules::default()
    });
    let batch = golden(Signal::Traces);
    let events = 3;
    let counted = piped(&fake, batch.clone()).await;
    assert_eq!(counted.sent[&Signal::Traces], batch.items() as u64);
    assert_eq!(fake.taken().len(), batch.items() + events);
    let fake = Elasticsearch::start(Rules {
        largest: 10,
        ..Rules::default()
    });
    let items = batch.items() as u64;
    let counted = piped(&fake, batch).await;
    assert_eq!(counted.send_failed[&Signal::Traces], items);
    let why = counted.last_error.unwrap();
    assert!(why.contains("413") && why.contains("raise"), "{why}");
}

/// Scenario: more documents than fit one request of five million bytes.
/// Guarantee: they leave in several requests below that size.
#[tokio::test]
async fn requests_stay_below_five_million_bytes() {
    let fake = Elasticsearch::start(Rules::default());
    let batch = Batch::join(&vec![golden(Signal::Logs); 150]).unwrap();
    assert_eq!(
        to(&fake, "compression: none").send(&batch).await,
        Outcome::Delivered
    );
    let sizes: Vec<usize> = fake
        .requests()
        .iter()
        .map(|request| request.body.len())
        .collect();
    assert!(
        sizes.len() > 1 && sizes.iter().all(|size| *size <= 5_000_000),
        "{sizes:?}"
    );
    assert_eq!(fake.taken().len(), batch.items());
}

/// Scenario: of two endpoints, one does not listen.
/// Guarantee: every batch is delivered at the first attempt by the other one; both are used while both are there.
#[tokio::test]
async fn a_dead_endpoint_is_passed_over() {
    let fake = Elasticsearch::start(Rules::default());
    let living = format!("http://{}", fake.address());
    let dead = "http://127.0.0.1:1".to_owned();
    let exporter = exporter(&[dead, living], "");
    for _ in 0..4 {
        let batch = golden(Signal::Logs);
        assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    }
    assert_eq!(fake.requests().len(), 4);
    let (first, second) = (
        Elasticsearch::start(Rules::default()),
        Elasticsearch::start(Rules::default()),
    );
    let both = [&first, &second].map(|fake| format!("http://{}", fake.address()));
    let exporter = self::exporter(&both, "");
    for _ in 0..4 {
        assert_eq!(
            exporter.send(&golden(Signal::Logs)).await,
            Outcome::Delivered
        );
    }
    assert_eq!((first.requests().len(), second.requests().len()), (2, 2));
}

/// Scenario: wrong credentials, a server that has no bulk API, one that asks to come back later.
/// Guarantee: the first two are final and say what to do, without the secret; the third keeps the batch.
#[tokio::test]
async fn refused_requests_say_what_to_do() {
    let fake = Elasticsearch::start(Rules {
        authorization: "ApiKey other",
        ..Rules::default()
    });
    let outcome = to(&fake, "").send(&golden(Signal::Logs)).await;
    let Outcome::Rejected { why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.contains("401")
            && why.contains("unable to authenticate")
            && why.contains("check the credentials"),
        "{why}"
    );
    assert!(
        !why.contains("changeme") && !why.contains("ZWxhc3Rp"),
        "{why}"
    );
    let web = fanlight_testkit::Backend::http(None, |_| {
        fanlight_net::http::text(http::StatusCode::OK, "<html>")
    });
    let outcome = exporter(&[format!("http://{}", web.address)], "")
        .send(&golden(Signal::Logs))
        .await;
    assert!(
        matches!(&outcome, Outcome::Rejected { why } if why.contains("is this its address?")),
        "{outcome:?}"
    );
    let busy = fanlight_testkit::Backend::http(None, |_| {
        let mut answer = fanlight_net::http::text(http::StatusCode::TOO_MANY_REQUESTS, "busy");
        answer
            .headers_mut()
            .insert("retry-after", http::HeaderValue::from_static("7"));
        answer
    });
    let outcome = exporter(&[format!("http://{}", busy.address)], "")
        .send(&golden(Signal::Logs))
        .await;
    let seven = Some(std::time::Duration::from_secs(7));
    assert!(
        matches!(&outcome, Outcome::Retry { after, .. } if *after == seven),
        "{outcome:?}"
    );
}
