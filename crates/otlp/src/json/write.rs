//! Protobuf to JSON.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::schema::{ANY_VALUE, Field, Kind, Label, Message, wire_type};
use crate::view::{Attributes, Value};
use crate::wire::{List, Raw, Record, Records, Scalars};
use crate::write::Encoder;
use crate::{Batch, DecodeError};

/// Appends a batch as one OTLP/JSON request, without spaces or line breaks. Unknown fields are left out.
///
/// # Errors
/// When the batch is not a request of its signal; something may have been appended then.
pub fn write(batch: &Batch, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    message(out, Message::request(batch.signal()), batch.bytes())
}

/// A batch as one OTLP/JSON request.
///
/// # Errors
/// As [`write()`].
pub fn to_vec(batch: &Batch) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::with_capacity(3 * batch.bytes().len());
    write(batch, &mut out).map(|()| out)
}

/// Appends a value as OTLP/JSON has it: `{"stringValue":"text"}`.
///
/// # Errors
/// When the value holds something unreadable; something may have been appended then.
pub fn write_value(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut encoder = Encoder::new();
    encoder.value(value);
    message(out, &ANY_VALUE, &encoder.into_bytes())
}

/// Appends a value as plain JSON: `"text"`, `1`, `[1,"a"]`, `{"key":true}`; `null` for no value. Bytes become base64
/// text, `NaN` and the infinities become text.
///
/// # Errors
/// When the value holds something unreadable; something may have been appended then.
pub fn write_plain_value(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    match value {
        Value::Empty => out.extend_from_slice(b"null"),
        Value::Str(text) => string(out, text),
        Value::Bool(value) => boolean(out, *value),
        Value::Int(value) => integer(out, *value),
        Value::Double(value) => double(out, *value),
        Value::Bytes(bytes) => base64(out, bytes),
        Value::Array(array) => {
            out.push(b'[');
            for (index, value) in array.into_iter().enumerate() {
                comma(out, index);
                write_plain_value(&value?, out)?;
            }
            out.push(b']');
        }
        Value::Map(map) => write_plain_attributes(map, out)?,
    }
    Ok(())
}

