//! Distributions as Datadog's metrics have them: bins of fixed bounds, the same for all.
//!
//! The parameters (an error of 1/128, values from 1e-9, 4096 bins) and how the values of a histogram's bucket are spread
//! over bins are those of the Agent's
//! [sketch](https://github.com/DataDog/opentelemetry-mapping-go/tree/main/pkg/quantile).

use std::collections::BTreeMap;

use fanlight_formats::datadog::Dogsketch;

/// The growth from bin to bin.
const GAMMA: f64 = 1.0 + 2.0 / 128.0;
/// The key of the value 1: the smallest value, 1e-9, has the key 1.
const BIAS: i32 = 1338;
/// The largest key; the next one stands for infinity.
const LARGEST: i32 = i16::MAX as i32 - 1;
/// Most bins; past these the lowest are joined.
const MOST_BINS: usize = 4096;

/// A distribution.
#[derive(Clone, Debug, Default)]
pub(super) struct Sketch {
    bins: BTreeMap<i32, u64>,
    sum: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl Sketch {
    /// Adds so many values, spread evenly from one bound to the other.
    pub(super) fn add(&mut self, lower: f64, upper: f64, count: u64) {
        if count == 0 || lower.is_nan() || upper.is_nan() {
            return;
        }
        let (first, last) = (key(lower), key(upper.max(lower)));
        let distance = upper - lower;
        let mut left = count;
        let mut carried = 0.0;
        let (mut bin, mut begin) = (first, low(first));
        for next in first + 1..=last {
            if left == 0 {
                break;
            }
            let end = low(next);
            let share = (end - begin) / distance * count as f64;
            if share > 1.0 {
                carried += share.fract();
            }
            let mut whole = share as u64;
            if carried > 1.0 {
                whole += 1;
                carried -= 1.0;
            }
            let whole = whole.min(left);
            if whole > 0 {
                self.put(bin, begin, whole);
                left -= whole;
                (bin, begin) = (next, end);
            }
        }
        if left > 0 {
            self.put(bin, begin, left);
        }
    }

    fn put(&mut self, key: i32, value: f64, count: u64) {
        *self.bins.entry(key).or_default() += count;
        self.sum += value * count as f64;
        self.low = Some(self.low.map_or(value, |low| low.min(value)));
        self.high = Some(self.high.map_or(value, |high| high.max(value)));
    }

    /// The message, but for what the sender knows better; `None` without values.
    pub(super) fn finish(mut self, seconds: i64) -> Option<Dogsketch> {
        let (min, max) = (self.low?, self.high?);
        while self.bins.len() > MOST_BINS {
            let (_, lowest) = self.bins.pop_first()?;
            *self.bins.first_entry()?.get_mut() += lowest;
        }
        let count: u64 = self.bins.values().sum();
        let sum = self.sum.clamp(f64::MIN, f64::MAX);
        Some(Dogsketch {
            ts: seconds,
            cnt: i64::try_from(count).unwrap_or(i64::MAX),
            min,
            max,
            avg: sum / count as f64,
            sum,
            k: self.bins.keys().copied().collect(),
            n: self
                .bins
                .values()
                .map(|count| u32::try_from(*count).unwrap_or(u32::MAX))
                .collect(),
        })
    }
}

fn key(value: f64) -> i32 {
    if value < 0.0 {
        return -key(-value);
    }
    if value < low(1) {
        return 0;
    }
    let index = (value.ln() / GAMMA.ln()).round_ties_even();
    match index {
        index if index > f64::from(LARGEST - BIAS) => LARGEST + 1,
        index => (index as i32 + BIAS).max(1),
    }
}

/// Where a bin begins.
fn low(key: i32) -> f64 {
    match key {
        0 => 0.0,
        key if key < 0 => -low(-key),
        key if key > LARGEST => f64::MAX,
        key => GAMMA.powi(key - BIAS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_agent() {
        for (value, expected) in [
            (0.0, 0),
            (1e-10, 0),
            (1.0, 1338),
            (-1.0, -1338),
            (GAMMA, 1339),
            (f64::MAX, LARGEST + 1),
        ] {
            assert_eq!(key(value), expected, "{value}");
        }
        assert!((low(1) - 1e-9).abs() < 2e-11);
    }

    #[test]
    fn no_value_is_lost_however_wide_the_bucket() {
        for (lower, upper, count) in [
            (0.0, 5.0, 1000),
            (1.0, 1.0, 7),
            (-3.0, 2.0, 11),
            (1e-3, 1e6, 3),
        ] {
            let mut sketch = Sketch::default();
            sketch.add(lower, upper, count);
            let message = sketch.finish(1).unwrap();
            assert_eq!(message.cnt as u64, count);
            assert_eq!(message.n.iter().map(|n| u64::from(*n)).sum::<u64>(), count);
            assert!(message.k.is_sorted());
            let error = 2.0 * (GAMMA - 1.0) * lower.abs().max(upper.abs());
            assert!(
                message.min >= lower - error && message.max <= upper + error,
                "{message:?}"
            );
        }
        assert_eq!(Sketch::default().finish(1), None);
    }
}
