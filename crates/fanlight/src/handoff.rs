//! From the program's threads to the collecting thread, without either waiting for the other.
//!
//! Each thread has a buffer of its own, whose lock nobody else takes except the collector for the moment of a swap. A full
//! buffer goes to a shared list. What would not fit into the memory allowed is dropped and counted, the newest first, since
//! what is older is already part of somebody's trace.
//!
//! The collector sleeps while there is nothing to do. Whoever appends looks at `is_idle` after releasing its buffer's lock,
//! and the collector sets it before it looks through the buffers under the same locks: one of the two sees the other.

use std::sync::Arc;
use std::time::Duration;

#[cfg(model)]
use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};
#[cfg(not(model))]
use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};

/// How large a thread's buffer gets before it is handed over.
const CHUNK: usize = 64 * 1024;

/// How many chunks are kept to be filled again: memory that was used a moment ago costs no page faults.
const SPARE_CHUNKS: usize = 16;

/// What the threads and the collector share.
#[derive(Debug)]
pub(crate) struct Handoff {
    threads: Mutex<Vec<Arc<ThreadBuffer>>>,
    full: Mutex<Vec<Vec<u8>>>,
    /// Empty chunks.
    spare: Mutex<Vec<Vec<u8>>>,
    /// Bytes in `full`, and in the hands of the collector.
    held: AtomicUsize,
    limit: usize,
    dropped: AtomicU64,
    is_idle: AtomicBool,
    is_woken: Mutex<bool>,
    wakes: Condvar,
}

/// The buffer of one thread.
#[derive(Debug)]
pub(crate) struct ThreadBuffer {
    records: Mutex<Vec<u8>>,
}

impl Handoff {
    /// Holds at most so many bytes, and a buffer for each thread.
    pub(crate) fn new(limit: usize) -> Handoff {
        Handoff {
            threads: Mutex::default(),
            full: Mutex::default(),
            spare: Mutex::default(),
            held: AtomicUsize::new(0),
            limit,
            dropped: AtomicU64::new(0),
            is_idle: AtomicBool::new(false),
            is_woken: Mutex::default(),
            wakes: Condvar::new(),
        }
    }

    /// A buffer for a thread.
    pub(crate) fn join(&self) -> Arc<ThreadBuffer> {
        let buffer = Arc::new(ThreadBuffer {
            records: Mutex::default(),
        });
        lock(&self.threads).push(Arc::clone(&buffer));
        buffer
    }

    /// Appends a record to the thread's buffer, or counts it as dropped.
    pub(crate) fn append(&self, buffer: &ThreadBuffer, write: impl FnOnce(&mut Vec<u8>)) {
        let mut is_full = false;
        {
            let mut records = lock(&buffer.records);
            if records.len() >= CHUNK {
                if !self.reserve(records.len()) {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                    return;
                }
                let chunk = std::mem::replace(&mut *records, self.empty_chunk());
                lock(&self.full).push(chunk);
                is_full = true;
            }
            write(&mut records);
        }
        if is_full || self.is_idle.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    fn empty_chunk(&self) -> Vec<u8> {
        let spare = lock(&self.spare).pop();
        spare.unwrap_or_else(|| Vec::with_capacity(CHUNK + CHUNK / 8))
    }

    fn reserve(&self, bytes: usize) -> bool {
        let fits = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.limit);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits)
            .is_ok()
    }

    /// Makes the collector look.
    pub(crate) fn wake(&self) {
        // A plain store could hide that the collector has become idle again since.
        self.is_idle.swap(false, Ordering::AcqRel);
        *lock(&self.is_woken) = true;
        self.wakes.notify_one();
    }

    /// Sleeps until it is woken, or the time is over. A wake that came before counts.
    pub(crate) fn sleep(&self, longest: Option<Duration>) {
        let mut is_woken = lock(&self.is_woken);
        if !*is_woken {
            is_woken = match longest {
                Some(longest) => {
                    let slept = self.wakes.wait_timeout(is_woken, longest);
                    slept.unwrap_or_else(std::sync::PoisonError::into_inner).0
                }
                None => self
                    .wakes
                    .wait(is_woken)
                    .unwrap_or_else(std::sync::PoisonError::into_inner),
            };
        }
        *is_woken = false;
    }

    /// Takes everything there is: the full buffers in the order in which they became full, then what each thread has.
    /// Whatever is taken counts as held until it is given back with [`Handoff::release`].
    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        let mut threads = lock(&self.threads);
        // The order matters: a chunk that becomes full while this goes on holds newer records than those taken here.
        let mut chunks = std::mem::take(&mut *lock(&self.full));
        threads.retain(|buffer| {
            // Nobody else has it: the thread is gone, and nothing will be added.
            let is_last = Arc::strong_count(buffer) == 1;
            // What the thread appended before it let go of the buffer is seen below.
            fence(Ordering::Acquire);
            let records = std::mem::take(&mut *lock(&buffer.records));
            if !records.is_empty() {
                self.held.fetch_add(records.len(), Ordering::Relaxed);
                chunks.push(records);
            }
            !is_last
        });
        chunks
    }

    /// Gives back what was taken.
    pub(crate) fn release(&self, chunks: Vec<Vec<u8>>) {
        let bytes = chunks.iter().map(Vec::len).sum();
        self.held.fetch_sub(bytes, Ordering::Relaxed);
        let mut spare = lock(&self.spare);
        let free = SPARE_CHUNKS.saturating_sub(spare.len());
        let usual = |chunk: &Vec<u8>| (CHUNK..2 * CHUNK).contains(&chunk.capacity());
        spare.extend(
            chunks
                .into_iter()
                .filter(usual)
                .take(free)
                .map(|mut chunk| {
                    chunk.clear();
                    chunk
                }),
        );
    }

    /// Whether nothing waits to be taken; if so, the next record wakes the collector.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_idle.store(true, Ordering::Relaxed);
        let is_empty = lock(&self.full).is_empty()
            && lock(&self.threads)
                .iter()
                .all(|buffer| lock(&buffer.records).is_empty());
        if !is_empty {
            self.is_idle.store(false, Ordering::Relaxed);
        }
        is_empty
    }

    /// Whether so much waits that nothing should be waited for.
    pub(crate) fn is_pressing(&self) -> bool {
        !lock(&self.full).is_empty()
    }

    /// How many records were dropped until now, because memory was full.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// A panic in a thread that holds a lock leaves whole records behind, so the lock is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
