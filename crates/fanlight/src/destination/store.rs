//! What can't be delivered now, kept on disk for this process or the next one.
//!
//! ```text
//! <directory>/<identity>/<slot>/...    identity: a hash of program, destination, signal and URL; slot: one process's queue
//! ```
//!
//! A process that needs a queue takes over the first one that nobody holds, or makes a new one; what other dead processes
//! left, it delivers too. The lock of the queue says who is alive, so a killed process is as good as one that ended. Nothing
//! is written while all is well. Headers are never stored: what waits is sent with those of the process that sends it.
//!
//! What was accepted survives a killed process, but perhaps not a power cut, as it is not synced.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fanlight_otlp::{Batch, Signal};
use fanlight_spool::{Options, Spool, SpoolError};

use crate::destination::settings::{Disk, Target};

/// How large a queue's files get. Space is freed by whole files.
const SEGMENT: u64 = 4 << 20;
/// Time and number of items, before the request's bytes.
const HEADER: usize = 16;

/// The undelivered of one signal.
#[derive(Debug)]
pub(crate) struct Store {
    signal: Signal,
    directory: PathBuf,
    max_bytes: u64,
    own: Option<Arc<Slot>>,
    inherited: Vec<Arc<Slot>>,
    items: u64,
    /// Whether there may be something to hand out.
    has_waiting: bool,
}

/// A queue, and where it is.
#[derive(Debug)]
struct Slot {
    directory: PathBuf,
    spool: Spool,
    /// The first request that this process put there.
    first_own: OnceLock<u64>,
}

/// A request that was read from disk, and is there until it is done with.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    slot: Arc<Slot>,
    id: u64,
    /// What it counts for: what an earlier process left counts as one until it is read.
    items: u64,
}

/// What the next request on disk is.
#[derive(Debug)]
pub(crate) enum Next {
    Request(Batch, SystemTime, Kept),
    /// It is there, but it can't be read. It was removed.
    Damaged,
    Nothing,
}

impl Store {
    pub(crate) fn new(disk: &Disk, destination: &str, target: &Target) -> Store {
        let url = target.shown_url();
        let parts = [&disk.program, destination, target.signal.name(), &url];
        Store {
            signal: target.signal,
            directory: disk.directory.join(format!("{:016x}", hash(&parts))),
            max_bytes: disk.max_bytes,
            own: None,
            inherited: Vec::new(),
            items: 0,
            has_waiting: false,
        }
    }

