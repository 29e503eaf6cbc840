//! Functions of values: each step by itself.

use super::buckets::histogram_quantile;
use super::evaluate::{Row, Steps, Value};
use super::labels;
use super::series::Labels;

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
        "label_replace" | "label_join" => {
            let rows = next()?.vector()?;
            let texts: Vec<String> = arguments.map(Value::text).collect::<Result<_, _>>()?;
            labels::call(name, rows, &texts).map(Value::Vector)
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
