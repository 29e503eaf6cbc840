//! Functions that change labels.

use regex::Regex;

use super::evaluate::Row;
use super::series::{Labels, NAME};

/// Calls `label_replace` or `label_join` with the texts behind the rows.
pub(super) fn call(name: &str, rows: Vec<Row>, texts: &[String]) -> Result<Vec<Row>, String> {
    match (name, texts) {
        ("label_replace", [target, replacement, source, pattern]) => {
            replace(rows, (target, replacement), (source, pattern))
        }
        ("label_join", [target, separator, sources @ ..]) => {
            Ok(join(rows, target, separator, sources))
        }
        _ => Err(format!("{name} needs other arguments")),
    }
}

fn replace(
    rows: Vec<Row>,
    (target, replacement): (&str, &str),
    (source, pattern): (&str, &str),
) -> Result<Vec<Row>, String> {
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

fn join(rows: Vec<Row>, target: &str, separator: &str, sources: &[String]) -> Vec<Row> {
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
