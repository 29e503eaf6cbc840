//! What an expression is worth, at every step of a range at once.
//!
//! The parts of PromQL that are not known are refused by name. Semantics are those of
//! [Prometheus 3](https://prometheus.io/docs/prometheus/latest/querying/basics/): a range excludes its beginning, a sample
//! is current for five minutes.

use std::collections::{HashMap, HashSet};

use promql_parser::parser::{
    AtModifier, Expr, MatrixSelector, Offset, SubqueryExpr, VectorSelector,
};

use super::series::{Labels, NAME, Series};
use super::{aggregate, binary, instant, window};

/// How long a sample is current, in milliseconds.
const LOOKBACK: i64 = 300_000;

/// A subquery's step where it says none, in milliseconds.
const DEFAULT_STEP: i64 = 60_000;

/// The most steps of a range, and of a subquery.
pub(super) const MAX_STEPS: i64 = 11_000;

/// The times at which an expression is evaluated, in Unix milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) start: i64,
    pub(super) step: i64,
    pub(super) count: usize,
}

impl Steps {
    pub(super) fn times(self) -> impl Iterator<Item = i64> {
        (0_i64..)
            .take(self.count)
            .map(move |step| self.start + step * self.step)
    }

    fn end(self) -> i64 {
        self.start + self.step * i64::try_from(self.count).unwrap_or(1).saturating_sub(1)
    }

    fn moved(self, by: i64) -> Steps {
        Steps {
            start: self.start - by,
            ..self
        }
    }
}

/// A series with a value for each step where it has one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) labels: Labels,
    pub(super) values: Vec<Option<f64>>,
}

impl Row {
    /// The row without its metric's name, as everything that computes leaves it.
    pub(super) fn nameless(mut self) -> Row {
        self.labels.remove(NAME);
        self
    }
}

/// What an expression is worth.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Row>),
    Text(String),
}

impl Value {
    pub(super) fn vector(self) -> Result<Vec<Row>, String> {
        match self {
            Value::Vector(rows) => Ok(rows),
            Value::Scalar(_) | Value::Text(_) => Err("a vector is needed here".to_owned()),
        }
    }

    pub(super) fn scalar(self) -> Result<Vec<f64>, String> {
        match self {
            Value::Scalar(values) => Ok(values),
            Value::Vector(_) | Value::Text(_) => Err("a scalar is needed here".to_owned()),
        }
    }

    pub(super) fn text(self) -> Result<String, String> {
        match self {
            Value::Text(text) => Ok(text),
            Value::Vector(_) | Value::Scalar(_) => Err("a text is needed here".to_owned()),
        }
    }
}

/// A selector with the times of which it needs samples, in Unix milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Need<'e> {
    pub(super) selector: &'e VectorSelector,
    pub(super) from: i64,
    pub(super) to: i64,
}

/// What an expression needs.
pub(super) fn needs(expression: &Expr, steps: Steps) -> Result<Vec<Need<'_>>, String> {
    let mut needs = Vec::new();
    gather(expression, (steps.start, steps.end()), &mut needs)?;
    Ok(needs)
}

/// What a range by itself needs: the samples after `from`, up to and with `to`.
pub(super) fn needs_of_range(range: &MatrixSelector, steps: Steps) -> Result<Need<'_>, String> {
    let by = shift(range.vs.offset.as_ref(), range.vs.at.as_ref())?;
    Ok(Need {
        selector: &range.vs,
        from: steps.start - by - millis(range.range),
        to: steps.start - by,
    })
}

fn gather<'e>(
    expression: &'e Expr,
    (from, to): (i64, i64),
    needs: &mut Vec<Need<'e>>,
) -> Result<(), String> {
    let mut selector = |selector: &'e VectorSelector, before: i64| {
        let by = shift(selector.offset.as_ref(), selector.at.as_ref())?;
        needs.push(Need {
            selector,
            from: from - by - before,
            to: to - by,
        });
        Ok(())
    };
    match expression {
        Expr::VectorSelector(vector) => selector(vector, LOOKBACK),
        Expr::MatrixSelector(matrix) => selector(&matrix.vs, millis(matrix.range)),
        Expr::Subquery(query) => {
            let by = shift(query.offset.as_ref(), query.at.as_ref())?;
            let from = from - by - millis(query.range);
            gather(&query.expr, (from, to - by), needs)
        }
        Expr::Aggregate(aggregate) => {
            gather(&aggregate.expr, (from, to), needs)?;
            let parameter = aggregate.param.as_deref();
            parameter.map_or(Ok(()), |part| gather(part, (from, to), needs))
        }
        Expr::Unary(unary) => gather(&unary.expr, (from, to), needs),
        Expr::Paren(paren) => gather(&paren.expr, (from, to), needs),
        Expr::Binary(binary) => {
            gather(&binary.lhs, (from, to), needs)?;
            gather(&binary.rhs, (from, to), needs)
        }
        Expr::Call(call) => {
            let mut parts = call.args.args.iter();
            parts.try_for_each(|part| gather(part, (from, to), needs))
        }
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Ok(()),
    }
}

