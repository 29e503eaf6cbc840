//! Documents of flat fields: keys that nested maps are flattened into, each with one value, the last one given.
//!
//! Backends that index fields refuse a document whose key stands twice; resources, scopes and items often share keys. What
//! is added later wins, as the Collector's exporters have it. The buffers are kept from item to item.

use std::cmp::Ordering;
use std::ops::Range;

use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Array, Attributes, Value};

/// How a backend wants values that JSON has no form for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Bytes in hexadecimal digits; numbers that are not finite are `null`, since an index of numbers refuses text.
    Elastic,
    /// Bytes in base64; numbers that are not finite are text.
    Splunk,
}

/// Fields in the order they were added.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    dialect: Dialect,
    /// Keys and values, one after the other.
    text: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: Range<usize>,
    value: Range<usize>,
}

impl Fields {
    /// No fields.
    pub(crate) fn new(dialect: Dialect) -> Fields {
        Fields {
            dialect,
            text: Vec::new(),
            entries: Vec::new(),
        }
    }

    /// Forgets all fields.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the fields of another over.
    pub(crate) fn extend(&mut self, other: &Fields) {
        let shift = self.text.len();
        let moved = |range: &Range<usize>| range.start + shift..range.end + shift;
        self.text.extend_from_slice(&other.text);
        self.entries.extend(other.entries.iter().map(|entry| Entry {
            key: moved(&entry.key),
            value: moved(&entry.value),
        }));
    }

    /// Adds a field whose value is written by the closure, as JSON.
    pub(crate) fn with(&mut self, key: &[&str], write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.text.len();
        self.push_key(key);
        let end = self.text.len();
        write(&mut self.text);
        self.entries.push(Entry {
            key: start..end,
            value: end..self.text.len(),
        });
    }

    /// Adds text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.with(&[key], |out| text(out, value));
    }

    /// Adds an integer.
    pub(crate) fn int(&mut self, key: &str, value: i64) {
        self.with(&[key], |out| scalar(out, &value));
    }

    /// Adds a value. Maps are flattened, their keys joined by dots; an empty value adds nothing. Splunk's fields hold no
    /// lists of lists or maps: such a list becomes its JSON as text.
    ///
    /// # Errors
    /// When the value can't be read.
    pub(crate) fn value(&mut self, key: &[&str], value: &Value<'_>) -> Result<(), DecodeError> {
        match value {
            Value::Empty => Ok(()),
            Value::Map(map) => {
                let mut path = key.to_vec();
                path.push("");
                for entry in map.iter() {
                    let (name, value) = entry?;
                    if let Some(last) = path.last_mut() {
                        *last = name;
                    }
                    self.value(&path, &value)?;
                }
                Ok(())
            }
            Value::Array(array) if self.dialect == Dialect::Splunk && is_nested(*array)? => {
                let mut json = Vec::new();
                write_value(&mut json, value, self.dialect)?;
                self.with(key, |out| text(out, &String::from_utf8_lossy(&json)));
                Ok(())
            }
            value => {
                let dialect = self.dialect;
                let mut written = Ok(());
                self.with(key, |out| written = write_value(out, value, dialect));
                written
            }
        }
    }

    /// Adds every attribute, under a prefix if there is one.
    ///
    /// # Errors
    /// When an attribute can't be read.
    pub(crate) fn attributes(
        &mut self,
        prefix: &str,
        attributes: Attributes<'_>,
    ) -> Result<(), DecodeError> {
        for attribute in attributes {
            let (key, value) = attribute?;
            match prefix {
                "" => self.value(&[key], &value)?,
                prefix => self.value(&[prefix, key], &value)?,
            }
        }
        Ok(())
    }

    fn push_key(&mut self, path: &[&str]) {
        for (index, part) in path.iter().enumerate() {
            if index > 0 {
                self.text.push(b'.');
            }
            match self.dialect {
                Dialect::Elastic => push_name(&mut self.text, part),
                Dialect::Splunk => self.text.extend_from_slice(part.as_bytes()),
            }
        }
    }

    fn key(&self, entry: &Entry) -> &[u8] {
        self.text.get(entry.key.clone()).unwrap_or_default()
    }

    fn json(&self, entry: &Entry) -> &[u8] {
        self.text.get(entry.value.clone()).unwrap_or_default()
    }

    /// Sorts the fields by key, those below a key right after it, and keeps the last of each key.
    fn settle(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by(|a, b| by_path(self.key(a), self.key(b)));
        // `dedup_by` keeps the first of equal ones, and the last is wanted.
        entries.reverse();
        entries.dedup_by(|a, b| self.key(a) == self.key(b));
        entries.reverse();
        self.entries = entries;
    }

    /// Appends the fields as one flat JSON object: `{"a.b":1,"a.c":2}`.
    pub(crate) fn write_flat(&mut self, out: &mut Vec<u8>) {
        self.settle();
        out.push(b'{');
        for (index, entry) in self.entries.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            text(out, &String::from_utf8_lossy(self.key(entry)));
            out.push(b':');
            out.extend_from_slice(self.json(entry));
        }
        out.push(b'}');
    }

    /// As [`Fields::write_flat`], where a key with a value of its own and others below it gets `.value` added: an index
    /// can't hold both `a` and `a.b`.
    pub(crate) fn write_flat_without_conflicts(&mut self, out: &mut Vec<u8>) {
        self.resolve_conflicts();
        self.write_flat(out);
    }

    /// Appends the fields as nested JSON objects: `{"a":{"b":1,"c":2}}`, conflicts resolved.
    pub(crate) fn write_nested(&mut self, out: &mut Vec<u8>) {
        self.resolve_conflicts();
        self.settle();
        let mut open: Vec<&[u8]> = Vec::new();
        out.push(b'{');
        for entry in &self.entries {
            let mut path: Vec<&[u8]> = self.key(entry).split(|byte| *byte == b'.').collect();
            let leaf = path.pop().unwrap_or_default();
            let shared = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
            while open.len() > shared {
                open.pop();
                out.push(b'}');
            }
            for part in path.into_iter().skip(shared) {
                member(out, part);
                out.push(b'{');
                open.push(part);
            }
            member(out, leaf);
            out.extend_from_slice(self.json(entry));
        }
        out.extend(std::iter::repeat_n(b'}', open.len() + 1));
    }

    fn resolve_conflicts(&mut self) {
        self.settle();
        for index in 1..self.entries.len() {
            let (Some(above), Some(below)) = (self.entries.get(index - 1), self.entries.get(index))
            else {
                continue;
            };
            let (above, below) = (self.key(above), self.key(below));
            if below
                .strip_prefix(above)
                .is_none_or(|rest| rest.first() != Some(&b'.'))
            {
                continue;
            }
            let start = self.text.len();
            let renamed = [above, b".value"].concat();
            self.text.extend_from_slice(&renamed);
            let end = self.text.len();
            if let Some(entry) = self.entries.get_mut(index - 1) {
                entry.key = start..end;
            }
        }
    }
}

