//! Quantiles of histograms whose buckets are series.

use std::collections::BTreeMap;

use super::evaluate::Row;
use super::series::Labels;

/// A bucket: its upper bound, and at each step what is counted up to it.
type Bucket = (f64, Vec<Option<f64>>);

/// Quantiles of histograms: rows that differ in `le` alone are the buckets of one.
pub(super) fn histogram_quantile(shares: &[f64], rows: Vec<Row>) -> Vec<Row> {
    let mut histograms: BTreeMap<Labels, Vec<Bucket>> = BTreeMap::new();
    for row in rows {
        let mut labels = row.nameless();
        let bound = labels.labels.remove("le");
        let bound = bound.and_then(|bound| match bound.as_str() {
            "+Inf" => Some(f64::INFINITY),
            text => text.parse().ok(),
        });
        if let Some(bound) = bound {
            let buckets = histograms.entry(labels.labels).or_default();
            buckets.push((bound, labels.values));
        }
    }
    let row = |(labels, mut buckets): (Labels, Vec<Bucket>)| {
        buckets.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let value = |(step, share): (usize, &f64)| {
            let counts = buckets
                .iter()
                .filter_map(|(bound, values)| Some((*bound, (*values.get(step)?)?)));
            bucket_quantile(*share, &counts.collect::<Vec<_>>())
        };
        Row {
            values: shares.iter().enumerate().map(value).collect(),
            labels,
        }
    };
    let rows = histograms.into_iter().map(row);
    rows.filter(|row| row.values.iter().any(Option::is_some))
        .collect()
}

/// The value that a share does not exceed. `buckets` are upper bounds in rising order with the counts up to each.
fn bucket_quantile(share: f64, buckets: &[(f64, f64)]) -> Option<f64> {
    let (last_bound, all) = buckets.last()?;
    if last_bound.is_finite() || buckets.len() < 2 || *all <= 0.0 || share.is_nan() {
        return Some(f64::NAN);
    }
    if !(0.0..=1.0).contains(&share) {
        return Some(f64::INFINITY.copysign(share));
    }
    let rank = share * all;
    let place = buckets.partition_point(|(_, count)| *count < rank);
    let (upper, count) = buckets.get(place)?;
    let (lower, below) = match place.checked_sub(1).and_then(|place| buckets.get(place)) {
        Some((lower, below)) => (*lower, *below),
        // The first bucket begins at zero, unless it ends below.
        None if *upper <= 0.0 => return Some(*upper),
        None => (0.0, 0.0),
    };
    if upper.is_infinite() {
        // Past the last bound nothing is known but that.
        return Some(lower);
    }
    match count > &below {
        true => Some(lower + (upper - lower) * ((rank - below) / (count - below))),
        false => Some(*upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_straight_within_their_bucket() {
        let buckets = [
            (0.1, 10.0),
            (0.5, 50.0),
            (1.0, 100.0),
            (f64::INFINITY, 100.0),
        ];
        assert_eq!(bucket_quantile(0.5, &buckets), Some(0.5));
        assert_eq!(bucket_quantile(0.75, &buckets), Some(0.75));
        assert_eq!(bucket_quantile(0.05, &buckets), Some(0.05));
    }

    #[test]
    fn past_the_last_bound_only_the_bound_is_known() {
        let buckets = [(1.0, 1.0), (f64::INFINITY, 10.0)];
        assert_eq!(bucket_quantile(0.9, &buckets), Some(1.0));
    }

    #[test]
    fn a_histogram_without_values_or_without_its_last_bucket_has_no_quantile() {
        for buckets in [
            &[(1.0, 0.0), (f64::INFINITY, 0.0)][..],
            &[(1.0, 5.0), (2.0, 6.0)][..],
        ] {
            assert!(bucket_quantile(0.5, buckets).unwrap().is_nan());
        }
    }
}
