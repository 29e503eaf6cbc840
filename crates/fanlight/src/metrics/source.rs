//! Collecting: what all instruments have to tell, once in a while, as each destination wants it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fanlight_otlp::write::RequestWriter;
use fanlight_otlp::{Batch, Signal};

use super::delivery::{self, Extent};
use super::encode::Telling;
use super::registry::{Collected, Registry};
use super::{host, process};
use crate::clock;
use crate::collect::{MetricSource, Temporality};
use crate::destination::counts::Counts;
use crate::form::Resource;
use crate::handoff::Handoff;
use crate::notice::Notices;

/// What is collected, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Between two collections; `OTEL_METRIC_EXPORT_INTERVAL`.
    pub(crate) interval: Duration,
    /// Whether points lead to traces; `OTEL_METRICS_EXEMPLAR_FILTER`, of which `trace_based` is what this means.
    pub(crate) exemplars: bool,
    pub(crate) measured: Measured,
}

/// What is measured without the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The process: its CPU time, memory, threads. Linux only.
    pub(crate) process: bool,
    /// The machine. Linux only.
    pub(crate) host: bool,
    /// What was exported and what waits; what was lost always is.
    pub(crate) delivery: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            interval: Duration::from_secs(60),
            exemplars: true,
            measured: Measured::default(),
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
    pub(crate) fn new(settings: Settings, notices: Notices) -> Metrics {
        Metrics::of(settings, notices, Registry::of_process())
    }

    pub(super) fn of(settings: Settings, notices: Notices, program: Arc<Registry>) -> Metrics {
        program.complaints().tell_to(notices);
        let own = Arc::new(Registry::default());
        if settings.measured.process {
            process::measure(&own, Path::new("/proc/self"));
        }
        if settings.measured.host {
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

    /// Counts what becomes of what a destination is to deliver.
    pub(crate) fn watch_destination(&self, name: &str, counts: &Arc<Counts>) {
        let extent = match self.settings.measured.delivery {
            true => Extent::All,
            false => Extent::Losses,
        };
        delivery::watch_destination(&self.own, extent, name, counts);
    }
}

impl MetricSource for Metrics {
    fn watch(&mut self, handoff: &Arc<Handoff>) {
        delivery::watch_handoff(&self.own, Arc::clone(handoff));
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