fn is_nested(array: Array<'_>) -> Result<bool, DecodeError> {
    for element in array {
        if matches!(element?, Value::Array(_) | Value::Map(_)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a list has elements of several types, which no field of an index holds: they become text there.
fn is_mixed(array: Array<'_>) -> Result<bool, DecodeError> {
    let mut known = None;
    for element in array {
        let kind = match element? {
            Value::Empty => continue,
            Value::Str(_) | Value::Bytes(_) => 0,
            Value::Bool(_) => 1,
            Value::Int(_) | Value::Double(_) => 2,
            Value::Array(_) => 3,
            Value::Map(_) => 4,
        };
        if *known.get_or_insert(kind) != kind {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Orders keys so that what lies below a key follows it directly: the dot comes before every other byte.
fn by_path(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: &u8| {
        if *byte == b'.' {
            0
        } else {
            u16::from(*byte) + 1
        }
    };
    a.iter().map(rank).cmp(b.iter().map(rank))
}

/// A member's key, after a comma where one is needed.
pub(crate) fn member(out: &mut Vec<u8>, key: &[u8]) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    text(out, &String::from_utf8_lossy(key));
    out.push(b':');
}

/// A field's name as Elasticsearch takes it: it refuses a document with a name of which a part between dots is empty or
/// blank, so such parts become `_`.
pub(crate) fn push_name(out: &mut Vec<u8>, name: &str) {
    for (index, part) in name.split('.').enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        match part.trim().is_empty() {
            true => out.push(b'_'),
            false => out.extend_from_slice(part.as_bytes()),
        }
    }
}

/// Appends text as a JSON string.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    scalar(out, text);
}

/// Appends a number or text. Whole doubles keep their decimal point, so that an index takes them for doubles; one that is
/// not finite becomes `null`.
pub(crate) fn scalar<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Writing to memory does not fail, and scalars have no keys that could.
    drop(serde_json::to_writer(out, value));
}

/// Appends a value.
///
/// # Errors
/// When it can't be read; something may have been appended then.
pub(crate) fn write_value(
    out: &mut Vec<u8>,
    value: &Value<'_>,
    dialect: Dialect,
) -> Result<(), DecodeError> {
    match (value, dialect) {
        (Value::Empty, _) => out.extend_from_slice(b"null"),
        (Value::Str(value), _) => text(out, value),
        (Value::Bool(value), _) => scalar(out, value),
        (Value::Int(value), _) => scalar(out, value),
        (Value::Double(value), Dialect::Splunk) if !value.is_finite() => {
            text(out, not_finite(*value));
        }
        (Value::Double(value), _) => scalar(out, value),
        (Value::Bytes(bytes), Dialect::Elastic) => {
            out.push(b'"');
            for byte in *bytes {
                out.extend_from_slice(format!("{byte:02x}").as_bytes());
            }
            out.push(b'"');
        }
        (Value::Bytes(_), Dialect::Splunk) => text(out, &value.to_text()),
        (Value::Array(array), Dialect::Elastic) if is_mixed(*array)? => {
            out.push(b'[');
            for (index, element) in array.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                text(out, &element?.to_text());
            }
            out.push(b']');
        }
        (Value::Array(array), _) => {
            out.push(b'[');
            for (index, element) in array.into_iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(out, &element?, dialect)?;
            }
            out.push(b']');
        }
        (Value::Map(map), _) => write_map(out, *map, dialect)?,
    }
    Ok(())
}

