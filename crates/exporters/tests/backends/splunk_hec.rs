//! `splunk_hec` against the strict fake of the HTTP Event Collector.

use std::io::Read as _;
use std::time::Duration;

use fanlight_otlp::{Batch, Signal, json};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::fakes::splunk_hec::{Rules, SplunkHec};
use fanlight_testkit::{Recorded, golden};

use crate::made;

const TOKEN: &str = "11111111-1111-1111-1111-111111111111";

fn to(fake: &SplunkHec, yaml: &str) -> Box<dyn Exporter> {
    with_token(fake, TOKEN, yaml)
}

fn with_token(fake: &SplunkHec, token: &str, yaml: &str) -> Box<dyn Exporter> {
    let endpoint = fake.address();
    let yaml = format!("endpoint: http://{endpoint}\ntoken: {token}\n{yaml}");
    made::exporter("splunk_hec", &yaml)
}

fn readable(request: &Recorded) -> String {
    let mut body = String::new();
    flate2::read::GzDecoder::new(&*request.body)
        .read_to_string(&mut body)
        .unwrap();
    let headers = [
        "authorization",
        "content-type",
        "__splunk_app_name",
        "__splunk_app_version",
    ]
    .map(|name| format!("{name}: {}\n", request.header(name)))
    .concat();
    let body = body
        .replace(&"huge ".repeat(4000), "HUGE")
        .replace("}{\"", "}\n{\"");
    format!("{}\n{headers}\n{body}", request.path)
}

/// Scenario: the golden set of each signal, and its metrics as multi-metric events.
/// Guarantee: the fake takes everything but what Splunk can't hold, which is counted; what leaves is pinned.
#[tokio::test]
async fn events_are_pinned() {
    let named = "source: otel\nsourcetype: _json\nindex: main";
    let multi = format!("{named}\nuse_multi_metric_format: true");
    for (name, signal, yaml, left_out) in [
        ("traces", Signal::Traces, named, 0),
        ("logs", Signal::Logs, named, 2),
        ("metrics", Signal::Metrics, named, 4),
        ("multi_metrics", Signal::Metrics, multi.as_str(), 4),
    ] {
        let fake = SplunkHec::start(Rules::default());
        let outcome = to(&fake, yaml).send(&golden(signal)).await;
        let rejected = match &outcome {
            Outcome::Delivered => 0,
            Outcome::Partial { rejected, .. } => *rejected,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(rejected, left_out, "{name}: {outcome:?}");
        let requests: Vec<String> = fake.requests().iter().map(readable).collect();
        insta::assert_snapshot!(format!("splunk_hec_{name}"), requests.join("\n"));
    }
}

/// Scenario: bodies alone are exported.
/// Guarantee: they are the lines of the raw endpoint.
#[tokio::test]
async fn raw_bodies_are_lines() {
    let fake = SplunkHec::start(Rules::default());
    let outcome = to(&fake, "export_raw: true")
        .send(&golden(Signal::Logs))
        .await;
    assert!(
        matches!(outcome, Outcome::Partial { rejected: 2, .. }),
        "{outcome:?}"
    );
    assert_eq!(fake.requests()[0].path, "/services/collector/raw");
    assert_eq!(fake.taken()[0].event, "cart loaded");
}

fn logs(tokens: &[&str], length: usize) -> Batch {
    let resource = |token: &&str| {
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"com.splunk.hec.access_token","value":{{"stringValue":"{token}"}}}}]}},
            "scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{}"}}}}]}}]}}"#,
            "x".repeat(length)
        )
    };
    let resources: Vec<String> = tokens.iter().map(resource).collect();
    let text = format!(r#"{{"resourceLogs":[{}]}}"#, resources.join(","));
    json::read(Signal::Logs, text.as_bytes()).unwrap()
}

