//! Destinations that take less at once than a batch has.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::Batching;
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{ExporterState, Outcome, RefusalReason, Status};

use crate::support::{Hub, Scripted, hub, logs, rejected, retry, too_large};

/// Numbers that look random, always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005) + 1;
        (self.0 >> 33) as usize % limit
    }
}

/// Log records of all sizes in some resources, numbered by their time.
fn numbered(dice: &mut Dice, records: usize) -> Batch {
    let mut request = RequestWriter::new(Signal::Logs);
    let mut number = 0;
    while number < records {
        let together = 1 + dice.below(records - number);
        request.resource(&[("service.name", "shop".into())], |resource| {
            resource.scope("test", "", |scope| {
                for _ in 0..together {
                    let body = "x".repeat(dice.below(300));
                    scope.log(&LogRecord {
                        time_unix_nano: number as u64,
                        body: body.as_str().into(),
                        ..LogRecord::default()
                    });
                    number += 1;
                }
            });
        });
    }
    request.finish()
}

fn numbers(batch: &Batch) -> Vec<u64> {
    let mut numbers = Vec::new();
    for resource in batch.resources() {
        for scope in resource.unwrap().scopes() {
            for record in scope.unwrap().logs() {
                numbers.push(record.unwrap().time_unix_nano);
            }
        }
    }
    numbers
}

async fn counted(hub: Hub) -> (u64, u64) {
    hub.running.stop(Duration::from_secs(5)).await;
    let exporter = &hub.status.snapshot().exporters[0];
    (
        exporter.sent[&Signal::Logs],
        exporter.send_failed[&Signal::Logs],
    )
}

/// Scenario: batches of records of all sizes, and destinations with all kinds of limits.
/// Guarantee: for any limit, every record that alone fits is delivered once, in order; the others are counted.
#[tokio::test]
async fn whatever_fits_alone_is_delivered_once() {
    let mut dice = Dice(7);
    for round in 0..60 {
        let records = 1 + dice.below(40);
        let batch = numbered(&mut dice, records);
        let limit = 20 + dice.below(batch.bytes().len() + 100);
        let single = batch.clone().split(1).into_iter();
        let fitting = single.filter(|record| record.bytes().len() <= limit);
        let expected: Vec<u64> = fitting.flat_map(|record| numbers(&record)).collect();

        let taken = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&taken);
        let exporter = Scripted::deciding(move |batch| {
            if batch.bytes().len() > limit {
                return too_large();
            }
            list.lock().unwrap().extend(numbers(batch));
            Outcome::Delivered
        });
        let hub = hub(&[&exporter]).await;
        hub.door.offer(batch, "test").await.unwrap();
        let (sent, failed) = counted(hub).await;
        assert_eq!(*taken.lock().unwrap(), expected, "round {round}");
        assert_eq!(
            (sent, failed),
            (expected.len() as u64, (records - expected.len()) as u64)
        );
    }
}

/// Scenario: an exporter that makes requests of 5 items, whose destination takes 2 at once and refuses one for good.
/// Guarantee: what was taken before the request that was too large is not sent again; order is kept, the refused one counted.
#[tokio::test]
async fn what_was_taken_before_is_not_sent_again() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let list = Arc::clone(&taken);
    let exporter = Scripted::deciding(move |batch| {
        let all = numbers(batch);
        let mut taken = list.lock().unwrap();
        // Number 0 is refused, and the request that starts with 1 is small enough.
        if all.first() == Some(&0) {
            taken.push(1);
            let part = |from: usize, to: usize| batch.select(|number| (from..to).contains(&number));
            return Outcome::ResendSmaller {
                rest: vec![part(2, 7), part(7, all.len())],
                rejected: 1,
                why: "413".to_owned(),
            };
        }
        if all.len() > 2 {
            return too_large();
        }
        taken.extend(all);
        Outcome::Delivered
    });
    let hub = hub(&[&exporter]).await;
    let batch = numbered(&mut Dice(1), 20);
    hub.door.offer(batch, "test").await.unwrap();
    assert_eq!(counted(hub).await, (19, 1));
    assert_eq!(*taken.lock().unwrap(), Vec::from_iter(1..20));
}

/// Scenario: a batch goes in halves, and in halves of these.
/// Guarantee: what is too large never makes the exporter count as failing, and nothing counts as a retry.
#[tokio::test]
async fn halves_that_are_taken_leave_the_exporter_healthy() {
    let states = Arc::new(Mutex::new(Vec::new()));
    let status = Arc::new(OnceLock::<Status>::new());
    let (seen, known) = (Arc::clone(&states), Arc::clone(&status));
    let exporter = Scripted::deciding(move |batch| {
        let exporter = &known.wait().snapshot().exporters[0];
        seen.lock().unwrap().push(exporter.state);
        match batch.items() {
            0..=3 => Outcome::Delivered,
            _ => too_large(),
        }
    });
    let hub = hub(&[&exporter]).await;
    status.set(hub.status.clone()).unwrap();
    hub.door.offer(logs(10), "test").await.unwrap();
    assert_eq!(exporter.took(10).await, [3, 2, 3, 2]);
    hub.running.stop(Duration::from_secs(5)).await;
    let states = states.lock().unwrap().clone();
    assert!(!states.contains(&ExporterState::Failing), "{states:?}");
    let exporter = &hub.status.snapshot().exporters[0];
    assert_eq!(exporter.state, ExporterState::Healthy);
    assert_eq!((exporter.retries, &exporter.last_error), (0, &None));
}

