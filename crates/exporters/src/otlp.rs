//! What the two OTLP exporters share: which signals they take, and their answers.

use std::time::Duration;

use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Signal, SignalSet, response};
use fanlight_pipeline::{ExportSettings, Outcome};
use serde::Deserialize;

/// Keys besides those of the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shared {
    /// The signals to take. Default: all. Not in the Collector.
    pub(crate) signals: Option<Vec<String>>,
    /// The queue in front of it.
    pub(crate) sending_queue: Queue,
    /// What happens when the backend does not answer well.
    pub(crate) retry_on_failure: Retry,
}

impl Shared {
    /// Queue, retry and timeout for the pipeline.
    pub(crate) fn settings(&self, timeout: Duration) -> ExportSettings {
        ExportSettings {
            queue: self.sending_queue.clone(),
            retry: self.retry_on_failure.clone(),
            timeout,
        }
    }

    /// The signals that it takes.
    pub(crate) fn signals(&self, node: &Node) -> Result<SignalSet, ConfigError> {
        let Some(names) = &self.signals else {
            return Ok(SignalSet::ALL);
        };
        let signal = |name: &String| {
            let known = Signal::ALL.map(Signal::name);
            name.parse::<Signal>().map_err(|error| {
                node.error_at("signals", error.to_string())
                    .suggest(name, &known)
            })
        };
        let signals: SignalSet = names.iter().map(signal).collect::<Result<_, _>>()?;
        if signals.is_empty() {
            return Err(node
                .error_at("signals", "an exporter that takes no signal is of no use")
                .hint("leave the key out to take all"));
        }
        Ok(signals)
    }
}

/// What a good answer means: everything taken, or all but some items. A warning without a number is no rejection
/// ([partial success](https://opentelemetry.io/docs/specs/otlp/#partial-success)).
pub(crate) fn accepted(signal: Signal, answer: &[u8], is_json: bool) -> Outcome {
    match response::decode(signal, answer, is_json) {
        Some(partial) if partial.rejected > 0 => Outcome::Partial {
            rejected: partial.rejected,
            why: partial.message,
        },
        Some(partial) => {
            if !partial.message.is_empty() {
                tracing::debug!(%signal, message = partial.message, "the backend took everything, with a remark");
            }
            Outcome::Delivered
        }
        None => Outcome::Delivered,
    }
}
