//! `batch`: asks the exporters of its pipeline to join batches as they leave their queues.
//!
//! It holds nothing itself: what the hub has accepted is already in every exporter's queue, so nothing is lost between here
//! and there. [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/processor/batchprocessor).

use std::time::Duration;

use fanlight_config::blocks::{Batching, Sizer};
use fanlight_config::{ConfigError, Node};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{
    BuildContext, BuildError, Kind, Processor, ProcessorConfig, ProcessorKind, Refused,
};
use serde::Deserialize;

/// The descriptor.
pub(crate) static KIND: ProcessorKind = Kind {
    name: "batch",
    aliases: &[],
    about: "Joins small batches into larger ones before they are sent.",
    sample: "send_batch_size: 8192\ntimeout: 200ms",
    decode,
};

/// The configuration. Defaults are the Collector's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Config {
    /// How long the first batch waits for others; zero sends at once. Default: 200ms.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
    /// Send as soon as so many items are there; zero sends at once. Default: 8192.
    send_batch_size: u32,
    /// Split what has more items; zero means never. Default: 0.
    send_batch_max_size: u32,
    /// Batches whose callers differ in these headers are not joined. Default: none.
    metadata_keys: Vec<String>,
    /// Accepted, no effect: nothing is kept for each combination of headers. Default: 1000.
    metadata_cardinality_limit: u32,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            timeout: Duration::from_millis(200),
            send_batch_size: 8192,
            send_batch_max_size: 0,
            metadata_keys: Vec::new(),
            metadata_cardinality_limit: 1000,
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ProcessorConfig>, ConfigError> {
    let mut config: Config = node.decode()?;
    if config.send_batch_max_size > 0 && config.send_batch_max_size < config.send_batch_size {
        let message = format!(
            "send_batch_max_size ({}) is less than send_batch_size ({}, the default if not set)",
            config.send_batch_max_size, config.send_batch_size
        );
        return Err(node
            .error_at("send_batch_max_size", message)
            .hint("raise it, lower send_batch_size, or set it to 0"));
    }
    config
        .metadata_keys
        .iter_mut()
        .for_each(|key| key.make_ascii_lowercase());
    for (index, key) in config.metadata_keys.iter().enumerate() {
        if config
            .metadata_keys
            .iter()
            .take(index)
            .any(|earlier| earlier == key)
        {
            return Err(node.error_at("metadata_keys", format!("`{key}` is listed twice")));
        }
    }
    Ok(Box::new(config))
}

impl ProcessorConfig for Config {
    fn batching(&self) -> Option<Batching> {
        let at_once = self.timeout.is_zero();
        Some(Batching {
            flush_timeout: self.timeout,
            min_size: if at_once {
                0
            } else {
                u64::from(self.send_batch_size)
            },
            max_size: u64::from(self.send_batch_max_size),
            sizer: Sizer::Items,
            metadata_keys: self.metadata_keys.clone(),
        })
    }

    fn build(
        &self,
        _signal: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError> {
        Ok(Box::new(Pass))
    }
}

struct Pass;

impl Processor for Pass {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        Ok(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlight_config::{Document, Environment};

    fn batching(yaml: &str) -> Result<Batching, String> {
        let node = Document::parse("test.yaml", yaml, &Environment::default())
            .unwrap()
            .into_root();
        decode(&node)
            .map(|config| config.batching().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_set_is_the_collectors_default() {
        let batching = batching("").unwrap();
        assert_eq!((batching.min_size, batching.max_size), (8192, 0));
        assert_eq!(batching.flush_timeout, Duration::from_millis(200));
        assert_eq!(batching.sizer, Sizer::Items);
    }

    #[test]
    fn everything_set_is_lowered() {
        let batching =
            batching("{timeout: 1s, send_batch_size: 10, send_batch_max_size: 20, metadata_keys: [X-Tenant]}").unwrap();
        assert_eq!((batching.min_size, batching.max_size), (10, 20));
        assert_eq!(batching.flush_timeout, Duration::from_secs(1));
        assert_eq!(batching.metadata_keys, ["x-tenant"]);
    }

    #[test]
    fn no_timeout_sends_at_once() {
        assert_eq!(batching("timeout: 0").unwrap().min_size, 0);
    }

    #[test]
    fn contradictions_are_refused_at_their_key() {
        let error = batching("{send_batch_size: 10, send_batch_max_size: 5}").unwrap_err();
        assert!(
            error.contains("send_batch_max_size")
                && error.contains("less than send_batch_size (10"),
            "{error}"
        );
        assert!(
            batching("metadata_keys: [a, A]")
                .unwrap_err()
                .contains("`a` is listed twice")
        );
    }
}
