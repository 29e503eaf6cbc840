//! Functions of values: each step by itself.

use std::collections::BTreeMap;

use regex::Regex;

use super::evaluate::{Row, Steps, Value};
use super::series::{Labels, NAME};

/// Calls a function.
pub(super) fn call(name: &str, arguments: Vec<Value>, steps: Steps) -> Result<Value, String> {
    let mut arguments = arguments.into_iter();
    let mut next = || {
        let missing = || format!("{name} needs one more argument");
        arguments.next().ok_or_else(missing)
    };
    if let Some(function) = one_to_one(name) {
        return Ok(Value::Vector(map(next()?.vector()?, function)));
    }
    match name {
        "time" => Ok(Value::Scalar(
            steps.times().map(|time| time as f64 / 1000.0).collect(),
        )),
        "pi" => Ok(Value::Scalar(vec![std::f64::consts::PI; steps.count])),
        "vector" => Ok(Value::Vector(vec![Row {
            labels: Labels::new(),
            values: next()?.scalar()?.into_iter().map(Some).collect(),
        }])),
        "scalar" => Ok(Value::Scalar(only(&next()?.vector()?, steps))),
        "absent" => Ok(Value::Vector(absent(&next()?.vector()?, steps))),
        "sort" | "sort_desc" => {
            let sign = if name == "sort" { 1.0 } else { -1.0 };
            let mut rows = next()?.vector()?;
            let last = |row: &Row| row.values.last().copied().flatten().unwrap_or(f64::NAN) * sign;
            rows.sort_by(|a, b| last(a).total_cmp(&last(b)));
            Ok(Value::Vector(rows))
        }
        "clamp" | "clamp_min" | "clamp_max" => {
            let rows = next()?.vector()?;
            let mut bound = || Ok::<_, String>(next()?.scalar()?.first().copied());
            let (low, high) = match name {
                "clamp" => (bound()?, bound()?),
                "clamp_min" => (bound()?, None),
                _ => (None, bound()?),
            };
            Ok(Value::Vector(map(rows, |value| {
                let value = low.map_or(value, |low| value.max(low));
                high.map_or(value, |high| value.min(high))
            })))
        }
        "round" => {
            let rows = next()?.vector()?;
            let to = next().and_then(Value::scalar).ok();
            let to = to.and_then(|to| to.first().copied()).unwrap_or(1.0);
            Ok(Value::Vector(map(rows, |value| {
                (value / to + 0.5).floor() * to
            })))
        }
        "histogram_quantile" => {
            let share = next()?.scalar()?;
            Ok(Value::Vector(histogram_quantile(&share, next()?.vector()?)))
        }
        "label_replace" => {
            let rows = next()?.vector()?;
            let mut text = || next()?.text();
            let parts = [text()?, text()?, text()?, text()?];
            label_replace(rows, &parts).map(Value::Vector)
        }
        "label_join" => {
            let rows = next()?.vector()?;
            let (target, separator) = (next()?.text()?, next()?.text()?);
            let sources: Vec<String> = arguments.map(Value::text).collect::<Result<_, _>>()?;
            Ok(Value::Vector(label_join(
                rows, &target, &separator, &sources,
            )))
        }
        other => Err(format!("the function {other} is not supported")),
    }
}

fn one_to_one(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "sqrt" => f64::sqrt,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sgn" => |value| {
            if value == 0.0 { 0.0 } else { value.signum() }
        },
        _ => return None,
    })
}

/// Applies a function to every value.
pub(super) fn map(rows: Vec<Row>, function: impl Fn(f64) -> f64) -> Vec<Row> {
    let row = |row: Row| {
        let values = row.values.iter().map(|value| value.map(&function));
        let values = values.collect();
        Row { values, ..row }.nameless()
    };
    rows.into_iter().map(row).collect()
}

/// The value where there is one row, else not a number.
fn only(rows: &[Row], steps: Steps) -> Vec<f64> {
    let at = |step: usize| {
        let mut values = rows.iter().filter_map(|row| *row.values.get(step)?);
        match (values.next(), values.next()) {
            (Some(value), None) => value,
            _ => f64::NAN,
        }
    };
    (0..steps.count).map(at).collect()
}

fn absent(rows: &[Row], steps: Steps) -> Vec<Row> {
    let at = |step: usize| {
        let is_there = |row: &Row| row.values.get(step).copied().flatten().is_some();
        (!rows.iter().any(is_there)).then_some(1.0)
    };
    let values: Vec<Option<f64>> = (0..steps.count).map(at).collect();
    let labels = Labels::new();
    match values.iter().any(Option::is_some) {
        true => vec![Row { labels, values }],
        false => Vec::new(),
    }
}

/// Quantiles of histograms: rows that differ in `le` alone are the buckets of one.
fn histogram_quantile(shares: &[f64], rows: Vec<Row>) -> Vec<Row> {
    let mut histograms: BTreeMap<Labels, Vec<(f64, Vec<Option<f64>>)>> = BTreeMap::new();
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
    let row = |(labels, mut buckets): (Labels, Vec<(f64, Vec<Option<f64>>)>)| {
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

/// `target`, `replacement`, `source`, `pattern`.
fn label_replace(rows: Vec<Row>, parts: &[String; 4]) -> Result<Vec<Row>, String> {
    let [target, replacement, source, pattern] = parts;
    let pattern = Regex::new(&format!("^(?s:{pattern})$"))
        .map_err(|error| format!("{pattern} is no pattern: {error}"))?;
    let row = |mut row: Row| {
        let text = row.labels.get(source).map_or("", String::as_str);
        if let Some(found) = pattern.captures(text) {
            let mut new = String::new();
            found.expand(replacement, &mut new);
            set_label(&mut row.labels, target, new);
        }
        row
    };
    Ok(rows.into_iter().map(row).collect())
}

fn label_join(rows: Vec<Row>, target: &str, separator: &str, sources: &[String]) -> Vec<Row> {
    let row = |mut row: Row| {
        let text = |source: &String| row.labels.get(source).map_or("", String::as_str);
        let joined = sources.iter().map(text).collect::<Vec<_>>().join(separator);
        set_label(&mut row.labels, target, joined);
        row
    };
    rows.into_iter().map(row).collect()
}

/// An empty label is none.
fn set_label(labels: &mut Labels, name: &str, value: String) {
    match value.is_empty() && name != NAME {
        true => labels.remove(name),
        false => labels.insert(name.to_owned(), value),
    };
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
