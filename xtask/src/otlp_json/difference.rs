//! Tells two sets of items apart, and shows the difference by field.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use serde_json::Value;

/// How many differing fields are shown.
const FIELDS_SHOWN: usize = 12;

/// Fails when the items differ.
pub(super) fn none(
    expected: &BTreeMap<String, usize>,
    found: &BTreeMap<String, usize>,
) -> Result<()> {
    let missing = surplus(expected, found);
    let unexpected = surplus(found, expected);
    if missing.is_empty() && unexpected.is_empty() {
        return Ok(());
    }
    let counts = format!(
        "{} items expected, {} found; {} missing, {} not expected",
        expected.values().sum::<usize>(),
        found.values().sum::<usize>(),
        missing.len(),
        unexpected.len()
    );
    match (missing.first(), unexpected.first()) {
        (Some(expected), Some(_)) => bail!("{counts}\n{}", closest(expected, &unexpected)),
        (Some(item), None) => bail!("{counts}\nmissing: {item:.1000}"),
        (_, item) => bail!(
            "{counts}\nnot expected: {:.1000}",
            item.copied().unwrap_or_default()
        ),
    }
}

fn surplus<'a>(of: &'a BTreeMap<String, usize>, over: &BTreeMap<String, usize>) -> Vec<&'a str> {
    of.iter()
        .filter(|(item, count)| over.get(*item).unwrap_or(&0) < count)
        .map(|(item, _)| &**item)
        .collect()
}

/// The fields in which an item differs from the one that is most like it.
fn closest(expected: &str, others: &[&str]) -> String {
    let expected = fields(expected);
    let differing = others.iter().map(|other| {
        let other = fields(other);
        let differing: Vec<String> = expected.symmetric_difference(&other).cloned().collect();
        differing
    });
    // Two items with one span id are the same span, however much differs.
    let other_span =
        |fields: &Vec<String>| fields.iter().any(|field| field.starts_with("item.spanId"));
    let mut nearest = differing
        .min_by_key(|fields| (other_span(fields), fields.len()))
        .unwrap_or_default();
    nearest.sort();
    let lines = nearest.iter().take(FIELDS_SHOWN).map(|field| {
        let side = if expected.contains(field) {
            "expected"
        } else {
            "   found"
        };
        format!("  {side}  {field:.300}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Every leaf as `path = value`.
fn fields(item: &str) -> BTreeSet<String> {
    let mut leaves = BTreeSet::new();
    if let Ok(value) = serde_json::from_str::<Value>(item) {
        collect(String::new(), &value, &mut leaves);
    }
    leaves
}

fn collect(path: String, value: &Value, leaves: &mut BTreeSet<String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect(below(name), value, leaves)),
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(index, value)| collect(below(&index.to_string()), value, leaves));
        }
        leaf => {
            leaves.insert(format!("{path} = {leaf}"));
        }
    }
}
