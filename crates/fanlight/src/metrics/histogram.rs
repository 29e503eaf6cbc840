//! Histograms with explicit bounds. A bucket holds what is above the bound before it, and at most its own.

use std::sync::Arc;

/// The bounds where none are given.
/// [Source](https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation).
const DEFAULT_BOUNDS: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

pub(crate) fn default_bounds() -> Arc<[f64]> {
    Arc::from(DEFAULT_BOUNDS)
}

/// What is known of values besides their buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// How values are distributed.
pub(crate) trait Distribution: Clone {
    /// Adds a finite value.
    fn record(&mut self, value: f64);

    /// Adds everything of another, whose bounds or limits are the same.
    fn merge(&mut self, other: &Self);

    /// Forgets the values.
    fn clear(&mut self);

    fn summary(&self) -> &Summary;
}

/// How many values each bucket counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) bounds: Arc<[f64]>,
    /// One more than there are bounds.
    pub(crate) counts: Vec<u64>,
    pub(crate) summary: Summary,
}

impl Summary {
    pub(crate) const EMPTY: Summary = Summary {
        count: 0,
        sum: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };

    pub(crate) fn record(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    pub(crate) fn merge(&mut self, other: &Summary) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

impl Buckets {
    pub(crate) fn new(bounds: Arc<[f64]>) -> Buckets {
        let counts = vec![0; bounds.len() + 1];
        Buckets {
            bounds,
            counts,
            summary: Summary::EMPTY,
        }
    }
}

impl Distribution for Buckets {
    fn record(&mut self, value: f64) {
        let index = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        }
        self.summary.record(value);
    }

    fn merge(&mut self, other: &Buckets) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.summary.merge(&other.summary);
    }

    fn clear(&mut self) {
        self.counts.fill(0);
        self.summary = Summary::EMPTY;
    }

    fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// Whether bounds can be bounds: finite, each above the one before.
pub(crate) fn are_valid(bounds: &[f64]) -> bool {
    bounds.iter().all(|bound| bound.is_finite()) && bounds.is_sorted_by(|a, b| a < b)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bucket as the specification words it: greater than the lower bound, at most the upper.
    fn naive(bounds: &[f64], value: f64) -> usize {
        let lower = |index: usize| {
            if index == 0 {
                f64::NEG_INFINITY
            } else {
                bounds[index - 1]
            }
        };
        let upper = |index: usize| bounds.get(index).copied().unwrap_or(f64::INFINITY);
        (0..=bounds.len())
            .find(|index| lower(*index) < value && value <= upper(*index))
            .unwrap()
    }

    fn bounds() -> impl Strategy<Value = Vec<f64>> {
        proptest::collection::btree_set(-50_i32..50, 0..12)
            .prop_map(|bounds| bounds.into_iter().map(f64::from).collect())
    }

    proptest! {
        #[test]
        fn each_value_is_in_the_bucket_that_the_specification_says(
            bounds in bounds(),
            values in proptest::collection::vec(-60_i32..60, 1..40),
        ) {
            let mut buckets = Buckets::new(bounds.clone().into());
            let mut expected = vec![0; bounds.len() + 1];
            let values: Vec<f64> = values.into_iter().map(|value| f64::from(value) / 2.0).collect();
            for value in &values {
                buckets.record(*value);
                expected[naive(&bounds, *value)] += 1;
            }
            prop_assert_eq!(&buckets.counts, &expected);
            prop_assert_eq!(buckets.summary.count, values.len() as u64);
            prop_assert_eq!(buckets.summary.sum, values.iter().sum::<f64>());
            prop_assert_eq!(buckets.summary.min, values.iter().copied().fold(f64::INFINITY, f64::min));
            prop_assert_eq!(buckets.summary.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        }

        #[test]
        fn merged_is_as_recorded_together(
            bounds in bounds(),
            first in proptest::collection::vec(-60_i32..60, 0..20),
            second in proptest::collection::vec(-60_i32..60, 0..20),
        ) {
            let of = |values: &[i32]| {
                let mut buckets = Buckets::new(bounds.clone().into());
                values.iter().for_each(|value| buckets.record(f64::from(*value)));
                buckets
            };
            let mut merged = of(&first);
            merged.merge(&of(&second));
            prop_assert_eq!(merged, of(&[first, second].concat()));
        }
    }

    #[test]
    fn bounds_rise_and_are_finite() {
        assert!(are_valid(&DEFAULT_BOUNDS));
        assert!(are_valid(&[]));
        assert!(!are_valid(&[1.0, 1.0]));
        assert!(!are_valid(&[2.0, 1.0]));
        assert!(!are_valid(&[f64::NAN]));
        assert!(!are_valid(&[f64::INFINITY]));
    }
}