/// Scenario: a half is refused for now, then its retries are exhausted.
/// Guarantee: the half that was taken counts as sent, the other alone as lost.
#[tokio::test]
async fn only_the_half_that_is_not_taken_is_lost() {
    let exporter = Scripted::new()
        .answering([too_large(), Outcome::Delivered])
        .with_retry(|retry| retry.max_elapsed_time = Duration::from_millis(30));
    exporter.turn(retry("503"));
    let hub = hub(&[&exporter]).await;
    hub.door.offer(logs(9), "test").await.unwrap();
    assert_eq!(counted(hub).await, (5, 4));
}

/// Scenario: everything is too large, down to single records, and the sender waits for the answer.
/// Guarantee: the sender is refused and told what to do; each record is counted once, and the exporter fails.
#[tokio::test]
async fn a_destination_that_takes_nothing_is_told() {
    let exporter =
        Scripted::deciding(|_| too_large()).with_queue(|queue| queue.wait_for_result = true);
    let hub = hub(&[&exporter]).await;
    for size in [1, 5] {
        let refused = hub.door.offer(logs(size), "test").await.unwrap_err();
        assert_eq!(refused.reason, RefusalReason::Rejected);
        assert!(refused.message.contains("raise the"), "{refused}");
    }
    assert_eq!(exporter.attempts(), 1 + 9);
    assert_eq!(hub.exporter(0).state, ExporterState::Failing);
    assert_eq!(counted(hub).await, (0, 6));
}

/// Scenario: one record of a batch is too large, and the sender waits for the answer.
/// Guarantee: the sender reads of the one, and the exporter is healthy.
#[tokio::test]
async fn one_record_that_is_too_large_is_told_alone() {
    let exporter = Scripted::deciding(|batch| match numbers(batch).contains(&2) {
        true => too_large(),
        false => Outcome::Delivered,
    })
    .with_queue(|queue| queue.wait_for_result = true);
    let hub = hub(&[&exporter]).await;
    let batch = numbered(&mut Dice(3), 6);
    let accepted = hub.door.offer(batch, "test").await.unwrap();
    assert_eq!(accepted.rejected_items, 1);
    assert!(accepted.message.contains("one item alone"), "{accepted:?}");
    assert_eq!(hub.exporter(0).state, ExporterState::Healthy);
    assert_eq!(counted(hub).await, (5, 1));
}

/// Scenario: what three senders' batches were joined into is too large; then a half is refused.
/// Guarantee: the halves arrive once and nothing of them is sent again sender by sender; what is refused is counted once.
#[tokio::test]
async fn joined_batches_go_in_halves_too() {
    let exporter = Scripted::new()
        .with_queue(|queue| {
            queue.num_consumers = 1;
            queue.batch = Some(Batching {
                min_size: 12,
                flush_timeout: Duration::from_secs(60),
                ..Batching::default()
            });
        })
        .answering([
            too_large(),
            Outcome::Delivered,
            rejected("400"),
            too_large(),
        ]);
    let hub = hub(&[&exporter]).await;
    for _ in 0..6 {
        hub.door.offer(logs(4), "test").await.unwrap();
    }
    assert_eq!(exporter.took(18).await, [6, 6, 6]);
    assert_eq!(counted(hub).await, (18, 6));
}

/// Scenario: profiles, which can't be divided, are too large.
/// Guarantee: they are refused at once, told and counted.
#[tokio::test]
async fn profiles_are_one_item() {
    // A resource, a scope, a profile, two samples.
    let bytes = Bytes::from_static(&[0x0a, 8, 0x12, 6, 0x12, 4, 0x12, 0, 0x12, 0]);
    let batch = Batch::decode(Signal::Profiles, bytes).unwrap();
    assert_eq!(batch.items(), 2);
    let exporter = Scripted::deciding(|_| too_large());
    let hub = hub(&[&exporter]).await;
    hub.door.offer(batch, "test").await.unwrap();
    hub.running.stop(Duration::from_secs(5)).await;
    assert_eq!(exporter.attempts(), 1);
    let exporter = &hub.status.snapshot().exporters[0];
    assert_eq!(exporter.send_failed[&Signal::Profiles], 2);
    let why = exporter.last_error.as_deref().unwrap();
    assert!(why.contains("profiles can't be divided"), "{why}");
}
