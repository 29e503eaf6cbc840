//! `sending_queue`, `retry_on_failure` and batching.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use crate::{ByteSize, ComponentId};

/// `sending_queue`: what waits in front of an exporter.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Queue {
    /// Whether there is a queue; without one the sender waits for the destination's answer. Default: true.
    pub enabled: bool,
    /// How many batches are sent at once, at least 1. Default: 10.
    #[serde(deserialize_with = "positive")]
    pub num_consumers: usize,
    /// How much fits in, counted as `sizer` says, at least 1. Default: 1000.
    #[serde(deserialize_with = "positive")]
    pub queue_size: u64,
    /// What `queue_size` counts. Default: requests.
    pub sizer: Sizer,
    /// How many bytes of protobuf a queue in memory holds at most, whatever `queue_size` allows. Default: 64 MiB. Not in the
    /// Collector, whose queue of 1000 requests has no bound in bytes.
    pub max_bytes: ByteSize,
    /// Whether a full queue makes the sender wait even where another destination could take the batch. Default: false.
    pub block_on_overflow: bool,
    /// Whether the sender gets its answer only when the destination has answered. Default: false.
    pub wait_for_result: bool,
    /// The extension that keeps the queue on disk. Default: none, the queue is in memory.
    pub storage: Option<ComponentId>,
    /// Joining batches as they leave the queue. Default: none; `batch: {}` is enough to have it.
    #[serde(deserialize_with = "crate::present")]
    pub batch: Option<Batching>,
}

/// What a queue's size counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sizer {
    /// Batches.
    Requests,
    /// Spans, data points, log records, samples.
    Items,
    /// Bytes of protobuf.
    Bytes,
}

/// How batches are joined and split before they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BatchingKeys")]
pub struct Batching {
    /// How long the first batch waits for others. Default: 200ms.
    pub flush_timeout: Duration,
    /// Send as soon as this much is there. Default: 8192.
    pub min_size: u64,
    /// Split what is larger; 0 means never. Default: 0.
    pub max_size: u64,
    /// What the sizes count: items or bytes. Default: items.
    pub sizer: Sizer,
    /// Batches whose callers differ in these headers are not joined (`partition.metadata_keys`). Default: none.
    pub metadata_keys: Vec<String>,
}

/// `retry_on_failure`: how often and how fast a batch is sent again.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/config/configretry/backoff.go).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Whether at all. Default: true.
    pub enabled: bool,
    /// The first delay. Default: 5s.
    #[serde(with = "crate::duration")]
    pub initial_interval: Duration,
    /// Each delay is this many times the one before, at least 1. Default: 1.5.
    #[serde(deserialize_with = "multiplier")]
    pub multiplier: f64,
    /// Each delay varies by this share of itself, up and down, 0 to 1. Default: 0.5.
    #[serde(deserialize_with = "fraction")]
    pub randomization_factor: f64,
    /// The longest delay. Default: 30s.
    #[serde(with = "crate::duration")]
    pub max_interval: Duration,
    /// When to give up; zero means never. Default: 5m.
    #[serde(with = "crate::duration")]
    pub max_elapsed_time: Duration,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            enabled: true,
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            max_bytes: ByteSize::mebibytes(64),
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            batch: None,
        }
    }
}

impl Default for Batching {
    fn default() -> Batching {
        Batching {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
            max_size: 0,
            sizer: Sizer::Items,
            metadata_keys: Vec::new(),
        }
    }
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            enabled: true,
            initial_interval: Duration::from_secs(5),
            multiplier: 1.5,
            randomization_factor: 0.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

/// `batch` as it is written.
#[derive(Deserialize)]
#[serde(default)]
struct BatchingKeys {
    #[serde(with = "crate::duration")]
    flush_timeout: Duration,
    min_size: u64,
    max_size: u64,
    sizer: Sizer,
    partition: Partition,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Partition {
    metadata_keys: Vec<String>,
}

impl Default for BatchingKeys {
    fn default() -> BatchingKeys {
        let Batching {
            flush_timeout,
            min_size,
            max_size,
            sizer,
            metadata_keys,
        } = Batching::default();
        BatchingKeys {
            flush_timeout,
            min_size,
            max_size,
            sizer,
            partition: Partition { metadata_keys },
        }
    }
}

impl TryFrom<BatchingKeys> for Batching {
    type Error = String;

    fn try_from(keys: BatchingKeys) -> Result<Batching, String> {
        let BatchingKeys {
            flush_timeout,
            min_size,
            max_size,
            sizer,
            partition,
        } = keys;
        if sizer == Sizer::Requests {
            return Err("`sizer` of a batch is `items` or `bytes`: a batch is one request".into());
        }
        if max_size != 0 && max_size < min_size {
            return Err(format!(
                "`max_size` {max_size} is smaller than `min_size` {min_size}"
            ));
        }
        Ok(Batching {
            flush_timeout,
            min_size,
            max_size,
            sizer,
            metadata_keys: partition.metadata_keys,
        })
    }
}

/// A number that is not zero.
fn positive<'de, D, N>(deserializer: D) -> Result<N, D::Error>
where
    D: Deserializer<'de>,
    N: Deserialize<'de> + Default + PartialEq,
{
    let number = N::deserialize(deserializer)?;
    if number == N::default() {
        Err(D::Error::custom("expected a number above 0, found 0"))
    } else {
        Ok(number)
    }
}

fn fraction<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err(D::Error::custom(format!(
            "expected a number from 0 to 1, found `{number}`"
        )))
    }
}

fn multiplier<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.is_finite() && number >= 1.0 {
        Ok(number)
    } else {
        Err(D::Error::custom(format!(
            "expected a number of at least 1, found `{number}`"
        )))
    }
}
