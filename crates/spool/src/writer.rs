//! Appending: one writer at a time, and one sync for all who wait for it.
//!
//! Appenders write one after the other under a lock. With `sync`, the first who finds no sync under way makes one, without
//! the lock, for everything written so far; those who wrote meanwhile wait and share the next. Records are handed out only
//! once their group is safe, so a group that failed is as if it had never been.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IoSlice;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::disk::DiskFile;
use crate::error::failed;
use crate::ledger;
use crate::queue::{Entry, Segment, State};
use crate::segment::{RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentName, segment_header};
use crate::spool::lock;
use crate::{Spool, SpoolError};

/// The writing end of a queue.
#[derive(Debug)]
pub(crate) struct Writer {
    tail: Mutex<Tail>,
    synced: Condvar,
}

/// The end of the queue on disk.
#[derive(Debug)]
struct Tail {
    active: Option<Active>,
    next_id: u64,
    /// Groups that are written but not yet synced, the first one first.
    pending: Vec<Group>,
    syncing: bool,
    closed: bool,
    /// A segment without records that could not be removed. Its successor has the same first id, so it must go first.
    leftover: Option<PathBuf>,
}

/// The segment that is appended to.
#[derive(Debug)]
struct Active {
    name: SegmentName,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where the next group goes.
    written: u64,
    /// Where the last synced group ends.
    durable: u64,
    /// Whether bytes of a failed write may stand behind `written`.
    broken: bool,
}

/// A group on its way to the disk, and where its appender finds out how that went.
#[derive(Debug)]
struct Group {
    first_id: u64,
    entries: Vec<Entry>,
    answer: Answer,
}

type Answer = Arc<OnceLock<Result<(), SpoolError>>>;

impl Writer {
    pub(crate) fn new(next_id: u64) -> Writer {
        let tail = Tail {
            active: None,
            next_id,
            pending: Vec::new(),
            syncing: false,
            closed: false,
            leftover: None,
        };
        Writer {
            tail: Mutex::new(tail),
            synced: Condvar::new(),
        }
    }

    fn wait<'a>(&self, tail: MutexGuard<'a, Tail>) -> MutexGuard<'a, Tail> {
        self.synced
            .wait(tail)
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    fn has_room(&self, needed: u64, segment_bytes: u64) -> bool {
        let fits = self.written + needed <= segment_bytes || self.written == SEGMENT_HEADER;
        fits && !self.broken
    }

    /// Writes a group. Nothing of it counts unless all of it was written.
    fn write(&mut self, first_id: u64, records: &[&[u8]]) -> Result<Vec<Entry>, SpoolError> {
        let salt = self.name.salt;
        let mut offset = self.written;
        let mut entries = Vec::with_capacity(records.len());
        let mut headers = Vec::with_capacity(records.len());
        for (id, payload) in (first_id..).zip(records) {
            // Both fit: a group is never larger than `Spool::largest_group`.
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            let place = u32::try_from(offset).unwrap_or(u32::MAX);
            headers.push(RecordHeader::new(salt, id, payload, length).encode(salt));
            entries.push(Entry {
                offset: place,
                length,
                state: State::Waiting,
            });
            offset += RECORD_HEADER + u64::from(length);
        }
        let mut parts: Vec<IoSlice<'_>> = (headers.iter().zip(records))
            .flat_map(|(header, payload)| [IoSlice::new(header), IoSlice::new(payload)])
            .collect();
        if let Err(error) = self.file.write_at(self.written, &mut parts) {
            self.broken = self.file.truncate(self.written).is_err();
            return Err(failed("write to", &self.path)(error));
        }
        self.written = offset;
        Ok(entries)
    }
}

impl Spool {
    /// Writes a group of records and returns once it is as safe as the options ask.
    pub(crate) fn write(&self, records: &[&[u8]]) -> Result<Range<u64>, SpoolError> {
        let needed = records
            .iter()
            .map(|record| RECORD_HEADER + record.len() as u64)
            .sum();
        let most = self.largest_group();
        if needed > most {
            return Err(SpoolError::TooLarge { needed, most });
        }
        let mut tail = self.tail_with_room(needed)?;
        let Tail {
            active: Some(active),
            next_id,
            pending,
            ..
        } = &mut *tail
        else {
            return Err(SpoolError::Closed);
        };
        let ids = *next_id..*next_id + records.len() as u64;
        let entries = active.write(ids.start, records)?;
        *next_id = ids.end;
        self.queue().resize(active.name.first, active.written);
        let answer = Answer::default();
        pending.push(Group {
            first_id: ids.start,
            entries,
            answer: Arc::clone(&answer),
        });
        if self.options.sync {
            self.wait_for_sync(tail, &answer)?;
        } else {
            let written = active.written;
            self.settle(&mut tail, 1, written, Ok(()));
        }
        Ok(ids)
    }

