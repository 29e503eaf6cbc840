//! Values as text and as other types.

use fanlight_config::{ConfigError, Node};
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
            (ConvertedType::String, value) => return Some(Value::Str(&value.to_text()).into()),
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

#[cfg(test)]
mod tests {
    use super::*;

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
