//! Finding what a former process left behind. Reads only, but for removing what is acknowledged.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::SpoolError;
use crate::disk::Disk;
use crate::error::failed;
use crate::ledger::{self, Ledger};
use crate::parked::ParkedStore;
use crate::queue::{Entry, Queue, Segment, State};
use crate::segment::{self, SEGMENT_HEADER, Scan, SegmentName, VERSION};

/// The bytes read at once. Where the disk fails, so many are given up.
const CHUNK: usize = 64 << 10;

/// What was found when a queue was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records that wait to be delivered.
    pub records: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Unacknowledged records that are damaged and were skipped. Where a segment's end is mangled, one is counted for all
    /// records that stood there.
    pub damaged: u64,
    /// Bytes at the end of the newest segment that are not a whole record: an append that never returned, or damage.
    pub torn_bytes: u64,
    /// Bytes that the disk could not read. Their segments are never removed.
    pub unreadable_bytes: u64,
}

/// What a queue goes on with.
pub(crate) struct Found {
    pub(crate) queue: Queue,
    pub(crate) ledger: Ledger,
    pub(crate) parked: ParkedStore,
    pub(crate) next_id: u64,
    pub(crate) recovery: Recovery,
}

/// Reads a queue's directory.
pub(crate) fn recover(disk: &Arc<dyn Disk>, directory: &Path) -> Result<Found, SpoolError> {
    let files = disk.list(directory).map_err(failed("list", directory))?;
    let mut names: Vec<SegmentName> = files
        .iter()
        .filter_map(|file| SegmentName::parse(file, "seg"))
        .collect();
    names.sort_unstable();
    let parked = ParkedStore::open(disk, directory)?;
    let mut found = Found {
        queue: Queue::default(),
        ledger: Ledger::new(Arc::clone(disk), directory),
        next_id: parked.next_id(),
        parked,
        recovery: Recovery::default(),
    };
    for name in &names {
        let limit = names
            .iter()
            .map(|next| next.first)
            .find(|first| *first > name.first);
        recover_segment(disk.as_ref(), directory, *name, limit, &mut found)?;
    }
    let known: BTreeSet<SegmentName> = names.into_iter().collect();
    for name in files
        .iter()
        .filter_map(|file| SegmentName::parse(file, "ack"))
    {
        if !known.contains(&name) {
            found.ledger.forget(name)?;
        }
    }
    found.recovery.records = found.queue.length;
    found.recovery.bytes = found.queue.bytes;
    Ok(found)
}

fn recover_segment(
    disk: &dyn Disk,
    directory: &Path,
    name: SegmentName,
    limit: Option<u64>,
    found: &mut Found,
) -> Result<(), SpoolError> {
    let path = directory.join(name.file("seg"));
    let (bytes, unreadable) = read_whole(disk, &path)?;
    if found.queue.contains(name.first) {
        // Never written by this program, so perhaps copied here by a person: leave it alone, and say so.
        found.recovery.unreadable_bytes += bytes.len() as u64;
        return Ok(());
    }
    match segment::version(name.salt, &bytes) {
        Some(version) if version != VERSION => {
            return Err(SpoolError::Version {
                file: path,
                found: version,
            });
        }
        // Without a sound header, the records still speak for themselves.
        _ => {}
    }
    let scan = segment::scan(name, &bytes, limit.unwrap_or(u64::MAX));
    let acked = found.ledger.load(name);
    let recovery = &mut found.recovery;
    recovery.unreadable_bytes += unreadable;
    recovery.damaged += scan.damaged.iter().filter(|id| !acked.contains(id)).count() as u64;
    let tail = if bytes.len() as u64 > SEGMENT_HEADER {
        scan.tail
    } else {
        0
    };
    let mut size = bytes.len() as u64;
    match limit {
        None => {
            recovery.torn_bytes += tail;
            // Told once: left there, it would look like damage as soon as the next segment is delivered and gone. A tail
            // that can't be cut off, or that the disk does not give back now, stays.
            if tail > 0 && unreadable == 0 {
                let cut = disk.open(&path).and_then(|file| file.truncate(size - tail));
                size -= if cut.is_ok() { tail } else { 0 };
            }
        }
        // What stands behind the last record of an older segment is left over from a failed append if no id is missing.
        Some(limit) if tail > 0 && scan.next_id < limit && !acked.contains(&scan.next_id) => {
            recovery.damaged += 1
        }
        Some(_) => {}
    }
    found.next_id = found.next_id.max(scan.next_id);
    let mut segment = Segment::new(name, entries(name, &scan, &acked), size);
    segment.sealed = true;
    segment.pinned = unreadable > 0;
    if segment.pinned {
        // The file stays, so the next segment needs another first id.
        found.next_id = found.next_id.max(name.first + 1);
    } else if segment.is_done() {
        ledger::remove(disk, &path)?;
        return found.ledger.forget(name);
    }
    found.queue.add(segment);
    Ok(())
}

fn entries(name: SegmentName, scan: &Scan, acked: &BTreeSet<u64>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::with_capacity(scan.records.len());
    for record in &scan.records {
        let index = usize::try_from(record.id - name.first).unwrap_or(usize::MAX);
        entries.resize(
            index,
            Entry {
                offset: 0,
                length: 0,
                state: State::Done,
            },
        );
        let state = if acked.contains(&record.id) {
            State::Done
        } else {
            State::Waiting
        };
        entries.push(Entry {
            offset: record.offset,
            length: record.length,
            state,
        });
    }
    entries
}

/// Reads a file; where the disk fails there are zeros, which are counted.
pub(crate) fn read_whole(disk: &dyn Disk, path: &Path) -> Result<(Vec<u8>, u64), SpoolError> {
    let file = disk.open(path).map_err(failed("open", path))?;
    let size = file.size().map_err(failed("read", path))?;
    let mut bytes = vec![
        0;
        usize::try_from(size)
            .unwrap_or(usize::MAX)
            .min(u32::MAX as usize)
    ];
    let mut unreadable = 0;
    for (index, chunk) in bytes.chunks_mut(CHUNK).enumerate() {
        if file.read_at((index * CHUNK) as u64, chunk).is_err() {
            chunk.fill(0);
            unreadable += chunk.len() as u64;
        }
    }
    Ok((bytes, unreadable))
}
