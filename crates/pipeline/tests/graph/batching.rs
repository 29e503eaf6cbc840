//! Joining and splitting on the way out.

use std::time::Duration;

use fanlight_config::blocks::Batching;
use fanlight_otlp::Signal;

use crate::support::{Scripted, hub, logs};

fn batching(min_size: u64, max_size: u64, flush_timeout: Duration) -> Option<Batching> {
    Some(Batching {
        min_size,
        max_size,
        flush_timeout,
        ..Batching::default()
    })
}

/// Scenario: batches of 10 for an exporter that wants 40 at once.
/// Guarantee: they leave as one request, as soon as there are 40.
#[tokio::test]
async fn batches_leave_joined_as_soon_as_there_are_enough() {
    let exporter =
        Scripted::new().with_queue(|queue| queue.batch = batching(40, 0, Duration::from_secs(60)));
    let hub = hub(&[&exporter]).await;
    for _ in 0..4 {
        hub.door.offer(logs(10), "test").await.unwrap();
    }
    assert_eq!(exporter.took(40).await, [40]);
}

/// Scenario: less than enough for a request, and time passes.
/// Guarantee: it leaves when the time is over.
#[tokio::test]
async fn a_small_batch_leaves_when_its_time_is_over() {
    let exporter = Scripted::new()
        .with_queue(|queue| queue.batch = batching(1000, 0, Duration::from_millis(20)));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(10), "test").await.unwrap();
    assert_eq!(exporter.took(10).await, [10]);
}

/// Scenario: one batch larger than a request may be.
/// Guarantee: it leaves in parts, all of them.
#[tokio::test]
async fn a_large_batch_leaves_in_parts() {
    let exporter =
        Scripted::new().with_queue(|queue| queue.batch = batching(1, 4, Duration::from_millis(20)));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(10), "test").await.unwrap();
    let sizes = exporter.took(10).await;
    assert!(sizes.iter().all(|size| *size <= 4), "{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 10);
}

/// Scenario: the destination refuses what three senders' batches were joined into, because one of them is too large.
/// Guarantee: the two good ones are delivered by themselves, and only the third is lost.
#[tokio::test]
async fn one_senders_mistake_costs_nobody_else() {
    let exporter = Scripted::refusing_above(5)
        .with_queue(|queue| queue.batch = batching(14, 0, Duration::from_secs(60)));
    let hub = hub(&[&exporter]).await;
    for size in [3, 7, 4] {
        hub.door.offer(logs(size), "test").await.unwrap();
    }
    assert_eq!(exporter.took(7).await, [3, 4]);
    hub.running.stop(Duration::from_secs(5)).await;
    assert_eq!(
        hub.status.snapshot().exporters[0].send_failed[&Signal::Logs],
        7
    );
}

/// Scenario: requests may have 30 bytes, and a batch has more.
/// Guarantee: it leaves in parts that are small enough.
#[tokio::test]
async fn bytes_bound_a_request() {
    let by_bytes = Batching {
        min_size: 1,
        max_size: 30,
        sizer: fanlight_config::blocks::Sizer::Bytes,
        ..Batching::default()
    };
    let exporter = Scripted::new().with_queue(|queue| queue.batch = Some(by_bytes));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(40), "test").await.unwrap();
    let sizes = exporter.took(40).await;
    assert!(
        sizes.len() > 2 && sizes.iter().sum::<usize>() == 40,
        "{sizes:?}"
    );
}
