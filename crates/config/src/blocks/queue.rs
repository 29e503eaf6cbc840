//! `sending_queue`, `retry_on_failure` and batching.

use std::time::Duration;

use crate::ComponentId;

/// `sending_queue`: what waits in front of an exporter.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/exporter/exporterhelper/README.md).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Whether there is a queue; without one the sender waits for the destination's answer.
    pub enabled: bool,
    /// How many batches are sent at once.
    pub num_consumers: usize,
    /// How much fits in, counted as `sizer` says.
    pub queue_size: u64,
    /// What `queue_size` counts.
    pub sizer: Sizer,
    /// Whether a full queue makes the sender wait even where another destination could take the batch.
    pub block_on_overflow: bool,
    /// Whether the sender gets its answer only when the destination has answered.
    pub wait_for_result: bool,
    /// The extension that keeps the queue on disk.
    pub storage: Option<ComponentId>,
    /// Joining batches as they leave the queue.
    pub batch: Option<Batching>,
}

/// What a queue's size counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizer {
    /// Batches.
    Requests,
    /// Spans, data points, log records, samples.
    Items,
    /// Bytes of protobuf.
    Bytes,
}

/// How batches are joined and split before they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batching {
    /// How long the first batch waits for others.
    pub flush_timeout: Duration,
    /// Send as soon as this much is there.
    pub min_size: u64,
    /// Split what is larger; 0 means never.
    pub max_size: u64,
    /// What the sizes count.
    pub sizer: Sizer,
    /// Batches whose callers differ in these headers are not joined.
    pub metadata_keys: Vec<String>,
}

/// `retry_on_failure`: how often and how fast a batch is sent again.
#[derive(Clone, Debug, PartialEq)]
pub struct Retry {
    /// Whether at all.
    pub enabled: bool,
    /// The first delay.
    pub initial_interval: Duration,
    /// Each delay is this many times the one before.
    pub multiplier: f64,
    /// Each delay varies by this share of itself, up and down.
    pub randomization_factor: f64,
    /// The longest delay.
    pub max_interval: Duration,
    /// When to give up; zero means never.
    pub max_elapsed_time: Duration,
}
