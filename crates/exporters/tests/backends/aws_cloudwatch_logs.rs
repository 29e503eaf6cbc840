//! CloudWatch Logs, in front of a fake that checks signatures and limits.

use std::sync::Arc;

use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::Outcome;
use fanlight_testkit::fakes::aws::CloudWatchLogs;
use fanlight_testkit::{Backend, golden_at};

use crate::aws_xray::{ACCOUNT, Keys};
use crate::made::{exporter, now};

const NAMES: &str = "log_group_name: /shop/checkout\nlog_stream_name: hub\n";
const HOUR: u64 = 3_600_000_000_000;

fn cloudwatch() -> (Arc<CloudWatchLogs>, Backend) {
    let fake = Arc::new(CloudWatchLogs::new(ACCOUNT));
    let answering = fake.clone();
    let backend = Backend::http(None, move |request| answering.answer(request));
    (fake, backend)
}

/// Records with these times and bodies.
fn logs(records: &[(u64, &str)]) -> Batch {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            for (time, body) in records {
                scope.log(&LogRecord {
                    time_unix_nano: *time,
                    body: (*body).into(),
                    ..LogRecord::default()
                });
            }
        });
    });
    out.finish()
}

/// Scenario: the golden log records are sent, to a group that is not there yet.
/// Guarantee: group, retention, tags and stream are made; every record is there, in the order of time.
#[tokio::test]
async fn golden_records_become_events_of_a_stream_that_is_made() {
    let (fake, backend) = cloudwatch();
    let keys = Keys::of(&ACCOUNT);
    let options = "log_retention: 30\ntags: {team: shop}\n";
    let yaml = format!("{}{NAMES}{options}", keys.session(&backend));
    let exporter = exporter("awscloudwatchlogs", &yaml);
    let now = now() / 1_000_000_000 * 1_000_000_000;
    let golden = golden_at(Signal::Logs, now);
    assert_eq!(exporter.send(&golden).await, Outcome::Delivered);
    let (retention, tags) = fake.group("/shop/checkout").unwrap();
    assert_eq!((retention, tags["team"].as_str()), (Some(30), "shop"));
    let events = fake.events("/shop/checkout", "hub");
    assert_eq!(events.len(), golden.items());
    let started = i64::try_from(now / 1_000_000).unwrap();
    let lines: Vec<String> = events
        .iter()
        .map(|(time, message)| format!("+{} {message}", time - started))
        .collect();
    let text = lines
        .join("\n")
        .replace(&"huge ".repeat(4000), "<4000 times huge>");
    insta::assert_snapshot!(text);
    // The next batch finds everything there.
    let before = backend.requests().len();
    assert_eq!(exporter.send(&golden).await, Outcome::Delivered);
    assert_eq!(backend.requests().len(), before + 1);
}

/// Scenario: raw logs, one of them in the embedded metric format with a group of its own, one empty.
/// Guarantee: bodies are sent as they are, each to its stream; the empty one is counted, not sent.
#[tokio::test]
async fn raw_logs_are_sent_as_they_are() {
    let (fake, backend) = cloudwatch();
    let keys = Keys::of(&ACCOUNT);
    let yaml = format!("{}{NAMES}raw_log: true", keys.session(&backend));
    let exporter = exporter("awscloudwatchlogs", &yaml);
    let embedded = r#"{"_aws":{"LogGroupName":"metrics","LogStreamName":"m"},"latency":5}"#;
    let now = now();
    let outcome = exporter
        .send(&logs(&[(now, "plain"), (now, embedded), (now, "")]))
        .await;
    assert!(matches!(outcome, Outcome::Partial { rejected: 1, .. }));
    assert_eq!(outcome.why(), "CloudWatch takes no empty message");
    assert_eq!(fake.events("/shop/checkout", "hub")[0].1, "plain");
    assert_eq!(fake.events("metrics", "m")[0].1, embedded);
}

/// Scenario: with emf_only, records that are in the embedded metric format and others.
/// Guarantee: the former alone are sent.
#[tokio::test]
async fn emf_only_leaves_other_records_out() {
    let (fake, backend) = cloudwatch();
    let keys = Keys::of(&ACCOUNT);
    let yaml = format!(
        "{}{NAMES}raw_log: true\nemf_only: true",
        keys.session(&backend)
    );
    let exporter = exporter("awscloudwatchlogs", &yaml);
    let embedded = r#"{"_aws":{"Timestamp":1},"latency":5}"#;
    let outcome = exporter
        .send(&logs(&[(now(), "plain"), (now(), embedded)]))
        .await;
    assert!(matches!(outcome, Outcome::Partial { rejected: 1, .. }));
    let events = fake.events("/shop/checkout", "hub");
    assert_eq!((events.len(), events[0].1.as_str()), (1, embedded));
}

/// Scenario: records too old and too new among good ones, days apart and out of order.
/// Guarantee: good ones are kept, in requests of one day at most; the others are counted and explained.
#[tokio::test]
async fn too_old_and_too_new_events_are_counted() {
    let (fake, backend) = cloudwatch();
    let keys = Keys::of(&ACCOUNT);
    let exporter = exporter(
        "awscloudwatchlogs",
        &format!("{}{NAMES}", keys.session(&backend)),
    );
    let now = now();
    let records = [
        (now, "now"),
        (now - 30 * 24 * HOUR, "old"),
        (now + 20 * HOUR, "new"),
        (now - 3 * 24 * HOUR, "recent"),
    ];
    let outcome = exporter.send(&logs(&records)).await;
    assert!(
        matches!(outcome, Outcome::Partial { rejected: 2, .. }),
        "{outcome:?}"
    );
    assert!(outcome.why().contains("the last 14 days"), "{outcome:?}");
    let kept = fake.events("/shop/checkout", "hub");
    assert_eq!(kept.len(), 2);
}

/// Scenario: more than a request may hold, by count and by bytes, and a message that is too long by itself.
/// Guarantee: all are taken; the long one is cut.
#[tokio::test]
async fn requests_are_split_at_the_limits() {
    let (fake, backend) = cloudwatch();
    let keys = Keys::of(&ACCOUNT);
    let yaml = format!("{}{NAMES}raw_log: true", keys.session(&backend));
    let exporter = exporter("awscloudwatchlogs", &yaml);
    let (long, half, now) = ("x".repeat(2 << 20), "y".repeat(600_000), now());
    let mut records = vec![(now, "short"); 10_001];
    records.extend([(now, long.as_str()), (now, &half), (now, &half)]);
    assert_eq!(exporter.send(&logs(&records)).await, Outcome::Delivered);
    let kept = fake.events("/shop/checkout", "hub");
    assert_eq!(kept.len(), records.len());
    assert!(
        kept.iter()
            .any(|(_, message)| message.ends_with("[Truncated...]"))
    );
}
