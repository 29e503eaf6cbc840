//! The store as an exporter.

use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{Exporter, Outcome};
use futures::future::BoxFuture;

use crate::store::{Store, WriteError};

/// Writes batches to a store. `Delivered` means committed.
#[derive(Clone, Debug)]
pub struct StoreExporter {
    store: Store,
}

impl StoreExporter {
    /// An exporter to this store.
    pub fn new(store: Store) -> StoreExporter {
        StoreExporter { store }
    }
}

impl Exporter for StoreExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { outcome(batch.signal(), self.store.write(batch).await) })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.store.checkpoint())
    }
}

fn outcome(signal: Signal, answer: Result<u64, WriteError>) -> Outcome {
    match answer {
        Ok(0) => Outcome::Delivered,
        Ok(rejected) => Outcome::Partial {
            rejected,
            why: format!(
                "{} without a trace id or a span id can't be stored",
                signal.info().items
            ),
        },
        Err(error @ WriteError::Unfit(_)) => Outcome::Rejected {
            why: error.to_string(),
        },
        Err(error) => Outcome::Retry {
            after: None,
            why: error.to_string(),
        },
    }
}
