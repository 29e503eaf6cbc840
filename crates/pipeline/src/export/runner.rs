//! One exporter at work: takes batches out of the queue, joins them, sends them, retries, settles.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fanlight_config::blocks::{Batching, Retry};
use fanlight_otlp::Batch;
use futures::FutureExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use super::batcher::{Batcher, Parcel};
use super::parts::{Parts, Then};
use super::queue::{Entry, ExportQueue, Settlement};
use super::retry::Backoff;
use crate::{ExportSettings, Exporter, Outcome, Stop};

/// An exporter with its queue.
pub(crate) struct Runner {
    consumers: usize,
    batcher: Batcher,
    sender: Arc<Sender>,
}

/// What an exporter could not deliver before the hub stopped, and no disk keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Items that are gone.
    pub(crate) lost_items: u64,
}

/// What every consumer of one exporter shares.
struct Sender {
    exporter: Arc<dyn Exporter>,
    queue: Arc<ExportQueue>,
    retry: Retry,
    timeout: Duration,
    /// Given when the time for draining is over.
    abandon: Stop,
    /// Why items were last refused, as far as the log knows.
    told: Mutex<String>,
    /// Whether the log has been told that batches go in halves.
    told_of_halves: AtomicBool,
}

impl Runner {
    pub(crate) fn new(
        exporter: Arc<dyn Exporter>,
        queue: Arc<ExportQueue>,
        settings: ExportSettings,
        batching: [Option<Batching>; 4],
        abandon: Stop,
    ) -> Runner {
        Runner {
            consumers: settings.queue.num_consumers.max(1),
            batcher: Batcher::new(batching),
            sender: Arc::new(Sender {
                exporter,
                queue,
                retry: settings.retry,
                timeout: settings.timeout,
                abandon,
                told: Mutex::default(),
                told_of_halves: AtomicBool::default(),
            }),
        }
    }

    /// Sends until the queue is closed and empty, or until told to abandon what is left.
    ///
    /// Nothing is taken out of the queue while every consumer is busy, so that a backlog stays where it is counted and
    /// leaves in full batches.
    pub(crate) async fn run(mut self) -> Left {
        let permits = Arc::new(Semaphore::new(self.consumers));
        let mut deliveries: JoinSet<Left> = JoinSet::new();
        let mut left = Left::default();
        let mut open = true;
        let mut ticking = self.ticking();
        while open || !self.batcher.is_empty() || !deliveries.is_empty() {
            let due = self.batcher.next_due().map(tokio::time::Instant::from_std);
            tokio::select! {
                permit = Arc::clone(&permits).acquire_owned(), if self.batcher.is_ready() => {
                    if let (Ok(permit), Some(parcel)) = (permit, self.batcher.pop()) {
                        deliveries.spawn(deliver(Arc::clone(&self.sender), parcel, permit));
                    }
                }
                entry = self.sender.queue.take(), if open && !self.batcher.is_ready() => match entry {
                    Some(entry) => {
                        if let Some(entry) = self.sender.prepare(entry) {
                            self.batcher.add(entry, Instant::now());
                        }
                    }
                    None => {
                        open = false;
                        self.batcher.finish_all();
                    }
                },
                () = tokio::time::sleep_until(due.unwrap_or_else(tokio::time::Instant::now)), if due.is_some() => {
                    self.batcher.finish_due(Instant::now());
                }
                Some(done) = deliveries.join_next(), if !deliveries.is_empty() => {
                    left.add(done.unwrap_or_default());
                }
                () = self.sender.abandon.requested() => break,
            }
        }
        ticking.shutdown().await;
        left.add(self.abandon(deliveries).await);
        left
    }

