//! Where spans go that programs post in other words than OTLP's.

use fanlight_net::status::Failure;
use fanlight_otlp::Batch;
use futures::future::BoxFuture;

/// Takes batches to whoever is to have them, the store among them.
pub trait Intake: Send + Sync {
    /// Takes a batch. Where it fails, nothing of the batch is kept, and the failure says what to tell the sender.
    fn take(&self, batch: Batch) -> BoxFuture<'_, Result<(), Failure>>;
}
