//! Trying every destination, without running the graph.

use std::time::Duration;

use fanlight_config::ComponentId;
use fanlight_otlp::{Batch, Signal};

use super::plan::Plan;
use super::wire::{Host, StartError, failed};
use crate::{Outcome, Stop};

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
            tokio::spawn(std::sync::Arc::clone(extension).run(stop.clone()));
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
            let timeout = Some(part.config.settings().timeout)
                .filter(|timeout| !timeout.is_zero())
                .unwrap_or(PATIENCE);
            for signal in signals.iter() {
                let begun = std::time::Instant::now();
                let batch = exporter.prepare(sample(signal)).batch;
                if batch.items() == 0 {
                    continue;
                }
                let outcome = tokio::time::timeout(timeout, exporter.send(&batch)).await;
                let why = || Outcome::Retry {
                    after: None,
                    why: format!("no answer within {timeout:?}"),
                };
                answers.push(Answer {
                    exporter: id.clone(),
                    destination: destination.text.clone(),
                    signal,
                    outcome: outcome.unwrap_or_else(|_| why()),
                    took: begun.elapsed(),
                });
            }
            exporter.finish().await;
        }
        stopper.stop();
        Ok(answers)
    }
}
