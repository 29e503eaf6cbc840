//! The bytes of a segment: names, headers, checksums, and finding records in what may be damaged. No I/O.

use std::ops::Range;

/// The format's version.
pub(crate) const VERSION: u32 = 1;
/// Bytes in front of a segment's records.
pub(crate) const SEGMENT_HEADER: u64 = 16;
/// Bytes in front of a record's payload.
pub(crate) const RECORD_HEADER: u64 = 20;

const MAGIC: &[u8; 8] = b"FANLIGHT";

/// What identifies a segment: its first id, and the random number that its checksums start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    /// The id of the first record.
    pub(crate) first: u64,
    /// Where checksums start.
    pub(crate) salt: u32,
}

impl SegmentName {
    /// The name of the segment's file with one of the extensions `seg`, `ack` and `rec`.
    pub(crate) fn file(self, extension: &str) -> String {
        format!("{:020}-{:08x}.{extension}", self.first, self.salt)
    }

    /// Reads a file name with an extension.
    pub(crate) fn parse(file: &str, extension: &str) -> Option<SegmentName> {
        let (first, salt) = file
            .strip_suffix(extension)?
            .strip_suffix('.')?
            .split_once('-')?;
        let name = SegmentName {
            first: first.parse().ok()?,
            salt: u32::from_str_radix(salt, 16).ok()?,
        };
        (name.file(extension) == file).then_some(name)
    }
}

/// A checksum that starts from a salt.
pub(crate) fn checksum(salt: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(bytes);
    hasher.finalize()
}

/// The bytes at the start of a segment.
pub(crate) fn segment_header(salt: u32) -> [u8; SEGMENT_HEADER as usize] {
    let mut header = [0; SEGMENT_HEADER as usize];
    let (magic, rest) = header.split_at_mut(8);
    let (version, crc) = rest.split_at_mut(4);
    magic.copy_from_slice(MAGIC);
    version.copy_from_slice(&VERSION.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new_with_initial(salt);
    hasher.update(magic);
    hasher.update(version);
    crc.copy_from_slice(&hasher.finalize().to_le_bytes());
    header
}

/// The version of a segment, if its header is sound.
pub(crate) fn version(salt: u32, bytes: &[u8]) -> Option<u32> {
    let (facts, rest) = bytes.split_at_checked(12)?;
    let sound = facts.starts_with(MAGIC) && number(rest)? == checksum(salt, facts);
    if sound { number(facts.get(8..)?) } else { None }
}

/// What stands in front of a record's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    /// Bytes of payload.
    pub(crate) length: u32,
    /// The record's id.
    pub(crate) id: u64,
    crc: u32,
}

impl RecordHeader {
    /// The header for a payload.
    pub(crate) fn new(salt: u32, id: u64, payload: &[u8], length: u32) -> RecordHeader {
        RecordHeader {
            length,
            id,
            crc: checksum(salt, payload),
        }
    }

    /// The header's bytes.
    pub(crate) fn encode(self, salt: u32) -> [u8; RECORD_HEADER as usize] {
        let mut bytes = [0; RECORD_HEADER as usize];
        let (facts, crc) = bytes.split_at_mut(16);
        let (length, rest) = facts.split_at_mut(4);
        let (id, payload_crc) = rest.split_at_mut(8);
        length.copy_from_slice(&self.length.to_le_bytes());
        id.copy_from_slice(&self.id.to_le_bytes());
        payload_crc.copy_from_slice(&self.crc.to_le_bytes());
        crc.copy_from_slice(&checksum(salt, facts).to_le_bytes());
        bytes
    }

    /// Reads a header, if there is a sound one whose id is in a range.
    pub(crate) fn decode(salt: u32, bytes: &[u8], ids: &Range<u64>) -> Option<RecordHeader> {
        let (facts, rest) = bytes.split_at_checked(16)?;
        let id = u64::from_le_bytes(facts.get(4..12)?.try_into().ok()?);
        // The cheap test first: this runs for every byte of a damaged stretch.
        let sound = ids.contains(&id) && number(rest)? == checksum(salt, facts);
        sound.then_some(RecordHeader {
            length: number(facts)?,
            id,
            crc: number(facts.get(12..)?)?,
        })
    }

    /// Whether a payload is the one that was written.
    pub(crate) fn fits(self, salt: u32, payload: &[u8]) -> bool {
        payload.len() as u64 == u64::from(self.length) && self.crc == checksum(salt, payload)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.first_chunk()?))
}

/// A sound record in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The record's id.
    pub(crate) id: u64,
    /// Where its header starts.
    pub(crate) offset: u32,
    /// Bytes of payload.
    pub(crate) length: u32,
}

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The sound records, by ascending id.
    pub(crate) records: Vec<Found>,
    /// The ids of records that are damaged.
    pub(crate) damaged: Vec<u64>,
    /// The id after the last one that was seen.
    pub(crate) next_id: u64,
    /// Bytes at the end that hold no whole record.
    pub(crate) tail: u64,
}

