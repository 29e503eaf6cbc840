//! The attributes of one span or resource, and which of them a segment's own sections have taken.

use std::borrow::Cow;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, Value};

/// Attributes, looked up by name. What a section takes over is not repeated in the metadata.
pub(super) struct Known<'a> {
    list: Vec<(&'a str, Value<'a>)>,
    taken: Vec<bool>,
}

impl<'a> Known<'a> {
    pub(super) fn read(attributes: Attributes<'a>) -> Result<Known<'a>, DecodeError> {
        let list = attributes.iter().collect::<Result<Vec<_>, _>>()?;
        let taken = vec![false; list.len()];
        Ok(Known { list, taken })
    }

    /// Whether any of these is there.
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.position(key).is_some())
    }

    /// The value under the first of these keys that is there.
    pub(super) fn get(&self, keys: &[&str]) -> Option<Value<'a>> {
        let index = keys.iter().find_map(|key| self.position(key))?;
        self.list.get(index).map(|(_, value)| *value)
    }

    /// The text under the first of these keys that has one; an empty one counts as none.
    pub(super) fn text(&self, keys: &[&str]) -> Option<&'a str> {
        let texts = keys.iter().filter_map(|key| self.get(&[key])?.as_str());
        texts.into_iter().find(|text| !text.is_empty())
    }

    /// As [`Known::text`], and the section has it now.
    pub(super) fn take_text(&mut self, keys: &[&str]) -> Option<&'a str> {
        let key = keys.iter().find(|key| self.text(&[key]).is_some())?;
        self.take(key);
        self.text(&[key])
    }

    /// As [`Known::take_text`], whatever the type of the value.
    pub(super) fn take_as_text(&mut self, keys: &[&str]) -> Option<Cow<'a, str>> {
        let texts = keys
            .iter()
            .filter_map(|key| Some((key, self.get(&[key])?.to_text())));
        let (key, text) = texts.into_iter().find(|(_, text)| !text.is_empty())?;
        self.take(key);
        Some(text)
    }

    /// The whole number under the first of these keys, also where it was sent as text; the section has it now.
    pub(super) fn take_integer(&mut self, keys: &[&str]) -> Option<i64> {
        let read = |value: Value<'_>| match value {
            Value::Int(number) => Some(number),
            Value::Str(text) => text.parse().ok(),
            _ => None,
        };
        let key = keys
            .iter()
            .find(|key| self.get(&[key]).and_then(read).is_some())?;
        self.take(key);
        self.get(&[key]).and_then(read)
    }

    /// The section has this attribute now.
    pub(super) fn take(&mut self, key: &str) {
        if let Some(taken) = self
            .position(key)
            .and_then(|index| self.taken.get_mut(index))
        {
            *taken = true;
        }
    }

    /// Every attribute, and whether a section has taken it.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, Value<'a>, bool)> {
        let both = self.list.iter().zip(&self.taken);
        both.map(|((key, value), taken)| (*key, *value, *taken))
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.list.iter().position(|(found, _)| *found == key)
    }
}
