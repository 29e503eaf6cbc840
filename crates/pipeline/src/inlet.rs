//! The door of the graph: where receivers hand batches in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanlight_otlp::{Batch, Signal};

use crate::Status;
use crate::graph::Path;
use crate::graph::accept;
use crate::status::ReceiverCounters;

/// Where a receiver hands its batches in. A clone is another handle to the same door.
#[derive(Clone)]
pub struct Inlet(Arc<Inner>);

struct Inner {
    receiver: String,
    paths: [Vec<Arc<Path>>; 4],
    status: Status,
    /// One entry for each transport that was used: a handful, found by walking.
    counters: Mutex<Vec<Arc<ReceiverCounters>>>,
}

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
    pub(crate) fn new(receiver: &str, paths: [Vec<Arc<Path>>; 4], status: Status) -> Inlet {
        Inlet(Arc::new(Inner {
            receiver: receiver.to_owned(),
            paths,
            status,
            counters: Mutex::default(),
        }))
    }

    /// Whether a pipeline takes this signal from this receiver.
    pub fn accepts(&self, signal: Signal) -> bool {
        !self.paths(signal).is_empty()
    }

    /// Hands a batch in, over a transport (`grpc`, `http`, ...) that the counters name.
    ///
    /// Every pipeline's processors run first, then room is reserved in every queue, and only then is the batch put
    /// anywhere: a refused batch is kept nowhere, so that sending it again makes no duplicates. A full queue refuses the
    /// batch for everybody only if it is required (`block_on_overflow`) or nobody else could take it; otherwise that
    /// destination alone misses the batch, and its counter says so.
    ///
    /// Before it refuses, it waits half a second for room.
    ///
    /// Dropping the future before it resolves may leave the batch accepted or not; the sender has no answer and will
    /// send again.
    ///
    /// # Errors
    /// [`Refused`] when nothing of the batch is kept.
    pub async fn offer(&self, batch: Batch, transport: &'static str) -> Result<Accepted, Refused> {
        let (signal, items) = (batch.signal(), batch.items());
        let answer = match self.paths(signal) {
            [] => Err(Refused::not_routed(signal)),
            _ if items == 0 => Ok(Accepted::default()),
            paths => accept(paths, batch).await,
        };
        let counters = self.counters(transport);
        match &answer {
            Ok(_) => counters.accepted.add(signal, items),
            Err(_) => counters.refused.add(signal, items),
        }
        answer
    }

    /// Counts items that a receiver had to refuse before it could offer them, such as those of a packet for which its own
    /// queue had no room.
    pub fn refuse(&self, signal: Signal, items: usize, transport: &'static str) {
        self.counters(transport).refused.add(signal, items);
    }

    fn paths(&self, signal: Signal) -> &[Arc<Path>] {
        self.0.paths.get(signal as usize).map_or(&[], Vec::as_slice)
    }

    fn counters(&self, transport: &'static str) -> Arc<ReceiverCounters> {
        let mut known = self
            .0
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(counters) = known
            .iter()
            .find(|counters| counters.transport == transport)
        {
            return Arc::clone(counters);
        }
        let counters = self.0.status.receiver(&self.0.receiver, transport);
        known.push(Arc::clone(&counters));
        counters
    }
}

impl std::fmt::Debug for Inlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Inlet").field(&self.0.receiver).finish()
    }
}

impl Refused {
    /// A queue or a limit is full.
    pub fn overloaded(message: impl Into<String>, retry_after: Duration) -> Refused {
        Refused {
            reason: RefusalReason::Overloaded,
            message: message.into(),
            retry_after: Some(retry_after),
        }
    }

    /// The hub or the destination is away for now.
    pub fn unavailable(message: impl Into<String>) -> Refused {
        Refused {
            reason: RefusalReason::Unavailable,
            message: message.into(),
            retry_after: Some(Duration::from_secs(1)),
        }
    }

    fn not_routed(signal: Signal) -> Refused {
        Refused {
            reason: RefusalReason::NotRouted,
            message: format!(
                "no pipeline takes {signal} from this receiver; name it in a {signal} pipeline"
            ),
            retry_after: None,
        }
    }
}
