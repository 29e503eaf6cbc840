//! The fields of a protobuf message as raw bytes, to be stored as they came.
//!
//! Meaning is read with the views of `fanlight_otlp`; this only cuts. The bytes come from a validated batch, so that
//! malformed ones do not occur; where they do, cutting ends with an error.

/// A message that ends inside a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message ends inside a field")]
pub(crate) struct Malformed;

/// One field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    /// The whole field, tag included.
    pub(crate) raw: &'a [u8],
    /// What a length-delimited field holds; empty for other wire types.
    pub(crate) payload: &'a [u8],
}

/// The fields of a message, in the order of the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let answer = cut(self.0);
        self.0 = answer.map_or(&[], |(_, rest)| rest);
        Some(answer.map(|(field, _)| field))
    }
}

/// Appends the fields of a message whose numbers pass.
pub(crate) fn copy_fields(
    message: &[u8],
    out: &mut Vec<u8>,
    passes: impl Fn(u32) -> bool,
) -> Result<(), Malformed> {
    for field in Fields(message) {
        let field = field?;
        if passes(field.number) {
            out.extend_from_slice(field.raw);
        }
    }
    Ok(())
}

/// The payload of the last field with this number; empty when there is none.
pub(crate) fn last_payload(message: &[u8], number: u32) -> Result<&[u8], Malformed> {
    let mut payload: &[u8] = &[];
    for field in Fields(message) {
        let field = field?;
        if field.number == number {
            payload = field.payload;
        }
    }
    Ok(payload)
}

/// The payloads of the fields with this number.
pub(crate) fn payloads(
    message: &[u8],
    number: u32,
) -> impl Iterator<Item = Result<&[u8], Malformed>> {
    Fields(message)
        .filter(move |field| field.is_err() || field.is_ok_and(|field| field.number == number))
        .map(|field| field.map(|field| field.payload))
}

fn cut(input: &[u8]) -> Result<(Field<'_>, &[u8]), Malformed> {
    let (tag, rest) = varint(input)?;
    let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
    let (payload, rest): (&[u8], &[u8]) = match tag & 7 {
        0 => (&[], varint(rest)?.1),
        1 => (&[], rest.get(8..).ok_or(Malformed)?),
        2 => {
            let (length, rest) = varint(rest)?;
            let length = usize::try_from(length).map_err(|_| Malformed)?;
            rest.split_at_checked(length).ok_or(Malformed)?
        }
        5 => (&[], rest.get(4..).ok_or(Malformed)?),
        _ => return Err(Malformed),
    };
    let raw = input.get(..input.len() - rest.len()).ok_or(Malformed)?;
    Ok((
        Field {
            number,
            raw,
            payload,
        },
        rest,
    ))
}

#[inline]
fn varint(input: &[u8]) -> Result<(u64, &[u8]), Malformed> {
    let mut value = 0;
    for (index, byte) in input.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if *byte < 0x80 {
            return Ok((value, input.get(index + 1..).unwrap_or_default()));
        }
    }
    Err(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 1 varint 300, field 2 "hi", field 3 fixed64, field 4 fixed32, field 2 "yo".
    const MESSAGE: &[u8] = b"\x08\xac\x02\x12\x02hi\x19AAAAAAAA\x25BBBB\x12\x02yo";

    #[test]
    fn fields_of_every_wire_type_are_cut() {
        let fields: Vec<(u32, usize)> = Fields(MESSAGE)
            .map(|field| field.unwrap())
            .map(|field| (field.number, field.raw.len()))
            .collect();
        assert_eq!(fields, [(1, 3), (2, 4), (3, 9), (4, 5), (2, 4)]);
        assert_eq!(last_payload(MESSAGE, 2), Ok(&b"yo"[..]));
    }

    #[test]
    fn copying_leaves_out_what_does_not_pass() {
        let mut out = Vec::new();
        copy_fields(MESSAGE, &mut out, |number| number != 2).unwrap();
        assert_eq!(out, b"\x08\xac\x02\x19AAAAAAAA\x25BBBB");
    }

    #[test]
    fn every_truncation_inside_a_field_is_an_error() {
        let ends = [0, 3, 7, 16, 21, 25];
        for end in 0..=MESSAGE.len() {
            let whole = Fields(&MESSAGE[..end]).all(|field| field.is_ok());
            assert_eq!(whole, ends.contains(&end), "cut at {end}");
        }
    }
}
