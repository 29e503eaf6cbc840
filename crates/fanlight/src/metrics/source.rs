//! Collecting: what all instruments have to tell, once in a while, as each destination wants it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fanlight_otlp::write::RequestWriter;
use fanlight_otlp::{Batch, Signal};

use super::encode::Telling;
use super::meter::Meter;
use super::registry::{Collected, Registry};
use super::{host, process};
use crate::clock;
use crate::collect::{MetricSource, Temporality};
use crate::form::Resource;
use crate::handoff::Handoff;

/// What is collected, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Between two collections; `OTEL_METRIC_EXPORT_INTERVAL`.
    pub(crate) interval: Duration,
    /// Whether points lead to traces; `OTEL_METRICS_EXEMPLAR_FILTER`, of which `trace_based` is what this means.
    pub(crate) exemplars: bool,
    /// Whether the process measures itself: its CPU time, memory, threads. Linux only.
    pub(crate) process: bool,
    /// Whether the machine is measured. Linux only.
    pub(crate) host: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            interval: Duration::from_secs(60),
            exemplars: true,
            process: false,
            host: false,
        }
    }
}

/// The metrics of this process.
#[derive(Debug)]
pub(crate) struct Metrics {
    settings: Settings,
    /// What the program measures.
    program: Arc<Registry>,
    /// What is measured without the program.
    own: Arc<Registry>,
    due: Instant,
    /// When it was collected last, in nanoseconds since 1970.
    now: u64,
    collected: Vec<Collected>,
}

impl Metrics {
    /// The metrics of this process.
    pub(crate) fn new(settings: Settings) -> Metrics {
        Metrics::of(settings, Registry::of_process())
    }

    pub(super) fn of(settings: Settings, program: Arc<Registry>) -> Metrics {
        let own = Arc::new(Registry::default());
        if settings.process {
            process::measure(&own, Path::new("/proc/self"));
        }
        if settings.host {
            host::measure(&own, Path::new("/proc"));
        }
        Metrics {
            due: Instant::now() + settings.interval,
            settings,
            program,
            own,
            now: 0,
            collected: Vec::new(),
        }
    }
}

impl MetricSource for Metrics {
    fn watch(&mut self, handoff: &Arc<Handoff>) {
        watch(&self.own, Arc::clone(handoff));
    }

    fn due(&self) -> Option<Instant> {
        Some(self.due)
    }

    fn collect(&mut self) {
        self.due = Instant::now() + self.settings.interval;
        self.collected = self.program.collect();
        self.collected.append(&mut self.own.collect());
        self.now = clock::now();
    }

    fn batch(&self, temporality: Temporality, resource: Resource<'_>) -> Option<Batch> {
        let telling = Telling {
            temporality,
            now: self.now,
            exemplars: self.settings.exemplars,
        };
        let told: Vec<&Collected> = self
            .collected
            .iter()
            .filter(|collected| telling.has_points(collected))
            .collect();
        if told.is_empty() {
            return None;
        }
        let mut request = RequestWriter::new(Signal::Metrics);
        request.resource(resource, |resource| {
            for of_scope in told.chunk_by(|a, b| a.instrument.scope == b.instrument.scope) {
                let Some((name, version)) = of_scope.first().map(|first| &first.instrument.scope)
                else {
                    continue;
                };
                resource.scope(name, version, |out| {
                    for collected in of_scope {
                        telling.metric(collected, out);
                    }
                });
            }
        });
        Some(request.finish())
    }
}

/// Tells of records that were lost, once any was.
fn watch(registry: &Arc<Registry>, handoff: Arc<Handoff>) {
    let dropped = AtomicU64::new(0);
    Meter::new(registry, "fanlight")
        .counter("fanlight.records.dropped", "{record}")
        .description("Spans and log records that were lost in the program")
        .build(move |observer| {
            let new = handoff.take_dropped();
            let total = dropped.fetch_add(new, Ordering::Relaxed) + new;
            if total > 0 {
                observer.observe(total, [("cause", "memory limit")]);
            }
        });
}
