//! What other formats carry of OTLP: values that became texts, and attributes by key.

use std::collections::BTreeMap;

use serde_json::Value;

/// Attributes in OTLP/JSON, by key.
pub(super) fn attributes(owner: &Value) -> BTreeMap<String, Value> {
    let list = owner["attributes"].as_array();
    let pair = |attribute: &Value| {
        let key = attribute["key"].as_str().unwrap_or_default();
        (key.to_owned(), attribute["value"].clone())
    };
    list.into_iter().flatten().map(pair).collect()
}

/// A value in OTLP/JSON as plain JSON: texts, truth values, numbers, lists, maps.
pub(super) fn plain(value: &Value) -> Value {
    let Some((kind, content)) = value.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "intValue" => number(content),
        "doubleValue" => match content.as_str().map(str::parse::<f64>) {
            Some(Ok(float)) if float.is_finite() => float.into(),
            _ => content.clone(),
        },
        "arrayValue" => {
            let values = content["values"].as_array();
            values.into_iter().flatten().map(plain).collect()
        }
        "kvlistValue" => {
            let entries = content["values"].as_array();
            let entry = |entry: &Value| {
                let key = entry["key"].as_str().unwrap_or_default();
                (key.to_owned(), plain(&entry["value"]))
            };
            Value::Object(entries.into_iter().flatten().map(entry).collect())
        }
        _ => content.clone(),
    }
}

/// A value in OTLP/JSON as the text that formats without types have, with lists and maps as one spelling of their JSON.
pub(super) fn text(value: &Value) -> String {
    match plain(value) {
        Value::Null => String::new(),
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(json @ (Value::Array(_) | Value::Object(_))) => json.to_string(),
            _ => text,
        },
        Value::Number(number) => digits(&number),
        other => other.to_string(),
    }
}

/// A number, which OTLP/JSON may have as text.
pub(super) fn number(content: &Value) -> Value {
    let parsed = content.as_str().and_then(|text| text.parse::<i64>().ok());
    parsed.map_or(content.clone(), Value::from)
}

/// Whole numbers have no decimals, whatever their type was.
fn digits(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float.to_string(),
        _ => number.to_string(),
    }
}
