//! The queue as its users see it: open, append, next, acknowledge.

use std::any::Any;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, RealDisk};
use crate::error::failed;
use crate::ledger::{self, Ledger};
use crate::parked::ParkedStore;
use crate::queue::{Place, Queue};
use crate::recover::{self, Recovery};
use crate::segment::{RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentName};
use crate::writer::Writer;
use crate::{Parked, SpoolError};

/// How a queue is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The most that segments may take on disk, in bytes.
    pub max_bytes: u64,
    /// A segment this large, in bytes, is not appended to any more. At most a quarter of `max_bytes` is used. Space is
    /// freed by whole segments.
    pub segment_bytes: u64,
    /// Whether an append returns only once its records would survive a power cut.
    pub sync: bool,
    /// The most that parked records may take on disk, in bytes, beside `max_bytes`.
    pub parked_bytes: u64,
}

impl Default for Options {
    /// 1 GiB in segments of 16 MiB, synced, with up to 128 MiB parked.
    fn default() -> Options {
        Options {
            max_bytes: 1 << 30,
            segment_bytes: 16 << 20,
            sync: true,
            parked_bytes: 128 << 20,
        }
    }
}

/// A record that was handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What to acknowledge it by.
    pub id: u64,
    /// What was appended.
    pub bytes: Vec<u8>,
}

/// A queue on disk. Share it in an [`Arc`]; see the [crate] for what it promises.
pub struct Spool {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    // Locks are taken in the order of these fields. `queue` is never held during I/O.
    pub(crate) parked: Mutex<ParkedStore>,
    pub(crate) writer: Writer,
    reader: Mutex<Option<(SegmentName, Arc<dyn DiskFile>)>>,
    ledger: Mutex<Ledger>,
    queue: Mutex<Queue>,
    _lock: Box<dyn Any + Send + Sync>,
}

impl Spool {
    /// Opens the queue in a directory, or makes one, and finds what a former process left there.
    ///
    /// # Errors
    /// [`SpoolError::InUse`], [`SpoolError::Version`], and [`SpoolError::Io`] when the directory can't be used. Damage is
    /// no error: it is counted in [`Recovery`].
    pub fn open(
        directory: impl AsRef<Path>,
        options: Options,
    ) -> Result<(Spool, Recovery), SpoolError> {
        Spool::open_on(Arc::new(RealDisk), directory, options)
    }

