//! Where calls are read and written, off everybody's path: a thread that takes what is over and hands batches in.
//!
//! It works in bursts, so that the end of a call wakes nobody, and with less right to the processor than who forwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fanlight_genai::price::Prices;
use fanlight_otlp::view::Value;
use fanlight_otlp::write::{Encoder, RequestWriter};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::Inlet;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{timeout, timeout_at};

use super::budget::Budget;
use super::exchange::exchange;
use super::metrics::Metrics;
use super::read::Record;
use super::span::{Content, span};
use super::{Capture, Finished, Losses, SCOPE, TRANSPORT, VERSION, messages};
use crate::redact::Redaction;

/// How long a call waits for others to be handed in with.
const PATIENCE: Duration = Duration::from_millis(100);
/// A batch is not made larger than that, if it can be helped.
const BATCH: usize = 1 << 20;
/// What an item has about, besides what was said.
const ITEM: usize = 2048;
/// The most that is kept for what comes next: memory for services, and bytes for each of them.
const SERVICES_KEPT: usize = 8;
const BYTES_KEPT: usize = 2 * BATCH;
/// How often metrics are handed in.
const METRICS_EVERY: Duration = Duration::from_secs(10);

/// What the worker is told.
pub(super) enum Told {
    /// A call is over.
    Call(Box<Finished>),
    /// Hand in what there is, and say when that is done.
    Flush(oneshot::Sender<()>),
}

/// Reads calls until everybody has gone who could bring one.
pub(super) struct Worker {
    pub(super) inlet: Inlet,
    pub(super) losses: Arc<Losses>,
    pub(super) budget: Budget,
    pub(super) prices: Prices,
    /// Told when there is no time to wait for more.
    pub(super) hurry: Arc<Notify>,
}

/// What is to be handed in.
struct Pending {
    services: BTreeMap<String, Recorded>,
    bytes: usize,
    metrics: Metrics,
    metrics_due: Instant,
}

/// Spans and log records of a service.
#[derive(Default)]
struct Recorded {
    spans: Items,
    logs: Items,
}

/// Items as they stand in a scope, one behind the other.
#[derive(Default)]
struct Items {
    fields: Encoder,
    count: usize,
}

impl Items {
    /// Adds an item of about so many bytes, and answers how many it has.
    fn add(&mut self, expected: usize, write: impl FnOnce(&mut Encoder)) -> usize {
        let before = self.fields.len();
        self.fields.nested_about(2, expected, write);
        self.count += 1;
        self.fields.len() - before
    }

    /// Forgets them; their memory is for the next ones.
    fn clear(&mut self) {
        self.count = 0;
        self.fields.clear();
        if self.fields.capacity() > BYTES_KEPT {
            self.fields = Encoder::new();
        }
    }
}

impl Worker {
    pub(super) async fn run(self, mut told: mpsc::Receiver<Told>) {
        let mut pending = Pending {
            services: BTreeMap::new(),
            bytes: 0,
            metrics: Metrics::new(SystemTime::now()),
            metrics_due: Instant::now() + METRICS_EVERY,
        };
        while let Some(first) = self.next(&mut told, &mut pending).await {
            if matches!(first, Told::Call(_)) {
                // Either way it is time.
                let _ = timeout(PATIENCE, self.hurry.notified()).await;
            }
            let mut next = Some(first);
            while let Some(now) = next {
                match now {
                    Told::Call(finished) => self.record(*finished, &mut pending),
                    Told::Flush(done) => {
                        self.hand_in(&mut pending).await;
                        self.hand_in_metrics(&mut pending).await;
                        // Whoever asked may not wait for it any longer.
                        let _ = done.send(());
                    }
                }
                if pending.bytes >= BATCH {
                    self.hand_in(&mut pending).await;
                }
                self.let_others_go_first();
                next = told.try_recv().ok();
            }
            self.hand_in(&mut pending).await;
            if Instant::now() >= pending.metrics_due {
                self.hand_in_metrics(&mut pending).await;
            }
        }
        self.hand_in_metrics(&mut pending).await;
    }

