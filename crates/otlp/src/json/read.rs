//! JSON to protobuf.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ids::from_hex;
use crate::schema::{Field, Kind, Label, Message, Role};
use crate::write::Encoder;
use crate::{Batch, MAX_DEPTH, Signal};

/// JSON that is not an OTLP request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", if path.is_empty() { String::new() } else { format!(" (in {path})") })]
pub struct JsonError {
    /// What is wrong, with line and column.
    message: String,
    /// Where: `resourceSpans[0].scopeSpans[0].spans[3].traceId`.
    path: String,
}

/// Error messages quote what the sender sent; no more of it than this many bytes.
const LONGEST_MESSAGE: usize = 300;

/// Reads an OTLP/JSON request.
///
/// # Errors
/// Says what is wrong, on which line and under which key.
pub fn read(signal: Signal, json: &[u8]) -> Result<Batch, JsonError> {
    let mut reader = Reader {
        out: Encoder::with_capacity(json.len() / 2),
        path: Vec::new(),
    };
    let mut json = serde_json::Deserializer::from_slice(json);
    let result = MessageSeed {
        reader: &mut reader,
        message: Message::request(signal),
        depth: 0,
    }
    .deserialize(&mut json);
    result
        .and_then(|()| json.end())
        .map_err(|error| reader.error(&error))?;
    Batch::decode(signal, reader.out.into_bytes().into()).map_err(|error| JsonError {
        message: error.to_string(),
        path: String::new(),
    })
}

struct Reader {
    out: Encoder,
    /// Where the reader is; after an error, where it was.
    path: Vec<Step>,
}

enum Step {
    Key(&'static str),
    Index(usize),
}

impl Reader {
    fn error(&self, error: &serde_json::Error) -> JsonError {
        let mut message = error.to_string();
        if message.len() > LONGEST_MESSAGE {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message += &format!("... at line {} column {}", error.line(), error.column());
        }
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path += key,
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path += &format!("[{index}]"),
            }
        }
        JsonError { message, path }
    }
}

/// Reads an object into the fields of a message.
struct MessageSeed<'r> {
    reader: &'r mut Reader,
    message: &'static Message,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for MessageSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for MessageSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object ({})", self.message.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.depth > MAX_DEPTH {
            return Err(A::Error::custom("messages are nested too deeply"));
        }
        let mut data: Option<&Field> = None;
        while let Some(field) = map.next_key_seed(KeySeed(self.message))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            self.reader.path.push(Step::Key(field.json));
            let before = self.reader.out.len();
            map.next_value_seed(FieldSeed {
                reader: self.reader,
                field,
                depth: self.depth,
                place: Place::Field,
            })?;
            // `null` writes nothing. Of a metric's kinds of data the last would count, and the points of the others would be lost.
            let is_data = field.label == Label::OneOf && field.role == Role::Envelope;
            if is_data
                && self.reader.out.len() > before
                && let Some(other) = data.replace(field)
            {
                let message = format!(
                    "only one kind of data is allowed, and `{}` was there before",
                    other.json
                );
                return Err(A::Error::custom(message));
            }
            self.reader.path.pop();
        }
        Ok(())
    }
}

/// Finds the field that a key names; `None` for an unknown key.
struct KeySeed(&'static Message);

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Option<&'static Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Option<&'static Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self
            .0
            .fields
            .iter()
            .find(|field| field.json == key || field.name == key))
    }
}

/// Reads the value of a field, or one element of a repeated one.
struct FieldSeed<'r> {
    reader: &'r mut Reader,
    field: &'static Field,
    depth: usize,
    place: Place,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Under its key.
    Field,
    /// In the list under its key, where each element has a tag.
    Element,
    /// In the list under its key, in a packed field.
    Packed,
}

