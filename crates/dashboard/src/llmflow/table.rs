//! Questions to the store's views, whose rows become objects with LLMFlow's names.

use std::fmt::Write as _;

use fanlight_otlp::SpanId;
use fanlight_store::SqlQuery;
use serde_json::{Map, Value};

use super::Part;
use crate::api::ApiError;
use crate::router::App;

/// The most rows of one answer.
const ROWS: usize = 10_000;

/// A row by its columns' names.
pub(super) type Row = Map<String, Value>;

/// What rows must fulfil. Whatever a request says stands in it as a quoted text or as a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Vec<String>);

impl Conditions {
    /// The column has this value, if one is given.
    pub(super) fn equal(mut self, column: &str, value: Option<&str>) -> Conditions {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.push(format!("{column} = {}", quoted(value)));
        }
        self
    }

    /// One of the columns has this text in it, in whatever case.
    pub(super) fn contains(mut self, columns: &[&str], text: Option<&str>) -> Conditions {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let text = quoted(text);
            let any: Vec<String> = columns
                .iter()
                .map(|column| format!("instr(lower({column}), lower({text})) > 0"))
                .collect();
            self.0.push(format!("({})", any.join(" OR ")));
        }
        self
    }

    /// A condition of our own.
    pub(super) fn and(mut self, condition: impl Into<String>) -> Conditions {
        self.0.push(condition.into());
        self
    }

    /// A column of nanoseconds since 1970 lies in a range; `to` belongs to it.
    pub(super) fn between(
        mut self,
        column: &str,
        from: Option<u64>,
        to: Option<u64>,
    ) -> Conditions {
        // SQLite's integers have a sign.
        let bound = |time: u64| time.min(i64::MAX as u64);
        if let Some(from) = from {
            self.0.push(format!("{column} >= {}", bound(from)));
        }
        if let Some(to) = to {
            self.0.push(format!("{column} <= {}", bound(to)));
        }
        self
    }

    /// ` WHERE ...`, or nothing.
    pub(super) fn sql(&self) -> String {
        match self.0.as_slice() {
            [] => String::new(),
            conditions => format!(" WHERE {}", conditions.join(" AND ")),
        }
    }
}

impl Part {
    /// ` LIMIT ... OFFSET ...`.
    pub(super) fn sql(&self) -> String {
        format!(" LIMIT {} OFFSET {}", self.limit(), self.offset)
    }

    /// How many rows are wanted.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(50).min(ROWS)
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

/// The answer to a question.
pub(super) async fn rows(app: &App, sql: String) -> Result<Vec<Row>, ApiError> {
    let limit = u32::try_from(ROWS).unwrap_or(u32::MAX);
    let answer = app.store.sql(SqlQuery { sql, limit }).await?;
    let columns = answer.columns;
    let rows = answer.rows.into_iter();
    Ok(rows
        .map(|row| columns.iter().cloned().zip(row).collect())
        .collect())
}

/// The first column of each row, as text.
pub(super) async fn texts(app: &App, sql: String) -> Result<Vec<Value>, ApiError> {
    let rows = rows(app, sql).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.into_iter().next().map(|(_, value)| value))
        .collect())
}

/// How many rows there are of a view.
pub(super) async fn count(
    app: &App,
    view: &str,
    conditions: &Conditions,
) -> Result<Value, ApiError> {
    let sql = format!("SELECT count(*) FROM {view}{}", conditions.sql());
    let mut counts = texts(app, sql).await?;
    Ok(counts.pop().unwrap_or_default())
}

/// Gives a row its name. Log records and points have none of their own: it is made of their time and of all that they say.
pub(super) fn named(mut row: Row) -> Row {
    let time = row.remove("time_ns").unwrap_or_default();
    let content = SpanId::of_text(&Value::Object(row.clone()).to_string());
    let id = format!("{}-{content}", time.as_str().unwrap_or_default());
    row.insert("id".to_owned(), id.into());
    row
}

/// When something happened, by the name that [`named`] gave it.
pub(super) fn time_of(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

/// The same row with these columns read as JSON, as LLMFlow answers single ones.
pub(super) fn parsed(mut row: Row, columns: &[&str]) -> Row {
    for column in columns {
        let read = row
            .get(*column)
            .and_then(Value::as_str)
            .and_then(|text| serde_json::from_str(text).ok());
        if let Some(value) = read {
            row.insert((*column).to_owned(), value);
        }
    }
    row
}

/// Columns of a question under LLMFlow's names: pairs of what is asked and its name.
pub(super) fn columns(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (asked, name) in pairs {
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a String can't fail.
        let _ = write!(text, "{separator}{asked} AS {name}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_requests_stay_values() {
        let conditions = Conditions::default()
            .equal("service", Some("a' OR 1 --"))
            .equal("name", Some(""))
            .contains(&["body", "attributes"], Some("it's"))
            .between("time_ns", Some(5), Some(u64::MAX));
        assert_eq!(
            conditions.sql(),
            " WHERE service = 'a'' OR 1 --' AND (instr(lower(body), lower('it''s')) > 0 OR instr(lower(attributes), lower('it''s')) > 0) \
             AND time_ns >= 5 AND time_ns <= 9223372036854775807"
        );
        assert_eq!(Conditions::default().sql(), "");
    }
}
