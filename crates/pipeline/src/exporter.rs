//! What an exporter is.

use std::fmt;
use std::time::Duration;

use fanlight_config::ComponentId;
use fanlight_config::blocks::{Queue, Retry};
use fanlight_otlp::{Batch, SignalSet};
use futures::future::BoxFuture;

use crate::{BuildContext, BuildError};

/// A destination of telemetry, ready to send.
///
/// [`Exporter::send`] is one attempt. Queue, retry, timeout, concurrency, health and counters are the pipeline's.
pub trait Exporter: Send + Sync {
    /// Tries once to deliver a batch. Dropping the future gives the attempt up (the pipeline does so after `timeout`).
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome>;

    /// Fits a batch to what the destination can take: another temporality, logs as spans, attributes within limits.
    ///
    /// Called once for every batch, in the order of the queue, before the first attempt, so that it may keep state. What is
    /// on disk is the batch as it came: after a crash it is called again, with the state of a new start.
    fn prepare(&self, batch: Batch) -> Prepared {
        Prepared::from(batch)
    }

    /// How often [`Exporter::tick`] is called while the exporter runs; `None` is never.
    fn tick_interval(&self) -> Option<Duration> {
        None
    }

    /// Sends what it made by itself, such as statistics of what it was given. Not called again before it is done, and not
    /// after [`Exporter::finish`].
    fn tick(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Writes out what it holds, before the hub exits. Called once, after the last [`Exporter::send`].
    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// How one attempt to deliver ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The destination took everything.
    Delivered,
    /// The destination took the batch but for some items, which must not be sent again.
    Partial {
        /// How many items it refused.
        rejected: u64,
        /// Why, in its words.
        why: String,
    },
    /// The destination took a part for good or ill; the rest may be sent again.
    Resend {
        /// What to send again: some items of the batch ([`Batch::select`]).
        rest: Batch,
        /// How many of the other items it refused, which must not be sent again.
        rejected: u64,
        /// The delay that the destination asked for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// Nothing was delivered; the same batch may be sent again.
    Retry {
        /// The delay that the destination asked for.
        after: Option<Duration>,
        /// What happened.
        why: String,
    },
    /// The destination refused the batch for good.
    Rejected {
        /// Why, in its words, and what the user can do.
        why: String,
    },
    /// The destination takes less at once: nothing was delivered, and the batch's halves are sent. An item that is too large
    /// by itself is refused for good.
    TooLarge {
        /// What happened.
        why: String,
    },
    /// The destination took a part for good or ill, and takes less at once than the next.
    ResendSmaller {
        /// What is left, some items of the batch each, in order: the first was too large, those after it were not tried.
        rest: Vec<Batch>,
        /// How many of the other items it refused, which must not be sent again.
        rejected: u64,
        /// What happened.
        why: String,
    },
}

impl Outcome {
    /// What the user reads of it; empty when everything was delivered.
    pub fn why(&self) -> &str {
        match self {
            Outcome::Delivered => "",
            Outcome::Partial { why, .. }
            | Outcome::Resend { why, .. }
            | Outcome::Retry { why, .. }
            | Outcome::Rejected { why }
            | Outcome::TooLarge { why }
            | Outcome::ResendSmaller { why, .. } => why,
        }
    }

    /// The same outcome, told in other words.
    #[must_use]
    pub fn told(mut self, words: impl FnOnce(String) -> String) -> Outcome {
        match &mut self {
            Outcome::Delivered => {}
            Outcome::Partial { why, .. }
            | Outcome::Resend { why, .. }
            | Outcome::Retry { why, .. }
            | Outcome::Rejected { why }
            | Outcome::TooLarge { why }
            | Outcome::ResendSmaller { why, .. } => *why = words(std::mem::take(why)),
        }
        self
    }
}

/// A batch that fits its destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// What to send; it may be of another signal, or empty.
    pub batch: Batch,
    /// How many items of what came were left out because the destination can't take them. Items that are held back on
    /// purpose, such as the first point of a series that becomes a delta, are not among them.
    pub dropped: u64,
    /// Why they were left out, and what the user can do; empty when nothing was.
    pub why: String,
    /// How many attributes were cut short or left out to stay within the destination's limits.
    pub trimmed: u64,
}

impl From<Batch> for Prepared {
    fn from(batch: Batch) -> Prepared {
        Prepared {
            batch,
            dropped: 0,
            why: String::new(),
            trimmed: 0,
        }
    }
}

/// Where an exporter sends to, for people and for recognising the hub itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destination {
    /// One line without secrets: `https://cloud.langfuse.com/api/public/otel (http/protobuf, gzip)`.
    pub text: String,
    /// The hosts it connects to; empty for files and the like.
    pub peers: Vec<Peer>,
}

/// A host and port that an exporter connects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Name or address, as configured.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// What every exporter's configuration has besides its own fields: the queue, the retry and the timeout of one attempt.
#[derive(Clone, Debug)]
pub struct ExportSettings {
    /// `sending_queue`.
    pub queue: Queue,
    /// `retry_on_failure`.
    pub retry: Retry,
    /// `timeout` of one attempt; zero means none.
    pub timeout: Duration,
}

/// An exporter's checked configuration: nothing is opened yet.
pub trait ExporterConfig: fmt::Debug + Send + Sync {
    /// The signals that it can take.
    fn signals(&self) -> SignalSet {
        SignalSet::ALL
    }

    /// Queue, retry and timeout, as configured.
    fn settings(&self) -> ExportSettings;

    /// Where it sends to.
    fn destination(&self) -> Destination;

    /// Extensions that it refers to, which must be listed under `service.extensions` (queue storage is looked up from
    /// [`ExporterConfig::settings`]).
    fn extensions(&self) -> Vec<ComponentId> {
        Vec::new()
    }

    /// Makes the exporter. Called within a tokio runtime; connects to nothing yet.
    ///
    /// # Errors
    /// Says what could not be opened and which key to change.
    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError>;
}