    /// Calls the exporter's tick, where it has one, until the task is shut down.
    fn ticking(&self) -> JoinSet<()> {
        let mut task = JoinSet::new();
        if let Some(period) = self.sender.exporter.tick_interval() {
            let exporter = Arc::clone(&self.sender.exporter);
            let mut interval = tokio::time::interval(period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval.reset();
            task.spawn(async move {
                loop {
                    interval.tick().await;
                    exporter.tick().await;
                }
            });
        }
        task
    }

    /// Settles everything that is still here; deliveries under way see the same word and end by themselves.
    async fn abandon(self, mut deliveries: JoinSet<Left>) -> Left {
        let mut left = Left::default();
        while let Some(done) = deliveries.join_next().await {
            left.add(done.unwrap_or_default());
        }
        for entry in self.batcher.into_entries() {
            left.add(self.sender.leave(entry));
        }
        if !self.sender.queue.is_on_disk() {
            while let Some(entry) = self.sender.queue.take().now_or_never().flatten() {
                left.add(self.sender.leave(entry));
            }
        }
        self.sender.exporter.finish().await;
        left
    }
}

/// Delivers one parcel. The requests of a parcel go out in order; when the destination refuses what several senders'
/// batches were joined into, each is sent by itself, so that one sender's mistake costs nobody else's data.
async fn deliver(sender: Arc<Sender>, mut parcel: Parcel, permit: OwnedSemaphorePermit) -> Left {
    let abandoned = parcel
        .entries
        .extract_if(.., |entry| ExportQueue::is_abandoned(entry));
    abandoned.for_each(|entry| {
        sender.queue.settle(entry, Settlement::Stopped);
    });
    let mut requests = parcel.requests();
    let joined = parcel.entries.len() > 1 && requests.len() == 1;
    let mut last = Settlement::Done(Outcome::Delivered);
    for request in &mut requests {
        let settlement = sender.send(request, joined).await;
        if !matches!(settlement, Settlement::Done(Outcome::Delivered)) {
            last = settlement;
        }
        if matches!(last, Settlement::Exhausted(_) | Settlement::Stopped) {
            break;
        }
    }
    if let ([entry], [rest]) = (parcel.entries.as_mut_slice(), requests.as_slice()) {
        // What was taken of it is counted already.
        entry.batch = rest.clone();
    }
    let mut left = Left::default();
    let refused = joined && matches!(last, Settlement::Done(Outcome::Rejected { .. }));
    for mut entry in parcel.entries {
        let settlement = if refused {
            sender.send(&mut entry.batch, false).await
        } else {
            last.clone()
        };
        left.add(sender.settle(entry, settlement));
    }
    drop(permit);
    left
}

impl Sender {
    /// Fits a batch to the destination. Nothing comes back when nothing is left to send.
    fn prepare(&self, mut entry: Entry) -> Option<Entry> {
        let signal = entry.batch.signal();
        let quiet = is_quiet(&entry.batch);
        let prepared = self.exporter.prepare(entry.batch.clone());
        entry.batch = prepared.batch;
        let trimmed = &self.queue.counters.trimmed_attributes;
        trimmed.fetch_add(prepared.trimmed, Ordering::Relaxed);
        if prepared.dropped > 0 {
            let (counters, dropped) = (&self.queue.counters, prepared.dropped);
            let items = usize::try_from(dropped).unwrap_or(usize::MAX);
            counters.send_failed.add(signal, items);
            if !quiet && self.is_news(&prepared.why) {
                let exporter = counters.id.as_str();
                tracing::warn!(exporter, dropped, %signal, reason = prepared.why, "the destination can't take some items");
            }
        }
        if entry.batch.items() > 0 {
            return Some(entry);
        }
        let outcome = match prepared.dropped {
            0 => Outcome::Delivered,
            rejected => Outcome::Partial {
                rejected,
                why: prepared.why,
            },
        };
        self.queue.settle(entry, Settlement::Done(outcome));
        None
    }