/// Finds the records of a segment with ids below a limit, whatever happened to its bytes.
///
/// A record whose header is sound is skipped exactly. Where a header is not, the next sound one is looked for byte by
/// byte; its id says how many records stood between.
pub(crate) fn scan(name: SegmentName, bytes: &[u8], limit: u64) -> Scan {
    let mut scan = Scan {
        next_id: name.first,
        ..Scan::default()
    };
    let mut at = SEGMENT_HEADER as usize;
    let mut end = at;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        // As many records as could have stood in the bytes between; without damage, none.
        let between = (at - end) as u64 / RECORD_HEADER;
        let ids = scan.next_id..limit.min(scan.next_id.saturating_add(between).saturating_add(1));
        let Some(header) = RecordHeader::decode(name.salt, rest, &ids) else {
            at += 1;
            continue;
        };
        let payload = rest.split_at(RECORD_HEADER as usize).1;
        let Some(payload) = payload.get(..header.length as usize) else {
            // The file ends within this record: nothing whole can follow.
            break;
        };
        let Ok(offset) = u32::try_from(at) else { break };
        scan.damaged.extend(scan.next_id..header.id);
        if header.fits(name.salt, payload) {
            scan.records.push(Found {
                id: header.id,
                offset,
                length: header.length,
            });
        } else {
            scan.damaged.push(header.id);
        }
        scan.next_id = header.id + 1;
        at += RECORD_HEADER as usize + payload.len();
        end = at;
    }
    scan.tail = bytes.len().saturating_sub(end) as u64;
    scan
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: SegmentName = SegmentName {
        first: 7,
        salt: 0xdead_beef,
    };

    fn segment(payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = segment_header(NAME.salt).to_vec();
        for (id, payload) in (NAME.first..).zip(payloads) {
            bytes.extend(
                RecordHeader::new(NAME.salt, id, payload, payload.len() as u32).encode(NAME.salt),
            );
            bytes.extend(*payload);
        }
        bytes
    }

    fn ids(scan: &Scan) -> Vec<u64> {
        scan.records.iter().map(|record| record.id).collect()
    }

    #[test]
    fn names_round_trip_and_others_are_not_taken_for_ours() {
        assert_eq!(NAME.file("seg"), "00000000000000000007-deadbeef.seg");
        assert_eq!(SegmentName::parse(&NAME.file("seg"), "seg"), Some(NAME));
        for other in [
            "7-deadbeef.seg",
            "00000000000000000007-DEADBEEF.seg",
            "lock",
            "00000000000000000007-deadbeef.ack",
        ] {
            assert_eq!(SegmentName::parse(other, "seg"), None, "{other}");
        }
    }

    #[test]
    fn records_are_found_in_order() {
        let scan = scan(NAME, &segment(&[b"one", b"", b"three"]), u64::MAX);
        assert_eq!(
            (ids(&scan), scan.damaged, scan.next_id, scan.tail),
            (vec![7, 8, 9], vec![], 10, 0)
        );
    }

    #[test]
    fn damaged_payload_costs_one_record() {
        let mut bytes = segment(&[b"one", b"two", b"three"]);
        bytes[16 + 23 + 20] ^= 1;
        let scan = scan(NAME, &bytes, u64::MAX);
        assert_eq!(
            (ids(&scan), scan.damaged, scan.tail),
            (vec![7, 9], vec![8], 0)
        );
    }

    #[test]
    fn damaged_header_costs_one_record() {
        for at in 0..20 {
            let mut bytes = segment(&[b"one", b"two", b"three"]);
            bytes[16 + 23 + at] ^= 0x40;
            let scan = scan(NAME, &bytes, u64::MAX);
            assert_eq!(
                (ids(&scan), scan.damaged, scan.tail),
                (vec![7, 9], vec![8], 0),
                "byte {at}"
            );
        }
    }

    #[test]
    fn payload_that_looks_like_a_record_of_another_segment_is_not_one() {
        let forged = RecordHeader::new(1, 9, b"gotcha", 6).encode(1);
        let mut bytes = segment(&[b"one", &forged, b"three"]);
        bytes[16 + 23] ^= 1;
        assert_eq!(ids(&scan(NAME, &bytes, u64::MAX)), vec![7, 9]);
    }

    #[test]
    fn ids_from_the_next_segment_on_are_left_over() {
        let scan = scan(NAME, &segment(&[b"one", b"two"]), 8);
        assert_eq!(
            (ids(&scan), scan.damaged, scan.next_id, scan.tail),
            (vec![7], vec![], 8, 23)
        );
    }

    #[test]
    fn segment_header_tells_version_only_when_sound() {
        let mut header = segment_header(NAME.salt);
        assert_eq!(version(NAME.salt, &header), Some(VERSION));
        header[8] ^= 2;
        assert_eq!(version(NAME.salt, &header), None);
        assert_eq!(version(NAME.salt, &header[..11]), None);
    }
}
