//! Strict decoding: a serde deserializer over nodes.
//!
//! Strictness is a property of the deserializer, not of the types: `deserialize_struct` is told the fields and refuses
//! every key that is none of them, so no type needs (or can forget) `deny_unknown_fields`. Each error is placed by the
//! innermost node that it passed.
//!
//! A null where a number, a boolean or a text should be means "the default". Serde has no way to say that at the place
//! where it is found, so decoding is started again with that key left out; where there is no default, serde then says
//! that the key is missing.

mod access;
mod error;
mod scalar;

use std::cell::RefCell;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Deserializer, Unexpected, Visitor};

use self::access::{Elements, Entries, Variant};
use self::error::DecodeError;
use crate::document::{Entry, Expansion, Value};
use crate::{ConfigError, Node, suggest};

/// Nulls that are replaced by defaults before a document is given up as hostile.
const MOST_NULLS: usize = 1000;

/// Reads a node as a type.
pub(crate) fn whole<T: DeserializeOwned>(node: &Node) -> Result<T, ConfigError> {
    repeated(node, None)
}

fn repeated<T: DeserializeOwned>(node: &Node, known: Option<&Known>) -> Result<T, ConfigError> {
    let mut nulls: Vec<Arc<str>> = Vec::new();
    loop {
        let error = match T::deserialize(Decoder {
            node,
            nulls: &nulls,
            known,
        }) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error.null_at {
            Some(path) if nulls.len() < MOST_NULLS && !nulls.contains(&path) => nulls.push(path),
            _ => return Err(error.placed_at(node).into()),
        }
    }
}

/// The keys that the types of a shared map know.
type Known = RefCell<Vec<&'static str>>;

/// One map that several types read their own keys from.
pub(crate) struct Shared<'a> {
    node: &'a Node,
    known: Known,
}

impl<'a> Shared<'a> {
    pub(crate) fn of(node: &'a Node) -> Shared<'a> {
        Shared {
            node,
            known: RefCell::default(),
        }
    }

    pub(crate) fn decode<T: DeserializeOwned>(&mut self) -> Result<T, ConfigError> {
        repeated(self.node, Some(&self.known))
    }

    pub(crate) fn refuse_unknown_keys(&self) -> Result<(), ConfigError> {
        match &self.node.value {
            Value::Map(entries) => refuse_unknown_keys(self.node, entries, &self.known.borrow()),
            _ => Ok(()),
        }
    }
}

fn refuse_unknown_keys(node: &Node, entries: &[Entry], known: &[&str]) -> Result<(), ConfigError> {
    let Some(entry) = entries
        .iter()
        .find(|entry| !known.contains(&entry.key.as_str()))
    else {
        return Ok(());
    };
    Err(ConfigError {
        location: Some(entry.location.clone()),
        path: node.path.to_string(),
        message: format!("unknown key `{}`", entry.key),
        hint: suggest::hint(&entry.key, known),
    })
}

#[derive(Clone, Copy)]
struct Decoder<'a> {
    node: &'a Node,
    /// Paths of nulls that are left out for their defaults.
    nulls: &'a [Arc<str>],
    /// Set at the top of a shared map only.
    known: Option<&'a Known>,
}

type Decoded<T> = Result<T, DecodeError>;

