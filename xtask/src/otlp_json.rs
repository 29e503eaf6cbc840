//! OTLP/JSON requests as items that can be compared, whoever wrote them.
//!
//! Requests are taken apart down to the item (span, log record, data point), each with its resource and scope, because
//! batching may group items differently. Within an item, everything must be equal except what protobuf's JSON mapping
//! leaves free: absent or default, number or decimal string, upper or lower case of hexadecimal ids.

mod difference;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

/// Fields whose default value differs from their absence, as they are `optional` or in a `oneof`.
const PRESENCE: [&str; 12] = [
    "stringValue",
    "boolValue",
    "intValue",
    "doubleValue",
    "arrayValue",
    "kvlistValue",
    "bytesValue",
    "asInt",
    "asDouble",
    "sum",
    "min",
    "max",
];

/// Where each signal keeps its resources, scopes and items.
const SHAPES: [(&str, &str, &str); 3] = [
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceLogs", "scopeLogs", "logRecords"),
    ("resourceMetrics", "scopeMetrics", "metrics"),
];

/// Items in a form in which equal items have equal text, each with how often it is there.
#[derive(Clone, Debug, Default)]
pub struct Items(BTreeMap<String, usize>);

impl Items {
    /// Reads requests, one a line.
    ///
    /// # Errors
    /// When a line is not an OTLP/JSON request.
    pub fn from_lines(text: &str) -> Result<Items> {
        let mut items = Items::default();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let request: Value =
                serde_json::from_str(line).with_context(|| format!("not JSON: {line:.200}"))?;
            items.add_request(&request)?;
        }
        Ok(items)
    }

    /// These items and those of another.
    #[must_use]
    pub fn and(mut self, other: Items) -> Items {
        for (item, count) in other.0 {
            *self.0.entry(item).or_default() += count;
        }
        self
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.0.values().sum()
    }

    /// The items, as JSON.
    pub fn values(&self) -> impl Iterator<Item = Value> {
        self.0
            .keys()
            .filter_map(|text| serde_json::from_str(text).ok())
    }

    /// Only the items that carry a part of this name: `spans`, `logRecords` or `metrics`.
    #[must_use]
    pub fn only(&self, part: &str) -> Items {
        let has = |text: &String| {
            serde_json::from_str::<Value>(text)
                .is_ok_and(|item| item.get("kind") == Some(&json!(part)))
        };
        Items(
            self.0
                .iter()
                .filter(|(text, _)| has(text))
                .map(|(text, count)| (text.clone(), *count))
                .collect(),
        )
    }

    /// The items, each changed: what a backend is known not to keep can be taken out of both sides of a comparison.
    #[must_use]
    pub fn mapped(&self, change: impl Fn(&mut Value)) -> Items {
        let mut mapped = Items::default();
        for (mut item, count) in self.values().zip(self.0.values()) {
            change(&mut item);
            *mapped.0.entry(item.to_string()).or_default() += count;
        }
        mapped
    }

    /// Says where the items differ from what was expected.
    ///
    /// # Errors
    /// Names the missing and the surplus items and the fields that differ.
    pub fn must_equal(&self, expected: &Items) -> Result<()> {
        difference::none(&expected.0, &self.0)
    }

    /// Says which expected items are not there; others may be, and each may be there more than once.
    ///
    /// # Errors
    /// Names the missing items.
    pub fn must_contain(&self, expected: &Items) -> Result<()> {
        let missing: Vec<&String> = expected
            .0
            .keys()
            .filter(|item| !self.0.contains_key(*item))
            .collect();
        match missing.first() {
            None => Ok(()),
            Some(first) => bail!(
                "{} of {} items are missing, such as {first:.600}",
                missing.len(),
                expected.len()
            ),
        }
    }

    fn add_request(&mut self, request: &Value) -> Result<()> {
        let Some((resources, scopes, kind)) = SHAPES
            .into_iter()
            .find(|(root, ..)| request.get(root).is_some())
        else {
            bail!("no OTLP request: {request:.200}");
        };
        for resource in elements(request, resources) {
            for scope in elements(resource, scopes) {
                let context = json!({
                    "kind": kind,
                    "resource": resource.get("resource"),
                    "resourceSchema": resource.get("schemaUrl"),
                    "scope": scope.get("scope"),
                    "scopeSchema": scope.get("schemaUrl"),
                });
                for item in elements(scope, kind).flat_map(points) {
                    self.add(&context, item);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, context: &Value, item: Value) {
        let mut whole = context.clone();
        whole["item"] = item;
        *self
            .0
            .entry(canonical("", &whole).unwrap_or_default().to_string())
            .or_default() += 1;
    }
}

/// The value's canonical text: equal for all spellings of one value, empty for a default.
pub fn canonical_text(value: &Value) -> String {
    canonical("", value)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

/// Puts attributes and events in one order, for backends that keep none; it means nothing.
pub fn unordered(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(unordered),
        Value::Object(fields) => {
            for (list, by) in [("attributes", "key"), ("events", "timeUnixNano")] {
                if let Some(Value::Array(elements)) = fields.get_mut(list) {
                    elements.sort_by_key(|element| element[by].to_string());
                }
            }
            fields.values_mut().for_each(unordered);
        }
        _ => {}
    }
}

fn elements<'a>(parent: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    parent
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// A metric once for each of its data points; any other item as it is.
fn points(item: &Value) -> Vec<Value> {
    const KINDS: [&str; 5] = [
        "gauge",
        "sum",
        "histogram",
        "exponentialHistogram",
        "summary",
    ];
    let Some(kind) = KINDS
        .into_iter()
        .find(|kind| item.get(kind).is_some_and(Value::is_object))
    else {
        return vec![item.clone()];
    };
    let points = item
        .get(kind)
        .map(|data| elements(data, "dataPoints").cloned().collect::<Vec<_>>());
    let one = |point: Value| {
        let mut metric = item.clone();
        metric[kind]["dataPoints"] = json!([point]);
        metric
    };
    points.unwrap_or_default().into_iter().map(one).collect()
}

/// The value in the one form that all its spellings have in common; `None` for a default.
fn canonical(key: &str, value: &Value) -> Option<Value> {
    let present = PRESENCE.contains(&key);
    match value {
        Value::Null => None,
        Value::Bool(false) if !present => None,
        Value::Bool(flag) => Some(json!(flag)),
        Value::Number(number) => Some(json!(decimal(number))).filter(|text| present || text != "0"),
        Value::String(text) if key.ends_with("Id") => {
            Some(json!(text.to_lowercase())).filter(|id| id != "")
        }
        Value::String(text) => {
            Some(json!(text)).filter(|_| present || !(text.is_empty() || text == "0"))
        }
        Value::Array(values) => {
            let values: Vec<Value> = values
                .iter()
                .map(|value| canonical("stringValue", value).unwrap_or(json!({})))
                .collect();
            Some(Value::Array(values)).filter(|_| present || !values_are_empty(value))
        }
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), canonical(name, value)?)))
                .collect();
            Some(Value::Object(fields.clone())).filter(|_| present || !fields.is_empty())
        }
    }
}

