//! Trying destinations, with a running graph or without.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fanlight_config::ComponentId;
use fanlight_otlp::{Batch, Signal, SignalSet};

use super::plan::Plan;
use super::wire::{Host, StartError, failed};
use crate::{Exporter, Outcome, Stop};

/// How one destination answered to one signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The exporter.
    pub exporter: ComponentId,
    /// Where it sends to.
    pub destination: String,
    /// The signal.
    pub signal: Signal,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// How long an exporter without a timeout of its own may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The exporters of a running graph, to try their destinations. A clone has the same exporters.
#[derive(Clone, Default)]
pub struct Probes(Arc<BTreeMap<String, Probe>>);

/// An exporter that can be tried.
pub(super) struct Probe {
    pub(super) id: ComponentId,
    pub(super) exporter: Arc<dyn Exporter>,
    pub(super) destination: String,
    pub(super) signals: SignalSet,
    /// How long one attempt may take; zero where nothing is said.
    pub(super) timeout: Duration,
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Probes {
    pub(super) fn new(probes: Vec<Probe>) -> Probes {
        let by_id = probes
            .into_iter()
            .map(|probe| (probe.id.to_string(), probe));
        Probes(Arc::new(by_id.collect()))
    }

    /// Sends one sample of each signal that pipelines bring it to an exporter, once, past its queue; `None` where there is
    /// no such exporter.
    pub async fn send(&self, exporter: &str, sample: fn(Signal) -> Batch) -> Option<Vec<Answer>> {
        Some(self.0.get(exporter)?.send(sample).await)
    }
}

impl Probe {
    async fn send(&self, sample: fn(Signal) -> Batch) -> Vec<Answer> {
        let timeout = Some(self.timeout)
            .filter(|timeout| !timeout.is_zero())
            .unwrap_or(PATIENCE);
        let mut answers = Vec::new();
        for signal in self.signals.iter() {
            let begun = std::time::Instant::now();
            let batch = self.exporter.prepare(sample(signal)).batch;
            if batch.items() == 0 {
                continue;
            }
            let outcome = tokio::time::timeout(timeout, self.exporter.send(&batch)).await;
            let why = || Outcome::Retry {
                after: None,
                why: format!("no answer within {timeout:?}"),
            };
            answers.push(Answer {
                exporter: self.id.clone(),
                destination: self.destination.clone(),
                signal,
                outcome: outcome.unwrap_or_else(|_| why()),
                took: begun.elapsed(),
            });
        }
        answers
    }
}

impl Plan {
    /// Sends one sample of each signal that pipelines bring it to every exporter, once, without queue and retry.
    /// Extensions run meanwhile; receivers are not opened. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Names the first component that can't be built.
    pub async fn probe(
        &self,
        host: &Host,
        sample: fn(Signal) -> Batch,
    ) -> Result<Vec<Answer>, StartError> {
        let extensions = self.build_extensions(host)?;
        let (stopper, stop) = Stop::new();
        for extension in extensions.values() {
            tokio::spawn(Arc::clone(extension).run(stop.clone()));
        }
        let mut answers = Vec::new();
        for (id, destination, signals) in self.destinations() {
            let Some(part) = self.exporters.find(id) else {
                continue;
            };
            let exporter = part
                .config
                .build(&host.context(id, &extensions))
                .map_err(failed("exporter", id))?;
            let probe = Probe {
                id: id.clone(),
                exporter: Arc::from(exporter),
                destination: destination.text,
                signals,
                timeout: part.config.settings().timeout,
            };
            answers.extend(probe.send(sample).await);
            probe.exporter.finish().await;
        }
        stopper.stop();
        Ok(answers)
    }
}
