//! Records set aside: what could not be delivered in time, kept for a person to look at or to send again.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::failed;
use crate::ledger;
use crate::recover::read_whole;
use crate::segment::{
    self, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentName, segment_header,
};
use crate::spool::lock;
use crate::{Spool, SpoolError};

/// How much is set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parked {
    /// Records.
    pub records: u64,
    /// Bytes that they take on disk.
    pub bytes: u64,
}

/// The directory of parked records. A record's file is named by its id and its segment's salt, so parking the same record
/// again after a crash replaces it.
#[derive(Debug)]
pub(crate) struct ParkedStore {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    sizes: BTreeMap<SegmentName, u64>,
}

impl ParkedStore {
    pub(crate) fn open(disk: &Arc<dyn Disk>, directory: &Path) -> Result<ParkedStore, SpoolError> {
        let directory = directory.join("parked");
        disk.create_directory(&directory)
            .map_err(failed("make directory", &directory))?;
        let mut sizes = BTreeMap::new();
        for file in disk.list(&directory).map_err(failed("list", &directory))? {
            let path = directory.join(&file);
            if let Some(name) = SegmentName::parse(&file, "rec") {
                let size = disk
                    .open(&path)
                    .and_then(|file| file.size())
                    .map_err(failed("read", &path))?;
                sizes.insert(name, size);
            } else if SegmentName::parse(&file, "new").is_some() {
                ledger::remove(disk.as_ref(), &path)?;
            }
        }
        Ok(ParkedStore {
            disk: Arc::clone(disk),
            directory,
            sizes,
        })
    }

    /// An id above those of all parked records; at least 1.
    pub(crate) fn next_id(&self) -> u64 {
        self.sizes
            .last_key_value()
            .map_or(1, |(name, _)| name.first + 1)
    }

    pub(crate) fn usage(&self) -> Parked {
        Parked {
            records: self.sizes.len() as u64,
            bytes: self.sizes.values().sum(),
        }
    }

    /// Writes a record, so that it is there whole or not at all.
    fn add(&mut self, name: SegmentName, payload: &[u8], max_bytes: u64) -> Result<(), SpoolError> {
        let needed = SEGMENT_HEADER + RECORD_HEADER + payload.len() as u64;
        let free = max_bytes.saturating_sub(self.usage().bytes);
        if needed > free {
            return Err(SpoolError::ParkedFull { needed, free });
        }
        let path = self.directory.join(name.file("new"));
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        let header = RecordHeader::new(name.salt, name.first, payload, length).encode(name.salt);
        let written = self.disk.create(&path).and_then(|file| {
            let start = segment_header(name.salt);
            file.write_at(
                0,
                &mut [
                    IoSlice::new(&start),
                    IoSlice::new(&header),
                    IoSlice::new(payload),
                ],
            )?;
            file.sync()?;
            self.disk
                .rename(&path, &self.directory.join(name.file("rec")))?;
            self.sizes.insert(name, needed);
            self.disk.sync_directory(&self.directory)
        });
        written.map_err(failed("write to", &path))
    }

    fn take(&mut self, name: SegmentName) -> Result<Option<Vec<u8>>, SpoolError> {
        let (bytes, _) = read_whole(self.disk.as_ref(), &self.directory.join(name.file("rec")))?;
        let scan = segment::scan(name, &bytes, name.first + 1);
        let start = (SEGMENT_HEADER + RECORD_HEADER) as usize;
        Ok(scan
            .records
            .first()
            .and_then(|_| bytes.get(start..))
            .map(<[u8]>::to_vec))
    }

    fn remove(&mut self, name: SegmentName) -> Result<(), SpoolError> {
        ledger::remove(self.disk.as_ref(), &self.directory.join(name.file("rec")))?;
        self.sizes.remove(&name);
        Ok(())
    }
}

impl Spool {
    /// Sets a record aside that was handed out and can't be delivered. It takes no room in the queue any more, is
    /// synced to disk, and stays until [`Spool::unpark`].
    ///
    /// # Errors
    /// [`SpoolError::NotOut`]; [`SpoolError::ParkedFull`] and [`SpoolError::Io`], after which the record is still out,
    /// unless the disk took the record but not its acknowledgement ([`Spool::ack`]).
    pub fn park(&self, id: u64) -> Result<(), SpoolError> {
        let place = self.places(&[id])?.pop().ok_or(SpoolError::NotOut { id })?;
        if let Some(payload) = self.read(place)? {
            let name = SegmentName {
                first: id,
                salt: place.segment.salt,
            };
            lock(&self.parked).add(name, &payload, self.options.parked_bytes)?;
        } else {
            self.queue().damaged += 1;
        }
        self.ack(&[id])
    }

    /// Appends the parked records to the queue again, the oldest first, and returns how many that were. One that is
    /// damaged stays where it is.
    ///
    /// # Errors
    /// As [`Spool::append`]; the records not yet appended are still parked.
    pub fn unpark(&self) -> Result<u64, SpoolError> {
        let mut parked = lock(&self.parked);
        let names: Vec<SegmentName> = parked.sizes.keys().copied().collect();
        let mut count = 0;
        for name in names {
            if let Some(payload) = parked.take(name)? {
                self.append(&[&payload])?;
                parked.remove(name)?;
                count += 1;
            }
        }
        Ok(count)
    }
}
