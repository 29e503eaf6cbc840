//! How long acknowledgements took.

use std::time::Duration;

/// Latencies in microseconds, as they came.
#[derive(Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        self.0
            .push(latency.as_micros().try_into().unwrap_or(u32::MAX));
    }

    /// The latency in milliseconds that this share of all was not above: 0.99 for p99.
    pub fn quantile(&mut self, share: f64) -> f64 {
        self.0.sort_unstable();
        let index = (self.0.len() as f64 * share) as usize;
        f64::from(
            self.0
                .get(index.min(self.0.len().saturating_sub(1)))
                .copied()
                .unwrap_or_default(),
        ) / 1000.0
    }
}
