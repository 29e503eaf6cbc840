//! The queue in front of one exporter.
//!
//! Room is reserved first and filled afterwards, so that a batch for several destinations is refused before any of them
//! holds it. An entry keeps its room until it is settled.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fanlight_config::blocks::{Queue, Sizer};
use fanlight_otlp::Batch;
use tokio::sync::{Notify, oneshot};

use super::disk::DiskQueue;
use crate::status::ExporterCounters;
use crate::{BuildError, Outcome};

/// How long to wait before reading a disk that failed again.
const READ_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// A batch on its way through one exporter.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) batch: Batch,
    /// Who waits for the outcome, where the sender does.
    reply: Option<oneshot::Sender<Outcome>>,
    /// The record on disk, where the queue is there.
    record: Option<u64>,
    size: Load,
}

/// The queue.
#[derive(Debug)]
pub(crate) struct ExportQueue {
    settings: Queue,
    memory: Mutex<Memory>,
    disk: Option<DiskQueue>,
    arrived: Notify,
    /// One waiting sender is woken whenever something leaves.
    left: Notify,
    pub(crate) counters: Arc<ExporterCounters>,
}

#[derive(Debug, Default)]
struct Memory {
    waiting: VecDeque<Entry>,
    held: Load,
    closed: bool,
}

/// How much something is, in all three units.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    requests: u64,
    items: u64,
    bytes: u64,
}

/// Room that is kept for a batch; dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Reservation {
    queue: Arc<ExportQueue>,
    size: Load,
    used: bool,
}

/// What a queue says to a batch.
#[derive(Debug)]
pub(crate) enum Admission {
    /// There is room, and it is kept.
    Room(Reservation),
    /// There is no room now.
    Full,
    /// The hub is stopping.
    Closed,
}

/// How an entry ended, for the queue's books.
#[derive(Clone, Debug)]
pub(crate) enum Settlement {
    /// The destination has answered for good, well or badly.
    Done(Outcome),
    /// Retries are exhausted: on disk the batch is set aside, in memory it is lost.
    Exhausted(String),
    /// The hub stops first: on disk the batch stays for the next start, in memory it is lost.
    Stopped,
}

impl ExportQueue {
    pub(crate) fn new(
        settings: Queue,
        disk: Option<DiskQueue>,
        counters: Arc<ExporterCounters>,
    ) -> ExportQueue {
        let queue = ExportQueue {
            settings,
            memory: Mutex::default(),
            disk,
            arrived: Notify::new(),
            left: Notify::new(),
            counters,
        };
        queue.show_size(&queue.memory());
        queue
    }

    /// Whether a full queue makes the sender wait even where another destination could take the batch.
    pub(crate) fn is_required(&self) -> bool {
        self.settings.block_on_overflow
    }

    /// Keeps room for a batch, if there is any.
    pub(crate) fn reserve(self: &Arc<Self>, batch: &Batch) -> Admission {
        let size = Load::of(batch);
        let mut memory = self.memory();
        if memory.closed {
            return Admission::Closed;
        }
        let mut held = memory.held;
        if let Some(disk) = &self.disk {
            held.requests += disk.records();
            held.bytes += disk.bytes();
        }
        let fits = self.fits(held, size);
        if !fits {
            return Admission::Full;
        }
        memory.held.add(size);
        self.show_size(&memory);
        Admission::Room(Reservation {
            queue: Arc::clone(self),
            size,
            used: false,
        })
    }

    /// Waits until something leaves, or until the queue is closed. There may be no room yet for a large batch.
    pub(crate) async fn room(&self) {
        self.left.notified().await;
    }

    /// Waits for the next entry; `None` once the queue is closed and empty. Dropping the future loses nothing.
    pub(crate) async fn take(&self) -> Option<Entry> {
        loop {
            let arrived = self.arrived.notified();
            let closed = {
                let mut memory = self.memory();
                if let Some(entry) = memory.waiting.pop_front() {
                    return Some(entry);
                }
                memory.closed
            };
            match self.disk.as_ref().map(DiskQueue::next) {
                Some(Ok(Some((record, batch)))) => {
                    let size = Load::of(&batch);
                    self.memory().held.add(size);
                    return Some(Entry {
                        batch,
                        reply: None,
                        record: Some(record),
                        size,
                    });
                }
                Some(Err(error)) if !closed => {
                    self.unreadable(&error);
                    tokio::time::sleep(READ_AGAIN).await;
                    continue;
                }
                _ => {}
            }
            if closed {
                return None;
            }
            arrived.await;
        }
    }

