//! JSON that others wrote: read within bounds, and with patience for the many ways to write a number.

use serde_json::Value as Json;

use crate::Dollars;

/// Text that is longer is not read as JSON.
pub(crate) const MAX_TEXT: usize = 8 << 20;
/// JSON with more values is not read: in memory they take many times their place in the text.
const MAX_VALUES: usize = 400_000;
/// How much of a text is kept where it cannot be read as what it should be.
const MAX_REST: usize = 64 << 10;

/// The value that a text stands for, if it is JSON within bounds. Text that was encoded twice is decoded twice.
pub(crate) fn parse(text: &str) -> Option<Json> {
    let value = parse_bytes(text.as_bytes())?;
    match &value {
        Json::String(inner) if looks_structured(inner) => {
            Some(parse_bytes(inner.as_bytes()).unwrap_or(value))
        }
        _ => Some(value),
    }
}

/// The value that bytes stand for, if they are JSON within bounds.
pub(crate) fn parse_bytes(bytes: &[u8]) -> Option<Json> {
    if bytes.len() > MAX_TEXT {
        return None;
    }
    // Every value but the first has a mark before it.
    if bytes.len() > MAX_VALUES {
        let marks = bytes
            .iter()
            .filter(|byte| matches!(byte, b',' | b'[' | b'{'));
        if marks.count() > MAX_VALUES {
            return None;
        }
    }
    serde_json::from_slice(bytes).ok()
}

/// Whether a text is meant to be an object or an array, or a string of such.
pub(crate) fn looks_structured(text: &str) -> bool {
    matches!(
        text.trim_start().as_bytes().first(),
        Some(b'{' | b'[' | b'"')
    )
}

/// What a text stands for: the object or array that it holds, else itself.
pub(crate) fn structured(text: &str) -> Json {
    let value = looks_structured(text).then(|| parse(text)).flatten();
    value.unwrap_or_else(|| Json::from(beginning(text)))
}

/// The value itself, or what it holds if it is a text.
pub(crate) fn unpacked(value: &Json) -> Json {
    match value {
        Json::String(text) => structured(text),
        value => value.clone(),
    }
}

/// As much of a text as is kept, whole characters.
pub(crate) fn beginning(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    text.get(..text.floor_char_boundary(MAX_REST))
        .unwrap_or_default()
}

/// A count, however it is written: as a number, as text, or as OTLP/JSON has it.
pub(crate) fn count(value: &Json) -> Option<u64> {
    match value {
        Json::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Json::String(text) => count_in(text),
        Json::Object(_) => count(value.get("intValue").or_else(|| value.get("doubleValue"))?),
        _ => None,
    }
}

/// The count that a text states.
pub(crate) fn count_in(text: &str) -> Option<u64> {
    let text = text.trim().trim_matches('"');
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

/// A whole number that is not negative. JavaScript's counters are floating-point numbers.
pub(crate) fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number < 2f64.powi(63)).then_some(number as u64)
}

/// A number, however it is written.
pub(crate) fn number(value: &Json) -> Option<f64> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// An amount in dollars, as exactly as it is written.
pub(crate) fn dollars(value: &Json) -> Option<Dollars> {
    match value {
        Json::Number(number) => number.to_string().parse().ok(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Text that is not empty.
pub(crate) fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(beginning(text).to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The texts of an array, or the one that stands in its place.
pub(crate) fn texts(value: &Json) -> Vec<String> {
    match value {
        Json::Array(values) => values.iter().filter_map(text).collect(),
        value => text(value).into_iter().collect(),
    }
}

/// The first text among those of these names.
pub(crate) fn text_of(object: &Json, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(object.get(name)?))
}

/// The first value among those of these names that is not null.
pub(crate) fn value_of<'a>(object: &'a Json, names: &[&str]) -> Option<&'a Json> {
    names
        .iter()
        .find_map(|name| object.get(name).filter(|value| !value.is_null()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn counts_are_read_however_they_are_written() {
        for value in [
            json!(12),
            json!(12.0),
            json!("12"),
            json!("12.0"),
            json!({"intValue": "12"}),
        ] {
            assert_eq!(count(&value), Some(12), "{value}");
        }
        for value in [
            json!(-1),
            json!(1.5),
            json!("many"),
            json!(null),
            json!([12]),
            json!(true),
        ] {
            assert_eq!(count(&value), None, "{value}");
        }
    }

    #[test]
    fn text_that_was_encoded_twice_is_decoded_twice() {
        let twice = json!(json!([{"role": "user"}]).to_string()).to_string();
        assert_eq!(structured(&twice), json!([{"role": "user"}]));
        assert_eq!(structured("[not json"), json!("[not json"));
        assert_eq!(structured("42 is the answer"), json!("42 is the answer"));
    }

    #[test]
    fn what_would_fill_the_memory_is_not_read() {
        let many = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(parse(&many), None);
        let deep = "[".repeat(100_000);
        assert_eq!(parse(&deep), None);
        let long = "x".repeat(MAX_TEXT + 1);
        assert_eq!(beginning(&long).len(), MAX_REST);
    }
}