    /// Sends one request until it is settled, in halves where the destination finds it too large; what was not delivered is
    /// left in `batch`. A joined request that is refused as a whole is not counted: its parts will be.
    async fn send(&self, batch: &mut Batch, joined: bool) -> Settlement {
        let counters = &self.queue.counters;
        let mut parts = Parts::of(batch);
        let mut backoff = Backoff::new(&self.retry, Instant::now());
        while let Some(part) = parts.first() {
            counters.batches.fetch_add(1, Ordering::Relaxed);
            counters.in_flight.fetch_add(1, Ordering::Relaxed);
            let outcome = self.attempt(part).await;
            counters.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.note(part, &outcome, joined && parts.is_whole());
            let given_up = match parts.settle(outcome) {
                Then::Wait { after, why } => {
                    let delay = backoff.delay(after, Instant::now());
                    self.wait(delay, why).await
                }
                then => {
                    self.tell_of_halves(then == Then::Halved);
                    // The destination has answered for good: what comes next has all the time again.
                    backoff = Backoff::new(&self.retry, Instant::now());
                    None
                }
            };
            if let Some(settlement) = given_up {
                self.count_too_large(batch, &parts);
                if let Some(left) = parts.left() {
                    *batch = left;
                }
                return settlement;
            }
        }
        self.count_too_large(batch, &parts);
        Settlement::Done(parts.outcome(joined))
    }

    /// Waits before the next attempt; says why there is none.
    async fn wait(&self, delay: Option<Duration>, why: String) -> Option<Settlement> {
        let Some(delay) = delay else {
            return Some(Settlement::Exhausted(why));
        };
        if self.abandon.is_requested() {
            return Some(Settlement::Stopped);
        }
        let retries = &self.queue.counters.retries;
        retries.fetch_add(1, Ordering::Relaxed);
        tokio::select! {
            () = tokio::time::sleep(delay) => None,
            () = self.abandon.requested() => Some(Settlement::Stopped),
        }
    }

    /// One attempt, within its time. A panic is the exporter's bug, and this batch's end only.
    async fn attempt(&self, batch: &Batch) -> Outcome {
        let attempt = AssertUnwindSafe(self.exporter.send(batch)).catch_unwind();
        let bounded = async {
            if self.timeout.is_zero() {
                return Some(attempt.await);
            }
            tokio::time::timeout(self.timeout, attempt).await.ok()
        };
        let outcome = tokio::select! {
            outcome = bounded => outcome,
            () = self.abandon.requested() => {
                return Outcome::Retry { after: None, why: "the hub stopped before the destination answered".to_owned() };
            }
        };
        match outcome {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => Outcome::Rejected {
                why: "the exporter panicked on this batch, which is a bug".to_owned(),
            },
            None => Outcome::Retry {
                after: None,
                why: format!("no answer within {:?} (timeout)", self.timeout),
            },
        }
    }

    /// Counts an attempt and says so in the log where the exporter's state changes.
    fn note(&self, batch: &Batch, outcome: &Outcome, joined: bool) {
        let counters = &self.queue.counters;
        let signal = batch.signal();
        let quiet = is_quiet(batch);
        match outcome {
            Outcome::Delivered => {
                counters.sent.add(signal, batch.items());
                self.healthy();
            }
            Outcome::Partial { rejected, why } => {
                let rejected = usize::try_from(*rejected)
                    .unwrap_or(usize::MAX)
                    .min(batch.items());
                counters.sent.add(signal, batch.items() - rejected);
                counters.send_failed.add(signal, rejected);
                self.healthy();
                if !quiet && self.is_news(why) {
                    let exporter = counters.id.as_str();
                    tracing::warn!(exporter, rejected, %signal, reason = why, "the destination refused some items");
                }
            }
            Outcome::Resend { rest, rejected, .. } => {
                self.count_settled(batch, rest.items(), *rejected);
                self.failing(outcome, quiet);
            }
            Outcome::ResendSmaller { rest, rejected, .. } => {
                let left = rest.iter().map(Batch::items).sum();
                self.count_settled(batch, left, *rejected);
            }
            Outcome::Retry { .. } => self.failing(outcome, quiet),
            Outcome::Rejected { why } => {
                if !joined {
                    counters.send_failed.add(signal, batch.items());
                }
                self.refused(batch, why);
            }
            // What comes of the halves is counted.
            Outcome::TooLarge { .. } => {}
        }
    }