    /// Takes an entry off the books and tells whoever waits for it. Says whether the disk still keeps its batch.
    pub(crate) fn settle(&self, entry: Entry, settlement: Settlement) -> bool {
        let kept = match (&self.disk, entry.record) {
            (Some(disk), Some(record)) => disk.settle(record, &settlement),
            _ => false,
        };
        if let Some(reply) = entry.reply {
            let outcome = match settlement {
                Settlement::Done(outcome) => outcome,
                Settlement::Exhausted(why) => Outcome::Retry { after: None, why },
                Settlement::Stopped => Outcome::Retry {
                    after: None,
                    why: "the hub is stopping".to_owned(),
                },
            };
            // An error means that the sender is gone, and nobody is left to tell.
            drop(reply.send(outcome));
        }
        self.release(entry.size);
        kept
    }

    /// Whether the sender waited for this entry's outcome and has gone: it will send the batch again by itself.
    pub(crate) fn is_abandoned(entry: &Entry) -> bool {
        entry.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }

    /// Takes nothing in any more; what is there still comes out.
    pub(crate) fn close(&self) {
        self.memory().closed = true;
        self.arrived.notify_one();
        self.left.notify_waiters();
    }

    /// Gives the disk back to the next start; says how many batches wait there for it.
    pub(crate) fn finish(&self) -> u64 {
        let Some(disk) = &self.disk else { return 0 };
        let batches = disk.records();
        disk.close();
        batches
    }

    /// Whether what is left when the hub stops stays on disk.
    pub(crate) fn is_on_disk(&self) -> bool {
        self.disk.is_some()
    }

    fn release(&self, size: Load) {
        let mut memory = self.memory();
        memory.held.subtract(size);
        self.show_size(&memory);
        drop(memory);
        self.left.notify_one();
    }

    /// An oversized batch fits into an empty queue: refusing it would refuse it for ever.
    fn fits(&self, held: Load, size: Load) -> bool {
        let counted = |load: Load| match self.settings.sizer {
            Sizer::Requests => load.requests,
            Sizer::Items => load.items,
            Sizer::Bytes => load.bytes,
        };
        let by_count = counted(held).saturating_add(counted(size)) <= self.settings.queue_size;
        let by_bytes = held.bytes.saturating_add(size.bytes) <= self.settings.max_bytes.bytes();
        held.requests == 0 || (by_count && (by_bytes || self.disk.is_some()))
    }

    fn unreadable(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::error!(
            exporter = self.counters.id.as_str(),
            error,
            "the disk queue can't be read; trying again"
        );
    }

    fn show_size(&self, memory: &Memory) {
        let size = match (&self.disk, self.settings.sizer) {
            (Some(disk), Sizer::Requests | Sizer::Items) => disk.records(),
            (Some(disk), Sizer::Bytes) => disk.bytes(),
            (None, Sizer::Requests) => memory.held.requests,
            (None, Sizer::Items) => memory.held.items,
            (None, Sizer::Bytes) => memory.held.bytes,
        };
        self.counters.queue_size.store(size, Ordering::Relaxed);
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Puts the batch into its room. With a disk queue this resolves once the batch is on disk.
    ///
    /// The receiver resolves to the outcome where the queue's settings make the sender wait for it.
    ///
    /// # Errors
    /// Says why the disk did not take it; the room is given back.
    pub(crate) async fn fill(
        mut self,
        batch: Batch,
    ) -> Result<Option<oneshot::Receiver<Outcome>>, BuildError> {
        let queue = Arc::clone(&self.queue);
        if let Some(disk) = &queue.disk {
            disk.append(&batch).await?;
            // The room is the disk's from here on; dropping `self` gives the memory's back.
            drop(self);
            queue.arrived.notify_one();
            return Ok(None);
        }
        let waits = queue.settings.wait_for_result || !queue.settings.enabled;
        let (reply, outcome) = waits.then(oneshot::channel).unzip();
        self.used = true;
        queue.memory().waiting.push_back(Entry {
            batch,
            reply,
            record: None,
            size: self.size,
        });
        queue.arrived.notify_one();
        Ok(outcome)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.used {
            self.queue.release(self.size);
        }
    }
}

impl Load {
    fn of(batch: &Batch) -> Load {
        Load {
            requests: 1,
            items: batch.items() as u64,
            bytes: batch.bytes().len() as u64,
        }
    }

    fn add(&mut self, other: Load) {
        self.requests += other.requests;
        self.items += other.items;
        self.bytes += other.bytes;
    }

    fn subtract(&mut self, other: Load) {
        self.requests = self.requests.saturating_sub(other.requests);
        self.items = self.items.saturating_sub(other.items);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}