    /// Opens the queue on a file system of the caller's, for tests.
    ///
    /// # Errors
    /// As [`Spool::open`].
    pub fn open_on(
        disk: Arc<dyn Disk>,
        directory: impl AsRef<Path>,
        mut options: Options,
    ) -> Result<(Spool, Recovery), SpoolError> {
        let directory = directory.as_ref();
        options.segment_bytes = options.segment_bytes.min(options.max_bytes / 4);
        disk.create_directory(directory)
            .map_err(failed("make directory", directory))?;
        let lock_file = directory.join("lock");
        let lock = disk.lock(&lock_file).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => SpoolError::InUse {
                directory: directory.to_owned(),
            },
            _ => failed("lock", &lock_file)(error),
        })?;
        let found = recover::recover(&disk, directory)?;
        let spool = Spool {
            parked: Mutex::new(found.parked),
            writer: Writer::new(found.next_id),
            reader: Mutex::new(None),
            ledger: Mutex::new(found.ledger),
            queue: Mutex::new(found.queue),
            directory: directory.to_owned(),
            disk,
            options,
            _lock: lock,
        };
        Ok((spool, found.recovery))
    }

    /// Appends records as a group and returns their ids. They are kept one behind the other, and all or none.
    ///
    /// # Errors
    /// [`SpoolError::Full`] and [`SpoolError::Io`] when there is no room now, [`SpoolError::TooLarge`] when there never
    /// will be, [`SpoolError::Closed`]. None of the records is handed out then; but after [`SpoolError::Io`], a crash may
    /// bring some back.
    pub fn append(&self, records: &[&[u8]]) -> Result<Range<u64>, SpoolError> {
        self.write(records)
    }

    /// Hands out the first record that waits, or nothing when none does. Several may be out at once.
    ///
    /// A record that was damaged since the queue was opened is skipped and counted ([`Spool::damaged`]).
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the disk can't read the first record. It is left alone until the queue is opened again,
    /// and the next call goes on behind it.
    pub fn next(&self) -> Result<Option<Record>, SpoolError> {
        loop {
            let Some(place) = self.queue().take() else {
                return Ok(None);
            };
            match self.read(place) {
                Ok(Some(bytes)) => {
                    return Ok(Some(Record {
                        id: place.id,
                        bytes,
                    }));
                }
                Ok(None) => {
                    self.queue().damage(place.id);
                    self.reclaim()?;
                }
                Err(error) => {
                    self.queue().unreadable(place.id);
                    return Err(error);
                }
            }
        }
    }

    /// Says that records are done with: delivered, or refused for good. They are never handed out again by this process.
    ///
    /// # Errors
    /// [`SpoolError::NotOut`] when one of them isn't out; then nothing is acknowledged. [`SpoolError::Io`] when the disk
    /// did not take the acknowledgement; the records are done, but may be handed out again after a restart.
    pub fn ack(&self, ids: &[u64]) -> Result<(), SpoolError> {
        let mut segments: Vec<(SegmentName, Vec<u64>)> = Vec::new();
        for place in self.places(ids)? {
            match segments.last_mut() {
                Some((name, ids)) if *name == place.segment => ids.push(place.id),
                _ => segments.push((place.segment, vec![place.id])),
            }
        }
        let mut result = Ok(());
        for (name, ids) in segments {
            result = result.and(lock(&self.ledger).write(name, &ids));
        }
        // Only now: whoever makes a segment's last record done removes the file that was just written.
        let mut queue = self.queue();
        ids.iter().for_each(|id| queue.done(*id));
        drop(queue);
        result.and(self.reclaim())
    }

    /// Gives records back, to be handed out again before all later ones.
    ///
    /// # Errors
    /// [`SpoolError::NotOut`] when one of them isn't out; then nothing is released.
    pub fn release(&self, ids: &[u64]) -> Result<(), SpoolError> {
        self.places(ids)?;
        let mut queue = self.queue();
        ids.iter().for_each(|id| queue.release(*id));
        Ok(())
    }

    /// Records that are not acknowledged, whether out or waiting.
    pub fn len(&self) -> u64 {
        self.queue().length
    }

    /// Whether every record is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the records that are not acknowledged, as appended.
    pub fn bytes(&self) -> u64 {
        self.queue().bytes
    }

    /// Bytes that segments take on disk: what [`Options::max_bytes`] bounds.
    pub fn disk_bytes(&self) -> u64 {
        self.queue().disk_bytes
    }

    /// Records that could not be read back since the queue was opened.
    pub fn damaged(&self) -> u64 {
        self.queue().damaged
    }

    /// What is parked.
    pub fn parked(&self) -> Parked {
        lock(&self.parked).usage()
    }

    /// Takes nothing more in, and makes everything survive a power cut. What is out can still be acknowledged. Closing
    /// twice is fine, and so is not closing: a queue that is dropped is found again as after a crash.
    ///
    /// # Errors
    /// [`SpoolError::Io`] when the disk can't sync.
    pub fn close(&self) -> Result<(), SpoolError> {
        let synced = self.close_writer();
        synced.and(lock(&self.ledger).sync())
    }

    /// Reads a record's payload. `None` says that it is damaged.
    pub(crate) fn read(&self, place: Place) -> Result<Option<Vec<u8>>, SpoolError> {
        let path = self.directory.join(place.segment.file("seg"));
        let offset = u64::from(place.offset);
        let mut header = [0; RECORD_HEADER as usize];
        let mut payload = vec![0; place.length as usize];
        let mut reader = lock(&self.reader);
        let file = match reader.take_if(|(name, _)| *name == place.segment) {
            Some((_, file)) => file,
            None => self.disk.open(&path).map_err(failed("open", &path))?,
        };
        let whole = file
            .read_at(offset, &mut header)
            .and_then(|read| Ok(read + file.read_at(offset + RECORD_HEADER, &mut payload)?))
            .map_err(failed("read", &path))?;
        *reader = Some((place.segment, file));
        drop(reader);
        let salt = place.segment.salt;
        let sound = whole == header.len() + payload.len()
            && RecordHeader::decode(salt, &header, &(place.id..place.id + 1))
                .is_some_and(|it| it.fits(salt, &payload));
        Ok(sound.then_some(payload))
    }

    /// Removes the segments that are done with.
    pub(crate) fn reclaim(&self) -> Result<(), SpoolError> {
        loop {
            let Some((name, size)) = self.queue().finished.pop() else {
                return Ok(());
            };
            lock(&self.reader).take_if(|(cached, _)| *cached == name);
            // The segment first: an acknowledgement file alone is harmless, a segment alone would be delivered again.
            if let Err(error) =
                ledger::remove(self.disk.as_ref(), &self.directory.join(name.file("seg")))
            {
                self.queue().finished.push((name, size));
                return Err(error);
            }
            self.queue().disk_bytes -= size;
            lock(&self.ledger).forget(name)?;
        }
    }

    /// Where records stand that are all out.
    pub(crate) fn places(&self, ids: &[u64]) -> Result<Vec<Place>, SpoolError> {
        let mut queue = self.queue();
        ids.iter()
            .map(|id| queue.out(*id).ok_or(SpoolError::NotOut { id: *id }))
            .collect()
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// The most that one group may take on disk.
    pub(crate) fn largest_group(&self) -> u64 {
        self.options
            .max_bytes
            .min(u64::from(u32::MAX))
            .saturating_sub(SEGMENT_HEADER)
    }
}

impl std::fmt::Debug for Spool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spool")
            .field("directory", &self.directory)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Takes a lock. A panic elsewhere while it was held leaves nothing half-changed that matters, so poison is ignored.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