    /// Takes over what dead processes left. Says how many requests that is.
    pub(crate) fn adopt(&mut self) -> Result<u64, SpoolError> {
        let mut found = 0;
        for directory in slots(&self.directory) {
            match Spool::open(&directory, self.options()) {
                Ok((spool, recovery)) => {
                    found += recovery.records;
                    self.items += recovery.records;
                    self.has_waiting |= recovery.records > 0;
                    let slot = Arc::new(Slot::new(directory, spool));
                    match &self.own {
                        None => self.own = Some(slot),
                        Some(_) => self.inherited.push(slot),
                    }
                }
                // Somebody alive has it, or a newer version of this crate will read it.
                Err(SpoolError::InUse { .. } | SpoolError::Version { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Keeps a request, and says where.
    ///
    /// # Errors
    /// As [`Spool::append`].
    pub(crate) fn put(&mut self, batch: &Batch, since: SystemTime) -> Result<Kept, SpoolError> {
        let slot = match &self.own {
            Some(slot) => Arc::clone(slot),
            None => {
                let directory = self.directory.join(format!("{:016x}", fastrand::u64(..)));
                let (spool, _) = Spool::open(&directory, self.options())?;
                let slot = Arc::new(Slot::new(directory, spool));
                Arc::clone(self.own.insert(slot))
            }
        };
        let time = since.duration_since(SystemTime::UNIX_EPOCH);
        let time = time.unwrap_or_default().as_secs();
        let items = batch.items() as u64;
        let mut record = Vec::with_capacity(HEADER + batch.bytes().len());
        record.extend_from_slice(&time.to_le_bytes());
        record.extend_from_slice(&items.to_le_bytes());
        record.extend_from_slice(batch.bytes());
        let id = slot.spool.append(&[&record])?.start;
        slot.first_own.get_or_init(|| id);
        self.items += items;
        self.has_waiting = true;
        Ok(Kept { slot, id, items })
    }

    /// Reads the first request that waits. The caller says later what became of it.
    pub(crate) fn next(&mut self) -> Result<Next, SpoolError> {
        self.inherited.retain(|slot| {
            slot.remove_if_empty();
            !slot.spool.is_empty()
        });
        let slots: Vec<_> = self.slots().cloned().collect();
        for slot in slots {
            self.has_waiting = false;
            let Some(record) = slot.spool.next()? else {
                continue;
            };
            self.has_waiting = true;
            let is_own = slot.first_own.get().is_some_and(|it| *it <= record.id);
            let kept = Kept {
                slot,
                id: record.id,
                items: 1,
            };
            return match decode(self.signal, record.bytes) {
                Some((batch, since, items)) => {
                    let items = if is_own { items } else { 1 };
                    let kept = Kept { items, ..kept };
                    Ok(Next::Request(batch, since, kept))
                }
                None => {
                    self.done(&kept);
                    Ok(Next::Damaged)
                }
            };
        }
        Ok(Next::Nothing)
    }

    /// The request is delivered, or given up.
    pub(crate) fn done(&mut self, kept: &Kept) {
        self.items = self.items.saturating_sub(kept.items);
        // What can't be marked as done is sent once more by the next process.
        let _ = kept.slot.spool.ack(&[kept.id]);
    }

    /// The request was delivered after all, while it was put on disk.
    pub(crate) fn withdraw(&mut self, kept: &Kept) {
        let mut passed = Vec::new();
        while let Ok(Some(record)) = kept.slot.spool.next() {
            if record.id == kept.id {
                self.done(kept);
                break;
            }
            passed.push(record.id);
        }
        let _ = kept.slot.spool.release(&passed);
    }

    /// The request waits again.
    pub(crate) fn release(&mut self, kept: &Kept) {
        self.has_waiting = true;
        let _ = kept.slot.spool.release(&[kept.id]);
    }

    /// Whether the next call of [`Store::next`] may find something.
    pub(crate) fn has_waiting(&self) -> bool {
        self.has_waiting && !self.is_empty()
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.slots().all(|slot| slot.spool.is_empty())
    }

    /// Bytes on disk.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.slots().map(|slot| slot.spool.disk_bytes()).sum()
    }

    /// Items that are kept; of those that other processes left, at least so many.
    pub(crate) fn items(&self) -> u64 {
        if self.is_empty() { 0 } else { self.items }
    }

    /// Lets go of the queues, and removes those that are empty.
    pub(crate) fn close(&mut self) {
        for slot in self.inherited.drain(..).chain(self.own.take()) {
            slot.remove_if_empty();
        }
    }

    fn slots(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.inherited.iter().chain(&self.own)
    }

    fn options(&self) -> Options {
        Options {
            max_bytes: self.max_bytes,
            segment_bytes: SEGMENT,
            sync: false,
            parked_bytes: 0,
        }
    }
}

impl Slot {
    fn new(directory: PathBuf, spool: Spool) -> Slot {
        Slot {
            directory,
            spool,
            first_own: OnceLock::new(),
        }
    }

    /// Nobody else has it, as it is locked; it may be gone already.
    fn remove_if_empty(&self) {
        if self.spool.is_empty() {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

fn decode(signal: Signal, record: Vec<u8>) -> Option<(Batch, SystemTime, u64)> {
    let mut bytes = Bytes::from(record);
    let (time, rest) = bytes.split_first_chunk::<8>()?;
    let (items, _) = rest.split_first_chunk::<8>()?;
    let (time, items) = (u64::from_le_bytes(*time), u64::from_le_bytes(*items));
    let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time))?;
    let batch = Batch::decode(signal, bytes.split_off(HEADER)).ok()?;
    Some((batch, since, items))
}

/// The queues' directories, in no particular order.
fn slots(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && path.file_name().is_some_and(is_slot))
        .collect()
}

/// Whether it is a name that [`Store::put`] gives. What else is there is none of ours.
fn is_slot(name: &OsStr) -> bool {
    name.len() == 16 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit)
}

/// FNV-1a. It keeps destinations apart; it hides nothing, so nothing secret goes in.
fn hash(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