/// Appends attributes as one JSON object, nested as they are.
///
/// # Errors
/// As [`write_value`].
pub(crate) fn write_map(
    out: &mut Vec<u8>,
    map: Attributes<'_>,
    dialect: Dialect,
) -> Result<(), DecodeError> {
    out.push(b'{');
    let mut name = Vec::new();
    for entry in map {
        let (key, value) = entry?;
        match dialect {
            Dialect::Elastic => {
                name.clear();
                push_name(&mut name, key);
                member(out, &name);
            }
            Dialect::Splunk => member(out, key.as_bytes()),
        }
        write_value(out, &value, dialect)?;
    }
    out.push(b'}');
    Ok(())
}

/// `NaN`, `+Inf` or `-Inf`.
pub(crate) const fn not_finite(value: f64) -> &'static str {
    match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "+Inf",
        _ => "-Inf",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(keys: &[(&str, i64)]) -> Fields {
        let mut fields = Fields::new(Dialect::Elastic);
        for (key, value) in keys {
            fields.int(key, *value);
        }
        fields
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_last_value_of_a_key_wins() {
        let mut fields = fields(&[("b", 1), ("a", 2), ("b", 3)]);
        assert_eq!(written(|out| fields.write_flat(out)), r#"{"a":2,"b":3}"#);
    }

    #[test]
    fn keys_with_dots_become_objects_and_conflicts_get_a_name_of_their_own() {
        let keys = [("a.b", 1), ("a-b", 2), ("a", 3), ("a.c.d", 4), ("e", 5)];
        assert_eq!(
            written(|out| fields(&keys).write_nested(out)),
            r#"{"a":{"b":1,"c":{"d":4},"value":3},"a-b":2,"e":5}"#
        );
        assert_eq!(
            written(|out| fields(&keys).write_flat_without_conflicts(out)),
            r#"{"a.b":1,"a.c.d":4,"a.value":3,"a-b":2,"e":5}"#
        );
    }

    #[test]
    fn names_that_an_index_refuses_are_mended() {
        let keys = [("", 1), ("x..y", 2), (" ", 3), ("end.", 4)];
        assert_eq!(
            written(|out| fields(&keys).write_flat(out)),
            r#"{"_":3,"end._":4,"x._.y":2}"#
        );
    }

    #[test]
    fn numbers_that_are_not_finite_follow_the_dialect() {
        for (dialect, expected) in [
            (Dialect::Elastic, "null 2.0"),
            (Dialect::Splunk, r#""-Inf" 2.0"#),
        ] {
            let text = written(|out| {
                write_value(out, &Value::Double(f64::NEG_INFINITY), dialect).unwrap();
                out.push(b' ');
                write_value(out, &Value::Double(2.0), dialect).unwrap();
            });
            assert_eq!(text, expected);
        }
    }
}
