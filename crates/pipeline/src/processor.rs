//! What a processor and a connector are.

use std::fmt;

use fanlight_config::ComponentId;
use fanlight_otlp::{Batch, Signal, SignalSet};

use crate::{BuildContext, BuildError, Refused};

/// Changes, drops or refuses batches on their way. No I/O: it is called on the sender's own task.
pub trait Processor: Send + Sync {
    /// Handles one batch. An empty result means that everything was dropped on purpose.
    ///
    /// # Errors
    /// [`Refused`] tells the sender to come back later; nothing of the batch is kept.
    fn process(&self, batch: Batch) -> Result<Batch, Refused>;
}

/// A processor's checked configuration.
pub trait ProcessorConfig: fmt::Debug + Send + Sync {
    /// The signals that it can handle.
    fn signals(&self) -> SignalSet {
        SignalSet::ALL
    }

    /// What it asks of the queues behind it instead of processing anything itself; only `batch` does.
    fn batching(&self) -> Option<fanlight_config::blocks::Batching> {
        None
    }

    /// Makes the processor, for one pipeline.
    ///
    /// # Errors
    /// Says which key to change.
    fn build(
        &self,
        signal: Signal,
        context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError>;
}

/// A connector's checked configuration: an exporter of one pipeline that is a receiver of another.
///
/// A connector that turns one signal into another comes with a `Processor` that does it; `forward` needs none.
pub trait ConnectorConfig: fmt::Debug + Send + Sync {
    /// Whether batches of one signal can leave it as another.
    fn connects(&self, from: Signal, to: Signal) -> bool;

    /// What turns batches into what leaves it; `None` passes them on as they are.
    ///
    /// # Errors
    /// Says which key to change.
    fn build(
        &self,
        from: Signal,
        to: Signal,
        context: &BuildContext<'_>,
    ) -> Result<Option<Box<dyn Processor>>, BuildError>;

    /// Extensions that it refers to.
    fn extensions(&self) -> Vec<ComponentId> {
        Vec::new()
    }
}