/// Evaluates expressions over samples that were loaded before.
pub(super) struct Evaluator {
    /// By the selector's text, and what it needs.
    pub(super) samples: HashMap<String, Vec<Series>>,
}

/// By what samples are found again.
pub(super) fn key(selector: &VectorSelector) -> String {
    selector.to_string()
}

impl Evaluator {
    pub(super) fn value(&self, expression: &Expr, steps: Steps) -> Result<Value, String> {
        let value = self.any_value(expression, steps)?;
        match &value {
            Value::Vector(rows) if !are_distinct(rows) => {
                Err("vector cannot contain metrics with the same labelset".to_owned())
            }
            _ => Ok(value),
        }
    }

    fn any_value(&self, expression: &Expr, steps: Steps) -> Result<Value, String> {
        match expression {
            Expr::NumberLiteral(number) => Ok(Value::Scalar(vec![number.val; steps.count])),
            Expr::StringLiteral(text) => Ok(Value::Text(text.val.clone())),
            Expr::Paren(paren) => self.value(&paren.expr, steps),
            Expr::Unary(unary) => Ok(match self.value(&unary.expr, steps)? {
                Value::Scalar(values) => Value::Scalar(values.iter().map(|value| -value).collect()),
                other => Value::Vector(instant::map(other.vector()?, |value| -value)),
            }),
            Expr::VectorSelector(selector) => {
                let by = shift(selector.offset.as_ref(), selector.at.as_ref())?;
                Ok(Value::Vector(self.current(selector, steps.moved(by))))
            }
            Expr::Binary(binary) => {
                let left = self.value(&binary.lhs, steps)?;
                binary::apply(binary, left, self.value(&binary.rhs, steps)?)
            }
            Expr::Aggregate(aggregate) => {
                let rows = self.value(&aggregate.expr, steps)?.vector()?;
                let parameter = aggregate.param.as_deref();
                let parameter = parameter.map(|part| self.value(part, steps)).transpose()?;
                aggregate::apply(aggregate, rows, parameter).map(Value::Vector)
            }
            Expr::Call(call) => {
                let name = call.func.name;
                let mut arguments = call.args.args.iter().map(|argument| &**argument);
                if let Some(function) = window::function(name) {
                    let parts: Vec<&Expr> = arguments.collect();
                    let rows = self.over_time(function, &parts, steps)?;
                    // The last value is still the metric's own.
                    return Ok(Value::Vector(match name {
                        "last_over_time" => rows,
                        _ => rows.into_iter().map(Row::nameless).collect(),
                    }));
                }
                let is_range =
                    |part: &Expr| matches!(part, Expr::MatrixSelector(_) | Expr::Subquery(_));
                if arguments.clone().any(|part| is_range(unwrapped(part))) {
                    return Err(format!("the function {name} is not supported"));
                }
                let values = arguments.try_fold(Vec::new(), |mut values, argument| {
                    values.push(self.value(argument, steps)?);
                    Ok::<_, String>(values)
                })?;
                instant::call(name, values, steps)
            }
            Expr::MatrixSelector(_) | Expr::Subquery(_) => {
                Err("a range such as [5m] needs a function around it, such as rate()".to_owned())
            }
            Expr::Extension(_) => Err("this expression is not supported".to_owned()),
        }
    }

    /// The last samples that are current at each step.
    fn current(&self, selector: &VectorSelector, steps: Steps) -> Vec<Row> {
        let rows = self.found(selector).iter().map(|series| Row {
            labels: series.labels.clone(),
            values: steps
                .times()
                .map(|time| {
                    let after = series.samples.partition_point(|(at, _)| *at <= time);
                    let (at, value) = series.samples.get(after.checked_sub(1)?)?;
                    (*at > time - LOOKBACK).then_some(*value)
                })
                .collect(),
        });
        rows.filter(|row| row.values.iter().any(Option::is_some))
            .collect()
    }