/// Appends attributes as one plain JSON object.
///
/// # Errors
/// As [`write_plain_value`].
pub fn write_plain_attributes(
    attributes: &Attributes<'_>,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    out.push(b'{');
    for (index, attribute) in attributes.iter().enumerate() {
        let (key, value) = attribute?;
        comma(out, index);
        string(out, key);
        out.push(b':');
        write_plain_value(&value, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn message(out: &mut Vec<u8>, message: &Message, bytes: &[u8]) -> Result<(), DecodeError> {
    let found = occurrences(message, bytes)?;
    out.push(b'{');
    let mut members = 0;
    for field in message.fields {
        let found = found[field.number as usize];
        let tail = bytes.get(found.start..).unwrap_or_default();
        let mut list = List::new(tail, field.number, found.len, message.name);
        if field.label == Label::Repeated {
            if found.len > 0 || field.always {
                key(out, &mut members, field);
                elements(out, field, list)?;
            }
            continue;
        }
        match list.next().transpose()? {
            Some(record) if field.label != Label::Implicit || !is_default(&record, field) => {
                key(out, &mut members, field);
                value(out, field, &record)?;
            }
            // Only text is shown always.
            _ if field.always => {
                key(out, &mut members, field);
                string(out, "");
            }
            _ => {}
        }
    }
    out.push(b'}');
    Ok(())
}

/// Where a message's occurrences of a field start, and how many there are.
#[derive(Clone, Copy, Default)]
struct Found {
    start: usize,
    len: usize,
}

/// What a message holds of each field, by number: everything of a repeated one, else the last occurrence, and only the
/// last member of a oneof. No field of the table has a number past 16.
fn occurrences(message: &Message, bytes: &[u8]) -> Result<[Found; 17], DecodeError> {
    let mut found = [Found::default(); 17];
    let mut end = 0;
    for record in Records::new(bytes, message.name) {
        let record = record?;
        let start = end;
        end += record.raw().len();
        let Some(field) = message.field(record.number) else {
            continue;
        };
        if field.label == Label::OneOf {
            for other in message
                .fields
                .iter()
                .filter(|other| other.label == Label::OneOf)
            {
                found[other.number as usize].len = 0;
            }
        }
        let found = &mut found[record.number as usize];
        if found.len == 0 || field.label != Label::Repeated {
            *found = Found { start, len: 0 };
        }
        found.len += 1;
    }
    Ok(found)
}

fn key(out: &mut Vec<u8>, members: &mut usize, field: &Field) {
    comma(out, *members);
    *members += 1;
    out.push(b'"');
    out.extend_from_slice(field.json.as_bytes());
    out.extend_from_slice(b"\":");
}

fn elements(out: &mut Vec<u8>, field: &Field, list: List<'_>) -> Result<(), DecodeError> {
    out.push(b'[');
    match field.kind {
        Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => {
            for (index, record) in list.enumerate() {
                comma(out, index);
                value(out, field, &record?)?;
            }
        }
        kind => {
            let wire_type = if is_fixed64(kind) {
                wire_type::FIXED64
            } else {
                wire_type::VARINT
            };
            for (index, bits) in Scalars::new(list, wire_type).enumerate() {
                comma(out, index);
                number(out, kind, bits?);
            }
        }
    }
    out.push(b']');
    Ok(())
}

fn value(out: &mut Vec<u8>, field: &Field, record: &Record<'_>) -> Result<(), DecodeError> {
    match field.kind {
        Kind::Text => string(out, record.text()?),
        Kind::Bytes => base64(out, record.bytes()?),
        Kind::Id(_) => hex(out, record.bytes()?),
        Kind::Message(child) => message(out, child, record.bytes()?)?,
        Kind::Fixed32 => number(out, field.kind, u64::from(record.fixed32()?)),
        kind if is_fixed64(kind) => number(out, kind, record.fixed64()?),
        kind => number(out, kind, record.varint()?),
    }
    Ok(())
}

const fn is_fixed64(kind: Kind) -> bool {
    matches!(kind, Kind::Fixed64 | Kind::Sfixed64 | Kind::Double)
}

fn is_default(record: &Record<'_>, field: &Field) -> bool {
    match record.value {
        Raw::Bytes(bytes) => bytes.is_empty() && !matches!(field.kind, Kind::Message(_)),
        Raw::Varint(bits) | Raw::Fixed64(bits) => bits == 0,
        Raw::Fixed32(bits) => bits == 0,
    }
}

fn number(out: &mut Vec<u8>, kind: Kind, bits: u64) {
    match kind {
        Kind::Bool => boolean(out, bits != 0),
        Kind::Int32 | Kind::Enum(_) => integer(out, bits as i32),
        Kind::Uint32 | Kind::Fixed32 => integer(out, bits as u32),
        Kind::Sint32 => integer(out, crate::view::zigzag(bits)),
        Kind::Double => double(out, f64::from_bits(bits)),
        Kind::Int64 | Kind::Sfixed64 => quoted(out, bits.cast_signed()),
        _ => quoted(out, bits),
    }
}

fn boolean(out: &mut Vec<u8>, value: bool) {
    out.extend_from_slice(if value { b"true" } else { b"false" });
}

fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn quoted(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.push(b'"');
    integer(out, value);
    out.push(b'"');
}

fn double(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 {
            b"\"Infinity\""
        } else {
            b"\"-Infinity\""
        });
    } else {
        // The shortest digits that read back as the same number. Writing to a Vec can't fail.
        let _ = write!(out, "{value:?}");
    }
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for byte in bytes {
        out.extend_from_slice(&[
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 15)],
        ]);
    }
    out.push(b'"');
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Appends text with quotes, and with escapes where JSON needs them.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !NEEDS_ESCAPE[usize::from(*byte)] {
            continue;
        }
        out.extend_from_slice(bytes.get(copied..at).unwrap_or_default());
        copied = at + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.extend_from_slice(bytes.get(copied..).unwrap_or_default());
    out.push(b'"');
}

/// The bytes that can't stand in a JSON string as they are.
const NEEDS_ESCAPE: [bool; 256] = {
    let mut needs = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        needs[byte] = true;
        byte += 1;
    }
    needs[b'"' as usize] = true;
    needs[b'\\' as usize] = true;
    needs
};

fn comma(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_what_serde_json_makes_of_them() {
        for text in [
            "",
            "plain",
            "a\"b\\c\nd\te\rf\u{1}g\u{7f}",
            "ünïcode 🦀",
            "\u{2028}",
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn plain_values_have_no_types() {
        for (value, json) in [
            (Value::Empty, "null"),
            (Value::Str("a"), "\"a\""),
            (Value::Int(-1), "-1"),
            (Value::Double(1.0), "1.0"),
            (Value::Double(1e300), "1e300"),
            (Value::Double(f64::NEG_INFINITY), "\"-Infinity\""),
            (Value::Bytes(b"\x00\xff"), "\"AP8=\""),
        ] {
            let mut out = Vec::new();
            write_plain_value(&value, &mut out).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), json);
        }
    }

    #[test]
    fn values_have_their_type_as_key() {
        let mut out = Vec::new();
        write_value(&Value::Int(7), &mut out).unwrap();
        write_value(&Value::Str(""), &mut out).unwrap();
        write_value(&Value::Empty, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"intValue":"7"}{"stringValue":""}{}"#
        );
    }
}
