//! An attribute list to edit: what is not touched stays borrowed.

use std::borrow::Cow;

use crate::DecodeError;
use crate::view::{Attributes, Value, key_value};
use crate::wire::Records;
use crate::write::Encoder;

/// The attributes of an element. Order is kept; new ones go to the end.
#[derive(Debug)]
pub struct AttributeList<'a> {
    entries: Vec<Entry<'a>>,
    changed: bool,
}

#[derive(Debug)]
struct Entry<'a> {
    key: Cow<'a, str>,
    /// The `AnyValue` message.
    value: Cow<'a, [u8]>,
    /// The field as it came, tag included, until it is changed.
    untouched: Option<&'a [u8]>,
}

impl<'a> AttributeList<'a> {
    pub(crate) fn read(attributes: &Attributes<'a>) -> Result<AttributeList<'a>, DecodeError> {
        let mut entries = Vec::with_capacity(attributes.len() + 1);
        for record in attributes.records() {
            let record = record?;
            let (key, value) = key_value(record.bytes()?)?;
            entries.push(Entry {
                key: key.into(),
                value: value.into(),
                untouched: Some(record.raw()),
            });
        }
        Ok(AttributeList {
            entries,
            changed: false,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there is one under this key.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The value under a key; the first where a sender used the key twice.
    ///
    /// # Errors
    /// When the value can't be read.
    pub fn get(&self, key: &str) -> Result<Option<Value<'_>>, DecodeError> {
        self.entries
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| Value::read(&entry.value))
            .transpose()
    }

    /// Iterates the keys and values.
    pub fn iter(&self) -> impl Iterator<Item = Result<(&str, Value<'_>), DecodeError>> {
        self.entries
            .iter()
            .map(|entry| Ok((entry.key.as_ref(), Value::read(&entry.value)?)))
    }

    /// Puts a value under a key, in place of what was there.
    pub fn set<'v>(&mut self, key: &str, value: impl Into<Value<'v>>) {
        let mut out = Encoder::new();
        out.value(&value.into());
        let value = out.into_bytes();
        let Some(first) = self.entries.iter().position(|entry| entry.key == key) else {
            self.changed = true;
            self.entries.push(Entry {
                key: key.to_owned().into(),
                value: value.into(),
                untouched: None,
            });
            return;
        };
        // A sender may have used the key twice: one value is left.
        let mut index = 0;
        self.retain_entries(|entry| {
            index += 1;
            index - 1 <= first || entry.key != key
        });
        if let Some(entry) = self.entries.get_mut(first)
            && *entry.value != *value
        {
            self.changed = true;
            *entry = Entry {
                key: key.to_owned().into(),
                value: value.into(),
                untouched: None,
            };
        }
    }

    /// Takes out what is under a key; whether there was something.
    pub fn remove(&mut self, key: &str) -> bool {
        let before = self.entries.len();
        self.retain_entries(|entry| entry.key != key);
        self.entries.len() < before
    }

    /// Keeps only the attributes whose key passes.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.retain_entries(|entry| keep(&entry.key));
    }

    /// Whether anything was changed.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    fn retain_entries(&mut self, keep: impl FnMut(&Entry<'a>) -> bool) {
        let before = self.entries.len();
        self.entries.retain(keep);
        self.changed |= self.entries.len() < before;
    }

    /// Copies a message with this list in place of its attributes.
    pub(super) fn put(
        &self,
        message: &[u8],
        field: u32,
        out: &mut Encoder,
    ) -> Result<(), DecodeError> {
        for record in Records::new(message, "message with attributes") {
            let record = record?;
            if record.number != field {
                out.raw(record.raw());
            }
        }
        for entry in &self.entries {
            match entry.untouched {
                Some(as_it_came) => out.raw(as_it_came),
                None => out.nested(field, |out| {
                    out.bytes(1, entry.key.as_bytes());
                    out.some_bytes(2, &entry.value);
                }),
            }
        }
        Ok(())
    }

    /// Copies an envelope with this list in place of the attributes of the message in its field 1 (the resource or the
    /// scope), which is made where there is none.
    pub(super) fn put_wrapped(
        &self,
        envelope: &[u8],
        field: u32,
        out: &mut Encoder,
    ) -> Result<(), DecodeError> {
        let mut wrapped: &[u8] = &[];
        for record in Records::new(envelope, "envelope") {
            let record = record?;
            if record.number == 1 {
                wrapped = record.bytes()?;
            }
        }
        let open = out.open(1);
        self.put(wrapped, field, out)?;
        out.close(open);
        for record in Records::new(envelope, "envelope") {
            let record = record?;
            if record.number != 1 {
                out.raw(record.raw());
            }
        }
        Ok(())
    }
}
