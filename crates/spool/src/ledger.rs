//! Which records of a segment are acknowledged: one append-only file beside each segment.
//!
//! Entries have a fixed size and a fixed place, so one that was torn is overwritten by the next. They are not synced: a
//! lost entry means that a record is delivered twice, never that it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::SpoolError;
use crate::disk::{Disk, DiskFile};
use crate::error::failed;
use crate::segment::{SegmentName, checksum};

const ENTRY: usize = 12;

/// The acknowledgement files of a queue.
#[derive(Debug)]
pub(crate) struct Ledger {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    /// Bytes of sound entries per segment; a segment without an acknowledgement file has none.
    written: BTreeMap<SegmentName, u64>,
    /// The file that was written last, since acknowledgements come segment by segment.
    last: Option<(SegmentName, Arc<dyn DiskFile>)>,
}

impl Ledger {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: &Path) -> Ledger {
        Ledger {
            disk,
            directory: directory.to_owned(),
            written: BTreeMap::new(),
            last: None,
        }
    }

    /// Reads which records of a segment are acknowledged. What can't be read counts as not acknowledged.
    pub(crate) fn load(&mut self, name: SegmentName) -> BTreeSet<u64> {
        let mut bytes = Vec::new();
        if let Ok(file) = self.disk.open(&self.path(name)) {
            let size = file
                .size()
                .ok()
                .and_then(|size| usize::try_from(size).ok())
                .unwrap_or(0);
            bytes.resize(size, 0);
            let read = file.read_at(0, &mut bytes).unwrap_or(0);
            bytes.truncate(read);
        }
        let entries = bytes.chunks_exact(ENTRY);
        self.written.insert(name, (entries.len() * ENTRY) as u64);
        entries
            .filter_map(|entry| decode(name.salt, entry))
            .collect()
    }

    /// Writes acknowledgements of one segment's records.
    pub(crate) fn write(&mut self, name: SegmentName, ids: &[u64]) -> Result<(), SpoolError> {
        let path = self.path(name);
        self.append(name, ids)
            .map_err(failed("write acknowledgements to", &path))
    }

    fn append(&mut self, name: SegmentName, ids: &[u64]) -> io::Result<()> {
        let written = self.written.get(&name).copied().unwrap_or(0);
        let file = match &self.last {
            Some((last, file)) if *last == name => Arc::clone(file),
            _ if written == 0 => self.disk.create(&self.path(name))?,
            _ => self.disk.open(&self.path(name))?,
        };
        self.last = Some((name, Arc::clone(&file)));
        let entries: Vec<u8> = ids.iter().flat_map(|id| encode(name.salt, *id)).collect();
        file.write_at(written, &mut [IoSlice::new(&entries)])?;
        self.written.insert(name, written + entries.len() as u64);
        Ok(())
    }

    /// Removes the file of a segment that is gone.
    pub(crate) fn forget(&mut self, name: SegmentName) -> Result<(), SpoolError> {
        self.last.take_if(|(last, _)| *last == name);
        self.written.remove(&name);
        remove(self.disk.as_ref(), &self.path(name))
    }

    /// Makes the acknowledgements that were written last survive a power cut.
    pub(crate) fn sync(&self) -> Result<(), SpoolError> {
        let Some((name, file)) = &self.last else {
            return Ok(());
        };
        file.sync().map_err(failed("sync", &self.path(*name)))
    }

    fn path(&self, name: SegmentName) -> PathBuf {
        self.directory.join(name.file("ack"))
    }
}

/// Removes a file; one that is gone already is fine.
pub(crate) fn remove(disk: &dyn Disk, path: &Path) -> Result<(), SpoolError> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}

fn encode(salt: u32, id: u64) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    let (number, crc) = entry.split_at_mut(8);
    number.copy_from_slice(&id.to_le_bytes());
    crc.copy_from_slice(&checksum(salt, number).to_le_bytes());
    entry
}

fn decode(salt: u32, entry: &[u8]) -> Option<u64> {
    let (id, crc) = entry.split_first_chunk()?;
    (crc == checksum(salt, id).to_le_bytes()).then_some(u64::from_le_bytes(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_round_trip_and_damage_is_seen() {
        let entry = encode(5, 1234);
        assert_eq!(decode(5, &entry), Some(1234));
        assert_eq!(decode(6, &entry), None);
        for bit in 0..ENTRY * 8 {
            let mut damaged = entry;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(5, &damaged), None, "bit {bit}");
        }
    }
}
