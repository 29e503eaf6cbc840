//! Presets in front of strict fakes of the services that they are for.

use std::sync::atomic::{AtomicUsize, Ordering};

use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{ExporterSnapshot, Outcome};
use fanlight_testkit::fakes::otlp_services::OTLP_SERVICES;
use fanlight_testkit::{Backend, batch, golden};
use http::{Response, StatusCode};

use crate::made::{exporter, piped};

/// What is counted of ten records that leave uncompressed.
async fn ten_logs(backend: &Backend) -> ExporterSnapshot {
    let address = backend.address;
    let yaml = format!(
        "{{endpoint: 'http://{address}', compression: none, retry_on_failure: {{initial_interval: 10ms}}}}"
    );
    piped("otlp_http", &yaml, batch(Signal::Logs, 10)).await
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Rejected { why } | Outcome::Retry { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Scenario: the golden set goes through each preset to a fake that is as strict as the service.
/// Guarantee: every signal that the preset takes is accepted: path, credentials, format, temporality and size are right.
#[tokio::test]
async fn each_service_takes_the_golden_set() {
    for service in OTLP_SERVICES {
        let backend = service.start();
        let endpoint = format!("http://{}{}", backend.address, service.base());
        let yaml = format!("{}\nendpoint: {endpoint}", service.keys);
        let exporter = exporter(service.preset, &yaml);
        for (signal, _) in service.paths {
            let prepared = exporter.prepare(golden(*signal));
            assert!(prepared.batch.items() > 0, "{} {signal}", service.preset);
            let outcome = exporter.send(&prepared.batch).await;
            assert_eq!(outcome, Outcome::Delivered, "{} {signal}", service.preset);
        }
    }
}

/// Scenario: the credentials are wrong, or the address is that of something else.
/// Guarantee: the message names the service, its status and what to look at, in its own terms, and holds no secret.
#[tokio::test]
async fn a_refusal_is_told_in_the_services_own_terms() {
    for service in OTLP_SERVICES {
        let backend = service.start();
        let keys = service.keys.replace("NRAL", "wrong").replace('1', "9");
        let endpoint = format!("http://{}{}", backend.address, service.base());
        let (signal, _) = service.paths[0];
        let wrong = exporter(service.preset, &format!("{keys}\nendpoint: {endpoint}"));
        let why = refusal(wrong.send(&batch(signal, 1)).await);
        let status = service.unauthorized.0.to_string();
        assert!(
            why.contains(&status) && why.contains(" at http://127"),
            "{why}"
        );
        assert!(why.contains('?') || why.contains("api_key"), "{why}");
        for secret in ["sk-lf-9", "cGstbGYt", "pylf_v9", "glc_9", "hcaik_9"] {
            assert!(!why.contains(secret), "{why}");
        }
        let elsewhere = format!("{}\nendpoint: {endpoint}/elsewhere", service.keys);
        let why = refusal(
            exporter(service.preset, &elsewhere)
                .send(&batch(signal, 1))
                .await,
        );
        assert!(why.contains("404"), "{why}");
    }
}

/// Scenario: Langfuse refuses the key pair.
/// Guarantee: the very question that a user should ask is in the message.
#[tokio::test]
async fn langfuse_asks_for_the_key_of_this_region() {
    let service = OTLP_SERVICES[0].start();
    let keys = "public_key: pk-lf-2\nsecret_key: sk-lf-2";
    let yaml = format!("{keys}\nhost: http://{}", service.address);
    let why = refusal(
        exporter("langfuse", &yaml)
            .send(&batch(Signal::Traces, 1))
            .await,
    );
    assert!(why.starts_with("Langfuse at http://127.0.0.1"), "{why}");
    assert!(why.contains("answered 401"), "{why}");
    assert!(
        why.contains("is this the public key of this region"),
        "{why}"
    );
}

/// Scenario: a service speaks plain HTTP where TLS is expected.
/// Guarantee: the failure says so in the service's terms, and the batch is kept for another try.
#[tokio::test]
async fn a_tls_mismatch_is_explained() {
    let backend = Backend::http(None, |_| text(StatusCode::OK, ""));
    let yaml = format!("endpoint: https://{}", backend.address);
    let outcome = exporter("phoenix", &yaml)
        .send(&batch(Signal::Traces, 1))
        .await;
    let Outcome::Retry { why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("speaks plain HTTP"), "{why}");
}

/// Scenario: a backend answers 413 to every request of more than 3 items.
/// Guarantee: all items arrive, each once, in order of halves; one item that is too large by itself is rejected alone.
#[tokio::test]
async fn what_is_too_large_goes_in_halves() {
    let items = |request: &fanlight_testkit::Recorded| {
        Batch::decode(Signal::Logs, request.body.clone())
            .unwrap()
            .items()
    };
    let answer = move |request: &fanlight_testkit::Recorded| -> Response<Body> {
        match items(request) {
            1..=3 => text(StatusCode::OK, ""),
            _ => text(StatusCode::PAYLOAD_TOO_LARGE, "too large"),
        }
    };
    let backend = Backend::http(None, answer);
    let counted = ten_logs(&backend).await;
    assert_eq!(counted.sent[&Signal::Logs], 10);
    let taken: Vec<usize> = backend
        .requests()
        .iter()
        .map(items)
        .filter(|items| *items <= 3)
        .collect();
    assert_eq!(taken.iter().sum::<usize>(), 10);

    let never = Backend::http(None, |_| text(StatusCode::PAYLOAD_TOO_LARGE, "too large"));
    let counted = ten_logs(&never).await;
    assert_eq!(counted.send_failed[&Signal::Logs], 10);
    let why = counted.last_error.unwrap();
    assert!(why.contains("413") && why.contains("raise"), "{why}");
}

/// Scenario: a batch goes in halves, and the backend is down for a moment when the second comes.
/// Guarantee: only the second half is sent again.
#[tokio::test]
async fn halves_that_were_taken_are_not_sent_again() {
    let halves = AtomicUsize::new(0);
    let answer = move |request: &fanlight_testkit::Recorded| -> Response<Body> {
        let batch = Batch::decode(Signal::Logs, request.body.clone()).unwrap();
        let status = match (batch.items(), halves.load(Ordering::SeqCst)) {
            (10, _) => StatusCode::PAYLOAD_TOO_LARGE,
            (_, 1) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        };
        if batch.items() == 5 {
            halves.fetch_add(1, Ordering::SeqCst);
        }
        text(status, "")
    };
    let backend = Backend::http(None, answer);
    let counted = ten_logs(&backend).await;
    assert_eq!((counted.sent[&Signal::Logs], counted.retries), (10, 1));
    let items = |request: &fanlight_testkit::Recorded| {
        Batch::decode(Signal::Logs, request.body.clone())
            .unwrap()
            .items()
    };
    let sizes: Vec<usize> = backend.requests().iter().map(items).collect();
    assert_eq!(sizes, [10, 5, 5, 5]);
}
