//! A distribution of durations with one percent of error: [DDSketch](https://www.vldb.org/pvldb/vol12/p2195-masson.pdf),
//! with the parameters of the Agent.

use std::collections::BTreeMap;

use bytes::Bytes;
use fanlight_formats::datadog::{DdSketch, IndexMapping, Store};
use prost::Message as _;

/// The growth from bin to bin: one percent of error.
const GAMMA: f64 = 1.01 / 0.99;
/// Most bins; past these the lowest are joined.
const MOST_BINS: i32 = 2048;

/// A distribution.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch {
    bins: BTreeMap<i32, f64>,
    zeros: f64,
}

impl Sketch {
    /// Adds a duration in nanoseconds.
    pub(super) fn add(&mut self, nanoseconds: u64) {
        if nanoseconds == 0 {
            self.zeros += 1.0;
            return;
        }
        let index = ((nanoseconds as f64).ln() / GAMMA.ln()).floor() as i32;
        *self.bins.entry(index).or_default() += 1.0;
    }

    /// The message.
    pub(super) fn encoded(&self) -> Bytes {
        let positive = self.bins.last_key_value().map(|(highest, _)| {
            let lowest = self.bins.keys().next().copied().unwrap_or(*highest);
            let lowest = lowest.max(highest - MOST_BINS + 1);
            let mut counts = vec![0.0; usize::try_from(highest - lowest + 1).unwrap_or_default()];
            for (index, count) in &self.bins {
                let place = usize::try_from(index - lowest).unwrap_or_default();
                if let Some(bin) = counts.get_mut(place) {
                    *bin += count;
                }
            }
            Store {
                contiguous_bin_counts: counts,
                contiguous_bin_index_offset: lowest,
                ..Store::default()
            }
        });
        let sketch = DdSketch {
            mapping: Some(IndexMapping {
                gamma: GAMMA,
                index_offset: 0.0,
                interpolation: 0,
            }),
            positive_values: Some(positive.unwrap_or_default()),
            negative_values: Some(Store::default()),
            zero_count: self.zeros,
        };
        sketch.encode_to_vec().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_in_a_bin_within_one_percent() {
        let mut sketch = Sketch::default();
        for duration in [0, 1, 1_000, 1_000_000_000, u64::MAX] {
            sketch.add(duration);
        }
        let read = DdSketch::decode(sketch.encoded()).unwrap();
        let store = read.positive_values.unwrap();
        assert_eq!(
            store.contiguous_bin_counts.iter().sum::<f64>() + read.zero_count,
            5.0
        );
        assert!(store.contiguous_bin_counts.len() <= MOST_BINS as usize);
        for (place, count) in store.contiguous_bin_counts.iter().enumerate().skip(1) {
            if *count > 0.0 {
                let index = store.contiguous_bin_index_offset + place as i32;
                let middle = GAMMA.powi(index) * 2.0 * GAMMA / (1.0 + GAMMA);
                let near = [1_000.0, 1e9, u64::MAX as f64]
                    .iter()
                    .any(|value: &f64| (middle / value - 1.0).abs() < 0.0101);
                assert!(near, "{middle}");
            }
        }
    }
}