    /// Counts what a request has settled of which so many items are left.
    fn count_settled(&self, batch: &Batch, left: usize, rejected: u64) {
        let counters = &self.queue.counters;
        let settled = batch.items().saturating_sub(left);
        let rejected = usize::try_from(rejected).unwrap_or(usize::MAX).min(settled);
        counters.sent.add(batch.signal(), settled - rejected);
        counters.send_failed.add(batch.signal(), rejected);
    }

    /// Counts and tells what was too large even by itself. That is no failure of a destination that takes the rest.
    fn count_too_large(&self, batch: &Batch, parts: &Parts) {
        let Some((rejected, why)) = parts.too_large() else {
            return;
        };
        let (counters, signal) = (&self.queue.counters, batch.signal());
        counters.send_failed.add(signal, rejected);
        if parts.is_refused() {
            self.refused(batch, why);
        } else if !is_quiet(batch) && self.is_news(why) {
            let exporter = counters.id.as_str();
            tracing::warn!(exporter, rejected, %signal, reason = why, "the destination refused some items");
        }
    }

    fn refused(&self, batch: &Batch, why: &str) {
        let counters = &self.queue.counters;
        if counters.is_failing(why) && !is_quiet(batch) {
            let exporter = counters.id.as_str();
            tracing::error!(
                exporter,
                items = batch.items(),
                error = why,
                "the destination refused a batch"
            );
        }
    }

    /// Says once that requests are larger than the destination takes: each is sent in vain first.
    fn tell_of_halves(&self, is_halved: bool) {
        if is_halved && !self.told_of_halves.swap(true, Ordering::Relaxed) {
            tracing::info!(
                exporter = self.queue.counters.id.as_str(),
                "the destination takes less at once; batches are sent in halves (set sending_queue.batch.max_size to spare that)"
            );
        }
    }

    fn failing(&self, outcome: &Outcome, quiet: bool) {
        let counters = &self.queue.counters;
        let (Outcome::Retry { why, .. } | Outcome::Resend { why, .. }) = outcome else {
            return;
        };
        if counters.is_failing(why) && !quiet {
            let exporter = counters.id.as_str();
            tracing::warn!(
                exporter,
                error = why,
                "the destination does not answer as it should; trying again"
            );
        }
    }

    /// Whether a reason has not just been told: a backend that refuses some items of every batch says so once.
    fn is_news(&self, why: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *told != why;
        if is_news {
            why.clone_into(&mut told);
        }
        is_news
    }

    fn healthy(&self) {
        if self.queue.counters.is_healthy() {
            tracing::info!(
                exporter = self.queue.counters.id.as_str(),
                "the destination answers again"
            );
        }
    }

    fn settle(&self, entry: Entry, settlement: Settlement) -> Left {
        let (signal, items) = (entry.batch.signal(), entry.batch.items());
        let counters = &self.queue.counters;
        let kept = self.queue.settle(entry, settlement.clone());
        let mut left = Left::default();
        match settlement {
            Settlement::Done(_) => {}
            Settlement::Exhausted(_) if kept => counters.parked.add(signal, items),
            Settlement::Exhausted(why) => {
                counters.send_failed.add(signal, items);
                let exporter = counters.id.as_str();
                tracing::error!(exporter, items, %signal, error = why, "retries are exhausted; the batch is lost");
            }
            Settlement::Stopped if kept => {}
            Settlement::Stopped => {
                counters.send_failed.add(signal, items);
                left.lost_items = items as u64;
            }
        }
        left
    }

    fn leave(&self, entry: Entry) -> Left {
        self.settle(entry, Settlement::Stopped)
    }
}

/// Nothing is logged about the hub's own telemetry, so that it can't feed itself.
fn is_quiet(batch: &Batch) -> bool {
    batch.origin().is_some_and(|origin| origin.self_telemetry)
}

impl Left {
    pub(crate) fn add(&mut self, other: Left) {
        self.lost_items += other.lost_items;
    }
}
