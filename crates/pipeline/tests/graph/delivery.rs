//! Attempts, retries and what the sender is told.

use std::time::Duration;

use fanlight_otlp::Signal;
use fanlight_pipeline::{Accepted, ExporterState, Outcome, RefusalReason};

use crate::support::{Scripted, broken_hub, hub, logs, rejected, retry};

/// Scenario: a destination fails twice, then recovers.
/// Guarantee: the batch arrives once, and the exporter's state tells the truth before and after.
#[tokio::test]
async fn a_batch_is_sent_again_until_the_destination_takes_it() {
    let exporter = Scripted::new().answering([retry("503"), retry("connection reset")]);
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(3), "test").await.unwrap();
    assert_eq!(exporter.took(3).await, [3]);
    assert_eq!(exporter.attempts(), 3);
    hub.running.stop(Duration::from_secs(5)).await;
    let snapshot = hub.status.snapshot();
    assert_eq!(snapshot.exporters[0].state, ExporterState::Healthy);
    assert_eq!(snapshot.exporters[0].retries, 2);
    assert_eq!(snapshot.exporters[0].sent[&Signal::Logs], 3);
    assert_eq!(snapshot.exporters[0].queue_size, 0);
}

/// Scenario: a destination refuses a batch for good.
/// Guarantee: it is not sent again, and its items are counted as lost.
#[tokio::test]
async fn a_refused_batch_is_counted_and_not_sent_again() {
    let exporter = Scripted::new().answering([rejected("bad request")]);
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(4), "test").await.unwrap();
    hub.door.offer(logs(1), "test").await.unwrap();
    exporter.took(1).await;
    hub.running.stop(Duration::from_secs(5)).await;
    let exporter = &hub.status.snapshot().exporters[0];
    assert_eq!(exporter.send_failed[&Signal::Logs], 4);
    assert_eq!(exporter.sent[&Signal::Logs], 1);
}

/// Scenario: a destination takes a batch but for two items.
/// Guarantee: nothing is sent again; both numbers are counted.
#[tokio::test]
async fn partial_success_counts_both_parts() {
    let exporter = Scripted::new().answering([Outcome::Partial {
        rejected: 2,
        why: "too old".to_owned(),
    }]);
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(5), "test").await.unwrap();
    exporter.took(5).await;
    hub.running.stop(Duration::from_secs(5)).await;
    let exporter = &hub.status.snapshot().exporters[0];
    assert_eq!(
        (
            exporter.sent[&Signal::Logs],
            exporter.send_failed[&Signal::Logs]
        ),
        (3, 2)
    );
}

/// Scenario: retries may go on for 50 ms only.
/// Guarantee: the batch is given up and counted, and the queue has room again.
#[tokio::test]
async fn exhausted_retries_are_counted() {
    let exporter =
        Scripted::dead().with_retry(|retry| retry.max_elapsed_time = Duration::from_millis(50));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(2), "test").await.unwrap();
    let lost = async {
        while hub.exporter(0).send_failed[&Signal::Logs] == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), lost)
        .await
        .unwrap();
    hub.running.stop(Duration::from_secs(5)).await;
    assert_eq!(
        hub.status.snapshot().exporters[0].send_failed[&Signal::Logs],
        2
    );
    assert_eq!(hub.status.snapshot().exporters[0].queue_size, 0);
}

/// Scenario: the sender waits for the destination's answer (`wait_for_result`).
/// Guarantee: it is told what the destination said.
#[tokio::test]
async fn a_waiting_sender_is_told_the_outcome() {
    let partial = Outcome::Partial {
        rejected: 1,
        why: "one was odd".to_owned(),
    };
    let exporter = Scripted::new()
        .with_queue(|queue| queue.wait_for_result = true)
        .answering([Outcome::Delivered, partial, rejected("no such project")]);
    let hub = hub(&[&exporter]).await;
    assert_eq!(
        hub.door.offer(logs(1), "test").await,
        Ok(Accepted::default())
    );
    let accepted = hub.door.offer(logs(2), "test").await.unwrap();
    assert_eq!(
        (accepted.rejected_items, accepted.message.as_str()),
        (1, "one was odd")
    );
    let refused = hub.door.offer(logs(3), "test").await.unwrap_err();
    assert_eq!(
        (refused.reason, refused.message.as_str()),
        (RefusalReason::Rejected, "no such project")
    );
}

/// Scenario: an exporter without a queue, whose destination is down and may not be retried.
/// Guarantee: the sender hears of it and keeps the data.
#[tokio::test]
async fn without_a_queue_the_sender_keeps_what_the_destination_does_not_take() {
    let exporter = Scripted::dead()
        .with_queue(|queue| queue.enabled = false)
        .with_retry(|retry| retry.enabled = false);
    let hub = hub(&[&exporter]).await;
    let refused = hub.door.offer(logs(1), "test").await.unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Unavailable);
    assert!(refused.message.contains("connection refused"), "{refused}");
}

/// Scenario: a signal without a pipeline; an empty batch.
/// Guarantee: the first is refused as not routed, the second accepted without being sent anywhere.
#[tokio::test]
async fn unrouted_signals_are_refused_and_empty_batches_accepted() {
    let exporter = Scripted::new();
    let hub = hub(&[&exporter]).await;
    assert!(hub.door.accepts(Signal::Traces));
    hub.door
        .offer(fanlight_otlp::Batch::empty(Signal::Traces), "test")
        .await
        .unwrap();
    hub.running.stop(Duration::from_secs(1)).await;
    assert_eq!(exporter.attempts(), 0);
}

/// Scenario: a receiver ends by itself.
/// Guarantee: the hub is told which and why, and is not healthy any more.
#[tokio::test]
async fn a_broken_receiver_fails_health() {
    let mut hub = broken_hub(&[&Scripted::new()]).await;
    let broken = hub.running.broken().await;
    assert_eq!(broken.component, "door");
    assert!(!hub.status.health().is_alive());
    assert_eq!(
        hub.status.health().broken,
        ["door stopped: the socket is gone"]
    );
}
