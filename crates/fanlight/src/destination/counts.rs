//! What became of everything offered, by signal and cause.

use std::sync::atomic::{AtomicU64, Ordering};

use fanlight_otlp::Signal;

/// Why telemetry was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Memory is full, and so is the disk, or there is none.
    QueueFull,
    /// The destination refused it for good.
    Refused,
    /// The destination doesn't accept the credentials.
    Unauthorized,
    /// The destination doesn't take the signal.
    NotServed,
    /// A single item is too large for the destination.
    TooLarge,
    /// It waited too long.
    Expired,
    /// It is damaged on disk.
    Damaged,
    /// The program ended.
    Shutdown,
}

impl Cause {
    pub(crate) const ALL: [Cause; 8] = [
        Cause::QueueFull,
        Cause::Refused,
        Cause::Unauthorized,
        Cause::NotServed,
        Cause::TooLarge,
        Cause::Expired,
        Cause::Damaged,
        Cause::Shutdown,
    ];

    /// The value of the attribute `cause`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Cause::QueueFull => "queue_full",
            Cause::Refused => "refused",
            Cause::Unauthorized => "unauthorized",
            Cause::NotServed => "not_served",
            Cause::TooLarge => "too_large",
            Cause::Expired => "expired",
            Cause::Damaged => "damaged",
            Cause::Shutdown => "shutdown",
        }
    }
}

/// Counts since the start, of one destination. Readable at any time from any thread.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    exported: [AtomicU64; Signal::ALL.len()],
    dropped: [[AtomicU64; Cause::ALL.len()]; Signal::ALL.len()],
    queue_bytes: AtomicU64,
    disk_bytes: AtomicU64,
}

impl Counts {
    pub(crate) fn add_exported(&self, signal: Signal, items: u64) {
        if let Some(count) = self.exported.get(signal as usize) {
            count.fetch_add(items, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_dropped(&self, signal: Signal, cause: Cause, items: u64) {
        let count = self.dropped.get(signal as usize);
        if let Some(count) = count.and_then(|causes| causes.get(cause as usize)) {
            count.fetch_add(items, Ordering::Relaxed);
        }
    }

    pub(crate) fn set_held(&self, queue: usize, disk: u64) {
        self.queue_bytes.store(queue as u64, Ordering::Relaxed);
        self.disk_bytes.store(disk, Ordering::Relaxed);
    }

    /// Items that the destination took.
    pub(crate) fn exported(&self, signal: Signal) -> u64 {
        let count = self.exported.get(signal as usize);
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Items that were given up for this cause.
    pub(crate) fn dropped(&self, signal: Signal, cause: Cause) -> u64 {
        let count = self.dropped.get(signal as usize);
        let count = count.and_then(|causes| causes.get(cause as usize));
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Items that were given up.
    pub(crate) fn all_dropped(&self, signal: Signal) -> u64 {
        Cause::ALL
            .into_iter()
            .map(|cause| self.dropped(signal, cause))
            .sum()
    }

    /// Bytes that wait in memory.
    pub(crate) fn queue_bytes(&self) -> u64 {
        self.queue_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that are kept on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }
}
