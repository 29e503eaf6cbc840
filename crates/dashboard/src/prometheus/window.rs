//! Functions of ranges: what the samples of a window are worth.

/// Computes a value of the samples of a window, its beginning and its end in Unix milliseconds, and the call's scalar.
pub(super) type Function = fn(&[(i64, f64)], i64, i64, Option<f64>) -> Option<f64>;

/// The function of a name, if it is one of ranges.
pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "rate" => |samples, from, to, _| {
            let increase = extrapolated(samples, from, to, true)?;
            Some(increase / seconds(from, to))
        },
        "increase" => |samples, from, to, _| extrapolated(samples, from, to, true),
        "delta" => |samples, from, to, _| extrapolated(samples, from, to, false),
        "irate" => |samples, _, _, _| {
            let [.., (before, old), (at, new)] = samples else {
                return None;
            };
            let grown = if new < old { *new } else { new - old };
            Some(grown / seconds(*before, *at))
        },
        "idelta" => |samples, _, _, _| match samples {
            [.., (_, old), (_, new)] => Some(new - old),
            _ => None,
        },
        "avg_over_time" => |samples, _, _, _| mean(samples),
        "sum_over_time" => |samples, _, _, _| some(samples).map(|values| values.sum()),
        "min_over_time" => |samples, _, _, _| some(samples)?.reduce(f64::min),
        "max_over_time" => |samples, _, _, _| some(samples)?.reduce(f64::max),
        "count_over_time" => |samples, _, _, _| some(samples).map(|_| samples.len() as f64),
        "last_over_time" => |samples, _, _, _| samples.last().map(|(_, value)| *value),
        "present_over_time" => |samples, _, _, _| some(samples).map(|_| 1.0),
        "stddev_over_time" => |samples, _, _, _| variance(samples).map(f64::sqrt),
        "stdvar_over_time" => |samples, _, _, _| variance(samples),
        "quantile_over_time" => |samples, _, _, share| quantile(some(samples)?.collect(), share?),
        "changes" => |samples, _, _, _| {
            count_pairs(samples, |old, new| {
                old != new && !(old.is_nan() && new.is_nan())
            })
        },
        "resets" => |samples, _, _, _| count_pairs(samples, |old, new| new < old),
        "deriv" => |samples, _, _, _| slope(samples),
        _ => return None,
    })
}

fn seconds(from: i64, to: i64) -> f64 {
    (to - from) as f64 / 1000.0
}

fn some(samples: &[(i64, f64)]) -> Option<impl Iterator<Item = f64>> {
    (!samples.is_empty()).then(|| samples.iter().map(|(_, value)| *value))
}

fn mean(samples: &[(i64, f64)]) -> Option<f64> {
    Some(some(samples)?.sum::<f64>() / samples.len() as f64)
}

fn variance(samples: &[(i64, f64)]) -> Option<f64> {
    let mean = mean(samples)?;
    let squares: f64 = some(samples)?.map(|value| (value - mean).powi(2)).sum();
    Some(squares / samples.len() as f64)
}

fn count_pairs(samples: &[(i64, f64)], is_one: fn(f64, f64) -> bool) -> Option<f64> {
    let values: Vec<f64> = some(samples)?.collect();
    let pairs = values.windows(2).filter(|pair| match pair {
        [old, new] => is_one(*old, *new),
        _ => false,
    });
    Some(pairs.count() as f64)
}

/// The value that a share of all does not exceed, straight between neighbours.
pub(super) fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    if share.is_nan() {
        return Some(f64::NAN);
    }
    if !(0.0..=1.0).contains(&share) {
        return Some(f64::INFINITY.copysign(share));
    }
    let place = share * last as f64;
    let below = values.get(place.floor() as usize)?;
    let above = values.get(place.ceil() as usize)?;
    Some(below + (above - below) * (place - place.floor()))
}

/// The slope of the straight line that fits best, by the second.
fn slope(samples: &[(i64, f64)]) -> Option<f64> {
    let (first, _) = samples.first().filter(|_| samples.len() > 1)?;
    let count = samples.len() as f64;
    let (mut x_sum, mut y_sum, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
    for (time, y) in samples {
        let x = seconds(*first, *time);
        x_sum += x;
        y_sum += y;
        xx += x * x;
        xy += x * y;
    }
    Some((count * xy - x_sum * y_sum) / (count * xx - x_sum * x_sum))
}

/// By how much a series grew in a window. Samples seldom fall on its ends, so it is carried on to them where the first and
/// the last are near enough, as [Prometheus](https://github.com/prometheus/prometheus/blob/main/promql/functions.go) does.
fn extrapolated(samples: &[(i64, f64)], from: i64, to: i64, is_counter: bool) -> Option<f64> {
    let [(first_time, first), .., (last_time, last)] = samples else {
        return None;
    };
    let mut grown = last - first;
    if is_counter {
        let mut before = *first;
        for (_, value) in samples {
            if *value < before {
                grown += before;
            }
            before = *value;
        }
    }
    let between = seconds(*first_time, *last_time);
    let average = between / (samples.len() - 1) as f64;
    let near = average * 1.1;
    let (mut to_start, mut to_end) = (seconds(from, *first_time), seconds(*last_time, to));
    if to_start >= near {
        to_start = average / 2.0;
    }
    if is_counter && grown > 0.0 && *first >= 0.0 {
        // A counter is not carried on below zero.
        to_start = to_start.min(between * (first / grown));
    }
    if to_end >= near {
        to_end = average / 2.0;
    }
    Some(grown * ((between + to_start + to_end) / between))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, samples: &[(i64, f64)]) -> Option<f64> {
        function(name).unwrap()(samples, 0, 60_000, Some(0.5))
    }

    #[test]
    fn a_steady_counter_has_its_rate_wherever_the_samples_fall() {
        let steady = [
            (5_000, 105.0),
            (20_000, 120.0),
            (35_000, 135.0),
            (50_000, 150.0),
        ];
        assert_eq!(call("rate", &steady), Some(1.0));
        assert_eq!(call("increase", &steady), Some(60.0));
        assert_eq!(call("irate", &steady), Some(1.0));
    }

    #[test]
    fn a_reset_counts_from_zero() {
        let reset = [(0, 90.0), (20_000, 100.0), (40_000, 5.0), (60_000, 15.0)];
        assert_eq!(call("increase", &reset), Some(25.0));
        assert_eq!(call("resets", &reset), Some(1.0));
        assert_eq!(call("delta", &reset), Some(-75.0));
    }

    #[test]
    fn a_counter_that_began_in_the_window_is_not_carried_on_below_zero() {
        let new = [(30_000, 0.0), (45_000, 15.0), (60_000, 30.0)];
        assert_eq!(call("increase", &new), Some(30.0));
    }

    #[test]
    fn one_sample_has_no_rate_and_none_has_nothing() {
        assert_eq!(call("rate", &[(1, 1.0)]), None);
        assert_eq!(call("sum_over_time", &[]), None);
        assert_eq!(call("max_over_time", &[(1, 1.0)]), Some(1.0));
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(
            call(
                "quantile_over_time",
                &[(1, 4.0), (2, 1.0), (3, 2.0), (4, 3.0)]
            ),
            Some(2.5)
        );
        assert_eq!(quantile(vec![1.0], 2.0), Some(f64::INFINITY));
        assert_eq!(quantile(Vec::new(), 0.5), None);
    }
}
