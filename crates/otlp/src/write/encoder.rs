//! Protobuf fields, written in order into one buffer.

use std::fmt;
use std::ops::Range;

use crate::schema::wire_type;
use crate::view::Value;

/// Writes a message field by field. Fields with their default value are left out, as proto3 does; the `some_` methods
/// write those whose presence means something.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
}

/// Where an open nested message starts.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    start: usize,
    /// How many bytes are kept free in front of it for its length.
    width: usize,
}

/// What stands before a field.
#[inline]
fn tag(number: u32, wire_type: u8) -> u64 {
    u64::from(number << 3) | u64::from(wire_type)
}

/// Appends a varint. Most are one byte, of a constant or a short length.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push(value as u8);
    } else {
        put_long_varint(out, value);
    }
}

fn put_long_varint(out: &mut Vec<u8>, value: u64) {
    let (bytes, used) = varint_of(value);
    out.extend_from_slice(bytes.get(..used).unwrap_or_default());
}

/// A varint, and how many of the bytes it takes.
fn varint_of(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut used = 0;
    for byte in &mut bytes {
        used += 1;
        if value < 0x80 {
            *byte = value as u8;
            break;
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    (bytes, used)
}

impl Encoder {
    /// An empty message.
    pub fn new() -> Encoder {
        Encoder::default()
    }

    /// An empty message with room for so many bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Encoder {
        Encoder {
            bytes: Vec::with_capacity(capacity),
        }
    }

    /// The message.
    #[inline]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The message so far.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes it has so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// For how many bytes there is room.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether nothing has been written.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Starts anew, and keeps the room.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes bytes back out that hold whole fields.
    pub fn remove(&mut self, range: Range<usize>) {
        if range.start <= range.end && range.end <= self.bytes.len() {
            self.bytes.drain(range);
        }
    }

    /// A tag and the number behind it. Most are a byte each, which go in at once.
    #[inline]
    fn tag_and(&mut self, number: u32, wire_type: u8, value: u64) {
        let tag = tag(number, wire_type);
        if tag < 0x80 && value < 0x80 {
            self.bytes.extend_from_slice(&[tag as u8, value as u8]);
        } else {
            put_varint(&mut self.bytes, tag);
            put_varint(&mut self.bytes, value);
        }
    }

    /// A field of an unsigned or enum type, or `bool` as 0 and 1.
    #[inline]
    pub fn varint(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.some_varint(number, value);
        }
    }

    /// As [`Encoder::varint`], even if it is 0.
    #[inline]
    pub fn some_varint(&mut self, number: u32, value: u64) {
        self.tag_and(number, wire_type::VARINT, value);
    }

    /// A `fixed64` field, or the bits of another eight-byte type.
    #[inline]
    pub fn fixed64(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.some_fixed64(number, value);
        }
    }

    /// As [`Encoder::fixed64`], even if it is 0.
    #[inline]
    pub fn some_fixed64(&mut self, number: u32, value: u64) {
        put_varint(&mut self.bytes, tag(number, wire_type::FIXED64));
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A `fixed32` field.
    #[inline]
    pub fn fixed32(&mut self, number: u32, value: u32) {
        if value != 0 {
            self.some_fixed32(number, value);
        }
    }

    /// As [`Encoder::fixed32`], even if it is 0.
    #[inline]
    pub fn some_fixed32(&mut self, number: u32, value: u32) {
        put_varint(&mut self.bytes, tag(number, wire_type::FIXED32));
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A `double` field; negative zero is not the default.
    pub fn double(&mut self, number: u32, value: f64) {
        self.fixed64(number, value.to_bits());
    }

    /// A `string` or `bytes` field.
    #[inline]
    pub fn bytes(&mut self, number: u32, value: impl AsRef<[u8]>) {
        if !value.as_ref().is_empty() {
            self.some_bytes(number, value);
        }
    }

    /// As [`Encoder::bytes`], even if it is empty. Also the way to put in a message that is already encoded.
    #[inline]
    pub fn some_bytes(&mut self, number: u32, value: impl AsRef<[u8]>) {
        let value = value.as_ref();
        self.tag_and(number, wire_type::LENGTH, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A `string` field with what a value displays as, even if that is empty.
    pub fn display(&mut self, number: u32, value: impl fmt::Display) {
        let open = self.open(number);
        // Only a `Display` that fails on its own makes an error here; what it wrote until then stays.
        let _ = fmt::write(&mut Text(&mut self.bytes), format_args!("{value}"));
        self.close(open);
    }

    /// A packed field of doubles.
    pub fn packed_doubles(&mut self, number: u32, values: &[f64]) {
        if !values.is_empty() {
            self.nested(number, |out| {
                values
                    .iter()
                    .for_each(|value| out.bytes.extend_from_slice(&value.to_le_bytes()))
            });
        }
    }

    /// A packed `fixed64` field.
    pub fn packed_fixed64(&mut self, number: u32, values: &[u64]) {
        if !values.is_empty() {
            self.nested(number, |out| {
                values
                    .iter()
                    .for_each(|value| out.bytes.extend_from_slice(&value.to_le_bytes()))
            });
        }
    }

    /// A packed field of a varint type; `sint` types are zigzagged by the caller.
    pub fn packed_varints(&mut self, number: u32, values: impl IntoIterator<Item = u64>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.nested(number, |out| {
                values.for_each(|value| put_varint(&mut out.bytes, value))
            });
        }
    }

    /// A nested message; written even if it is empty.
    #[inline]
    pub fn nested(&mut self, number: u32, write: impl FnOnce(&mut Encoder)) {
        let open = self.open(number);
        write(self);
        self.close(open);
    }

    /// As [`Encoder::nested`], of a message that is probably about this long: if it is, nothing is moved when its length is known.
    pub fn nested_about(&mut self, number: u32, expected: usize, write: impl FnOnce(&mut Encoder)) {
        let open = self.open_about(number, expected);
        write(self);
        self.close(open);
    }

    /// Starts a nested message that [`Encoder::close`] ends, where no closure can enclose what is written.
    #[inline]
    pub fn open(&mut self, number: u32) -> Open {
        // Most messages are shorter than 128 bytes: room for a one-byte length, moved when it turns out longer.
        self.tag_and(number, wire_type::LENGTH, 0);
        Open {
            start: self.bytes.len(),
            width: 1,
        }
    }

    /// As [`Encoder::open`], of a message that is probably about this long.
    #[inline]
    pub(crate) fn open_about(&mut self, number: u32, expected: usize) -> Open {
        put_varint(&mut self.bytes, tag(number, wire_type::LENGTH));
        let length_at = self.bytes.len();
        put_varint(&mut self.bytes, expected as u64);
        Open {
            start: self.bytes.len(),
            width: self.bytes.len() - length_at,
        }
    }

    /// Ends the innermost open message: puts its length in front of it.
    #[inline]
    pub fn close(&mut self, Open { start, width }: Open) {
        let length = self.bytes.len() - start;
        match self.bytes.get_mut(start - 1) {
            Some(slot) if length < 0x80 && width == 1 => *slot = length as u8,
            _ => self.put_length(start, width, length),
        }
    }

    /// Puts a length in front of a message; moves the message if it takes more or less than the room kept free.
    fn put_length(&mut self, start: usize, width: usize, length: usize) {
        let (varint, used) = varint_of(length as u64);
        let place = start - width..start;
        match (self.bytes.get_mut(place.clone()), varint.get(..used)) {
            (Some(free), Some(varint)) if free.len() == used => free.copy_from_slice(varint),
            _ => drop(self.bytes.splice(place, varint.into_iter().take(used))),
        }
    }

    /// Adds fields that are encoded already.
    #[inline]
    pub fn raw(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    /// A varint without a tag, inside a packed field.
    pub(crate) fn bare_varint(&mut self, value: u64) {
        put_varint(&mut self.bytes, value);
    }

    /// Attributes: repeated `KeyValue`.
    pub fn attributes(&mut self, number: u32, attributes: super::KeyValues<'_>) {
        for (key, value) in attributes {
            self.attribute(number, key, value);
        }
    }

    /// One attribute.
    pub fn attribute(&mut self, number: u32, key: &str, value: &Value<'_>) {
        let length = match value {
            Value::Str(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        if length < 100 {
            return self.nested(number, |out| {
                out.bytes(1, key);
                out.nested(2, |out| out.value(value));
            });
        }
        // Beside the text stand its tag and length, and those of the value and the key.
        self.nested_about(number, length + key.len() + 8, |out| {
            out.bytes(1, key);
            out.nested_about(2, length + 2, |out| out.value(value));
        });
    }

    /// The fields of an `AnyValue`.
    pub fn value(&mut self, value: &Value<'_>) {
        match value {
            Value::Empty => {}
            Value::Str(text) => self.some_bytes(1, text),
            Value::Bool(value) => self.some_varint(2, u64::from(*value)),
            Value::Int(value) => self.some_varint(3, value.cast_unsigned()),
            Value::Double(value) => self.some_fixed64(4, value.to_bits()),
            Value::Bytes(bytes) => self.some_bytes(7, bytes),
            Value::Array(array) => self.some_bytes(5, array.bytes),
            Value::Map(map) => self.nested(6, |out| {
                for record in map.records().flatten() {
                    out.some_bytes(1, record.bytes().unwrap_or_default());
                }
            }),
        }
    }
}

impl From<Vec<u8>> for Encoder {
    /// Goes on after bytes that hold whole fields.
    #[inline]
    fn from(bytes: Vec<u8>) -> Encoder {
        Encoder { bytes }
    }
}

/// Text that goes to the end of bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths about each of which a varint takes a byte more.
    const LENGTHS: [usize; 7] = [0, 127, 128, 129, 16_383, 16_384, 2_097_152];

    #[test]
    fn an_expected_length_may_be_wrong() {
        for length in LENGTHS {
            let payload = vec![7; length];
            let mut plain = Encoder::new();
            plain.nested(3, |out| out.raw(&payload));
            for expected in LENGTHS {
                let mut about = Encoder::new();
                about.nested_about(3, expected, |out| out.raw(&payload));
                assert!(
                    about.as_bytes() == plain.as_bytes(),
                    "{length} for {expected}"
                );
            }
        }
    }

    #[test]
    fn long_attributes_are_written_as_short_ones() {
        for length in [99, 100, 120, 126, 127, 128, 16_380, 16_384, 20_000] {
            let text = "x".repeat(length);
            let mut nested = Encoder::new();
            nested.nested(9, |out| {
                out.bytes(1, "key");
                out.nested(2, |out| out.some_bytes(1, &text));
            });
            let mut attribute = Encoder::new();
            attribute.attribute(9, "key", &Value::Str(&text));
            assert!(attribute.as_bytes() == nested.as_bytes(), "{length}");
        }
    }
}
