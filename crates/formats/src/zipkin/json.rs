//! How Zipkin's JSON spells ids, times and texts, and the liberties that its senders take.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use fanlight_otlp::{SpanId, TraceId};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::TagValue;

/// A trace id of up to 32 hexadecimal digits; shorter ones have their zeros left out.
pub(super) fn trace_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TraceId, D::Error> {
    let digits = text(deserializer)?;
    let invalid = || D::Error::invalid_value(Unexpected::Str(&digits), &"up to 32 hex digits");
    match u128::from_str_radix(&digits, 16) {
        _ if digits.is_empty() => Ok(TraceId::default()),
        Ok(number) if !digits.starts_with('+') => Ok(TraceId(number.to_be_bytes())),
        _ => Err(invalid()),
    }
}

/// A span id of up to 16 hexadecimal digits.
pub(super) fn span_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SpanId, D::Error> {
    let digits = text(deserializer)?;
    let invalid = || D::Error::invalid_value(Unexpected::Str(&digits), &"up to 16 hex digits");
    match u64::from_str_radix(&digits, 16) {
        _ if digits.is_empty() => Ok(SpanId::default()),
        Ok(number) if !digits.starts_with('+') => Ok(SpanId(number.to_be_bytes())),
        _ => Err(invalid()),
    }
}

/// Microseconds, as an integer or with a fraction, become nanoseconds.
pub(super) fn micros<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    Ok(match TagValue::deserialize(deserializer)? {
        TagValue::Int(micros) => u64::try_from(micros).unwrap_or(0).saturating_mul(1000),
        // Whole and fraction apart, since their product has no room for both. Casts saturate.
        TagValue::Double(micros) => {
            let fraction = (micros.fract() * 1000.0).round() as u64;
            (micros as u64)
                .saturating_mul(1000)
                .saturating_add(fraction)
        }
        TagValue::Text(text) => text.parse::<u64>().unwrap_or(0).saturating_mul(1000),
        TagValue::Bool(_) => 0,
    })
}

/// A text; other scalars become one, and `null` is the empty text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    Ok(match TagValue::deserialize(deserializer)? {
        TagValue::Text(text) => text,
        other => Cow::Owned(other.to_string()),
    })
}

/// An address; what is none counts as absent, as the Collector has it.
pub(super) fn address<'de, D: Deserializer<'de>, A: FromStr>(
    deserializer: D,
) -> Result<Option<A>, D::Error> {
    Ok(text(deserializer)?.parse().ok())
}

/// A port; what is none counts as absent.
pub(super) fn port<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    Ok(text(deserializer)?.parse().unwrap_or_default())
}

/// A list, or `null`.
pub(super) fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An object of scalars, in its own order; or `null`.
pub(super) fn tags<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<(Cow<'de, str>, TagValue<'de>)>, D::Error> {
    deserializer.deserialize_any(Tags(PhantomData))
}

struct Tags<'de>(PhantomData<&'de ()>);

impl<'de> Visitor<'de> for Tags<'de> {
    type Value = Vec<(Cow<'de, str>, TagValue<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut tags = Vec::new();
        while let Some((Text(key), value)) = entries.next_entry()? {
            tags.push((key, value));
        }
        Ok(tags)
    }
}

/// A key of an object.
struct Text<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for TagValue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar(PhantomData))
    }
}

struct Scalar<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for Scalar<'a> {
    type Value = TagValue<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(TagValue::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TagValue::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(TagValue::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(TagValue::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(TagValue::Double(value as f64), TagValue::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(TagValue::Double(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(TagValue::Text(Cow::Borrowed("")))
    }
}

impl fmt::Display for TagValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TagValue::Text(text) => f.write_str(text),
            TagValue::Bool(value) => value.fmt(f),
            TagValue::Int(value) => value.fmt(f),
            TagValue::Double(value) => value.fmt(f),
        }
    }
}
