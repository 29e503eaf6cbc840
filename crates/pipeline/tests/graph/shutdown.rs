//! Stopping: what was accepted is delivered, or counted.

use std::time::{Duration, Instant};

use fanlight_config::ComponentId;
use fanlight_config::blocks::Batching;
use fanlight_pipeline::RefusalReason;

use crate::support::{Scripted, hub, logs};

/// Scenario: the hub stops while batches wait to be joined.
/// Guarantee: they leave at once, and the stop does not wait for their time.
#[tokio::test]
async fn stopping_delivers_what_waits() {
    let patient = Batching {
        min_size: 1000,
        flush_timeout: Duration::from_secs(60),
        ..Batching::default()
    };
    let exporter = Scripted::new().with_queue(|queue| queue.batch = Some(patient));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(10), "test").await.unwrap();
    hub.door.offer(logs(20), "test").await.unwrap();
    let stopped = hub.running.stop(Duration::from_secs(30)).await;
    assert_eq!(exporter.taken(), [30]);
    assert_eq!(stopped, Default::default());
}

/// Scenario: the hub stops while a destination is down.
/// Guarantee: the stop ends at its deadline and says how many items are lost.
#[tokio::test]
async fn the_deadline_ends_a_stop_and_the_loss_is_told() {
    for exporter in [Scripted::dead(), Scripted::hanging()] {
        let hub = hub(&[&exporter]).await;
        for _ in 0..20 {
            hub.door.offer(logs(3), "test").await.unwrap();
        }
        let begun = Instant::now();
        let stopped = hub.running.stop(Duration::from_millis(100)).await;
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(
            stopped.lost,
            [("test/0".parse::<ComponentId>().unwrap(), 60)]
        );
    }
}

/// Scenario: a sender is late.
/// Guarantee: it is told that the hub is stopping, and keeps its data.
#[tokio::test]
async fn a_stopped_hub_refuses() {
    let hub = hub(&[&Scripted::new()]).await;
    hub.running.stop(Duration::from_secs(1)).await;
    let refused = hub.door.offer(logs(1), "test").await.unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Unavailable);
}

/// Scenario: an exporter has something of its own to send now and then; another has not.
/// Guarantee: it is called while the hub runs, telemetry or not, and no longer once the hub has stopped.
#[tokio::test]
async fn a_tick_comes_while_the_hub_runs() {
    let exporter = Scripted::ticking(Duration::from_millis(5));
    let other = Scripted::new();
    let hub = hub(&[&exporter, &other]).await;
    exporter.ticked(3).await;
    hub.running.stop(Duration::from_secs(1)).await;
    let ticks = exporter.ticks();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((exporter.ticks(), other.ticks()), (ticks, 0));
}
