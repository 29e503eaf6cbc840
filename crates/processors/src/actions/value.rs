//! Attribute values in configuration: of the type that YAML gives them.

use std::fmt;

use fanlight_otlp::view::{OwnedValue, Value};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value as written in a configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConfigValue(pub(crate) OwnedValue);

impl<'de> Deserialize<'de> for ConfigValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ConfigValue, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(ConfigValue)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = OwnedValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_unit<E: Error>(self) -> Result<OwnedValue, E> {
        Ok(OwnedValue::default())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<OwnedValue, E> {
        Ok(Value::Bool(value).into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<OwnedValue, E> {
        Ok(Value::Int(value).into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<OwnedValue, E> {
        let value = i64::try_from(value)
            .map_err(|_| E::custom(format!("{value} does not fit into 64 bits with a sign")))?;
        Ok(Value::Int(value).into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<OwnedValue, E> {
        Ok(Value::Double(value).into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OwnedValue, E> {
        Ok(Value::Str(text).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OwnedValue, A::Error> {
        let mut elements = Vec::new();
        while let Some(ConfigValue(element)) = list.next_element()? {
            elements.push(element);
        }
        Ok(OwnedValue::array(&elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OwnedValue, A::Error> {
        let mut entries: Vec<(String, OwnedValue)> = Vec::new();
        while let Some((key, ConfigValue(value))) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(OwnedValue::map(
            entries.iter().map(|(key, value)| (key.as_str(), value)),
        ))
    }
}
