//! Everything an exporter has around it, once for all: the queue, joining, attempts, retries, health.
//!
//! ```text
//! offer -> queue (memory or disk) -> batcher (join, split) -> consumer: attempt, retry, halve -> settled
//! ```
//! A batch stays in the queue's books until it is settled, so the bounds count what is waiting and what is in flight.

mod batcher;
mod disk;
mod parts;
mod queue;
mod retry;
mod runner;

pub(crate) use disk::DiskQueue;
pub(crate) use queue::{Admission, ExportQueue, Reservation};
pub(crate) use runner::{Left, Runner};
