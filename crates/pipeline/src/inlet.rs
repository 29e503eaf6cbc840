//! The door of the graph: where receivers hand batches in.

use std::time::Duration;

use fanlight_otlp::{Batch, Signal};

/// Where a receiver hands its batches in. A clone is another handle to the same door.
#[derive(Clone, Debug)]
pub struct Inlet {}

/// The batch is kept: every required queue holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Items that a destination refused for good while the sender was waiting for its answer (`wait_for_result`).
    pub rejected_items: u64,
    /// Why, in the destination's words; empty when nothing was rejected.
    pub message: String,
}

/// The batch was not taken; nothing of it is kept anywhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// What kind of refusal, which decides the status that a sender sees.
    pub reason: RefusalReason,
    /// What happened and what to do about it, for the sender.
    pub message: String,
    /// When to try again, if the refusal is temporary and that is known.
    pub retry_after: Option<Duration>,
}

/// Why a batch was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// A queue or the memory limit is full: send again later. HTTP 429, gRPC `RESOURCE_EXHAUSTED` with `RetryInfo`.
    Overloaded,
    /// The hub is stopping, or a destination that the sender waits for is unavailable: HTTP 503, gRPC `UNAVAILABLE`.
    Unavailable,
    /// No pipeline takes this signal from this receiver: HTTP 404, gRPC `UNIMPLEMENTED`.
    NotRouted,
    /// A destination that the sender waits for refused the data for good: HTTP 400, gRPC `INVALID_ARGUMENT`.
    Rejected,
    /// Something broke inside: HTTP 500, gRPC `INTERNAL`.
    Internal,
}

impl Inlet {
    /// Whether a pipeline takes this signal from this receiver.
    pub fn accepts(&self, _signal: Signal) -> bool {
        false
    }

    /// Hands a batch in, over a transport (`grpc`, `http`, ...) that the counters name.
    ///
    /// Dropping the future before it resolves may leave the batch accepted or not; the sender has no answer and will
    /// send again.
    ///
    /// # Errors
    /// [`Refused`] when nothing of the batch is kept.
    pub async fn offer(&self, _batch: Batch, _transport: &'static str) -> Result<Accepted, Refused> {
        Ok(Accepted::default())
    }
}
