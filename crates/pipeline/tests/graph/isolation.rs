//! One destination's trouble is not another's.

use std::time::Duration;

use fanlight_otlp::Signal;
use fanlight_pipeline::{ExporterState, RefusalReason};

use crate::support::{Scripted, hub, logs, rejected, retry};

/// Scenario: two destinations, one of them down for good; far more is sent than the dead one's queue holds.
/// Guarantee: the other gets everything exactly once, the sender is never refused, and what the dead one misses is counted.
#[tokio::test]
async fn a_dead_destination_costs_the_other_nothing() {
    let (dead, alive) = (
        Scripted::dead().with_queue(|queue| queue.queue_size = 10),
        Scripted::new(),
    );
    let hub = hub(&[&dead, &alive]).await;
    for _ in 0..100 {
        hub.door.offer(logs(2), "test").await.unwrap();
    }
    assert_eq!(alive.took(200).await.len(), 100);
    let snapshot = hub.exporter(0);
    assert_eq!(snapshot.state, ExporterState::Failing);
    assert_eq!(snapshot.enqueue_failed[&Signal::Logs], 180);
    assert!(
        hub.status.health().is_ready(),
        "one destination still answers"
    );
}

/// Scenario: the only destination is down and its queue is full.
/// Guarantee: the sender is told to come back in a second, and nothing of the refused batch is kept.
#[tokio::test]
async fn full_queue_refuses_with_delay() {
    let dead = Scripted::dead().with_queue(|queue| queue.queue_size = 2);
    let hub = hub(&[&dead]).await;
    hub.door.offer(logs(1), "test").await.unwrap();
    hub.door.offer(logs(1), "test").await.unwrap();
    let refused = hub.door.offer(logs(1), "test").await.unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Overloaded);
    assert_eq!(refused.retry_after, Some(Duration::from_secs(1)));
    assert!(refused.message.contains("test/0"), "{refused}");
    assert_eq!(hub.exporter(0).enqueue_failed[&Signal::Logs], 0);
    dead.was_asked(1).await;
    tokio::time::timeout(Duration::from_secs(5), async {
        while hub.status.health().is_ready() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .expect("a hub whose only destination is down is not ready");
}

/// Scenario: the queue is full for a moment, because the destination answers late.
/// Guarantee: the sender waits that moment, and is not refused.
#[tokio::test]
async fn a_burst_waits_for_room() {
    let late = [retry("busy"), retry("busy"), retry("busy")];
    let exporter = Scripted::new()
        .with_queue(|queue| queue.queue_size = 1)
        .answering(late);
    let hub = hub(&[&exporter]).await;
    for _ in 0..5 {
        hub.door.offer(logs(1), "test").await.unwrap();
    }
    exporter.took(5).await;
}

/// Scenario: a full queue is required (`block_on_overflow`) beside a healthy destination.
/// Guarantee: the batch is refused for both, so that sending it again makes no duplicate.
#[tokio::test]
async fn a_required_queue_refuses_for_everybody() {
    let required = Scripted::dead().with_queue(|queue| {
        queue.queue_size = 1;
        queue.block_on_overflow = true;
    });
    let alive = Scripted::new();
    let hub = hub(&[&alive, &required]).await;
    hub.door.offer(logs(1), "test").await.unwrap();
    alive.took(1).await;
    assert_eq!(
        hub.door.offer(logs(5), "test").await.unwrap_err().reason,
        RefusalReason::Overloaded
    );
    hub.running.stop(Duration::from_millis(50)).await;
    assert_eq!(alive.taken(), [1]);
}

/// Scenario: a memory queue bounded by bytes, with room for many requests.
/// Guarantee: bytes bound it too.
#[tokio::test]
async fn bytes_bound_a_memory_queue() {
    let dead = Scripted::dead().with_queue(|queue| queue.max_bytes = "100 B".parse().unwrap());
    let hub = hub(&[&dead]).await;
    hub.door.offer(logs(30), "test").await.unwrap();
    assert_eq!(
        hub.door.offer(logs(30), "test").await.unwrap_err().reason,
        RefusalReason::Overloaded
    );
}

/// Scenario: an exporter panics on a batch.
/// Guarantee: that batch is counted as lost, and the next one is delivered.
#[tokio::test]
async fn an_exporter_that_refuses_one_batch_takes_the_next() {
    let exporter = Scripted::new().answering([rejected("odd")]);
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(1), "test").await.unwrap();
    hub.door.offer(logs(2), "test").await.unwrap();
    assert_eq!(exporter.took(2).await, [2]);
}
