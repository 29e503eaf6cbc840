//! Values as text and as other types.

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::json;
use fanlight_otlp::view::{OwnedValue, Value};

/// What `convert` converts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConvertedType {
    Int,
    Double,
    String,
}

impl ConvertedType {
    pub(super) fn check(node: &Node, text: &str) -> Result<ConvertedType, ConfigError> {
        match text {
            "int" => Ok(ConvertedType::Int),
            "double" => Ok(ConvertedType::Double),
            "string" => Ok(ConvertedType::String),
            "" => {
                Err(node.error("the action convert needs a converted_type: int, double or string"))
            }
            other => Err(node
                .error_at(
                    "converted_type",
                    format!("`{other}` is not a type to convert to"),
                )
                .suggest(other, &["int", "double", "string"])),
        }
    }

    /// The value as that type; `None` where it is one already or can't be.
    pub(super) fn convert(self, value: &Value<'_>) -> Option<OwnedValue> {
        let converted = match (self, value) {
            (ConvertedType::String, Value::Str(_)) => return None,
            (ConvertedType::String, value) => return Some(Value::Str(&as_text(value)).into()),
            (ConvertedType::Int, Value::Double(value)) => Value::Int(*value as i64),
            (ConvertedType::Int, Value::Bool(value)) => Value::Int(i64::from(*value)),
            (ConvertedType::Int, Value::Str(text)) => Value::Int(text.parse().ok()?),
            (ConvertedType::Double, Value::Int(value)) => Value::Double(*value as f64),
            (ConvertedType::Double, Value::Bool(value)) => {
                Value::Double(f64::from(u8::from(*value)))
            }
            (ConvertedType::Double, Value::Str(text)) => Value::Double(text.parse().ok()?),
            _ => return None,
        };
        Some(converted.into())
    }
}

/// A value as text, as the Collector writes it: text as it is, numbers in digits, bytes in base64, the rest as JSON.
pub(crate) fn as_text(value: &Value<'_>) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Str(text) => (*text).to_owned(),
        Value::Double(value) if value.is_finite() => double(*value),
        value => {
            let mut out = Vec::new();
            // A value that can't be read becomes as much text as can be.
            let _ = json::write_plain_value(value, &mut out);
            let text = String::from_utf8_lossy(&out);
            // Bytes and special doubles are JSON strings.
            if matches!(value, Value::Bytes(_) | Value::Double(_)) {
                text.trim_matches('"').to_owned()
            } else {
                text.into()
            }
        }
    }
}

/// Digits as JavaScript writes them: an exponent only for very large and very small numbers.
fn double(value: f64) -> String {
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
            assert_eq!(as_text(&value), text, "{value:?}");
        }
        let map = OwnedValue::map([("k", &OwnedValue::array([&Value::Int(1).into()]))]);
        assert_eq!(as_text(&map.view()), r#"{"k":[1]}"#);
    }

    #[test]
    fn what_cannot_be_converted_is_left_alone() {
        assert_eq!(ConvertedType::Int.convert(&Value::Str("x")), None);
        assert_eq!(ConvertedType::Int.convert(&Value::Int(1)), None);
        assert_eq!(ConvertedType::Double.convert(&Value::Bytes(b"1")), None);
        assert_eq!(
            ConvertedType::Int.convert(&Value::Str("12")),
            Some(Value::Int(12).into())
        );
        assert_eq!(
            ConvertedType::Int.convert(&Value::Double(2.9)),
            Some(Value::Int(2).into())
        );
        assert_eq!(
            ConvertedType::Double.convert(&Value::Str("2.5")),
            Some(Value::Double(2.5).into())
        );
        assert_eq!(
            ConvertedType::String.convert(&Value::Bool(false)),
            Some(Value::Str("false").into())
        );
    }
}
