//! The way of a batch through one pipeline, and into the queues behind it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fanlight_otlp::Batch;

use crate::export::{Admission, ExportQueue, Reservation};
use crate::status::ProcessorCounters;
use crate::{Accepted, Outcome, Processor, RefusalReason, Refused};

/// One pipeline, wired.
pub(crate) struct Path {
    pub(crate) stages: Vec<Stage>,
    pub(crate) outputs: Vec<Output>,
}

/// One processor of a pipeline.
pub(crate) struct Stage {
    pub(crate) processor: Box<dyn Processor>,
    pub(crate) counters: Arc<ProcessorCounters>,
}

/// Where a pipeline leads.
pub(crate) enum Output {
    /// Into an exporter's queue.
    Queue(Arc<ExportQueue>),
    /// Through a connector into another pipeline.
    Path(Option<Box<dyn Processor>>, Arc<Path>),
}

/// A batch for one queue.
struct Delivery<'a> {
    queue: &'a Arc<ExportQueue>,
    batch: Batch,
}

impl Path {
    /// Runs the processors and gathers what goes where; nothing is kept yet.
    fn route<'a>(
        &'a self,
        batch: Batch,
        deliveries: &mut Vec<Delivery<'a>>,
    ) -> Result<(), Refused> {
        let mut batch = batch;
        for stage in &self.stages {
            batch = stage.process(batch)?;
            if batch.items() == 0 {
                return Ok(());
            }
        }
        for output in &self.outputs {
            match output {
                Output::Queue(queue) => deliveries.push(Delivery {
                    queue,
                    batch: batch.clone(),
                }),
                Output::Path(None, path) => path.route(batch.clone(), deliveries)?,
                Output::Path(Some(connector), path) => {
                    path.route(connector.process(batch.clone())?, deliveries)?
                }
            }
        }
        Ok(())
    }
}

impl Stage {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        let incoming = batch.items() as u64;
        self.counters
            .incoming
            .fetch_add(incoming, Ordering::Relaxed);
        match self.processor.process(batch) {
            Ok(batch) => {
                self.counters
                    .outgoing
                    .fetch_add(batch.items() as u64, Ordering::Relaxed);
                Ok(batch)
            }
            Err(refused) => {
                self.counters.refused.fetch_add(incoming, Ordering::Relaxed);
                Err(refused)
            }
        }
    }
}

/// Takes a batch into every queue that the pipelines lead to, or into none.
pub(crate) async fn accept(paths: &[Arc<Path>], batch: Batch) -> Result<Accepted, Refused> {
    let mut deliveries = Vec::new();
    for path in paths {
        path.route(batch.clone(), &mut deliveries)?;
    }
    let reserved = reserve_patiently(&deliveries).await?;
    let mut awaited = Vec::new();
    let mut kept = 0;
    let mut is_missed_by_required = false;
    let mut failure = None;
    for (delivery, reservation) in deliveries.into_iter().zip(reserved) {
        let Some(reservation) = reservation else {
            delivery.missed();
            continue;
        };
        match reservation.fill(delivery.batch.clone()).await {
            Ok(outcome) => {
                kept += 1;
                awaited.extend(outcome);
            }
            Err(error) => {
                let exporter = delivery.queue.counters.id.as_str();
                tracing::error!(
                    exporter,
                    error = &error as &dyn std::error::Error,
                    "a batch can't be queued"
                );
                failure = Some(Refused::unavailable(format!(
                    "exporter {exporter}: {error}"
                )));
                delivery.missed();
                is_missed_by_required |= delivery.queue.is_required();
            }
        }
    }
    match failure {
        Some(refused) if kept == 0 || is_missed_by_required => Err(refused),
        _ => answer(awaited).await,
    }
}

/// How long a sender waits for room before it is told to come back. A short burst costs it nothing but this; a sender that
/// comes back has its own delays, which are longer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Why there is no room.
enum NoRoom<'a> {
    Full(&'a Delivery<'a>),
    Closed,
}

/// Keeps room in every queue, waiting a moment for a full one.
async fn reserve_patiently(
    deliveries: &[Delivery<'_>],
) -> Result<Vec<Option<Reservation>>, Refused> {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let full = match reserve(deliveries) {
            Ok(reserved) => return Ok(reserved),
            Err(NoRoom::Closed) => {
                return Err(Refused::unavailable(
                    "the hub is stopping; send again to the next one",
                ));
            }
            Err(NoRoom::Full(delivery)) => delivery,
        };
        if tokio::time::timeout_at(until, full.queue.room())
            .await
            .is_err()
        {
            return Err(full.queue_full());
        }
    }
}

/// Keeps room in every queue. A queue without room makes the sender wait if it is required, or if no other has any.
fn reserve<'a>(deliveries: &'a [Delivery<'a>]) -> Result<Vec<Option<Reservation>>, NoRoom<'a>> {
    let mut reserved = Vec::with_capacity(deliveries.len());
    let mut full = None;
    for delivery in deliveries {
        reserved.push(match delivery.queue.reserve(&delivery.batch) {
            Admission::Room(reservation) => Some(reservation),
            Admission::Closed => return Err(NoRoom::Closed),
            Admission::Full if delivery.queue.is_required() => return Err(NoRoom::Full(delivery)),
            Admission::Full => {
                full = Some(delivery);
                None
            }
        });
    }
    match full {
        Some(delivery) if reserved.iter().all(Option::is_none) => Err(NoRoom::Full(delivery)),
        _ => Ok(reserved),
    }
}

/// Waits for the destinations that the sender waits for.
async fn answer(
    awaited: Vec<tokio::sync::oneshot::Receiver<Outcome>>,
) -> Result<Accepted, Refused> {
    let mut accepted = Accepted::default();
    for outcome in awaited {
        match outcome.await {
            Ok(Outcome::Delivered) => {}
            Ok(Outcome::Partial { rejected, why }) => {
                accepted.rejected_items = accepted.rejected_items.max(rejected);
                accepted.message = why;
            }
            Ok(Outcome::Retry { after, why } | Outcome::Resend { after, why, .. }) => {
                return Err(Refused {
                    retry_after: after,
                    ..Refused::unavailable(why)
                });
            }
            Ok(
                Outcome::Rejected { why }
                | Outcome::TooLarge { why }
                | Outcome::ResendSmaller { why, .. },
            ) => {
                return Err(Refused {
                    reason: RefusalReason::Rejected,
                    message: why,
                    retry_after: None,
                });
            }
            Err(_) => {
                return Err(Refused::unavailable(
                    "the exporter stopped before it answered",
                ));
            }
        }
    }
    Ok(accepted)
}

impl Delivery<'_> {
    fn missed(&self) {
        self.queue
            .counters
            .enqueue_failed
            .add(self.batch.signal(), self.batch.items());
    }

    fn queue_full(&self) -> Refused {
        let exporter = &self.queue.counters.id;
        Refused::overloaded(
            format!(
                "the queue of exporter {exporter} is full; send again in a second, or raise sending_queue.queue_size"
            ),
            Duration::from_secs(1),
        )
    }
}
