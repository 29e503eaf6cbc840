//! Attribute values and attribute lists.

use std::fmt;
use std::hash::BuildHasher;

use crate::DecodeError;
use crate::wire::{List, Record, Records};
use crate::write::Encoder;

/// A value: an attribute's, a log body, an element of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Value<'a> {
    /// No value at all, which OTLP allows.
    #[default]
    Empty,
    /// Text.
    Str(&'a str),
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// A floating-point number.
    Double(f64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Values in order.
    Array(Array<'a>),
    /// Values by key.
    Map(Attributes<'a>),
}

/// The elements of an array value.
#[derive(Clone, Copy, Default)]
pub struct Array<'a> {
    list: List<'a>,
    /// The `ArrayValue` message.
    pub(crate) bytes: &'a [u8],
}

/// Keys with values, in the sender's order. Iterate it; `get` looks one up.
#[derive(Clone, Copy, Default)]
pub struct Attributes<'a> {
    list: List<'a>,
}

impl<'a> Value<'a> {
    /// Reads an `AnyValue` message.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(bytes: &'a [u8]) -> Result<Value<'a>, DecodeError> {
        let mut value = Value::Empty;
        for record in Records::new(bytes, "AnyValue") {
            let record = record?;
            value = match record.number {
                1 => Value::Str(record.text()?),
                2 => Value::Bool(record.varint()? != 0),
                3 => Value::Int(record.varint()?.cast_signed()),
                4 => Value::Double(record.double()?),
                5 => Value::Array(Array::read(record.bytes()?)?),
                6 => Value::Map(Attributes::read(record.bytes()?, 1, "KeyValueList")?),
                7 => Value::Bytes(record.bytes()?),
                // A profile's index into its string table; other signals are told to take it for empty.
                8 => Value::Empty,
                _ => value,
            };
        }
        Ok(value)
    }

    /// The text, if it is text.
    pub const fn as_str(&self) -> Option<&'a str> {
        match self {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }
}

/// A value of its own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct OwnedValue {
    /// The `AnyValue` message.
    bytes: Vec<u8>,
}

impl OwnedValue {
    /// The value, borrowed.
    pub fn view(&self) -> Value<'_> {
        // The bytes were encoded from a value, so they read as one.
        Value::read(&self.bytes).unwrap_or_default()
    }

    /// An array.
    pub fn array<'v>(elements: impl IntoIterator<Item = &'v OwnedValue>) -> OwnedValue {
        let mut out = Encoder::new();
        out.nested(5, |out| {
            elements
                .into_iter()
                .for_each(|element| out.some_bytes(1, &element.bytes))
        });
        OwnedValue {
            bytes: out.into_bytes(),
        }
    }

    /// A map.
    pub fn map<'v>(entries: impl IntoIterator<Item = (&'v str, &'v OwnedValue)>) -> OwnedValue {
        let mut out = Encoder::new();
        out.nested(6, |out| {
            for (key, value) in entries {
                out.attribute(1, key, &value.view());
            }
        });
        OwnedValue {
            bytes: out.into_bytes(),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> OwnedValue {
        let mut out = Encoder::new();
        out.value(&value);
        OwnedValue {
            bytes: out.into_bytes(),
        }
    }
}

impl fmt::Debug for OwnedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<'a> Array<'a> {
    fn read(bytes: &'a [u8]) -> Result<Array<'a>, DecodeError> {
        Ok(Array {
            list: list(bytes, 1, "ArrayValue")?,
            bytes,
        })
    }

    /// How many elements there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no element.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> IntoIterator for Array<'a> {
    type Item = Result<Value<'a>, DecodeError>;
    type IntoIter = ArrayIter<'a>;

    fn into_iter(self) -> ArrayIter<'a> {
        ArrayIter(self.list)
    }
}

/// Iterates an [`Array`].
#[derive(Clone, Debug)]
pub struct ArrayIter<'a>(List<'a>);

impl<'a> Iterator for ArrayIter<'a> {
    type Item = Result<Value<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|record| Value::read(record?.bytes()?))
    }
}

