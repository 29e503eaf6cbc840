//! What every exporter that sends over a network is told about sending: its queue and its retries.

use std::time::Duration;

use fanlight_config::blocks::{Queue, Retry};
use fanlight_pipeline::ExportSettings;
use serde::Deserialize;

/// The keys that every such exporter has.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Delivery {
    /// The queue in front of it.
    pub(crate) sending_queue: Queue,
    /// What happens when the backend does not answer well.
    pub(crate) retry_on_failure: Retry,
}

impl Delivery {
    /// Queue, retry and timeout for the pipeline.
    pub(crate) fn settings(&self, timeout: Duration) -> ExportSettings {
        ExportSettings {
            queue: self.sending_queue.clone(),
            retry: self.retry_on_failure.clone(),
            timeout,
        }
    }
}
