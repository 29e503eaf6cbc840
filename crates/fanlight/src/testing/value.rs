//! Values that compare with literals.

use std::collections::BTreeMap;

use fanlight_otlp::view;

/// An attribute's value. It can be compared with what was recorded:
///
/// ```
/// use fanlight::testing::Value;
///
/// assert_eq!(Value::Int(17), 17);
/// assert_eq!(Value::Str("tea".to_owned()), "tea");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// No value.
    #[default]
    Empty,
    /// Text.
    Str(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Values in order.
    Array(Vec<Value>),
    /// Values by key.
    Map(BTreeMap<String, Value>),
}

impl From<view::Value<'_>> for Value {
    fn from(value: view::Value<'_>) -> Value {
        match value {
            view::Value::Empty => Value::Empty,
            view::Value::Str(text) => Value::Str(text.to_owned()),
            view::Value::Bool(value) => Value::Bool(value),
            view::Value::Int(value) => Value::Int(value),
            view::Value::Double(value) => Value::Double(value),
            view::Value::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            view::Value::Array(array) => {
                Value::Array(array.into_iter().flatten().map(Value::from).collect())
            }
            view::Value::Map(map) => {
                let entries = map.iter().flatten();
                Value::Map(
                    entries
                        .map(|(key, value)| (key.to_owned(), Value::from(value)))
                        .collect(),
                )
            }
        }
    }
}

macro_rules! compares {
    ($($type:ty => $variant:ident),*) => {$(
        impl PartialEq<$type> for Value {
            fn eq(&self, other: &$type) -> bool {
                matches!(self, Value::$variant(value) if value == other)
            }
        }
    )*};
}
compares!(bool => Bool, i64 => Int, f64 => Double, str => Str, String => Str);

impl PartialEq<&str> for Value {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl<T, const N: usize> PartialEq<[T; N]> for Value
where
    Value: PartialEq<T>,
{
    fn eq(&self, other: &[T; N]) -> bool {
        matches!(self, Value::Array(values) if values.as_slice() == other.as_slice())
    }
}
