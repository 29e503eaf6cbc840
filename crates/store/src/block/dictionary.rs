//! What repeats within a block, kept once.

use std::ops::Range;

use foldhash::HashMap;
use sha2::{Digest, Sha256};

use super::PAYLOAD;
use super::codec::{BlockError, Reader, Sections, put_varint};

/// What stands in the place of the length of an entry that is kept apart; earlier blocks have its length in front of the bit.
const APART: u64 = 1;

/// Collects entries and the items' references to them.
#[derive(Debug, Default)]
pub(super) struct Dictionary<'a> {
    numbers: HashMap<Entry<'a>, u64>,
    entries: Vec<Entry<'a>>,
    references: Vec<u8>,
}

impl<'a> Dictionary<'a> {
    /// Refers to an entry. A new one is written as 0: with values that never repeat, references then do.
    pub(super) fn refer(&mut self, entry: Entry<'a>) {
        let next = self.entries.len() as u64;
        let number = *self.numbers.entry(entry).or_insert(next);
        if number == next {
            self.entries.push(entry);
            self.references.push(0);
        } else {
            put_varint(&mut self.references, number + 1);
        }
    }

    pub(super) fn entries(&self) -> &[Entry<'a>] {
        &self.entries
    }

    /// Writes references, lengths and bytes; what is large goes apart.
    pub(super) fn write(&self, out: &mut Sections, payloads: &mut Vec<([u8; 16], &'a [u8])>) {
        let (mut lengths, mut bytes) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let hash = match *entry {
                Entry::Here(entry) if entry.len() < PAYLOAD => {
                    put_varint(&mut lengths, (entry.len() as u64) << 1);
                    bytes.extend_from_slice(entry);
                    continue;
                }
                Entry::Here(entry) => {
                    let hash = payload_hash(entry);
                    payloads.push((hash, entry));
                    hash
                }
                Entry::Apart(hash) => hash,
            };
            put_varint(&mut lengths, APART);
            bytes.extend_from_slice(&hash);
        }
        out.add(&self.references);
        out.add(&lengths);
        out.add(&bytes);
    }
}

/// The name of a value that is kept apart.
fn payload_hash(bytes: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    hash.first_chunk().copied().unwrap_or_default()
}

/// The entries of a stored block, and who refers to them.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    /// Where each entry's bytes are in the block, and whether they are only a name.
    places: Vec<(Range<usize>, bool)>,
    /// The numbers of entries, one item's after the other's.
    pub(crate) references: Vec<u32>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Entry<'a> {
    Here(&'a [u8]),
    /// It is kept apart, by this name.
    Apart([u8; 16]),
}

impl Entries {
    /// Reads the three sections of a dictionary, which are parts of `body`.
    pub(super) fn read(sections: &mut Reader<'_>, body: &[u8]) -> Result<Entries, BlockError> {
        let (mut references, mut lengths) = (sections.section()?, sections.section()?);
        let bytes = sections.section()?;
        let mut start = body.len() - sections.rest().len() - bytes.rest().len();
        let mut entries = Entries::default();
        while !lengths.rest().is_empty() {
            let length = lengths.varint()?;
            let is_apart = length & 1 == 1;
            let size = if is_apart { 16 } else { length >> 1 };
            let size = usize::try_from(size).map_err(|_| BlockError::Malformed)?;
            let end = start.checked_add(size).ok_or(BlockError::Malformed)?;
            entries.places.push((start..end, is_apart));
            start = end;
        }
        let mut next = 0;
        while !references.rest().is_empty() {
            let number = match references.varint()? {
                0 => {
                    next += 1;
                    next - 1
                }
                number => u32::try_from(number - 1).map_err(|_| BlockError::Malformed)?,
            };
            entries.references.push(number);
        }
        Ok(entries)
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether some are kept apart.
    pub(super) fn has_apart(&self) -> bool {
        self.places.iter().any(|(_, is_apart)| *is_apart)
    }

    /// An entry by its number.
    pub(crate) fn get<'b>(&self, body: &'b [u8], number: u32) -> Result<Entry<'b>, BlockError> {
        let (range, is_apart) = self
            .places
            .get(number as usize)
            .ok_or(BlockError::Malformed)?;
        let bytes = body.get(range.clone()).ok_or(BlockError::Malformed)?;
        Ok(match is_apart {
            true => Entry::Apart(bytes.try_into().map_err(|_| BlockError::Malformed)?),
            false => Entry::Here(bytes),
        })
    }
}
