//! What the hub counts and knows about itself: one registry that every component writes to and everybody reads.
//!
//! Counters are atomics that the data path adds to; a reader takes a [`Snapshot`]. The metrics page, the health pages and
//! the dashboard are all made from snapshots, so they can't disagree.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fanlight_otlp::{Signal, SignalSet};
use tokio::sync::broadcast;

use crate::telemetry::LogLine;

/// A handle to the registry; a clone is the same registry.
#[derive(Clone, Debug)]
pub struct Status(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    started: Instant,
    receivers: Mutex<Vec<Arc<ReceiverCounters>>>,
    processors: Mutex<Vec<Arc<ProcessorCounters>>>,
    exporters: Mutex<Vec<Arc<ExporterCounters>>>,
    pipelines: Mutex<Vec<PipelineSnapshot>>,
    broken: Mutex<Vec<(String, String)>>,
    log: broadcast::Sender<Arc<LogLine>>,
}

/// How many log lines a slow subscriber may fall behind before it misses the oldest.
const LOG_LINES: usize = 1024;

/// One number for each signal.
#[derive(Debug, Default)]
pub(crate) struct PerSignal([AtomicU64; 4]);

impl PerSignal {
    pub(crate) fn add(&self, signal: Signal, items: usize) {
        if let Some(counter) = self.0.get(signal as usize) {
            counter.fetch_add(items as u64, Ordering::Relaxed);
        }
    }

    fn read(&self) -> BTreeMap<Signal, u64> {
        Signal::ALL
            .into_iter()
            .zip(self.0.iter().map(|counter| counter.load(Ordering::Relaxed)))
            .collect()
    }
}

/// What one receiver took in over one transport.
#[derive(Debug)]
pub(crate) struct ReceiverCounters {
    pub(crate) id: String,
    pub(crate) transport: &'static str,
    pub(crate) accepted: PerSignal,
    pub(crate) refused: PerSignal,
}

/// What went into one processor of one pipeline and what came out.
#[derive(Debug)]
pub(crate) struct ProcessorCounters {
    pub(crate) id: String,
    pub(crate) pipeline: String,
    pub(crate) signal: Signal,
    pub(crate) incoming: AtomicU64,
    pub(crate) outgoing: AtomicU64,
    pub(crate) refused: AtomicU64,
}

/// What one exporter did.
#[derive(Debug)]
pub(crate) struct ExporterCounters {
    pub(crate) id: String,
    pub(crate) destination: String,
    pub(crate) signals: SignalSet,
    pub(crate) sent: PerSignal,
    pub(crate) send_failed: PerSignal,
    pub(crate) enqueue_failed: PerSignal,
    pub(crate) parked: PerSignal,
    pub(crate) retries: AtomicU64,
    pub(crate) trimmed_attributes: AtomicU64,
    pub(crate) batches: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) queue_size: AtomicU64,
    pub(crate) queue_capacity: u64,
    state: Mutex<(ExporterState, Option<String>)>,
}

/// How an exporter is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExporterState {
    /// It has not sent anything yet.
    Idle,
    /// Its last attempt was answered well.
    Healthy,
    /// Its last attempt failed.
    Failing,
}

/// Everything the hub knows about itself, at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// How long the hub has been running.
    pub uptime: Duration,
    /// One entry for each receiver and transport that was used.
    pub receivers: Vec<ReceiverSnapshot>,
    /// One entry for each processor of each pipeline.
    pub processors: Vec<ProcessorSnapshot>,
    /// One entry for each exporter.
    pub exporters: Vec<ExporterSnapshot>,
    /// The pipelines.
    pub pipelines: Vec<PipelineSnapshot>,
    /// Components that stopped by themselves, with the reason.
    pub broken: Vec<(String, String)>,
}

/// A receiver's counters; items since start.
#[derive(Clone, Debug)]
pub struct ReceiverSnapshot {
    /// Component id.
    pub id: String,
    /// `grpc`, `http`, ...
    pub transport: &'static str,
    /// Items taken.
    pub accepted: BTreeMap<Signal, u64>,
    /// Items refused.
    pub refused: BTreeMap<Signal, u64>,
}

/// A processor's counters; items since start.
#[derive(Clone, Debug)]
pub struct ProcessorSnapshot {
    /// Component id.
    pub id: String,
    /// The pipeline it works in.
    pub pipeline: String,
    /// The pipeline's signal.
    pub signal: Signal,
    /// Items that came in.
    pub incoming: u64,
    /// Items that went on.
    pub outgoing: u64,
    /// Items refused.
    pub refused: u64,
}

