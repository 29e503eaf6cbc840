//! Attributes, to be found by name many times.

use fanlight_otlp::view::{Attributes, Value};
use serde_json::{Map, Number, Value as Json};

use crate::json;

/// Deeper values are left out.
const MAX_DEPTH: usize = 32;

/// Attributes in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(Vec<(&'a str, Value<'a>)>);

impl<'a> Fields<'a> {
    /// The attributes as far as they can be read; of those with the same key, the first.
    pub(super) fn of(attributes: &Attributes<'a>) -> Fields<'a> {
        let mut all: Vec<_> = attributes.iter().map_while(Result::ok).collect();
        all.sort_by_key(|(key, _)| *key);
        all.dedup_by_key(|(key, _)| *key);
        Fields(all)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        let at = self.0.binary_search_by_key(&key, |(key, _)| key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The attributes whose keys begin so, with what follows.
    pub(super) fn under<'f>(
        &'f self,
        prefix: &'f str,
    ) -> impl Iterator<Item = (&'a str, &'f Value<'a>)> {
        let start = self.0.partition_point(|(key, _)| *key < prefix);
        let rest = self.0.get(start..).unwrap_or_default();
        rest.iter()
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    pub(super) fn has_under(&self, prefix: &str) -> bool {
        self.under(prefix).next().is_some()
    }

    /// All of them as an object; texts that hold objects or arrays are unpacked.
    pub(super) fn object(&self) -> Json {
        let members = self.0.iter().map(|(key, value)| {
            let value = match value {
                Value::Str(text) => json::structured(text),
                value => to_json(value),
            };
            ((*key).to_owned(), value)
        });
        Json::Object(members.collect())
    }
}

/// The value as JSON, texts as they are.
pub(super) fn to_json(value: &Value<'_>) -> Json {
    nested(value, MAX_DEPTH)
}

fn nested(value: &Value<'_>, depth: usize) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::Str(text) => Json::from(json::beginning(text)),
        Value::Bool(truth) => Json::from(*truth),
        Value::Int(number) => Json::from(*number),
        Value::Double(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
        // Nobody sends text so; how much it was is all that can be said.
        Value::Bytes(bytes) => Json::from(format!("{} bytes", bytes.len())),
        Value::Array(_) | Value::Map(_) if depth == 0 => Json::Null,
        Value::Array(array) => {
            let elements = array.into_iter().map_while(Result::ok);
            Json::Array(
                elements
                    .map(|element| nested(&element, depth - 1))
                    .collect(),
            )
        }
        Value::Map(map) => {
            let members = map.iter().map_while(Result::ok);
            let members = members.map(|(key, value)| (key.to_owned(), nested(&value, depth - 1)));
            Json::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// A count, however the sender's language has it.
pub(super) fn count(value: &Value<'_>) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::Double(number) => json::whole(*number),
        Value::Str(text) => json::count_in(text),
        _ => None,
    }
}

/// A number, however the sender's language has it.
pub(super) fn number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number| number.is_finite())
}

/// A truth value, or the word for it.
pub(super) fn flag(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Str(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}
