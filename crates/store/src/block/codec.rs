//! The bytes of blocks.

use std::cell::RefCell;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// What keeps a block from being read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BlockError {
    #[error("a block ends early or has a number out of range")]
    Malformed,
    #[error("a block can't be compressed or decompressed")]
    Zstd(#[from] io::Error),
}

/// The first byte of every block, for the day when there is another layout.
const VERSION: u8 = 1;

/// The most that a block may have decompressed: no more than a group of batches has by far.
const MAX_BYTES: usize = 1 << 30;

/// Appends a varint.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed number so that those near zero are short.
#[inline]
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

thread_local! {
    /// What compressing needs, which is dear to make, and room for what comes out of it.
    static COMPRESSOR: RefCell<Option<(Compressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The most room that is kept for what comes out of compressing.
const KEPT: usize = 4 << 20;

/// Compresses bytes.
pub(crate) fn compress(bytes: &[u8], level: i32) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    compress_into(bytes, level, &mut out)?;
    Ok(out)
}

fn compress_into(bytes: &[u8], level: i32, out: &mut Vec<u8>) -> io::Result<()> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let (compressor, room) = match kept {
            Some(kept) => kept,
            None => kept.insert((Compressor::new(level)?, Vec::new())),
        };
        compressor.set_compression_level(level)?;
        room.clear();
        room.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        compressor.compress_to_buffer(bytes, room)?;
        out.extend_from_slice(room);
        if room.capacity() > KEPT {
            *room = Vec::new();
        }
        Ok(())
    })
}

/// Decompresses what comes to no more than so many bytes.
pub(super) fn decompress_to(data: &[u8], capacity: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(kept) => kept,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(data, capacity)
    })
}

/// Decompresses a value that is kept apart. Those of earlier versions do not say how long they are.
pub(crate) fn decompress_payload(data: &[u8]) -> io::Result<Vec<u8>> {
    let length = zstd::zstd_safe::get_frame_content_size(data).ok().flatten();
    let length = length.and_then(|length| usize::try_from(length).ok());
    match length.filter(|length| *length <= MAX_BYTES) {
        Some(length) => decompress_to(data, length),
        None => zstd::decode_all(data),
    }
}

/// Columns on their way into a block.
#[derive(Debug, Default)]
pub(crate) struct Sections(Vec<u8>);

impl Sections {
    pub(crate) fn add(&mut self, column: &[u8]) {
        put_varint(&mut self.0, column.len() as u64);
        self.0.extend_from_slice(column);
    }

    pub(crate) fn compress(&self, level: i32) -> Result<Vec<u8>, BlockError> {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.0.len() as u64);
        compress_into(&self.0, level, &mut out)?;
        Ok(out)
    }
}

/// The columns of a block that was stored.
pub(crate) fn decompress(data: &[u8]) -> Result<Vec<u8>, BlockError> {
    let (Some(&VERSION), rest) = (data.first(), data.get(1..).unwrap_or_default()) else {
        return Err(BlockError::Malformed);
    };
    let mut reader = Reader::new(rest);
    let length = reader.size()?;
    if length > MAX_BYTES {
        return Err(BlockError::Malformed);
    }
    let bytes = decompress_to(reader.rest(), length)?;
    match bytes.len() == length {
        true => Ok(bytes),
        false => Err(BlockError::Malformed),
    }
}

/// Reads what [`put_varint`] and its like wrote.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.0
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64, BlockError> {
        if let Some((&byte, rest)) = self.0.split_first()
            && byte < 0x80
        {
            self.0 = rest;
            return Ok(u64::from(byte));
        }
        let mut value = 0;
        for shift in 0..10 {
            let (&byte, rest) = self.0.split_first().ok_or(BlockError::Malformed)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(BlockError::Malformed)
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64, BlockError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }

    pub(crate) fn size(&mut self) -> Result<usize, BlockError> {
        usize::try_from(self.varint()?).map_err(|_| BlockError::Malformed)
    }

    pub(crate) fn id<const N: usize>(&mut self) -> Result<[u8; N], BlockError> {
        let (id, rest) = self.0.split_first_chunk().ok_or(BlockError::Malformed)?;
        self.0 = rest;
        Ok(*id)
    }

    /// The next column.
    pub(crate) fn section(&mut self) -> Result<Reader<'a>, BlockError> {
        let length = self.size()?;
        let (section, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(BlockError::Malformed)?;
        self.0 = rest;
        Ok(Reader(section))
    }

    /// So many signed numbers.
    pub(crate) fn numbers(mut self, count: usize) -> Result<Vec<i64>, BlockError> {
        let mut numbers = Vec::with_capacity(count.min(self.0.len()));
        for _ in 0..count {
            numbers.push(self.signed()?);
        }
        Ok(numbers)
    }

    /// All varints that are left, as ids.
    pub(crate) fn ids(mut self) -> Result<Vec<i64>, BlockError> {
        let mut ids = Vec::new();
        while !self.0.is_empty() {
            ids.push(self.varint()?.cast_signed());
        }
        Ok(ids)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let values = [0, 1, -1, 63, -64, 64, 300, i64::MAX, i64::MIN];
        let mut out = Vec::new();
        values.iter().for_each(|value| put_signed(&mut out, *value));
        assert_eq!(Reader::new(&out).numbers(values.len()).unwrap(), values);
        assert!(Reader::new(&out).numbers(values.len() + 1).is_err());
    }

    #[test]
    fn sections_come_back_and_cut_ones_are_errors() {
        let mut sections = Sections::default();
        sections.add(b"hello");
        sections.add(b"");
        let data = sections.compress(3).unwrap();
        let bytes = decompress(&data).unwrap();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.section().unwrap().rest(), b"hello");
        assert_eq!(reader.section().unwrap().rest(), b"");
        assert!(reader.section().is_err());
        for end in 0..data.len() {
            assert!(decompress(&data[..end]).is_err());
        }
    }
}
