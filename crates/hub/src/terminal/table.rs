//! Rows for people and for programs.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::clean;
use crate::report::NAME;

/// The answer to a question in SQL.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Rows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Text, numbers and nulls.
    pub rows: Vec<Vec<Value>>,
    /// Whether there are more rows.
    pub truncated: bool,
}

impl Rows {
    /// Aligned columns; numbers to the right.
    pub(crate) fn table(&self) -> String {
        let cells: Vec<Vec<String>> = self
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| clean(&text(cell)).into_owned())
                    .collect()
            })
            .collect();
        let widths: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let cells = cells.iter().filter_map(|row| row.get(index));
                let widest = cells.map(|cell| cell.chars().count()).max();
                widest.unwrap_or(0).max(name.chars().count())
            })
            .collect();
        let mut table = String::new();
        let names: Vec<String> = self
            .columns
            .iter()
            .zip(&widths)
            .map(|(name, width)| format!("{:<width$}", clean(name)))
            .collect();
        // Writing to a String can't fail.
        let _ = writeln!(table, "{NAME}{}{NAME:#}", names.join("  ").trim_end());
        for (row, values) in cells.iter().zip(&self.rows) {
            let aligned: Vec<String> = row
                .iter()
                .zip(values)
                .zip(&widths)
                .map(|((cell, value), width)| match value.is_number() {
                    true => format!("{cell:>width$}"),
                    false => format!("{cell:<width$}"),
                })
                .collect();
            let _ = writeln!(table, "{}", aligned.join("  ").trim_end());
        }
        table
    }

    /// Comma-separated values as in [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180), with the names on top.
    pub(crate) fn csv(&self) -> String {
        let line = |cells: Vec<String>| cells.join(",") + "\r\n";
        let mut csv = line(self.columns.iter().map(|name| quoted(name)).collect());
        for row in &self.rows {
            csv += &line(row.iter().map(|cell| quoted(&text(cell))).collect());
        }
        csv
    }

    /// One JSON object for each row, on a line of its own, its keys in the order of the columns.
    pub(crate) fn json_lines(&self) -> String {
        let mut lines = String::new();
        for row in &self.rows {
            let pairs: Vec<String> = self
                .columns
                .iter()
                .zip(row)
                .map(|(name, cell)| format!("{}:{cell}", Value::from(name.as_str())))
                .collect();
            let _ = writeln!(lines, "{{{}}}", pairs.join(","));
        }
        lines
    }
}

/// A cell as text; null is empty.
fn text(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows() -> Rows {
        let rows = json!({
            "columns": ["name", "ms"], "truncated": false,
            "rows": [["say \"hi\", now", 1.5], [null, 12], ["two\nlines", null]]
        });
        serde_json::from_value(rows).unwrap()
    }

    #[test]
    fn tables_line_up() {
        let table = anstream::adapter::strip_str(&rows().table()).to_string();
        assert_eq!(
            table,
            "name           ms\nsay \"hi\", now  1.5\n                12\ntwo⏎lines\n"
        );
    }

    #[test]
    fn programs_get_csv_and_json() {
        assert_eq!(
            rows().csv(),
            "name,ms\r\n\"say \"\"hi\"\", now\",1.5\r\n,12\r\n\"two\nlines\",\r\n"
        );
        assert_eq!(
            rows().json_lines(),
            "{\"name\":\"say \\\"hi\\\", now\",\"ms\":1.5}\n{\"name\":null,\"ms\":12}\n{\"name\":\"two\\nlines\",\"ms\":null}\n"
        );
    }
}
