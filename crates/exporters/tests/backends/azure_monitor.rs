//! Azure Monitor, in front of a fake that checks envelopes by their schema.

use std::sync::Arc;

use fanlight_otlp::view::Value;
use fanlight_otlp::write::{RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::Outcome;
use fanlight_testkit::fakes::azure_monitor::{AzureMonitor, Plan};
use fanlight_testkit::{Backend, Hub, golden};

use crate::made::{config, exporter, now, readable, resetting_peer, spans};

const KEY: &str = "00000000-1111-2222-3333-444444444444";

fn azure() -> (Arc<AzureMonitor>, Backend) {
    let fake = Arc::new(AzureMonitor::new(KEY));
    let answering = fake.clone();
    let backend = Backend::http(None, move |request| answering.answer(request));
    (fake, backend)
}

fn connection(backend: &Backend) -> String {
    format!(
        "connection_string: InstrumentationKey={KEY};IngestionEndpoint=http://{}/\n",
        backend.address
    )
}

/// Scenario: the golden set of each signal is sent, with every kind of telemetry switched on.
/// Guarantee: every item is one that Azure's schema takes; only points without a finite value are left out, and counted.
#[tokio::test]
async fn golden_items_become_telemetry() {
    let options =
        "spaneventsenabled: true\nexception_events_enabled: true\ncustom_events_enabled: true\n";
    for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
        let (fake, backend) = azure();
        let exporter = exporter(
            "azuremonitor",
            &format!("{}{options}", connection(&backend)),
        );
        let outcome = exporter.send(&golden(signal)).await;
        match signal {
            Signal::Metrics => assert_eq!(
                outcome.why(),
                "Azure Monitor takes no metric without a finite value"
            ),
            _ => assert_eq!(outcome, Outcome::Delivered),
        }
        let [request] = &backend.requests()[..] else {
            panic!("one request")
        };
        assert_eq!(request.header("content-encoding"), "gzip");
        insta::assert_snapshot!(
            format!("golden_{signal}_become_telemetry"),
            readable(&fake.items().into())
        );
    }
}

/// Scenario: a function is called, and calls another.
/// Guarantee: both spans arrive, as a request and as a dependency.
#[tokio::test]
async fn spans_of_functions_are_not_dropped() {
    let (fake, backend) = azure();
    let exporter = exporter("azuremonitor", &connection(&backend));
    let outcome = exporter.send(&function_spans()).await;
    assert_eq!(outcome, Outcome::Delivered);
    let kinds: Vec<String> = fake
        .items()
        .iter()
        .map(|item| item["data"]["baseType"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["RequestData", "RemoteDependencyData"]);
    assert_eq!(fake.items()[1]["data"]["baseData"]["type"], "FaaS");
}

fn function_spans() -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            let triggered: [(&str, Value<'_>); 1] = [("faas.trigger", "http".into())];
            let invoked: [(&str, Value<'_>); 1] = [("faas.invoked_name", "resize".into())];
            for (kind, attributes) in [(2, &triggered), (3, &invoked)] {
                scope.span(&Span {
                    trace_id: TraceId([1; 16]),
                    span_id: SpanId([kind as u8; 8]),
                    name: "function",
                    kind,
                    start_time_unix_nano: now(),
                    end_time_unix_nano: now(),
                    attributes,
                    ..Span::default()
                });
            }
        });
    });
    out.finish()
}