    fn found(&self, selector: &VectorSelector) -> &[Series] {
        self.samples.get(&key(selector)).map_or(&[], Vec::as_slice)
    }

    /// Calls a function of ranges. Of its arguments one is a range; another may be a scalar.
    fn over_time(
        &self,
        function: window::Function,
        arguments: &[&Expr],
        steps: Steps,
    ) -> Result<Vec<Row>, String> {
        let mut parameter = None;
        let mut range = None;
        for argument in arguments {
            match unwrapped(argument) {
                Expr::MatrixSelector(matrix) => {
                    let selector = &matrix.vs;
                    let by = shift(selector.offset.as_ref(), selector.at.as_ref())?;
                    let series = self.found(selector).to_vec();
                    range = Some((series, millis(matrix.range), by));
                }
                Expr::Subquery(query) => range = Some(self.subquery(query, steps)?),
                other => parameter = self.value(other, steps)?.scalar()?.first().copied(),
            }
        }
        let (series, range, by) =
            range.ok_or("this function needs a range, such as [5m]".to_owned())?;
        let rows = series.into_iter().map(|series| Row {
            values: steps
                .moved(by)
                .times()
                .map(|end| function(series.within(end - range, end), end - range, end, parameter))
                .collect(),
            labels: series.labels,
        });
        Ok(rows
            .filter(|row| row.values.iter().any(Option::is_some))
            .collect())
    }

    /// Evaluates a subquery: series, and the range and the offset in milliseconds.
    fn subquery(
        &self,
        query: &SubqueryExpr,
        steps: Steps,
    ) -> Result<(Vec<Series>, i64, i64), String> {
        let (range, by) = (
            millis(query.range),
            shift(query.offset.as_ref(), query.at.as_ref())?,
        );
        let step = query.step.map_or(DEFAULT_STEP, millis).max(1);
        let from = steps.start - by - range;
        // Steps of subqueries are at multiples of the step, whatever the query's range.
        let start = from.div_euclid(step) * step + step;
        let count = (steps.end() - by - start).div_euclid(step) + 1;
        if count > MAX_STEPS {
            return Err(format!(
                "a subquery has {count} steps; {MAX_STEPS} are the most"
            ));
        }
        let inner = Steps {
            start,
            step,
            count: usize::try_from(count).unwrap_or_default(),
        };
        let rows = self.value(&query.expr, inner)?.vector()?;
        let series = rows.into_iter().map(|row| Series {
            samples: inner
                .times()
                .zip(row.values)
                .filter_map(|(time, value)| Some((time, value?)))
                .collect(),
            labels: row.labels,
        });
        Ok((series.collect(), range, by))
    }
}

impl Series {
    /// The samples after a time, up to and with another.
    pub(super) fn within(&self, after: i64, to: i64) -> &[(i64, f64)] {
        let from = self.samples.partition_point(|(at, _)| *at <= after);
        let end = self.samples.partition_point(|(at, _)| *at <= to);
        self.samples.get(from..end).unwrap_or_default()
    }
}

/// Whether no two rows have the same labels, as those of several metrics may have without their names.
fn are_distinct(rows: &[Row]) -> bool {
    let mut labels = HashSet::new();
    rows.iter().all(|row| labels.insert(&row.labels))
}

/// How far back a selector looks, in milliseconds.
fn shift(offset: Option<&Offset>, at: Option<&AtModifier>) -> Result<i64, String> {
    if at.is_some() {
        return Err("the @ modifier is not supported".to_owned());
    }
    Ok(match offset {
        None => 0,
        Some(Offset::Pos(by)) => millis(*by),
        Some(Offset::Neg(by)) => -millis(*by),
    })
}

fn millis(duration: std::time::Duration) -> i64 {
    // A century is enough, and can be added without overflow.
    i64::try_from(duration.as_millis()).map_or(CENTURY, |millis| millis.min(CENTURY))
}

const CENTURY: i64 = 100 * 365 * 86_400_000;

fn unwrapped(expression: &Expr) -> &Expr {
    match expression {
        Expr::Paren(paren) => unwrapped(&paren.expr),
        other => other,
    }
}