/// An exporter's counters (items since start) and state.
#[derive(Clone, Debug)]
pub struct ExporterSnapshot {
    /// Component id.
    pub id: String,
    /// Where it sends to, for people.
    pub destination: String,
    /// The signals that pipelines bring it.
    pub signals: SignalSet,
    /// How it is doing.
    pub state: ExporterState,
    /// What its last failure said.
    pub last_error: Option<String>,
    /// Items delivered.
    pub sent: BTreeMap<Signal, u64>,
    /// Items lost: refused by the destination, or retries exhausted.
    pub send_failed: BTreeMap<Signal, u64>,
    /// Items lost because the queue was full.
    pub enqueue_failed: BTreeMap<Signal, u64>,
    /// Items set aside on disk after retries were exhausted.
    pub parked: BTreeMap<Signal, u64>,
    /// Attempts that failed and were made again.
    pub retries: u64,
    /// Attributes cut short or left out to stay within the destination's limits.
    pub trimmed_attributes: u64,
    /// Batches handed to the exporter.
    pub batches: u64,
    /// Attempts being made now.
    pub in_flight: u64,
    /// What the queue holds, as its `sizer` counts.
    pub queue_size: u64,
    /// What fits in, as its `sizer` counts.
    pub queue_capacity: u64,
}

/// A pipeline's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineSnapshot {
    /// Pipeline id: `traces`, `logs/audit`.
    pub id: String,
    /// Its signal.
    pub signal: Signal,
    /// Ids of the receivers that feed it.
    pub receivers: Vec<String>,
    /// Ids of its processors, in order.
    pub processors: Vec<String>,
    /// Ids of the exporters that it feeds.
    pub exporters: Vec<String>,
}

/// Whether the hub does its job, and what stands in its way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// One sentence for each component that stopped by itself; the hub is not alive while there is one.
    pub broken: Vec<String>,
    /// One sentence for each pipeline none of whose destinations takes anything; the hub is not ready while there is one.
    pub stuck: Vec<String>,
}

impl Health {
    /// Every component runs.
    pub fn is_alive(&self) -> bool {
        self.broken.is_empty()
    }

    /// Every component runs, and every pipeline has a destination that is not failing.
    pub fn is_ready(&self) -> bool {
        self.is_alive() && self.stuck.is_empty()
    }
}

impl Default for Status {
    fn default() -> Status {
        Status(Arc::new(Registry {
            started: Instant::now(),
            receivers: Mutex::default(),
            processors: Mutex::default(),
            exporters: Mutex::default(),
            pipelines: Mutex::default(),
            broken: Mutex::default(),
            log: broadcast::channel(LOG_LINES).0,
        }))
    }
}

impl Status {
    /// Everything known now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            uptime: self.0.started.elapsed(),
            receivers: locked(&self.0.receivers)
                .iter()
                .map(|counters| counters.snapshot())
                .collect(),
            processors: locked(&self.0.processors)
                .iter()
                .map(|counters| counters.snapshot())
                .collect(),
            exporters: locked(&self.0.exporters)
                .iter()
                .map(|counters| counters.snapshot())
                .collect(),
            pipelines: locked(&self.0.pipelines).clone(),
            broken: locked(&self.0.broken).clone(),
        }
    }

    /// Whether the hub does its job now.
    pub fn health(&self) -> Health {
        self.snapshot().health()
    }

    /// Hands a line of the hub's own log to whoever subscribes; it is not even made when nobody does.
    pub fn publish_log(&self, line: impl FnOnce() -> LogLine) {
        if self.0.log.receiver_count() > 0 {
            // An error means that the last subscriber has just gone.
            drop(self.0.log.send(Arc::new(line())));
        }
    }

    /// The hub's own log, from now on.
    pub fn subscribe_log(&self) -> broadcast::Receiver<Arc<LogLine>> {
        self.0.log.subscribe()
    }

    pub(crate) fn receiver(&self, id: &str, transport: &'static str) -> Arc<ReceiverCounters> {
        let counters = Arc::new(ReceiverCounters {
            id: id.to_owned(),
            transport,
            accepted: PerSignal::default(),
            refused: PerSignal::default(),
        });
        locked(&self.0.receivers).push(Arc::clone(&counters));
        counters
    }

    pub(crate) fn processor(
        &self,
        id: &str,
        pipeline: &str,
        signal: Signal,
    ) -> Arc<ProcessorCounters> {
        let counters = Arc::new(ProcessorCounters {
            id: id.to_owned(),
            pipeline: pipeline.to_owned(),
            signal,
            incoming: AtomicU64::default(),
            outgoing: AtomicU64::default(),
            refused: AtomicU64::default(),
        });
        locked(&self.0.processors).push(Arc::clone(&counters));
        counters
    }

    pub(crate) fn exporter(
        &self,
        id: &str,
        destination: &str,
        signals: SignalSet,
        queue_capacity: u64,
    ) -> Arc<ExporterCounters> {
        let counters = Arc::new(ExporterCounters {
            id: id.to_owned(),
            destination: destination.to_owned(),
            signals,
            sent: PerSignal::default(),
            send_failed: PerSignal::default(),
            enqueue_failed: PerSignal::default(),
            parked: PerSignal::default(),
            retries: AtomicU64::default(),
            trimmed_attributes: AtomicU64::default(),
            batches: AtomicU64::default(),
            in_flight: AtomicU64::default(),
            queue_size: AtomicU64::default(),
            queue_capacity,
            state: Mutex::new((ExporterState::Idle, None)),
        });
        locked(&self.0.exporters).push(Arc::clone(&counters));
        counters
    }

    pub(crate) fn pipeline(&self, pipeline: PipelineSnapshot) {
        locked(&self.0.pipelines).push(pipeline);
    }

    pub(crate) fn component_broke(&self, id: &str, why: &str) {
        locked(&self.0.broken).push((id.to_owned(), why.to_owned()));
    }
}