fn values_are_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

fn decimal(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
            format!("{float:.0}")
        }
        Some(float) if number.is_f64() => format!("{float:?}"),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(fields: &str) -> Items {
        let text = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{fields}]}}]}}]}}"#);
        Items::from_lines(&text).unwrap()
    }

    #[test]
    fn free_spellings_are_equal() {
        let one = span(r#"{"traceId":"AB","kind":0,"startTimeUnixNano":"17","attributes":[]}"#);
        let other = span(r#"{"traceId":"ab","startTimeUnixNano":17,"name":""}"#);
        one.must_equal(&other).unwrap();
    }

    #[test]
    fn an_empty_text_differs_from_no_value() {
        let one = span(r#"{"attributes":[{"key":"a","value":{"stringValue":""}}]}"#);
        let other = span(r#"{"attributes":[{"key":"a","value":{}}]}"#);
        assert!(one.must_equal(&other).is_err());
    }

    #[test]
    fn a_difference_names_the_field() {
        let one = span(r#"{"spanId":"01","name":"a"}"#);
        let other = span(r#"{"spanId":"01","name":"b"}"#);
        let error = one.must_equal(&other).unwrap_err().to_string();
        assert!(error.contains("item.name"), "{error}");
    }

    #[test]
    fn grouping_does_not_matter_but_points_do() {
        let metric = |points: &str| {
            let text = format!(
                r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{points}]}}}}]}}]}}]}}"#
            );
            Items::from_lines(&text).unwrap()
        };
        assert_eq!(metric(r#"{"asInt":"1"},{"asInt":"0"}"#).len(), 2);
        assert!(
            metric(r#"{"asInt":"1"}"#)
                .must_equal(&metric(r#"{"asDouble":1}"#))
                .is_err()
        );
    }
}
