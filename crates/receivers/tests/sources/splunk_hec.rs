//! `splunk_hec` behind a real socket: events, metrics, raw lines, and what bad requests are answered.

use std::time::Duration;

use fanlight_config::blocks::Queue;
use fanlight_otlp::view::{NumberView, PointValue, Value};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::Outcome;
use fanlight_receivers::RECEIVERS;
use fanlight_testkit::{Hub, Recorder, post};

const CHANNEL: &str = "x-splunk-request-channel: 11111111-1111-1111-1111-111111111111";

fn start(yaml: &str, recorder: &Recorder) -> Hub {
    let yaml = format!("receivers:\n  splunk_hec:\n    endpoint: 127.0.0.1:0\n{yaml}");
    Hub::start(&yaml, RECEIVERS, recorder)
}

fn delivering() -> Recorder {
    Recorder::new(|_| Outcome::Delivered)
}

async fn send(hub: &Hub, path: &str, headers: &[&str], body: &[u8]) -> (u16, String) {
    let answer = post(hub.address("Splunk HEC"), path, headers, body).await;
    (
        answer.status,
        String::from_utf8_lossy(&answer.body).into_owned(),
    )
}

/// Scenario: a client sends events and metrics, one after the other.
/// Guarantee: they are log records and gauges with their host, source, type and index, times and fields.
#[tokio::test]
async fn events_and_metrics_become_log_records_and_gauges() {
    let recorder = delivering();
    let hub = start("    access_token_passthrough: true\n", &recorder);
    let body = br#"{"time":1700000000.011,"host":"h","source":"s","sourcetype":"t","index":"i","event":{"a":[1,"x"],"b":null},"fields":{"n":7,"d":1.5,"f":true,"l":["a"]}}
        {"time":"1700000000","host":"h","source":"s","sourcetype":"t","index":"i","event":"text"}
        {"time":1700000000,"event":"metric","fields":{"metric_name:cpu.usage":0.5,"metric_name:n":3,"region":"eu"}}"#;
    let (status, text) = send(&hub, "/any/path", &["authorization: Splunk t-1"], body).await;
    assert_eq!(
        (status, text.as_str()),
        (200, r#"{"code":0,"text":"Success"}"#)
    );
    let taken = recorder.taken();
    let of = |signal| taken.iter().find(|batch| batch.signal() == signal).unwrap();
    let logs = of(Signal::Logs);
    assert_eq!(logs.items(), 2);
    let resource = logs.resources().next().unwrap().unwrap();
    for (key, value) in [
        ("host.name", "h"),
        ("com.splunk.source", "s"),
        ("com.splunk.sourcetype", "t"),
        ("com.splunk.index", "i"),
        ("com.splunk.hec.access_token", "t-1"),
    ] {
        assert_eq!(resource.attributes.get(key), Ok(Some(Value::Str(value))));
    }
    let scope = resource.scopes().next().unwrap().unwrap();
    let record = scope.logs().next().unwrap().unwrap();
    assert_eq!(record.time_unix_nano, 1_700_000_000_011_000_000);
    assert_eq!(record.body.to_text(), r#"{"a":[1,"x"],"b":null}"#);
    assert_eq!(record.attributes.get("n"), Ok(Some(Value::Int(7))));
    assert_eq!(record.attributes.get("d"), Ok(Some(Value::Double(1.5))));
    assert_eq!(
        values(of(Signal::Metrics)),
        [
            ("cpu.usage".to_owned(), NumberView::Double(0.5)),
            ("n".to_owned(), NumberView::Int(3)),
        ]
    );
}

fn values(batch: &Batch) -> Vec<(String, NumberView)> {
    let mut values = Vec::new();
    for resource in batch.resources() {
        for scope in resource.unwrap().scopes() {
            for metric in scope.unwrap().metrics() {
                let metric = metric.unwrap();
                for point in metric.points() {
                    let point = point.unwrap();
                    assert_eq!(point.attributes.get("region"), Ok(Some(Value::Str("eu"))));
                    let PointValue::Number(value) = point.value else {
                        panic!("{point:?}")
                    };
                    values.push((metric.name.to_owned(), value));
                }
            }
        }
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values
}

/// Scenario: raw bodies, split by lines and whole, with metadata in the query, compressed.
/// Guarantee: each line, or the body, is a log record.
#[tokio::test]
async fn raw_bodies_are_split_as_configured() {
    for (splitting, expected) in [("line", 2), ("none", 1)] {
        let recorder = delivering();
        let hub = start(&format!("    splitting: {splitting}\n"), &recorder);
        let path = "/services/collector/raw?host=my+host&sourcetype=a%2Fb&time=1700000000";
        assert_eq!(send(&hub, path, &[], b"one\ntwo\n").await.0, 200);
        let taken = recorder.taken();
        assert_eq!(taken[0].items(), expected, "{splitting}");
        let resource = taken[0].resources().next().unwrap().unwrap();
        assert_eq!(
            resource.attributes.get("host.name"),
            Ok(Some(Value::Str("my host")))
        );
        assert_eq!(
            resource.attributes.get("com.splunk.sourcetype"),
            Ok(Some(Value::Str("a/b")))
        );
    }
}

const FINE: &str = r#"{"event":"fine"}"#;

/// Bodies, and what Splunk answers.
fn bad_bodies() -> Vec<(String, String)> {
    let ok = FINE;
    vec![
        (String::new(), r#"{"code":5,"text":"No data"}"#.to_owned()),
        ("[]".to_owned(), r#"{"code":5,"text":"No data"}"#.to_owned()),
        (
            format!("{ok}{{"),
            r#"{"code":6,"invalid-event-number":1,"text":"Invalid data format"}"#.to_owned(),
        ),
        (
            format!("[{ok}]{ok}"),
            r#"{"code":6,"text":"Invalid data format"}"#.to_owned(),
        ),
        (
            format!("{ok}{{\"time\":\"soon\",\"event\":1}}"),
            r#"{"code":6,"invalid-event-number":1,"text":"Invalid data format"}"#.to_owned(),
        ),
        (
            format!("{ok}{{\"fields\":{{}}}}"),
            r#"{"code":12,"invalid-event-number":1,"text":"Event field is required"}"#.to_owned(),
        ),
        (
            format!("{ok}{{\"event\":\"\"}}"),
            r#"{"code":13,"invalid-event-number":1,"text":"Event field cannot be blank"}"#
                .to_owned(),
        ),
        (
            format!("{ok}{{\"event\":\"a\",\"fields\":{{\"a\":{{}}}}}}"),
            r#"{"code":15,"invalid-event-number":1,"text":"Error in handling indexed fields"}"#
                .to_owned(),
        ),
        (
            r#"{"event":"metric","fields":{"metric_name:a":"many"}}"#.to_owned(),
            r#"{"code":15,"invalid-event-number":0,"text":"Error in handling indexed fields"}"#
                .to_owned(),
        ),
    ]
}

/// Scenario: requests that Splunk refuses.
/// Guarantee: status, text and code are Splunk's, the event at fault is named, and nothing of the request is kept.
#[tokio::test]
async fn bad_requests_are_answered_as_splunk_does() {
    let recorder = delivering();
    let hub = start("", &recorder);
    for (body, expected) in bad_bodies() {
        assert_eq!(
            send(&hub, "/services/collector", &[], body.as_bytes()).await,
            (400, expected),
            "{body}"
        );
    }
    let bad = ["x-splunk-request-channel: no uuid"];
    let answer = send(&hub, "/services/collector", &bad, FINE.as_bytes()).await;
    assert_eq!(
        answer,
        (
            400,
            r#"{"code":11,"text":"Invalid data channel"}"#.to_owned()
        )
    );
    let coded = ["content-encoding: br"];
    assert_eq!(
        send(&hub, "/services/collector", &coded, FINE.as_bytes())
            .await
            .0,
        415
    );
    assert!(recorder.taken().is_empty());
}

/// Scenario: a client asks for acknowledgements, with and without them being configured.
/// Guarantee: an id is given once the events are kept, and only ids that were given are true.
#[tokio::test]
async fn acknowledgements_are_given_for_what_is_kept() {
    let recorder = delivering();
    let hub = start("    ack: {}\n", &recorder);
    let event = br#"{"event":"a"}"#;
    let (_, text) = send(&hub, "/services/collector", &[CHANNEL], event).await;
    assert_eq!(text, r#"{"ackId":0,"code":0,"text":"Success"}"#);
    let path = "/services/collector/ack";
    let (_, text) = send(&hub, path, &[CHANNEL], br#"{"acks":[0,1]}"#).await;
    assert_eq!(text, r#"{"acks":{"0":true,"1":false}}"#);
    let (status, text) = send(&hub, path, &[], br#"{"acks":[0]}"#).await;
    assert_eq!(
        (status, text.as_str()),
        (400, r#"{"code":10,"text":"Data channel is missing"}"#)
    );
    let without = start("", &recorder);
    let (_, text) = send(&without, path, &[CHANNEL], br#"{"acks":[0]}"#).await;
    assert_eq!(text, r#"{"code":14,"text":"ACK is disabled"}"#);
}

/// Scenario: the one destination is away and its queue is full; another refuses the events for good.
/// Guarantee: 503 with code 9 and a delay, so that clients keep the events; 400 with the destination's reason.
#[tokio::test]
async fn a_full_queue_asks_to_come_back() {
    let away = Recorder::new(|_| Outcome::Retry {
        after: Some(Duration::from_secs(60)),
        why: "away".to_owned(),
    });
    let hub = start(
        "",
        &away.with_queue(Queue {
            queue_size: 1,
            num_consumers: 1,
            ..Queue::default()
        }),
    );
    let mut answer = (200, String::new());
    for _ in 0..20 {
        if answer.0 == 200 {
            answer = send(&hub, "/services/collector", &[], FINE.as_bytes()).await;
        }
    }
    assert_eq!(answer.0, 503);
    assert!(
        answer.1.contains(r#""code":9"#) && answer.1.contains("Server is busy"),
        "{}",
        answer.1
    );
    let refusing = Recorder::new(|_| Outcome::Rejected {
        why: "no such index".to_owned(),
    });
    let hub = start("", &refusing);
    let (status, text) = send(&hub, "/services/collector", &[], FINE.as_bytes()).await;
    assert!(
        status == 400 && text.contains("no such index"),
        "{status} {text}"
    );
}
