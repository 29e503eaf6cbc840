//! Values as text, as the Collector's `AsString` writes them, for backends whose tags are texts.

use std::borrow::Cow;

use super::Value;
use crate::json;

impl<'a> Value<'a> {
    /// The value as text: text as it is, numbers in digits, bytes in base64, lists and maps as JSON, nothing as `""`.
    /// [Source](https://pkg.go.dev/go.opentelemetry.io/collector/pdata/pcommon#Value.AsString).
    pub fn to_text(&self) -> Cow<'a, str> {
        match self {
            Value::Empty => Cow::Borrowed(""),
            Value::Str(text) => Cow::Borrowed(text),
            Value::Bool(true) => Cow::Borrowed("true"),
            Value::Bool(false) => Cow::Borrowed("false"),
            Value::Double(value) if value.is_finite() => Cow::Owned(digits(*value)),
            value => {
                let mut out = Vec::new();
                // A value that can't be read becomes as much text as can be.
                let _ = json::write_plain_value(value, &mut out);
                let text = String::from_utf8(out).unwrap_or_default();
                // Bytes and special doubles are JSON strings.
                match value {
                    Value::Bytes(_) | Value::Double(_) => {
                        Cow::Owned(text.trim_matches('"').to_owned())
                    }
                    _ => Cow::Owned(text),
                }
            }
        }
    }
}

/// Digits as JavaScript writes them: an exponent only for very large and very small numbers.
fn digits(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        return if magnitude >= 1.0 {
            text.replace('e', "e+")
        } else {
            text
        };
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::OwnedValue;

    #[test]
    fn text_is_what_the_collector_writes() {
        for (value, text) in [
            (Value::Empty, ""),
            (Value::Str("a\"b"), "a\"b"),
            (Value::Bool(true), "true"),
            (Value::Int(-7), "-7"),
            (Value::Double(1.0), "1"),
            (Value::Double(0.25), "0.25"),
            (Value::Double(1e21), "1e+21"),
            (Value::Double(2.5e-7), "2.5e-7"),
            (Value::Double(f64::NAN), "NaN"),
            (Value::Bytes(b"\x01\x02"), "AQI="),
        ] {
            assert_eq!(value.to_text(), text, "{value:?}");
        }
        let map = OwnedValue::map([("k", &OwnedValue::array([&Value::Int(1).into()]))]);
        assert_eq!(map.view().to_text(), r#"{"k":[1]}"#);
    }
}
