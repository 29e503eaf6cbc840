//! Keys of the Collector that this release refuses by name.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The value of a key that the Collector has and Fanlight has not (yet), where ignoring it would change security or
/// delivery. Only values that ask for nothing are accepted: null, `false`, an empty text, list or map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotSupported;

impl<'de> Deserialize<'de> for NotSupported {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NotSupported, D::Error> {
        deserializer.deserialize_any(AsksForNothing)
    }
}

struct AsksForNothing;

const WHY: &str = "this key is known but not supported in this release, and ignoring it would not be safe: remove it";

impl<'de> Visitor<'de> for AsksForNothing {
    type Value = NotSupported;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no value")
    }

    fn visit_unit<E: Error>(self) -> Result<NotSupported, E> {
        Ok(NotSupported)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<NotSupported, E> {
        if value {
            Err(E::custom(WHY))
        } else {
            Ok(NotSupported)
        }
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<NotSupported, E> {
        Err(E::custom(WHY))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<NotSupported, E> {
        Err(E::custom(WHY))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<NotSupported, E> {
        Err(E::custom(WHY))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NotSupported, E> {
        if text.is_empty() {
            Ok(NotSupported)
        } else {
            Err(E::custom(WHY))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<NotSupported, A::Error> {
        match elements.next_element::<IgnoredAny>()? {
            None => Ok(NotSupported),
            Some(_) => Err(A::Error::custom(WHY)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NotSupported, A::Error> {
        match entries.next_entry::<IgnoredAny, IgnoredAny>()? {
            None => Ok(NotSupported),
            Some(_) => Err(A::Error::custom(WHY)),
        }
    }
}