    /// What comes next, however long that takes; metrics that are due are handed in meanwhile.
    async fn next(&self, told: &mut mpsc::Receiver<Told>, pending: &mut Pending) -> Option<Told> {
        if let Ok(told) = timeout_at(pending.metrics_due.into(), told.recv()).await {
            return told;
        }
        self.hand_in_metrics(pending).await;
        told.recv().await
    }

    /// Writes down what there is to tell of a call.
    fn record(&self, finished: Finished, pending: &mut Pending) {
        let head = &finished.head;
        let redaction = Redaction::of_request(&head.headers, head.query.as_deref());
        let mut record = Record::of(&finished, &self.prices);
        if let Some(most) = finished.text_limit() {
            messages::cut(&mut record.call, most);
        }
        let stated = record.caller.service.as_deref();
        let service = stated.unwrap_or(&finished.settings.service);
        let service = redaction.text(service).into_owned();
        let content =
            (head.capture != Capture::Metadata).then(|| Content::of(&record.call, &redaction));
        pending.metrics.add(&service, head, &record, &redaction);
        let recorded = pending.services.entry(service).or_default();
        let said = content.as_ref().map_or(0, Content::len);
        pending.bytes += recorded.spans.add(ITEM + said, |out| {
            span(head, &record, content.as_ref(), &redaction, out);
        });
        if finished.is_short_of_memory() {
            // Its bodies are not all there; that they are not told is counted.
            self.losses.exchange(&self.inlet);
        } else if let Some(content) = content.filter(|_| self.inlet.accepts(Signal::Logs)) {
            let bodies = record.request.bytes.len() + record.response.bytes.len();
            pending.bytes += recorded.logs.add(ITEM + bodies, |out| {
                exchange(&finished, &record, &content, &redaction, out);
            });
        }
    }

    /// Lets threads that forward have the processor between two calls, as long as there is room for more of them: a slice of the
    /// scheduler's is longer than it takes to forward a call.
    fn let_others_go_first(&self) {
        if !self.budget.is_strained() {
            std::thread::yield_now();
        }
    }

    async fn hand_in(&self, pending: &mut Pending) {
        pending.bytes = 0;
        let services = &mut pending.services;
        let spans = batch(Signal::Traces, services, |recorded| &recorded.spans);
        let logs = batch(Signal::Logs, services, |recorded| &recorded.logs);
        if services.len() > SERVICES_KEPT {
            services.clear();
        }
        for recorded in services.values_mut() {
            recorded.spans.clear();
            recorded.logs.clear();
        }
        for batch in [spans, logs] {
            self.offer(batch).await;
        }
    }

    async fn hand_in_metrics(&self, pending: &mut Pending) {
        let now = Instant::now();
        pending.metrics_due = now + METRICS_EVERY;
        if let Some(batch) = pending.metrics.batch(SystemTime::now()) {
            self.offer(batch).await;
        }
    }

    /// Hands a batch in; what the pipelines refuse, the inlet counts.
    async fn offer(&self, batch: Batch) {
        if batch.items() == 0 || !self.inlet.accepts(batch.signal()) {
            return;
        }
        let (signal, items) = (batch.signal(), batch.items());
        if let Err(refused) = self.inlet.offer(batch, TRANSPORT).await {
            tracing::warn!(%signal, items, %refused, "recordings of LLM calls are lost");
        }
    }
}

fn batch(
    signal: Signal,
    services: &BTreeMap<String, Recorded>,
    of: impl Fn(&Recorded) -> &Items,
) -> Batch {
    let sizes = services
        .values()
        .map(|recorded| of(recorded).fields.len() + 256);
    let mut request = RequestWriter::with_room(signal, sizes.sum());
    for (service, recorded) in services {
        let items = of(recorded);
        if items.count == 0 {
            continue;
        }
        request.resource(&[("service.name", Value::Str(service))], |resource| {
            resource.scope(SCOPE, VERSION, |scope| {
                scope.encoded(signal, items.count, items.fields.as_bytes());
            });
        });
    }
    request.finish()
}