    /// The tail with an active segment that takes `needed` more bytes, within the bound of the queue.
    fn tail_with_room(&self, needed: u64) -> Result<MutexGuard<'_, Tail>, SpoolError> {
        let mut tail = lock(&self.writer.tail);
        loop {
            if tail.closed {
                return Err(SpoolError::Closed);
            }
            let fits = tail
                .active
                .as_ref()
                .is_some_and(|active| active.has_room(needed, self.options.segment_bytes));
            let cost = if fits {
                needed
            } else {
                needed + SEGMENT_HEADER
            };
            let free = self.options.max_bytes.saturating_sub(self.disk_bytes());
            if cost > free {
                if !self.free_active(&mut tail)? {
                    return Err(SpoolError::Full { needed: cost, free });
                }
            } else if fits {
                return Ok(tail);
            } else if tail.syncing {
                tail = self.writer.wait(tail);
            } else if !tail.pending.is_empty() {
                self.sync_here(&mut tail);
            } else {
                self.retire(&mut tail)?;
                self.start_segment(&mut tail)?;
            }
        }
    }

    /// Frees the active segment, if all its records are done.
    fn free_active(&self, tail: &mut Tail) -> Result<bool, SpoolError> {
        let Some(active) = tail
            .active
            .take_if(|active| tail.pending.is_empty() && self.queue().is_done(active.name.first))
        else {
            return Ok(false);
        };
        self.queue().seal(active.name.first);
        self.reclaim()?;
        Ok(true)
    }

    /// Ends the active segment. Nothing is pending in it.
    fn retire(&self, tail: &mut Tail) -> Result<(), SpoolError> {
        if let Some(active) = tail.active.take() {
            if active.durable == SEGMENT_HEADER {
                self.queue().drop_empty(active.name.first);
                tail.leftover = Some(active.path);
            } else {
                self.queue().seal(active.name.first);
                self.reclaim()?;
            }
        }
        Ok(())
    }

    fn start_segment(&self, tail: &mut Tail) -> Result<(), SpoolError> {
        if let Some(leftover) = &tail.leftover {
            ledger::remove(self.disk.as_ref(), leftover)?;
            tail.leftover = None;
        }
        // Random, so that nobody who sends telemetry can make bytes that look like a record of this segment.
        let salt = RandomState::new().build_hasher().finish() as u32;
        let name = SegmentName {
            first: tail.next_id,
            salt,
        };
        let path = self.directory.join(name.file("seg"));
        tail.leftover = Some(path.clone());
        let file = self.disk.create(&path).map_err(failed("create", &path))?;
        file.write_at(0, &mut [IoSlice::new(&segment_header(salt))])
            .map_err(failed("write to", &path))?;
        if self.options.sync {
            self.disk
                .sync_directory(&self.directory)
                .map_err(failed("sync", &self.directory))?;
        }
        tail.leftover = None;
        self.queue()
            .add(Segment::new(name, Vec::new(), SEGMENT_HEADER));
        let (written, durable) = (SEGMENT_HEADER, SEGMENT_HEADER);
        tail.active = Some(Active {
            name,
            path,
            file,
            written,
            durable,
            broken: false,
        });
        Ok(())
    }

    /// Returns once a group is settled, by syncing or by waiting for somebody else's sync.
    fn wait_for_sync<'a>(
        &'a self,
        mut tail: MutexGuard<'a, Tail>,
        answer: &Answer,
    ) -> Result<(), SpoolError> {
        loop {
            if let Some(result) = answer.get() {
                return result.clone();
            }
            if tail.syncing {
                tail = self.writer.wait(tail);
                continue;
            }
            let Some(active) = &tail.active else {
                return Err(SpoolError::Closed);
            };
            let (file, path, written) = (
                Arc::clone(&active.file),
                active.path.clone(),
                active.written,
            );
            let groups = tail.pending.len();
            tail.syncing = true;
            drop(tail);
            let result = file.sync().map_err(failed("sync", &path));
            tail = lock(&self.writer.tail);
            tail.syncing = false;
            self.settle(&mut tail, groups, written, result);
            self.writer.synced.notify_all();
        }
    }

    /// Syncs with the lock held, when the active segment must end or the queue closes.
    fn sync_here(&self, tail: &mut Tail) {
        let Some(active) = &tail.active else { return };
        let (groups, written) = (tail.pending.len(), active.written);
        let result = active.file.sync().map_err(failed("sync", &active.path));
        self.settle(tail, groups, written, result);
        self.writer.synced.notify_all();
    }

    /// Tells the first groups how their sync ended, and hands their records over or withdraws them.
    ///
    /// After a failed sync nobody knows what of the segment reached the disk, and a second sync would not say
    /// ([fsyncgate](https://wiki.postgresql.org/wiki/Fsync_Errors)): all unsynced groups fail and the segment ends.
    fn settle(&self, tail: &mut Tail, groups: usize, written: u64, result: Result<(), SpoolError>) {
        let Some(active) = &mut tail.active else {
            return;
        };
        if let Err(error) = result {
            if let Some(group) = tail.pending.first() {
                tail.next_id = group.first_id;
            }
            for group in tail.pending.drain(..) {
                // Set once, here or below.
                let _ = group.answer.set(Err(error.clone()));
            }
            active.written = active.durable;
            active.broken = true;
            // At best; the next segment's first id tells what is left over.
            let _ = active.file.truncate(active.durable);
            self.queue().resize(active.name.first, active.durable);
            return;
        }
        active.durable = written;
        let first = active.name.first;
        let mut queue = self.queue();
        for group in tail.pending.drain(..groups) {
            queue.publish(first, &group.entries);
            let _ = group.answer.set(Ok(()));
        }
    }

    /// Takes nothing more in and syncs what is written.
    pub(crate) fn close_writer(&self) -> Result<(), SpoolError> {
        let mut tail = lock(&self.writer.tail);
        tail.closed = true;
        while tail.syncing {
            tail = self.writer.wait(tail);
        }
        let Some(active) = &tail.active else {
            return Ok(());
        };
        let (file, path) = (Arc::clone(&active.file), active.path.clone());
        self.sync_here(&mut tail);
        if self.options.sync {
            return Ok(());
        }
        let directory = self
            .disk
            .sync_directory(&self.directory)
            .map_err(failed("sync", &self.directory));
        file.sync().map_err(failed("sync", &path)).and(directory)
    }
}
