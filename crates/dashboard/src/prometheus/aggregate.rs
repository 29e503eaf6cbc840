//! Aggregations: rows that have the same labels, of those that are wanted, become one.

use std::collections::BTreeMap;

use promql_parser::parser::{AggregateExpr, LabelModifier};

use super::evaluate::{Row, Value};
use super::series::{Labels, NAME};
use super::window::quantile;

/// Aggregates rows.
pub(super) fn apply(
    aggregate: &AggregateExpr,
    rows: Vec<Row>,
    parameter: Option<Value>,
) -> Result<Vec<Row>, String> {
    let operation = aggregate.op.to_string();
    let mut groups: BTreeMap<Labels, Vec<Row>> = BTreeMap::new();
    for row in rows {
        groups
            .entry(grouping(&row.labels, aggregate.modifier.as_ref()))
            .or_default()
            .push(row);
    }
    match operation.as_str() {
        "topk" | "bottomk" => {
            let count = parameter.ok_or("it needs a number")?.scalar()?;
            let sign = if operation == "topk" { -1.0 } else { 1.0 };
            let chosen = groups.into_values().map(|rows| chosen(rows, &count, sign));
            Ok(chosen.flatten().collect())
        }
        "count_values" => {
            let label = parameter.ok_or("it needs a label")?.text()?;
            let counted = groups
                .into_iter()
                .map(|(labels, rows)| count_values(&labels, &rows, &label));
            Ok(counted.flatten().collect())
        }
        "quantile" => {
            let shares = parameter.ok_or("it needs a number")?.scalar()?;
            let share = shares.first().copied().unwrap_or(f64::NAN);
            Ok(joined(groups, |values| quantile(values, share)))
        }
        name => {
            let function =
                function(name).ok_or_else(|| format!("the aggregation {name} is not supported"))?;
            Ok(joined(groups, |values| {
                (!values.is_empty()).then(|| function(&values))
            }))
        }
    }
}

fn function(name: &str) -> Option<fn(&[f64]) -> f64> {
    Some(match name {
        "sum" => |values| values.iter().sum(),
        "avg" => average,
        "min" => |values| values.iter().copied().fold(f64::NAN, f64::min),
        "max" => |values| values.iter().copied().fold(f64::NAN, f64::max),
        "count" => |values| values.len() as f64,
        "group" => |_| 1.0,
        "stddev" => |values| variance(values).sqrt(),
        "stdvar" => variance,
        _ => return None,
    })
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = average(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    squares / values.len() as f64
}

/// The labels that a row's group has.
pub(super) fn grouping(labels: &Labels, modifier: Option<&LabelModifier>) -> Labels {
    let kept = |name: &str| match modifier {
        None => false,
        Some(LabelModifier::Include(wanted)) => wanted.labels.iter().any(|label| label == name),
        Some(LabelModifier::Exclude(left_out)) => {
            name != NAME && !left_out.labels.iter().any(|label| label == name)
        }
    };
    let labels = labels.iter().filter(|(name, _)| kept(name));
    labels
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn joined(groups: BTreeMap<Labels, Vec<Row>>, value: impl Fn(Vec<f64>) -> Option<f64>) -> Vec<Row> {
    let row = |(labels, rows): (Labels, Vec<Row>)| {
        let steps = rows.first().map_or(0, |row| row.values.len());
        let at = |step: usize| {
            let values = rows.iter().filter_map(|row| *row.values.get(step)?);
            value(values.collect())
        };
        Row {
            labels,
            values: (0..steps).map(at).collect(),
        }
    };
    groups.into_iter().map(row).collect()
}

/// The rows that are among the first at a step keep their values there.
fn chosen(mut rows: Vec<Row>, counts: &[f64], sign: f64) -> Vec<Row> {
    for (step, count) in counts.iter().enumerate() {
        let at = |row: &Row| row.values.get(step).copied().flatten();
        let mut order: Vec<(f64, usize)> = rows
            .iter()
            .enumerate()
            .filter_map(|(place, row)| Some((at(row)? * sign, place)))
            .collect();
        order.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        for (_, place) in order.into_iter().skip(count.max(0.0) as usize) {
            let value = rows.get_mut(place).and_then(|row| row.values.get_mut(step));
            if let Some(value) = value {
                *value = None;
            }
        }
    }
    rows.retain(|row| row.values.iter().any(Option::is_some));
    rows
}

/// How many rows have each value.
fn count_values(labels: &Labels, rows: &[Row], label: &str) -> Vec<Row> {
    let steps = rows.first().map_or(0, |row| row.values.len());
    let mut counts: BTreeMap<String, Vec<Option<f64>>> = BTreeMap::new();
    for row in rows {
        for (step, value) in row.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let text = fanlight_formats::prometheus::number(*value);
            let counts = counts.entry(text).or_insert_with(|| vec![None; steps]);
            if let Some(count) = counts.get_mut(step) {
                *count = Some(count.unwrap_or(0.0) + 1.0);
            }
        }
    }
    let row = |(text, values): (String, Vec<Option<f64>>)| {
        let mut labels = labels.clone();
        labels.insert(label.to_owned(), text);
        Row { labels, values }
    };
    counts.into_iter().map(row).collect()
}
