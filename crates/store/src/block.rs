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

pub(crate) use codec::{BlockError, Reader, compress, decompress_payload, put_varint};
pub(crate) use dictionary::Entry;
use filter::FilterBuilder;
pub(crate) use filter::{Filter, Needle, Texts, attribute_hash};
pub(crate) use logs::{LogBlock, LogItem};
pub(crate) use spans::{SpanBlock, SpanItem, name_hash, resource_hash};

use std::borrow::Cow;

use fanlight_otlp::view::Value;

use crate::wire::Fields;

/// The most items of a block.
pub(crate) const FULL: usize = 1024;

/// A value with at least so many bytes is kept apart.
pub(crate) const PAYLOAD: usize = 8192;

/// A value that is kept apart: the name it goes by, and its bytes.
pub(crate) type Payload<'a> = ([u8; 16], Cow<'a, [u8]>);

/// What an item has besides its columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content<'a, B> {
    /// The message as it came; fields that have columns are not read from it.
    Message(&'a [u8]),
    /// An item of a block, by its place. What is kept apart stays there and is not looked at.
    Stored(B, usize),
}

/// Fetches a value that is kept apart.
pub(crate) type Fetch<'f, E> = &'f mut dyn FnMut([u8; 16]) -> Result<Vec<u8>, E>;

/// A block on its way to the database.
#[derive(Debug)]
pub(crate) struct Encoded<'a> {
    pub(crate) data: Vec<u8>,
    pub(crate) filter: Vec<u8>,
    pub(crate) texts: Vec<u8>,
    pub(crate) payloads: Vec<Payload<'a>>,
    /// Whether an item may tell of a call of a language model, by the keys of its attributes.
    pub(crate) has_calls: bool,
}

/// What goes apart, of which the second part does not live on.
fn payloads<'a>(
    here: Vec<([u8; 16], &'a [u8])>,
    others: Vec<([u8; 16], &[u8])>,
) -> Vec<Payload<'a>> {
    let here = here.into_iter();
    let others = others.into_iter();
    here.map(|(hash, bytes)| (hash, Cow::Borrowed(bytes)))
        .chain(others.map(|(hash, bytes)| (hash, Cow::Owned(bytes.to_vec()))))
        .collect()
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

/// Whether an attribute of this text may be kept apart. Then the first filter knows nothing of it. Bytes may be up to twice as
/// many as letters of text.
pub(crate) const fn may_be_apart(key: &str, value: &str) -> bool {
    2 * (key.len() + value.len()) + 64 > PAYLOAD
}

/// Tells a filter about attributes, and answers whether one of them is known from calls of language models. Here each
/// distinct attribute is looked at once, so that this costs next to nothing.
fn add_attributes(entries: &[Entry<'_>], filter: &mut FilterBuilder) -> Result<bool, BlockError> {
    let mut has_calls = false;
    for entry in entries {
        let Entry::Here(entry) = entry else { continue };
        let (key, bytes) = key_value(entry)?;
        has_calls = has_calls || fanlight_genai::spans::is_known_key(key);
        let value = Value::read(bytes).map_err(|_| BlockError::Malformed)?;
        if entry.len() < PAYLOAD {
            filter.add(attribute_hash(key, &value).map_err(|_| BlockError::Malformed)?);
        }
        match value {
            Value::Str(text) => filter.add_text(text.as_bytes()),
            Value::Array(_) | Value::Map(_) => filter.add_text(bytes),
            _ => {}
        }
    }
    Ok(has_calls)
}
