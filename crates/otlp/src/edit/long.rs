//! Cutting what is too long.

use crate::schema::{Kind, Message};
use crate::wire::Records;
use crate::write::Encoder;
use crate::{Batch, DecodeError};

/// Cuts every text and every byte string of a batch that has more than so many bytes: attributes however deep, bodies,
/// names. A text ends at a whole character and says how long it was. What is shorter stays the same bytes, and a batch
/// without anything longer is not copied.
///
/// # Errors
/// When the batch can't be read.
pub fn cut_long_values(batch: Batch, most: usize) -> Result<Batch, DecodeError> {
    if batch.bytes().len() <= most {
        return Ok(batch);
    }
    let message = Message::request(batch.signal());
    let Some(bytes) = cut(message, batch.bytes(), most)? else {
        return Ok(batch);
    };
    let cut = Batch::trusted(batch.signal(), bytes.into(), batch.items());
    Ok(cut.with_origin(batch.origin().cloned()))
}

/// The message with its long values cut, or nothing where there are none. Decoding has seen to it that messages are nested at
/// most [`MAX_DEPTH`](crate::MAX_DEPTH) deep; only what holds something long is gone into.
fn cut(message: &Message, bytes: &[u8], most: usize) -> Result<Option<Vec<u8>>, DecodeError> {
    let mut out = Encoder::new();
    // Everything before `copied` is in `out`; everything before `at` was looked at.
    let (mut copied, mut at) = (0, 0);
    for record in Records::new(bytes, message.name) {
        let record = record?;
        let start = at;
        at += record.raw().len();
        if record.raw().len() <= most {
            continue;
        }
        let (Some(field), Ok(value)) = (message.field(record.number), record.bytes()) else {
            continue;
        };
        let shorter = match field.kind {
            Kind::Message(child) => cut(child, value, most)?,
            Kind::Text if value.len() > most => Some(cut_text(record.text()?, most)),
            Kind::Bytes => value.get(..most).map(<[u8]>::to_vec),
            _ => None,
        };
        let Some(shorter) = shorter else { continue };
        out.raw(bytes.get(copied..start).unwrap_or_default());
        out.some_bytes(record.number, shorter);
        copied = at;
    }
    if copied == 0 {
        return Ok(None);
    }
    out.raw(bytes.get(copied..).unwrap_or_default());
    Ok(Some(out.into_bytes()))
}

fn cut_text(text: &str, most: usize) -> Vec<u8> {
    let kept = text
        .get(..text.floor_char_boundary(most))
        .unwrap_or_default();
    format!("{kept}… (cut: {} bytes in all)", text.len()).into_bytes()
}
