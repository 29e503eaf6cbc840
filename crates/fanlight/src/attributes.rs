//! Attributes among the encoded fields of an item.

use fanlight_otlp::write::Encoder;

/// A field of a message: its number, where it is, and what it holds if it has a length.
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) range: std::ops::Range<usize>,
    pub(crate) content: &'a [u8],
}

/// Takes the attribute of a name out of fields, where there is one.
pub(crate) fn remove(encoded: &mut Encoder, number: u32, key: &str) {
    let found = fields(encoded.as_bytes()).find(|field| {
        field.number == u64::from(number) && key_of(field.content) == Some(key.as_bytes())
    });
    if let Some(Field { range, .. }) = found {
        encoded.remove(range);
    }
}

/// The key of a `KeyValue`, which stands first as we write it.
fn key_of(key_value: &[u8]) -> Option<&[u8]> {
    fields(key_value)
        .find(|field| field.number == 1)
        .map(|field| field.content)
}

/// The fields of a message that this crate has written.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut position = 0;
    std::iter::from_fn(move || {
        let start = position;
        let tag = varint(message, &mut position)?;
        let mut content: &[u8] = &[];
        match tag & 7 {
            0 => drop(varint(message, &mut position)?),
            1 => position += 8,
            2 => {
                let length = usize::try_from(varint(message, &mut position)?).ok()?;
                content = message.get(position..position.checked_add(length)?)?;
                position += length;
            }
            5 => position += 4,
            _ => return None,
        }
        Some(Field {
            number: tag >> 3,
            range: start..position,
            content,
        })
    })
}

fn varint(message: &[u8], position: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.get(*position)?;
        *position += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
