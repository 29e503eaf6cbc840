use proptest::prelude::*;

use super::*;

fn recorded(max_size: usize, values: &[f64]) -> Exponential {
    let limits = Limits {
        max_size,
        ..Limits::default()
    };
    let mut histogram = Exponential::new(limits);
    values.iter().for_each(|value| histogram.record(*value));
    histogram
}

/// The bounds of a bucket, as the data model defines them, as logarithms to base 2.
fn bounds(index: i32, scale: i32) -> (f64, f64) {
    let width = f64::from(-scale).exp2();
    (f64::from(index) * width, (f64::from(index) + 1.0) * width)
}

/// What may be wrong by the rounding of logarithms.
const ROUNDING: f64 = 1e-9;

fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        -1e3..1e3_f64,
        Just(0.0),
        (-1000_i32..1000).prop_map(|exponent| f64::from(exponent).exp2()),
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
    ];
    proptest::collection::vec(value, 0..60)
}

fn total(side: &Side) -> u64 {
    side.counts.iter().sum()
}

proptest! {
    #[test]
    fn each_value_is_within_its_bucket(value in 1e-300..1e300_f64, scale in -10..=20_i32) {
        let (lower, upper) = bounds(index(value, scale), scale);
        prop_assert!(lower <= value.log2() + ROUNDING, "{value} is not above 2^{lower}");
        prop_assert!(value.log2() <= upper + ROUNDING, "{value} is above 2^{upper}");
    }

    #[test]
    fn powers_of_two_are_the_upper_end_of_their_bucket(exponent in -1022..=1023_i32, scale in 0..=20_i32) {
        let value = f64::from(exponent).exp2();
        prop_assert_eq!(index(value, scale), (exponent << scale) - 1);
        let above = f64::from_bits(value.to_bits() + 1);
        prop_assert_eq!(index(above, scale), exponent << scale);
    }

    #[test]
    fn nothing_is_lost_and_nothing_outgrows_the_limit(values in values(), max_size in 2..40_usize) {
        let histogram = recorded(max_size, &values);
        let positive = values.iter().filter(|value| **value > 0.0).count() as u64;
        let negative = values.iter().filter(|value| **value < 0.0).count() as u64;
        prop_assert_eq!(total(&histogram.positive), positive);
        prop_assert_eq!(total(&histogram.negative), negative);
        prop_assert_eq!(histogram.zero_count, values.len() as u64 - positive - negative);
        prop_assert_eq!(histogram.summary.count, values.len() as u64);
        prop_assert!((MIN_SCALE..=MAX_SCALE).contains(&histogram.scale));
        for side in [&histogram.positive, &histogram.negative] {
            prop_assert!(side.counts.len() <= max_size);
            prop_assert_ne!(side.counts.front(), Some(&0));
            prop_assert_ne!(side.counts.back(), Some(&0));
        }
    }

    /// Counting each value at the scale that came out is the naive histogram.
    #[test]
    fn buckets_are_those_of_a_histogram_of_the_final_scale(values in values(), max_size in 2..40_usize) {
        let histogram = recorded(max_size, &values);
        for (side, sign) in [(&histogram.positive, 1.0), (&histogram.negative, -1.0)] {
            let mut naive = std::collections::BTreeMap::new();
            for value in values.iter().filter(|value| **value * sign > 0.0) {
                // By the finest scale: joining neighbours is exact, the logarithm is not.
                let index = index(value.abs(), MAX_SCALE) >> (MAX_SCALE - histogram.scale);
                *naive.entry(index).or_insert(0) += 1;
            }
            let counted: std::collections::BTreeMap<i32, u64> = (side.offset..)
                .zip(side.counts.iter().copied())
                .filter(|(_, count)| *count > 0)
                .collect();
            for (index, count) in &naive {
                let near: u64 = (index - 1..=index + 1).filter_map(|near| counted.get(&near)).sum();
                prop_assert!(near >= *count, "bucket {index} of {naive:?} is not in {counted:?}");
            }
            prop_assert_eq!(naive.values().sum::<u64>(), counted.values().sum::<u64>());
        }
    }

    #[test]
    fn scale_is_the_finest_that_fits(values in values(), max_size in 2..40_usize) {
        let histogram = recorded(max_size, &values);
        prop_assume!(histogram.scale < MAX_SCALE);
        let fits_finer = [1.0, -1.0].iter().all(|sign| {
            let indexes = values
                .iter()
                .filter(|value| **value * sign > 0.0)
                .map(|value| index(value.abs(), histogram.scale + 1));
            let (low, high) = (indexes.clone().min(), indexes.max());
            low.zip(high).is_none_or(|(low, high)| ((high - low) as usize) + 1 < max_size)
        });
        prop_assert!(!fits_finer, "scale {} is coarser than needed", histogram.scale);
    }

    #[test]
    fn merged_counts_as_recorded_together(first in values(), second in values(), max_size in 2..40_usize) {
        let mut merged = recorded(max_size, &first);
        merged.merge(&recorded(max_size, &second));
        let together = recorded(max_size, &[first, second].concat());
        prop_assert_eq!(merged.scale, together.scale);
        prop_assert_eq!(merged.zero_count, together.zero_count);
        prop_assert_eq!(total(&merged.positive), total(&together.positive));
        prop_assert_eq!(total(&merged.negative), total(&together.negative));
        prop_assert_eq!(merged.summary.count, together.summary.count);
        prop_assert_eq!(merged.summary.min.to_bits(), together.summary.min.to_bits());
        prop_assert_eq!(merged.summary.max.to_bits(), together.summary.max.to_bits());
        prop_assert!(merged.positive.counts.len() <= max_size);
        prop_assert!(merged.negative.counts.len() <= max_size);
    }
}

#[test]
fn values_within_the_threshold_are_zero() {
    let mut histogram = Exponential::new(Limits {
        max_size: 160,
        zero_threshold: 0.5,
    });
    for value in [0.0, 0.5, -0.25, 0.75] {
        histogram.record(value);
    }
    assert_eq!((histogram.zero_count, total(&histogram.positive)), (3, 1));
}

#[test]
fn the_whole_range_of_numbers_fits_into_two_buckets() {
    let histogram = recorded(2, &[f64::MIN_POSITIVE / 8.0, 1.0, f64::MAX]);
    assert_eq!(histogram.scale, MIN_SCALE);
    assert_eq!(histogram.positive.offset, -1);
    assert_eq!(histogram.positive.counts, [2, 1]);
}
