//! Reading protobuf records. Nothing here allocates, and nothing trusts a length.
//!
//! [Source](https://protobuf.dev/programming-guides/encoding/).

use crate::DecodeError;
use crate::schema::wire_type;

/// What can be wrong with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Truncated,
    LongVarint,
    FieldNumber,
    Group,
    WireType,
    Utf8,
    IdLength,
    Depth,
}

impl Fault {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Fault::Truncated => "the message ends inside a field",
            Fault::LongVarint => "a varint has more than 64 bits",
            Fault::FieldNumber => "a field number is out of range",
            Fault::Group => "a field uses the wire type of groups, which OTLP doesn't have",
            Fault::WireType => "a field has the wrong wire type",
            Fault::Utf8 => "a string is not UTF-8",
            Fault::IdLength => "an id has the wrong length (trace ids have 16 bytes, span ids 8)",
            Fault::Depth => "messages are nested too deeply",
        }
    }
}

/// Reads a varint.
#[inline(always)]
pub(crate) fn varint(input: &[u8]) -> Result<(u64, &[u8]), Fault> {
    match input {
        [low, rest @ ..] if *low < 0x80 => Ok((u64::from(*low), rest)),
        [low, high, rest @ ..] if *high < 0x80 => {
            Ok((u64::from(*low & 0x7f) | u64::from(*high) << 7, rest))
        }
        _ => long_varint(input),
    }
}

#[inline(never)]
fn long_varint(input: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let mut value = 0;
    let mut rest = input;
    for shift in (0..64).step_by(7) {
        let Some((byte, tail)) = rest.split_first() else {
            return Err(Fault::Truncated);
        };
        rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            // The tenth byte has room for one bit.
            return if shift == 63 && *byte > 1 {
                Err(Fault::LongVarint)
            } else {
                Ok((value, rest))
            };
        }
    }
    Err(Fault::LongVarint)
}

/// Reads a tag: field number and wire type.
#[inline]
pub(crate) fn tag(input: &[u8]) -> Result<(u32, u8, &[u8]), Fault> {
    let (tag, rest) = varint(input)?;
    let number = u32::try_from(tag).map_err(|_| Fault::FieldNumber)? >> 3;
    if number == 0 {
        return Err(Fault::FieldNumber);
    }
    Ok((number, (tag & 7) as u8, rest))
}

/// Reads a length and as many bytes.
#[inline(always)]
pub(crate) fn length_delimited(input: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let (length, rest) = varint(input)?;
    let length = usize::try_from(length).map_err(|_| Fault::Truncated)?;
    rest.split_at_checked(length).ok_or(Fault::Truncated)
}

/// Checks that bytes are UTF-8.
#[inline(always)]
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Fault::Utf8)
}

/// One value as the wire has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) number: u32,
    pub(crate) value: Raw<'a>,
    /// The message from this field's tag on.
    tail: &'a [u8],
    /// The message from behind this field on.
    rest: &'a [u8],
    message: &'static str,
}

/// The fields of a message, in the order of the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Records<'a> {
    /// The fields of a message of that name.
    pub(crate) const fn new(bytes: &'a [u8], message: &'static str) -> Records<'a> {
        Records {
            rest: bytes,
            message,
        }
    }

    /// The next field; `None` at the end.
    #[inline]
    pub(crate) fn next_record(&mut self) -> Result<Option<Record<'a>>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tail = self.rest;
        match record(tail) {
            Ok((number, value, rest)) => {
                self.rest = rest;
                Ok(Some(Record {
                    number,
                    value,
                    tail,
                    rest,
                    message: self.message,
                }))
            }
            Err(fault) => Err(DecodeError::new(fault, self.message)),
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_record().transpose();
        if let Some(Err(_)) = next {
            self.rest = &[];
        }
        next
    }
}

#[inline]
fn record(input: &[u8]) -> Result<(u32, Raw<'_>, &[u8]), Fault> {
    let (number, wire_type, rest) = tag(input)?;
    let (value, rest) = match wire_type {
        wire_type::VARINT => varint(rest).map(|(value, rest)| (Raw::Varint(value), rest))?,
        wire_type::FIXED64 => {
            let (value, rest) = rest.split_first_chunk().ok_or(Fault::Truncated)?;
            (Raw::Fixed64(u64::from_le_bytes(*value)), rest)
        }
        wire_type::LENGTH => {
            length_delimited(rest).map(|(value, rest)| (Raw::Bytes(value), rest))?
        }
        wire_type::FIXED32 => {
            let (value, rest) = rest.split_first_chunk().ok_or(Fault::Truncated)?;
            (Raw::Fixed32(u32::from_le_bytes(*value)), rest)
        }
        3 | 4 => return Err(Fault::Group),
        _ => return Err(Fault::WireType),
    };
    Ok((number, value, rest))
}

