//! Serde's access to maps, lists and enums.

use std::slice;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::DecodeError;
use super::{Decoded, Decoder};
use crate::Node;
use crate::document::Entry;

/// The elements of a list.
pub(super) struct Elements<'a> {
    list: Decoder<'a>,
    rest: slice::Iter<'a, Node>,
}

impl<'a> Elements<'a> {
    pub(super) fn new(list: Decoder<'a>, elements: &'a [Node]) -> Elements<'a> {
        Elements {
            list,
            rest: elements.iter(),
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Decoded<Option<T::Value>> {
        let Some(element) = self.rest.next() else {
            return Ok(None);
        };
        seed.deserialize(self.list.child(element))
            .map(Some)
            .map_err(|error| error.placed_at(element))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The entries of a map, or of a struct.
pub(super) struct Entries<'a> {
    map: Decoder<'a>,
    rest: slice::Iter<'a, Entry>,
    /// The struct's fields; none for a map.
    fields: Option<&'static [&'static str]>,
    current: Option<&'a Entry>,
}

impl<'a> Entries<'a> {
    pub(super) fn all(map: Decoder<'a>, entries: &'a [Entry]) -> Entries<'a> {
        Entries {
            map,
            rest: entries.iter(),
            fields: None,
            current: None,
        }
    }

    pub(super) fn of_fields(
        map: Decoder<'a>,
        entries: &'a [Entry],
        fields: &'static [&'static str],
    ) -> Entries<'a> {
        Entries {
            fields: Some(fields),
            ..Entries::all(map, entries)
        }
    }

    fn is_wanted(&self, entry: &Entry) -> bool {
        match self.fields {
            None => true,
            Some(fields) => {
                fields.contains(&entry.key.as_str()) && !self.map.nulls.contains(&entry.node.path)
            }
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Decoded<Option<K::Value>> {
        let next = loop {
            match self.rest.next() {
                Some(entry) if !self.is_wanted(entry) => {}
                next => break next,
            }
        };
        self.current = next;
        let Some(entry) = next else { return Ok(None) };
        let key: StrDeserializer<'_, DecodeError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.placed_at_key(entry))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Decoded<V::Value> {
        let Some(entry) = self.current.take() else {
            return Err(serde::de::Error::custom(
                "a value was asked for before its key",
            ));
        };
        seed.deserialize(self.map.child(&entry.node))
            .map_err(|error| error.placed_at(&entry.node))
    }
}

/// The variant of an enum: a text, or a map with one key whose value is the variant's content.
pub(super) struct Variant<'a> {
    name: &'a str,
    decoder: Decoder<'a>,
    content: Option<&'a Node>,
}

impl<'a> Variant<'a> {
    pub(super) fn of_text(decoder: Decoder<'a>, name: &'a str) -> Variant<'a> {
        Variant {
            name,
            decoder,
            content: None,
        }
    }

    pub(super) fn of_entry(decoder: Decoder<'a>, entry: &'a Entry) -> Variant<'a> {
        Variant {
            name: &entry.key,
            decoder,
            content: Some(&entry.node),
        }
    }

    fn content(&self) -> Decoded<Decoder<'a>> {
        match self.content {
            Some(node) => Ok(self.decoder.child(node)),
            None => Err(DecodeError::expected(
                &format!("a map `{}: ...`", self.name),
                "a single value",
            )),
        }
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Decoded<(V::Value, Self)> {
        let name: StrDeserializer<'_, DecodeError> = self.name.into_deserializer();
        let variant = seed
            .deserialize(name)
            .map_err(|error| error.placed_at(self.decoder.node))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Decoded<()> {
        match self.content {
            Some(node) if !node.is_null() => {
                Err(DecodeError::expected("no value", node.value.what()).placed_at(node))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Decoded<T::Value> {
        seed.deserialize(self.content()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Decoded<V::Value> {
        serde::Deserializer::deserialize_seq(self.content()?, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        serde::Deserializer::deserialize_struct(self.content()?, "", fields, visitor)
    }
}
