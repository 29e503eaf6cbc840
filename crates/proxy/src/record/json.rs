//! JSON as it is written: straight into its text, with no tree in between and long texts taken over in one piece.

use std::fmt::Write as _;

use serde_json::Value as Json;

/// An object that is being written.
pub(super) struct Object<'o> {
    out: &'o mut String,
    is_empty: bool,
}

/// Writes an object.
pub(super) fn object(out: &mut String, write: impl FnOnce(&mut Object<'_>)) {
    out.push('{');
    write(&mut Object {
        out: &mut *out,
        is_empty: true,
    });
    out.push('}');
}

/// Writes an array, item by item.
pub(super) fn array<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    out.push('[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
    out.push(']');
}

impl Object<'_> {
    /// The place of a member's value.
    pub(super) fn member(&mut self, name: &'static str) -> &mut String {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
        self.out
    }

    /// A text, if there is one.
    pub(super) fn text(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            text(self.member(name), value);
        }
    }

    /// A count.
    pub(super) fn count(&mut self, name: &'static str, value: u64) {
        // Writing to a `String` does not fail.
        let _ = write!(self.member(name), "{value}");
    }

    /// A value, unless it is null.
    pub(super) fn json(&mut self, name: &'static str, value: &Json) {
        if !value.is_null() {
            json(self.member(name), value);
        }
    }
}

/// Writes any value.
pub(super) fn json(out: &mut String, value: &Json) {
    match value {
        Json::String(value) => text(out, value),
        // Writing to a `String` does not fail.
        value => drop(write!(out, "{value}")),
    }
}

/// Writes a text, between quotes.
pub(super) fn text(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = next_special(rest.as_bytes()) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            // As above.
            Some(control) => drop(write!(out, "\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Where the next character stands that can't be written as it is; all of these are ASCII.
fn next_special(text: &[u8]) -> Option<usize> {
    const STEP: usize = 32;
    let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    let (chunks, _) = text.as_chunks::<STEP>();
    // Without an early exit, a chunk is looked at at once.
    let plain = chunks.iter().take_while(|chunk| {
        !chunk
            .iter()
            .fold(false, |found, byte| found | is_special(byte))
    });
    let from = plain.count() * STEP;
    let found = text.get(from..)?.iter().position(is_special)?;
    Some(from + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn written(value: &str) -> String {
        let mut out = String::new();
        text(&mut out, value);
        out
    }

    proptest! {
        #[test]
        fn texts_are_written_as_everybody_writes_them(text in "(?s)[\\x00-\\x7f]{0,40}.{0,80}[\"\\\\\n]?.{0,40}") {
            prop_assert_eq!(written(&text), Json::from(text).to_string());
        }
    }

    #[test]
    fn members_are_parted_by_commas() {
        let mut out = String::new();
        array(&mut out, [1, 2], |out, number| {
            object(out, |object| {
                object.text("none", None);
                object.json("null", &Json::Null);
                object.count("count", number);
                object.text("text", Some("a\"b"));
                object.json("json", &json!({"a": ["\u{1}"]}));
            });
        });
        let one = |count| json!({"count": count, "text": "a\"b", "json": {"a": ["\u{1}"]}});
        let read: Json = serde_json::from_str(&out).unwrap();
        assert_eq!(read, json!([one(1), one(2)]));
    }
}