impl<'a> Decoder<'a> {
    fn child(self, node: &'a Node) -> Decoder<'a> {
        Decoder {
            node,
            known: None,
            ..self
        }
    }

    /// The value as text, where it is a scalar or a text field may have what was expanded.
    fn text(self) -> Option<&'a str> {
        match (&self.node.expansion, &self.node.value) {
            (
                Some(Expansion {
                    original: Some(text),
                    ..
                }),
                _,
            ) => Some(text),
            (_, Value::Scalar { text, .. }) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that may be a number or a boolean.
    fn plain(self, expected: &str) -> Decoded<&'a str> {
        match &self.node.value {
            Value::Scalar { text, plain: true } => Ok(text),
            Value::Scalar { text, plain: false } if self.node.expansion.is_some() => Ok(text),
            Value::Scalar { text, plain: false } => {
                let error = DecodeError::expected(expected, &format!("the text `{text}`"));
                Err(error.hint("write it without quotes").placed_at(self.node))
            }
            _ => Err(self.expected(expected)),
        }
    }

    /// An error about the node's shape; for a null, one that asks for the default.
    fn expected(self, expected: &str) -> DecodeError {
        let error = DecodeError::expected(expected, self.node.value.what()).placed_at(self.node);
        if self.node.is_null() {
            error.of_null(self.node)
        } else {
            error
        }
    }

    fn entries(self, expected: &str) -> Decoded<&'a [Entry]> {
        match &self.node.value {
            Value::Map(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.expected(expected)),
        }
    }

    fn placed<T>(self, result: Decoded<T>) -> Decoded<T> {
        result.map_err(|error| error.placed_at(self.node))
    }
}

/// Reads whole numbers, each type within its own bounds.
macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
            let number = scalar::whole_number(self, i128::from(<$number>::MIN), i128::from(<$number>::MAX))?;
            // The bounds have just been checked.
            self.placed(visitor.$visit(<$number>::try_from(number).unwrap_or_default()))
        }
    )*};
}

impl<'de> Deserializer<'de> for Decoder<'_> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match &self.node.value {
            Value::Null => self.placed(visitor.visit_unit()),
            Value::Scalar { .. } => self.placed(scalar::visit_any(self.node, visitor)),
            Value::List(_) => self.deserialize_seq(visitor),
            Value::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let value = scalar::boolean(self)?;
        self.placed(visitor.visit_bool(value))
    }

    whole_numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let number = scalar::number(self)?;
        self.placed(visitor.visit_f64(number))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        match (self.text(), &self.node.value) {
            (Some(text), _) => self.placed(visitor.visit_str(text)),
            (None, Value::List(_)) => self.placed(Err(serde::de::Error::invalid_type(
                Unexpected::Seq,
                &visitor,
            ))),
            (None, Value::Map(_)) => self.placed(Err(serde::de::Error::invalid_type(
                Unexpected::Map,
                &visitor,
            ))),
            _ => Err(self.expected("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let is_none = self.node.is_null() && self.text().is_none_or(str::is_empty);
        if is_none {
            self.placed(visitor.visit_none())
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        if self.node.is_null() {
            self.placed(visitor.visit_unit())
        } else {
            Err(self.expected("no value"))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.placed(visitor.visit_newtype_struct(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let elements: &[Node] = match &self.node.value {
            Value::List(elements) => elements,
            Value::Null => &[],
            _ => return Err(self.expected("a list")),
        };
        self.placed(visitor.visit_seq(Elements::new(self, elements)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Decoded<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        let entries = self.entries("a map")?;
        self.placed(visitor.visit_map(Entries::all(self, entries)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        let entries = self
            .entries("a map")
            .map_err(|error| error.suggest("", fields))?;
        match self.known {
            Some(known) => known.borrow_mut().extend(fields),
            None => refuse_unknown_keys(self.node, entries, fields)?,
        }
        self.placed(visitor.visit_map(Entries::of_fields(self, entries, fields)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        let variant = match (&self.node.value, self.text()) {
            (Value::Map(entries), None) => match entries.as_slice() {
                [entry] => Variant::of_entry(self, entry),
                _ => {
                    return Err(self.expected("a map with one key").suggest("", variants));
                }
            },
            (_, Some(text)) => Variant::of_text(self, text),
            _ => {
                return Err(self.expected("text").suggest("", variants));
            }
        };
        self.placed(visitor.visit_enum(variant))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        self.placed(visitor.visit_unit())
    }
}

#[cfg(test)]
mod tests;