impl<'a> Record<'a> {
    /// The field as the wire has it, tag included.
    #[inline]
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.tail
            .get(..self.tail.len() - self.rest.len())
            .unwrap_or_default()
    }

    #[inline]
    pub(crate) fn varint(&self) -> Result<u64, DecodeError> {
        match self.value {
            Raw::Varint(value) => Ok(value),
            _ => Err(self.error(Fault::WireType)),
        }
    }

    #[inline]
    pub(crate) fn fixed64(&self) -> Result<u64, DecodeError> {
        match self.value {
            Raw::Fixed64(value) => Ok(value),
            _ => Err(self.error(Fault::WireType)),
        }
    }

    #[inline]
    pub(crate) fn fixed32(&self) -> Result<u32, DecodeError> {
        match self.value {
            Raw::Fixed32(value) => Ok(value),
            _ => Err(self.error(Fault::WireType)),
        }
    }

    pub(crate) fn double(&self) -> Result<f64, DecodeError> {
        self.fixed64().map(f64::from_bits)
    }

    #[inline]
    pub(crate) fn bytes(&self) -> Result<&'a [u8], DecodeError> {
        match self.value {
            Raw::Bytes(value) => Ok(value),
            _ => Err(self.error(Fault::WireType)),
        }
    }

    #[inline]
    pub(crate) fn text(&self) -> Result<&'a str, DecodeError> {
        text(self.bytes()?).map_err(|fault| self.error(fault))
    }

    /// An id; one without bytes is the zero id.
    pub(crate) fn id<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let bytes = self.bytes()?;
        if bytes.is_empty() {
            Ok([0; N])
        } else {
            bytes.try_into().map_err(|_| self.error(Fault::IdLength))
        }
    }

    fn error(&self, fault: Fault) -> DecodeError {
        DecodeError::new(fault, self.message)
    }
}

/// The occurrences of one repeated field in a message.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct List<'a> {
    /// The message from the first occurrence on.
    tail: &'a [u8],
    number: u32,
    /// How many occurrences there are from there on.
    len: usize,
    message: &'static str,
}

impl<'a> List<'a> {
    /// So many occurrences of a field, the first of which starts here.
    pub(crate) const fn new(
        tail: &'a [u8],
        number: u32,
        len: usize,
        message: &'static str,
    ) -> List<'a> {
        List {
            tail,
            number,
            len,
            message,
        }
    }

    /// Takes an occurrence in. Occurrences come in the order of the wire, and all of one field.
    pub(crate) fn add(&mut self, record: &Record<'a>) {
        if self.len == 0 {
            *self = List {
                tail: record.tail,
                number: record.number,
                len: 0,
                message: record.message,
            };
        }
        self.len += 1;
    }

    /// How many occurrences there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }
}

impl<'a> Iterator for List<'a> {
    type Item = Result<Record<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.len == 0 {
            return None;
        }
        let mut records = Records::new(self.tail, self.message);
        loop {
            match records.next_record() {
                Ok(Some(record)) if record.number == self.number => {
                    self.len -= 1;
                    self.tail = records.rest;
                    return Some(Ok(record));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.len = 0;
                    return None;
                }
                Err(error) => {
                    self.len = 0;
                    return Some(Err(error));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.len))
    }
}

/// The numbers of a repeated scalar field, packed or not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scalars<'a> {
    list: List<'a>,
    packed: &'a [u8],
    wire_type: u8,
}

impl<'a> Scalars<'a> {
    /// The numbers of a field whose unpacked values have this wire type: varint or fixed64.
    pub(crate) const fn new(list: List<'a>, wire_type: u8) -> Scalars<'a> {
        Scalars {
            list,
            packed: &[],
            wire_type,
        }
    }

    fn unpack(&mut self) -> Result<u64, Fault> {
        let (value, rest) = if self.wire_type == wire_type::VARINT {
            varint(self.packed)?
        } else {
            let (value, rest) = self.packed.split_first_chunk().ok_or(Fault::Truncated)?;
            (u64::from_le_bytes(*value), rest)
        };
        self.packed = rest;
        Ok(value)
    }
}

impl Iterator for Scalars<'_> {
    type Item = Result<u64, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.packed.is_empty() {
            let record = match self.list.next()? {
                Ok(record) => record,
                Err(error) => return Some(Err(error)),
            };
            match record.value {
                Raw::Bytes(packed) => self.packed = packed,
                Raw::Varint(value) | Raw::Fixed64(value) => return Some(Ok(value)),
                Raw::Fixed32(_) => return Some(Err(record.error(Fault::WireType))),
            }
        }
        let message = self.list.message;
        Some(self.unpack().map_err(|fault| {
            self.packed = &[];
            DecodeError::new(fault, message)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_are_read() {
        for shift in 0..64 {
            let value = 1_u64 << shift | 1;
            let mut bytes = Vec::new();
            crate::write::put_varint(&mut bytes, value);
            assert_eq!(varint(&bytes), Ok((value, &[][..])));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), Err(Fault::Truncated));
        }
    }

    #[test]
    fn varints_past_64_bits_are_refused() {
        assert_eq!(varint(&[0xff; 10]), Err(Fault::LongVarint));
        let mut tenth_too_big = [0xff; 10];
        tenth_too_big[9] = 2;
        assert_eq!(varint(&tenth_too_big), Err(Fault::LongVarint));
        let mut largest = [0xff; 10];
        largest[9] = 1;
        assert_eq!(varint(&largest), Ok((u64::MAX, &[][..])));
    }

    #[test]
    fn a_list_skips_other_fields_between_its_occurrences() {
        let bytes = [0x08, 1, 0x10, 2, 0x08, 3, 0x10, 4];
        let mut list = List::default();
        for record in Records::new(&bytes, "Test") {
            let record = record.unwrap();
            if record.number == 1 {
                list.add(&record);
            }
        }
        let values: Vec<u64> = list
            .map(|record| record.unwrap().varint().unwrap())
            .collect();
        assert_eq!(values, [1, 3]);
    }

    #[test]
    fn scalars_are_read_packed_and_unpacked() {
        let bytes = [0x0a, 2, 1, 2, 0x08, 3, 0x0a, 0, 0x0a, 1, 4];
        let mut list = List::default();
        for record in Records::new(&bytes, "Test") {
            list.add(&record.unwrap());
        }
        let values: Result<Vec<u64>, _> = Scalars::new(list, wire_type::VARINT).collect();
        assert_eq!(values.unwrap(), [1, 2, 3, 4]);
    }
}