/// Scenario: resources have tokens of their own, one of which Splunk does not know.
/// Guarantee: events go with their resource's token, which is in no event and no message; the others are delivered.
#[tokio::test]
async fn tokens_of_resources_are_kept_apart() {
    let fake = SplunkHec::start(Rules {
        tokens: &[TOKEN, "token-a"],
        ..Rules::default()
    });
    let outcome = to(&fake, "")
        .send(&logs(&["token-a", "token-b", "", "token-a"], 10))
        .await;
    let Outcome::Partial { rejected: 1, why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.contains("403")
            && why.contains("Invalid token")
            && why.contains("check the credentials"),
        "{why}"
    );
    assert!(!why.contains("token-b"), "{why}");
    let taken: Vec<String> = fake.taken().into_iter().map(|taken| taken.token).collect();
    assert_eq!(taken, ["token-a", "token-a", TOKEN]);
    assert!(
        fake.taken()
            .iter()
            .all(|taken| !taken.event.to_string().contains("token-"))
    );
}

/// Scenario: events that are too large, and more than fit one request.
/// Guarantee: requests stay within the limit; what is too large is left out and counted.
#[tokio::test]
async fn requests_and_events_stay_within_their_limits() {
    let fake = SplunkHec::start(Rules {
        largest: 2500,
        ..Rules::default()
    });
    let exporter = to(&fake, "max_content_length_logs: 2500\nmax_event_size: 2000");
    assert_eq!(
        exporter.send(&logs(&[""; 5], 1000)).await,
        Outcome::Delivered
    );
    assert_eq!((fake.requests().len(), fake.taken().len()), (3, 5));
    let outcome = exporter.send(&logs(&[""], 2000)).await;
    assert!(
        matches!(&outcome, Outcome::Rejected { why } if why.contains("max_event_size")),
        "{outcome:?}"
    );
}

/// Scenario: Splunk is busy, then breaks, in the middle of a batch that takes several requests.
/// Guarantee: what it took is not sent again.
#[tokio::test]
async fn only_the_rest_is_sent_again() {
    let fake = SplunkHec::start(Rules {
        status: Box::new(|request| match request {
            1 => Some(503),
            2 => Some(500),
            _ => None,
        }),
        ..Rules::default()
    });
    let exporter = to(&fake, "max_content_length_logs: 2500");
    let mut batch = logs(&[""; 6], 1000);
    for left in [4, 4] {
        batch = match exporter.send(&batch).await {
            Outcome::Resend { rest, .. } => rest,
            Outcome::Retry { .. } => batch,
            other => panic!("{other:?}"),
        };
        assert_eq!(batch.items(), left);
    }
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    assert_eq!(fake.taken().len(), 6);
}

/// Scenario: wrong credentials.
/// Guarantee: that is final, and the message says so without the token.
#[tokio::test]
async fn a_wrong_token_is_final() {
    let fake = SplunkHec::start(Rules::default());
    let outcome = with_token(&fake, "hunter2", "")
        .send(&golden(Signal::Logs))
        .await;
    let Outcome::Rejected { why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.contains("403") && why.contains("check the credentials") && !why.contains("hunter2"),
        "{why}"
    );
}

/// Scenario: heartbeats at the start and in between, and a health check.
/// Guarantee: they arrive in Splunk's internal index, and end with the exporter.
#[tokio::test]
async fn heartbeats_arrive_while_the_exporter_lives() {
    let fake = SplunkHec::start(Rules::default());
    let yaml = "health_check_enabled: true\nheartbeat:\n  startup: true\n  interval: 20ms";
    let exporter = to(&fake, yaml);
    while fake.taken().len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(fake.requests()[0].path, "/services/collector/health");
    let event = fake.taken()[0].event.clone();
    assert_eq!(
        (&event["index"], &event["sourcetype"]),
        (&"_internal".into(), &"heartbeat".into())
    );
    assert!(
        event["event"]
            .as_str()
            .unwrap()
            .starts_with("HeartbeatInfo version=test "),
        "{event}"
    );
    exporter.finish().await;
    // One may be under way.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let taken = fake.taken().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fake.taken().len(), taken);
}
