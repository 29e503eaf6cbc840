//! JSON objects written member by member into a buffer: no tree is built on the way to a backend.

use std::fmt::Display;
use std::io::Write as _;

use fanlight_otlp::json;
use fanlight_otlp::view::Value;

/// An object that is being written.
pub(crate) struct JsonObject<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

/// An array that is being written.
pub(crate) struct JsonArray<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl JsonObject<'_> {
    /// Appends one object to a buffer.
    pub(crate) fn write(out: &mut Vec<u8>, fill: impl FnOnce(&mut JsonObject<'_>)) {
        out.push(b'{');
        fill(&mut JsonObject {
            out,
            is_empty: true,
        });
        out.push(b'}');
    }

    /// A text.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        string(self.out, text);
    }

    /// A text, left out where it is empty.
    pub(crate) fn some_text(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// A truth value.
    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.number(key, value);
    }

    /// What is written the same in JSON as for people: integers, and numbers in digits.
    pub(crate) fn number(&mut self, key: &str, number: impl Display) {
        self.key(key);
        // Writing to a Vec does not fail.
        let _ = write!(self.out, "{number}");
    }

    /// A value of OTLP as plain JSON.
    pub(crate) fn value(&mut self, key: &str, value: &Value<'_>) {
        self.key(key);
        plain(self.out, value);
    }

    /// An object.
    pub(crate) fn object(&mut self, key: &str, fill: impl FnOnce(&mut JsonObject<'_>)) {
        self.key(key);
        JsonObject::write(self.out, fill);
    }

    /// An object, left out where it gets no member.
    pub(crate) fn some_object(&mut self, key: &str, fill: impl FnOnce(&mut JsonObject<'_>)) {
        let (before, was_empty) = (self.out.len(), self.is_empty);
        self.object(key, fill);
        if self.out.ends_with(b"{}") {
            self.out.truncate(before);
            self.is_empty = was_empty;
        }
    }

    /// An array.
    pub(crate) fn array(&mut self, key: &str, fill: impl FnOnce(&mut JsonArray<'_>)) {
        self.key(key);
        self.out.push(b'[');
        fill(&mut JsonArray {
            out: self.out,
            is_empty: true,
        });
        self.out.push(b']');
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        string(self.out, key);
        self.out.push(b':');
    }
}

impl JsonArray<'_> {
    /// A text.
    pub(crate) fn text(&mut self, text: &str) {
        self.comma();
        string(self.out, text);
    }

    /// An object.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut JsonObject<'_>)) {
        self.comma();
        JsonObject::write(self.out, fill);
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
    }
}

/// The front of a text, at most so many bytes, never half a character.
pub(crate) fn front(text: &str, longest: usize) -> &str {
    text.get(..text.floor_char_boundary(longest))
        .unwrap_or_default()
}

fn string(out: &mut Vec<u8>, text: &str) {
    plain(out, &Value::Str(text));
}

/// Batches were validated when they came in; should a value be unreadable all the same, it is null.
fn plain(out: &mut Vec<u8>, value: &Value<'_>) {
    let before = out.len();
    if json::write_plain_value(value, out).is_err() {
        out.truncate(before);
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_empty_objects_left_out() {
        let mut out = Vec::new();
        JsonObject::write(&mut out, |object| {
            object.some_object("none", |_| {});
            object.text("a\"b", "1\n");
            object.some_text("empty", "");
            object.some_object("none", |_| {});
            object.some_object("some", |inner| inner.number("n", 1.5));
            object.array("list", |list| {
                list.text("x");
                list.object(|inner| inner.boolean("yes", true));
            });
            object.value("nan", &Value::Double(f64::NAN));
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a\"b":"1\n","some":{"n":1.5},"list":["x",{"yes":true}],"nan":"NaN"}"#
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(front("Grüße", 3), "Gr");
        assert_eq!(front("Grüße", 100), "Grüße");
    }
}