/// Scenario: Azure takes a request in part: one item hits a quota, one is invalid.
/// Guarantee: the first alone is sent again, the second is counted; every other is there once.
#[tokio::test]
async fn of_a_partial_answer_only_what_may_be_taken_later_is_sent_again() {
    let (fake, backend) = azure();
    let exporter = exporter("azuremonitor", &connection(&backend));
    fake.plan(Plan::Partly(vec![(2, 439), (5, 400)]));
    let outcome = exporter.send(&spans(10, now(), &[])).await;
    let Outcome::Resend { rest, rejected, .. } = &outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((rest.items(), *rejected), (1, 1));
    assert_eq!(exporter.send(rest).await, Outcome::Delivered);
    let ids: Vec<String> = fake
        .items()
        .iter()
        .map(|item| item["data"]["baseData"]["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 9);
    assert_eq!(ids[8], "\"0000000000000003\"");
}

/// Scenario: each of the statuses that pass, one that does not, and one that does as it says when to come back.
/// Guarantee: they are tried again, or refused with what to check.
#[tokio::test]
async fn statuses_that_pass_are_tried_again() {
    let (fake, backend) = azure();
    let exporter = exporter("azuremonitor", &connection(&backend));
    let spans = spans(1, now(), &[]);
    for status in [408, 429, 439, 500, 503] {
        fake.plan(Plan::Status(status, None));
        let outcome = exporter.send(&spans).await;
        assert!(
            matches!(outcome, Outcome::Retry { .. }),
            "{status}: {outcome:?}"
        );
        assert!(
            outcome
                .why()
                .contains(&format!("/v2.1/track answered {status}"))
        );
    }
    fake.plan(Plan::Status(402, Some(("retry-after", "7".to_owned()))));
    let outcome = exporter.send(&spans).await;
    assert!(
        matches!(&outcome, Outcome::Retry { after: Some(after), .. } if after.as_secs() == 7),
        "{outcome:?}"
    );
    fake.plan(Plan::Status(403, None));
    let outcome = exporter.send(&spans).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert!(
        outcome.why().contains("is this the connection string"),
        "{outcome:?}"
    );
    assert!(!outcome.why().contains(KEY));
}

/// Scenario: the key is of no resource.
/// Guarantee: nothing is taken, which is told without the key.
#[tokio::test]
async fn a_wrong_key_is_told() {
    let (_fake, backend) = azure();
    let yaml = connection(&backend).replace(KEY, "another-key");
    let exporter = exporter("azuremonitor", &yaml);
    let outcome = exporter.send(&spans(2, now(), &[])).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert!(!outcome.why().contains("another-key"), "{outcome:?}");
}

/// Scenario: Azure redirects to another stamp, later to a stranger.
/// Guarantee: the first is followed, and remembered; the second gets nothing and is named.
#[tokio::test]
async fn redirects_are_followed_within_the_same_host_only() {
    let (fake, backend) = azure();
    let (other, stamp) = azure();
    let exporter = exporter("azuremonitor", &connection(&backend));
    let location = format!("http://{}/v2.1/track", stamp.address);
    fake.plan(Plan::Status(308, Some(("location", location))));
    let spans = spans(1, now(), &[]);
    assert_eq!(exporter.send(&spans).await, Outcome::Delivered);
    assert_eq!(exporter.send(&spans).await, Outcome::Delivered);
    assert_eq!((backend.requests().len(), stamp.requests().len()), (1, 2));
    let stranger = "http://evil.example.com/v2.1/track".to_owned();
    other.plan(Plan::Status(307, Some(("location", stranger))));
    let outcome = exporter.send(&spans).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert!(outcome.why().contains("evil.example.com"), "{outcome:?}");
    assert!(outcome.why().contains("within Azure's own domains only"));
}

/// Scenario: the peer closes the connection before it answers.
/// Guarantee: the batch is tried again, and the user reads which host it was, without the key.
#[tokio::test]
async fn a_peer_that_breaks_off_is_tried_again() {
    let address = resetting_peer().await;
    let yaml =
        format!("connection_string: InstrumentationKey={KEY};IngestionEndpoint=http://{address}");
    let outcome = exporter("azuremonitor", &yaml)
        .send(&spans(1, now(), &[]))
        .await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    assert!(outcome.why().contains(&address.to_string()), "{outcome:?}");
    assert!(!outcome.why().contains(KEY));
}

/// Scenario: more items than a request may have, and longer ones than Azure takes.
/// Guarantee: requests are split at maxbatchsize; long texts are cut and arrive.
#[tokio::test]
async fn requests_and_items_keep_to_the_limits() {
    let (fake, backend) = azure();
    let yaml = format!("{}maxbatchsize: 40\n", connection(&backend));
    let exporter = exporter("azuremonitor", &yaml);
    assert_eq!(
        exporter.send(&spans(100, now(), &[])).await,
        Outcome::Delivered
    );
    assert_eq!(backend.requests().len(), 3);
    let long = "ü".repeat(20_000);
    let names: Vec<String> = (0..40)
        .map(|number| format!("attribute.{number}"))
        .collect();
    let attributes: Vec<(&str, Value<'_>)> = names
        .iter()
        .map(|name| (name.as_str(), Value::Str(&long)))
        .collect();
    let outcome = exporter.send(&spans(1, now(), &attributes)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let kept = &fake.items()[100]["data"]["baseData"]["properties"]["attribute.39"];
    assert_eq!(kept.as_str().unwrap().len(), 1024);
}

/// Scenario: a hub sends to Azure, which is busy first and takes a part next; the sender waits for the result.
/// Guarantee: the sender has its answer only when everything has been taken, once.
#[tokio::test]
async fn a_hub_acknowledges_nothing_before_azure_has_it() {
    let (fake, backend) = azure();
    let yaml = format!(
        "{}retry_on_failure: {{initial_interval: 1ms}}\nsending_queue: {{wait_for_result: true}}",
        connection(&backend)
    );
    let (hub, door) = Hub::with_exporter(config("azuremonitor", &yaml)).await;
    fake.plan(Plan::Status(503, None));
    fake.plan(Plan::Partly(vec![(0, 500), (7, 429)]));
    door.offer(spans(20, now(), &[]), "test").await.unwrap();
    let mut ids: Vec<String> = fake
        .items()
        .iter()
        .map(|item| item["data"]["baseData"]["id"].to_string())
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), fake.items().len()), (20, 20));
    drop(hub);
}