impl<'a> Attributes<'a> {
    /// The attributes that a message holds in this field.
    pub(crate) fn read(
        message: &'a [u8],
        field: u32,
        name: &'static str,
    ) -> Result<Attributes<'a>, DecodeError> {
        list(message, field, name).map(|list| Attributes { list })
    }

    /// Takes an occurrence of the field in.
    pub(crate) fn add(&mut self, record: &Record<'a>) {
        self.list.add(record);
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a key; the first where a sender used the key twice.
    ///
    /// # Errors
    /// When the bytes are not attributes.
    pub fn get(&self, key: &str) -> Result<Option<Value<'a>>, DecodeError> {
        for record in self.list {
            let (found, value) = key_value(record?.bytes()?)?;
            if found == key {
                return Value::read(value).map(Some);
            }
        }
        Ok(None)
    }

    /// A number that lists with the same keys and values share, in whatever order they stand: what identifies a series.
    pub fn fingerprint(&self, hasher: &impl BuildHasher) -> u64 {
        let hashes = self
            .list
            .flatten()
            .map(|record| hasher.hash_one(record.raw()));
        hashes.fold(0, u64::wrapping_add)
    }

    /// Iterates the keys and values.
    pub fn iter(&self) -> AttributesIter<'a> {
        AttributesIter(self.list)
    }

    /// The `KeyValue` messages.
    pub(crate) const fn records(&self) -> List<'a> {
        self.list
    }
}

/// Splits a `KeyValue` message into its key and its `AnyValue` message.
pub(crate) fn key_value(bytes: &[u8]) -> Result<(&str, &[u8]), DecodeError> {
    let (mut key, mut value): (&str, &[u8]) = ("", &[]);
    for record in Records::new(bytes, "KeyValue") {
        let record = record?;
        match record.number {
            1 => key = record.text()?,
            2 => value = record.bytes()?,
            _ => {}
        }
    }
    Ok((key, value))
}

fn list<'a>(message: &'a [u8], field: u32, name: &'static str) -> Result<List<'a>, DecodeError> {
    let mut list = List::default();
    for record in Records::new(message, name) {
        let record = record?;
        if record.number == field {
            list.add(&record);
        }
    }
    Ok(list)
}

impl<'a> IntoIterator for Attributes<'a> {
    type Item = Result<(&'a str, Value<'a>), DecodeError>;
    type IntoIter = AttributesIter<'a>;

    fn into_iter(self) -> AttributesIter<'a> {
        self.iter()
    }
}

/// Iterates [`Attributes`].
#[derive(Clone, Debug)]
pub struct AttributesIter<'a>(List<'a>);

impl<'a> Iterator for AttributesIter<'a> {
    type Item = Result<(&'a str, Value<'a>), DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|record| {
            let (key, value) = key_value(record?.bytes()?)?;
            Ok((key, Value::read(value)?))
        })
    }
}

/// Equal when they hold equal values in the same order; unreadable ones are equal to nothing.
impl PartialEq for Array<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .into_iter()
                .zip(*other)
                .all(|pair| matches!(pair, (Ok(a), Ok(b)) if a == b))
    }
}

/// Equal when they hold equal keys and values in the same order; unreadable ones are equal to nothing.
impl PartialEq for Attributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .zip(other.iter())
                .all(|pair| matches!(pair, (Ok(a), Ok(b)) if a == b))
    }
}

impl fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.into_iter().flatten()).finish()
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().flatten()).finish()
    }
}

macro_rules! value_from {
    ($($type:ty => $variant:ident),*) => {
        $(impl<'a> From<$type> for Value<'a> {
            fn from(value: $type) -> Value<'a> {
                Value::$variant(value.into())
            }
        })*
    };
}

value_from!(&'a str => Str, bool => Bool, i64 => Int, i32 => Int, u32 => Int, f64 => Double, &'a [u8] => Bytes);

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Value<'a> {
        Value::Str(text)
    }
}