impl Snapshot {
    /// Whether the hub does its job.
    ///
    /// A pipeline is stuck when every exporter it feeds is failing: one dead destination out of two is not a reason to
    /// take the hub out of service, the last one is. An exporter that has sent nothing yet counts as fine.
    pub fn health(&self) -> Health {
        let failing = |id: &String| {
            self.exporters
                .iter()
                .any(|exporter| exporter.id == *id && exporter.state == ExporterState::Failing)
        };
        let stuck = self.pipelines.iter().filter(|pipeline| {
            !pipeline.exporters.is_empty() && pipeline.exporters.iter().all(failing)
        });
        Health {
            broken: self
                .broken
                .iter()
                .map(|(id, why)| format!("{id} stopped: {why}"))
                .collect(),
            stuck: stuck
                .map(|pipeline| {
                    format!(
                        "pipeline {}: no destination answers ({})",
                        pipeline.id,
                        pipeline.exporters.join(", ")
                    )
                })
                .collect(),
        }
    }
}

impl ReceiverCounters {
    fn snapshot(&self) -> ReceiverSnapshot {
        ReceiverSnapshot {
            id: self.id.clone(),
            transport: self.transport,
            accepted: self.accepted.read(),
            refused: self.refused.read(),
        }
    }
}

impl ProcessorCounters {
    fn snapshot(&self) -> ProcessorSnapshot {
        ProcessorSnapshot {
            id: self.id.clone(),
            pipeline: self.pipeline.clone(),
            signal: self.signal,
            incoming: self.incoming.load(Ordering::Relaxed),
            outgoing: self.outgoing.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl ExporterCounters {
    /// Notes a good answer; true when the exporter was failing before.
    pub(crate) fn is_healthy(&self) -> bool {
        let mut state = locked(&self.state);
        let before = state.0;
        *state = (ExporterState::Healthy, None);
        before == ExporterState::Failing
    }

    /// Notes a failed attempt; true when the exporter was not failing before.
    pub(crate) fn is_failing(&self, why: &str) -> bool {
        let mut state = locked(&self.state);
        let before = state.0;
        *state = (ExporterState::Failing, Some(why.to_owned()));
        before != ExporterState::Failing
    }

    fn snapshot(&self) -> ExporterSnapshot {
        let (state, last_error) = locked(&self.state).clone();
        ExporterSnapshot {
            id: self.id.clone(),
            destination: self.destination.clone(),
            signals: self.signals,
            state,
            last_error,
            sent: self.sent.read(),
            send_failed: self.send_failed.read(),
            enqueue_failed: self.enqueue_failed.read(),
            parked: self.parked.read(),
            retries: self.retries.load(Ordering::Relaxed),
            trimmed_attributes: self.trimmed_attributes.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            queue_size: self.queue_size.load(Ordering::Relaxed),
            queue_capacity: self.queue_capacity,
        }
    }
}

/// Locks; a panic elsewhere leaves plain numbers and texts, which are still worth showing.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
