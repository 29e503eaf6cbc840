//! Operators between two values.

use std::collections::BTreeMap;

use promql_parser::parser::{BinModifier, BinaryExpr, LabelModifier, VectorMatchCardinality};

use super::evaluate::{Row, Value};
use super::series::{Labels, NAME};

/// Applies an operator.
pub(super) fn apply(binary: &BinaryExpr, left: Value, right: Value) -> Result<Value, String> {
    let name = binary.op.to_string();
    let modifier = binary.modifier.as_ref();
    if binary.op.is_set_operator() {
        return Ok(Value::Vector(set(
            &name,
            left.vector()?,
            right.vector()?,
            modifier,
        )));
    }
    let operator = Operator {
        function: function(&name).ok_or_else(|| format!("the operator {name} is not supported"))?,
        is_filter: binary.op.is_comparison_operator() && !binary.return_bool(),
        drops_name: !binary.op.is_comparison_operator() || binary.return_bool(),
    };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => {
            let pairs = left.iter().zip(&right);
            let value = |(a, b): (&f64, &f64)| (operator.function)(*a, *b);
            Ok(Value::Scalar(pairs.map(value).collect()))
        }
        (Value::Vector(rows), Value::Scalar(scalars)) => {
            Ok(Value::Vector(operator.rows(rows, &scalars, false)))
        }
        (Value::Scalar(scalars), Value::Vector(rows)) => {
            Ok(Value::Vector(operator.rows(rows, &scalars, true)))
        }
        (Value::Vector(left), Value::Vector(right)) => {
            operator.matched(left, right, modifier).map(Value::Vector)
        }
        _ => Err("a text can't be computed with".to_owned()),
    }
}

/// An operator; comparisons give 1 or 0.
struct Operator {
    function: fn(f64, f64) -> f64,
    /// Whether it keeps the left value where it holds, instead of saying whether.
    is_filter: bool,
    drops_name: bool,
}

fn function(name: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match name {
        "+" => |a, b| a + b,
        "-" => |a, b| a - b,
        "*" => |a, b| a * b,
        "/" => |a, b| a / b,
        "%" => |a, b| a % b,
        "^" => f64::powf,
        "atan2" => f64::atan2,
        "==" => |a, b| f64::from(u8::from(a == b)),
        "!=" => |a, b| f64::from(u8::from(a != b)),
        "<" => |a, b| f64::from(u8::from(a < b)),
        "<=" => |a, b| f64::from(u8::from(a <= b)),
        ">" => |a, b| f64::from(u8::from(a > b)),
        ">=" => |a, b| f64::from(u8::from(a >= b)),
        _ => return None,
    })
}

impl Operator {
    /// `kept` is the value that a filter keeps.
    fn value(&self, left: f64, right: f64, kept: f64) -> Option<f64> {
        let value = (self.function)(left, right);
        match self.is_filter {
            true => (value != 0.0).then_some(kept),
            false => Some(value),
        }
    }

    fn rows(&self, rows: Vec<Row>, scalars: &[f64], is_scalar_left: bool) -> Vec<Row> {
        let row = |row: Row| {
            let pairs = row.values.iter().zip(scalars);
            let values = pairs.map(|(value, scalar)| {
                let value = (*value)?;
                match is_scalar_left {
                    true => self.value(*scalar, value, value),
                    false => self.value(value, *scalar, value),
                }
            });
            self.finished(Row {
                values: values.collect(),
                labels: row.labels,
            })
        };
        rows.into_iter().filter_map(row).collect()
    }

    fn finished(&self, row: Row) -> Option<Row> {
        let has_values = row.values.iter().any(Option::is_some);
        has_values.then(|| match self.drops_name {
            true => row.nameless(),
            false => row,
        })
    }

    /// Rows whose labels match, of those that are to be compared.
    fn matched(
        &self,
        left: Vec<Row>,
        right: Vec<Row>,
        modifier: Option<&BinModifier>,
    ) -> Result<Vec<Row>, String> {
        let cardinality = modifier.map(|modifier| &modifier.card);
        let (many, one, is_one_left, more) = match cardinality {
            Some(VectorMatchCardinality::OneToMany(more)) => (right, left, true, Some(more)),
            Some(VectorMatchCardinality::ManyToOne(more)) => (left, right, false, Some(more)),
            _ => (left, right, false, None),
        };
        let key = |row: &Row| matching(&row.labels, modifier);
        let mut ones: BTreeMap<Labels, Row> = BTreeMap::new();
        for row in one {
            if ones.insert(key(&row), row).is_some() {
                return Err("several series match on the side that must have one; aggregate it, or match on more labels".to_owned());
            }
        }
        let mut found: BTreeMap<Labels, Row> = BTreeMap::new();
        for row in many {
            let key = key(&row);
            let Some(other) = ones.get(&key) else {
                continue;
            };
            let values = row.values.iter().zip(&other.values).map(|(many, one)| {
                let (many, one) = ((*many)?, (*one)?);
                match is_one_left {
                    true => self.value(one, many, one),
                    false => self.value(many, one, many),
                }
            });
            let mut labels = match more {
                // What is compared of both sides is all that they share.
                None if self.drops_name => key,
                _ => row.labels,
            };
            for name in more.into_iter().flat_map(|more| &more.labels) {
                match other.labels.get(name) {
                    Some(value) => labels.insert(name.clone(), value.clone()),
                    None => labels.remove(name),
                };
            }
            let row = Row {
                values: values.collect(),
                labels,
            };
            if let Some(row) = self.finished(row)
                && found.insert(row.labels.clone(), row).is_some()
            {
                return Err(
                    "several series match one; say group_left or group_right where that is meant"
                        .to_owned(),
                );
            }
        }
        Ok(found.into_values().collect())
    }
}

/// The labels by which rows of both sides are compared.
fn matching(labels: &Labels, modifier: Option<&BinModifier>) -> Labels {
    let matching = modifier.and_then(|modifier| modifier.matching.as_ref());
    let kept = |name: &str| match matching {
        Some(LabelModifier::Include(wanted)) => wanted.labels.iter().any(|label| label == name),
        Some(LabelModifier::Exclude(left_out)) => {
            name != NAME && !left_out.labels.iter().any(|label| label == name)
        }
        None => name != NAME,
    };
    let labels = labels.iter().filter(|(name, _)| kept(name));
    labels
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// `and`, `or`, `unless`, at each step.
fn set(name: &str, left: Vec<Row>, right: Vec<Row>, modifier: Option<&BinModifier>) -> Vec<Row> {
    let mut there: BTreeMap<Labels, Vec<bool>> = BTreeMap::new();
    let (sign, others) = match name {
        "or" => (false, &left),
        "and" => (true, &right),
        _ => (false, &right),
    };
    for row in others {
        let marks = there
            .entry(matching(&row.labels, modifier))
            .or_insert_with(|| vec![false; row.values.len()]);
        for (mark, value) in marks.iter_mut().zip(&row.values) {
            *mark |= value.is_some();
        }
    }
    // Values stay where the other side has one (`and`), or has none.
    let filtered = |mut row: Row| {
        let marks = there.get(&matching(&row.labels, modifier));
        for (step, value) in row.values.iter_mut().enumerate() {
            let mark = marks.and_then(|marks| marks.get(step).copied());
            if mark.unwrap_or(false) != sign {
                *value = None;
            }
        }
        row.values.iter().any(Option::is_some).then_some(row)
    };
    match name {
        "or" => {
            let added: Vec<Row> = right.into_iter().filter_map(filtered).collect();
            left.into_iter().chain(added).collect()
        }
        _ => left.into_iter().filter_map(filtered).collect(),
    }
}