impl<'de> DeserializeSeed<'de> for FieldSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.wants_list() {
            return f.write_str("a list");
        }
        f.write_str(match self.field.kind {
            Kind::Bool => "true or false",
            Kind::Double => "a number",
            Kind::Text => "a string",
            Kind::Bytes => "base64 text",
            Kind::Id(16) => "32 hexadecimal digits",
            Kind::Id(_) => "16 hexadecimal digits",
            Kind::Message(message) => return write!(f, "an object ({})", message.name),
            Kind::Enum(_) => "a number or a name",
            _ => "an integer",
        })
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match (self.place, self.field.kind) {
            // The place of an element in its list matters: `null` is a value without content.
            (Place::Element, Kind::Message(_)) => self.reader.out.some_bytes(self.field.number, []),
            (Place::Field, _) => {}
            _ => return Err(E::custom("null can't be an element of this list")),
        }
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, value: bool) -> Result<(), E> {
        match self.field.kind {
            Kind::Bool if !self.wants_list() => {
                self.put(u64::from(value));
                Ok(())
            }
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.integer(i128::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.integer(i128::from(value))
    }

    fn visit_f64<E: Error>(mut self, value: f64) -> Result<(), E> {
        match self.field.kind {
            Kind::Double if !self.wants_list() => {
                self.put(value.to_bits());
                Ok(())
            }
            _ if value.fract() == 0.0 => self.integer(value as i128),
            _ => Err(E::invalid_type(serde::de::Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        let unexpected = serde::de::Unexpected::Str(text);
        if self.wants_list() {
            return Err(E::invalid_type(unexpected, &self));
        }
        match self.field.kind {
            Kind::Text => self.put_bytes(text.as_bytes()),
            Kind::Bytes => match from_base64(text) {
                Some(bytes) => self.put_bytes(&bytes),
                None => return Err(E::invalid_value(unexpected, &self)),
            },
            Kind::Id(_) if text.is_empty() => self.put_bytes(&[]),
            Kind::Id(length) => {
                let mut id = [0; 16];
                let id = id.get_mut(..length).unwrap_or_default();
                from_hex(text.as_bytes(), id).ok_or_else(|| E::invalid_value(unexpected, &self))?;
                self.put_bytes(id);
            }
            Kind::Double => {
                let value: f64 = text
                    .parse()
                    .map_err(|_| E::invalid_value(unexpected, &self))?;
                self.put(value.to_bits());
            }
            Kind::Bool | Kind::Message(_) => return Err(E::invalid_type(unexpected, &self)),
            kind => {
                let value =
                    integer_from(kind, text).ok_or_else(|| E::invalid_value(unexpected, &self))?;
                self.integer(value)?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.wants_list() {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        }
        let FieldSeed {
            reader,
            field,
            depth,
            ..
        } = self;
        let packed = !matches!(
            field.kind,
            Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Message(_)
        );
        let open = packed.then(|| reader.out.open(field.number));
        let place = if packed {
            Place::Packed
        } else {
            Place::Element
        };
        for index in 0.. {
            reader.path.push(Step::Index(index));
            if list
                .next_element_seed(FieldSeed {
                    reader,
                    field,
                    depth,
                    place,
                })?
                .is_none()
            {
                reader.path.pop();
                break;
            }
            reader.path.pop();
        }
        if let Some(open) = open {
            reader.out.close(open);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        match self.field.kind {
            Kind::Message(message) if !self.wants_list() => {
                let open = self.reader.out.open(self.field.number);
                MessageSeed {
                    reader: self.reader,
                    message,
                    depth: self.depth + 1,
                }
                .visit_map(map)?;
                self.reader.out.close(open);
                Ok(())
            }
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

impl FieldSeed<'_> {
    fn wants_list(&self) -> bool {
        self.field.label == Label::Repeated && self.place == Place::Field
    }

    fn integer<E: Error>(mut self, value: i128) -> Result<(), E> {
        let range_error = |_| {
            E::custom(format_args!(
                "{value} is out of range for {}",
                self.field.json
            ))
        };
        let bits = match self.field.kind {
            _ if self.wants_list() => None,
            Kind::Int32 | Kind::Enum(_) => Some(
                i32::try_from(value)
                    .map(|value| i64::from(value).cast_unsigned())
                    .map_err(range_error)?,
            ),
            Kind::Sint32 => {
                let value = i32::try_from(value).map_err(range_error)?;
                Some(u64::from((value << 1 ^ value >> 31).cast_unsigned()))
            }
            Kind::Uint32 | Kind::Fixed32 => {
                Some(u32::try_from(value).map(u64::from).map_err(range_error)?)
            }
            Kind::Uint64 | Kind::Fixed64 => Some(u64::try_from(value).map_err(range_error)?),
            Kind::Int64 | Kind::Sfixed64 => Some(
                i64::try_from(value)
                    .map(i64::cast_unsigned)
                    .map_err(range_error)?,
            ),
            Kind::Double => Some((value as f64).to_bits()),
            Kind::Bool | Kind::Text | Kind::Bytes | Kind::Id(_) | Kind::Message(_) => None,
        };
        match bits {
            Some(bits) => self.put(bits),
            None => {
                return Err(E::invalid_type(
                    serde::de::Unexpected::Other("a number"),
                    &self,
                ));
            }
        }
        Ok(())
    }

    fn put_bytes(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() || self.field.label != Label::Implicit {
            self.reader.out.some_bytes(self.field.number, bytes);
        }
    }

    fn put(&mut self, bits: u64) {
        let out = &mut self.reader.out;
        let number = self.field.number;
        if self.place != Place::Packed && bits == 0 && self.field.label == Label::Implicit {
            return;
        }
        match (self.field.kind, self.place) {
            (Kind::Fixed64 | Kind::Sfixed64 | Kind::Double, Place::Packed) => {
                out.raw(&bits.to_le_bytes())
            }
            (Kind::Fixed64 | Kind::Sfixed64 | Kind::Double, _) => out.some_fixed64(number, bits),
            (Kind::Fixed32, _) => out.some_fixed32(number, bits as u32),
            (_, Place::Packed) => out.bare_varint(bits),
            (_, _) => out.some_varint(number, bits),
        }
    }
}

/// An integer that is written as text: digits, a whole number such as `1e3`, or the name of an enum value.
fn integer_from(kind: Kind, text: &str) -> Option<i128> {
    if let Kind::Enum(names) = kind
        && let Some((_, value)) = names.iter().find(|(name, _)| *name == text)
    {
        return Some(i128::from(*value));
    }
    text.parse().ok().or_else(|| {
        let value: f64 = text.parse().ok()?;
        (value.fract() == 0.0).then_some(value as i128)
    })
}

/// Reads base64 of either alphabet, padded or not.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let alphabet = if text.contains(['-', '_']) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, lenient).decode(text).ok()
}

#[cfg(test)]
mod tests;
