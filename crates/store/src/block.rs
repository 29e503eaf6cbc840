//! Blocks: about a thousand spans or log records, column by column, compressed together.
//!
//! Numbers are varints, times differences from the one before, ids bytes. Attributes are what repeats most: each distinct
//! one is kept once in the block's dictionary, as the bytes that came, and items refer to it by number. What an item has
//! beside its columns is kept as bytes, in another dictionary. So an item comes out as it came in, unknown fields too.

mod codec;
mod dictionary;
mod filter;
mod logs;
mod spans;

pub(crate) use codec::{BlockError, Reader, put_varint};
pub(crate) use dictionary::{ContentHasher, Entry};
use filter::FilterBuilder;
pub(crate) use filter::{Filter, Needle, Texts, attribute_hash};
pub(crate) use logs::{LogBlock, LogItem};
pub(crate) use spans::{SpanBlock, SpanItem, name_hash, resource_hash};

use fanlight_otlp::view::Value;

use crate::wire::Fields;

/// The most items of a block.
pub(crate) const FULL: usize = 1024;

/// A value with at least so many bytes is kept apart.
pub(crate) const PAYLOAD: usize = 8192;

/// A value that is kept apart: the name it goes by, and its bytes.
pub(crate) type Payload = ([u8; 16], Vec<u8>);

/// Fetches a value that is kept apart.
pub(crate) type Fetch<'f, E> = &'f mut dyn FnMut([u8; 16]) -> Result<Vec<u8>, E>;

/// A block on its way to the database.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub(crate) data: Vec<u8>,
    pub(crate) filter: Vec<u8>,
    pub(crate) texts: Vec<u8>,
    pub(crate) payloads: Vec<Payload>,
    /// Whether an item may tell of a call of a language model, by the keys of its attributes.
    pub(crate) has_calls: bool,
}

/// How hard zstd works: 3 is its default, and more costs much for little.
const LEVEL: i32 = 3;

/// The key of an attribute, and the bytes of its value.
pub(crate) fn key_value(entry: &[u8]) -> Result<(&str, &[u8]), BlockError> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields(entry) {
        let field = field.map_err(|_| BlockError::Malformed)?;
        match field.number {
            1 => key = field.payload,
            2 => value = field.payload,
            _ => {}
        }
    }
    let key = std::str::from_utf8(key).map_err(|_| BlockError::Malformed)?;
    Ok((key, value))
}

/// Tells a filter about attributes, and answers whether one of them is known from calls of language models. Here each
/// distinct attribute is looked at once, so that this costs next to nothing.
fn add_attributes(entries: &[&[u8]], filter: &mut FilterBuilder) -> Result<bool, BlockError> {
    let mut has_calls = false;
    for entry in entries {
        let (key, bytes) = key_value(entry)?;
        has_calls = has_calls || fanlight_genai::spans::is_known_key(key);
        let value = Value::read(bytes).map_err(|_| BlockError::Malformed)?;
        filter.add(attribute_hash(key, &value).map_err(|_| BlockError::Malformed)?);
        match value {
            Value::Str(text) => filter.add_text(text.as_bytes()),
            Value::Array(_) | Value::Map(_) => filter.add_text(bytes),
            _ => {}
        }
    }
    Ok(has_calls)
}
