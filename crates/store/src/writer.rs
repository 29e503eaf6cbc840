//! The one thread that writes.
//!
//! Whatever waits when it comes to look is written in one transaction (group commit), up to a bound; what arrives
//! meanwhile is the next group. When a group fails because of one batch, its batches are written one by one, so that a
//! batch that can't be stored takes no other down. Retention works between groups, and deletes whole partitions.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use fanlight_otlp::Batch;
use rusqlite::{Connection, ErrorCode, OptionalExtension};
use tokio::sync::broadcast;

use crate::derive;
use crate::ingest::{Changes, IngestError, Memory};
use crate::migrate;
use crate::open::{self, OpenError};
use crate::options::StoreOptions;
use crate::partition::{ClosedPartition, OpenPartition, is_to_derive, look_at};
use crate::parts;
use crate::query::QueryError;
use crate::readers::Readers;
use crate::store::{Job, Write, WriteError};

/// A group takes no further batch once it has so many items.
const GROUP_ITEMS: usize = 5_000;

/// How often it looks whether there is something to delete.
const PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    options: StoreOptions,
    catalogue: Connection,
    /// None before the first batch, and after the one that was there was closed or lost.
    partition: Option<OpenPartition>,
    /// Oldest first.
    closed: VecDeque<ClosedPartition>,
    /// The partitions whose calls of language models are to be derived anew, or lack columns; the newest comes last.
    behind: Vec<u64>,
    /// When columns are made again, if there is other work, and whether some are known to be missing.
    next_columns: Instant,
    has_columns_to_make: bool,
    memory: Memory,
    commits: u64,
    readers: Arc<Readers>,
    changes: broadcast::Sender<Arc<Changes>>,
    /// Keeps other writers away.
    _lock: File,
}

impl Writer {
    pub(crate) fn open(
        options: StoreOptions,
        lock: File,
        readers: Arc<Readers>,
        changes: broadcast::Sender<Arc<Changes>>,
    ) -> Result<Writer, OpenError> {
        migrate::move_away(&options.path)?;
        let catalogue = open::catalogue(&options.path)?;
        let mut writer = Writer {
            options,
            catalogue,
            partition: None,
            closed: VecDeque::new(),
            behind: Vec::new(),
            next_columns: Instant::now(),
            has_columns_to_make: false,
            memory: Memory::default(),
            commits: 0,
            readers,
            changes,
            _lock: lock,
        };
        writer.find_partitions()?;
        writer.take_over()?;
        Ok(writer)
    }

    /// Writes what a store of an older version holds, which was moved out of the way.
    fn take_over(&mut self) -> Result<(), OpenError> {
        let path = self.options.path.clone();
        let progress = |name: &str| {
            let name = format!("taken over {name}");
            self.catalogue
                .query_row("SELECT next FROM numbers WHERE name = ?", [name], |row| {
                    row.get(0)
                })
                .optional()
                .map(Option::unwrap_or_default)
        };
        let mut reached = HashMap::new();
        for part in ["spans", "logs", "points", "done"] {
            let number: i64 = progress(part).map_err(|source| OpenError::Database {
                path: path.clone(),
                source,
            })?;
            reached.insert(part, number);
        }
        let taken = migrate::take_over(
            &path,
            |name| Ok(reached.get(name).copied().unwrap_or_default()),
            |batch, name, number| {
                self.write(&[batch])?;
                self.catalogue
                    .execute(
                        "INSERT OR REPLACE INTO numbers (name, next) VALUES ('taken over ' || ?1, ?2)",
                        (name, number),
                    )
                    .map_err(|error| WriteError::Database(Arc::new(error)))?;
                Ok(())
            },
        );
        taken.map_err(|error| OpenError::Older {
            path,
            why: error.to_string(),
        })
    }

    /// Looks at the partitions that are there. The newest goes on; a damaged one is set aside.
    fn find_partitions(&mut self) -> Result<(), OpenError> {
        let path = self.options.path.clone();
        for id in open::partitions(&path)? {
            match look_at(&path, id) {
                Ok((partition, is_behind)) => {
                    self.closed.push_back(partition);
                    self.behind.extend(is_behind.then_some(id));
                }
                Err(OpenError::Database { source, .. }) if open::is_damage(&source) => {
                    open::set_aside(&open::partition_path(&path, id), &source)?;
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(newest) = self.closed.pop_back() {
            let now = self.options.clock.since_1970();
            self.partition = Some(OpenPartition::open(&path, newest.id, now)?);
        }
        self.publish();
        Ok(())
    }

    /// Tells the readers which partitions there are.
    fn publish(&self) {
        let closed = self.closed.iter().map(|partition| partition.id);
        let open = self.partition.iter().map(|partition| partition.id);
        self.readers.set_partitions(closed.chain(open).collect());
    }

    /// Works until every handle is gone.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let has_work = self.has_columns_to_make || !self.behind.is_empty();
            let pause = if has_work { Duration::ZERO } else { PAUSE };
            match jobs.recv_timeout(pause) {
                Ok(first) => {
                    self.group(first, jobs);
                    self.make_columns(parts::Which::Finished);
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.make_columns(parts::Which::All);
                    self.catch_up();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            for id in self.readers.take_damaged() {
                self.lose(id);
            }
            if let Err(error) = self.retain() {
                tracing::warn!(error = %error, "deleting old telemetry failed");
            }
        }
        // SQLite does this by itself only if no reader is open.
        self.checkpoint();
    }

    /// Writes the first batch and whatever else waits.
    fn group(&mut self, first: Job, jobs: &Receiver<Job>) {
        let (mut group, mut others, mut items) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(write) => {
                    items += write.batch.items();
                    group.push(write);
                }
                other => others.push(other),
            }
            next = if items < GROUP_ITEMS {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        self.write_group(group);
        for job in others {
            self.other(job);
        }
    }

    fn other(&mut self, job: Job) {
        match job {
            Job::Checkpoint(done) => {
                self.checkpoint();
                // Whoever asked may have gone.
                let _ = done.send(());
            }
            Job::Catalogue(change) => (change.0)(&mut self.catalogue),
            Job::Write(write) => self.write_group(vec![write]),
        }
    }

    fn write_group(&mut self, group: Vec<Write>) {
        let batches: Vec<&Batch> = group.iter().map(|write| &write.batch).collect();
        let answers = match self.write(&batches) {
            Ok(left_out) => left_out.into_iter().map(Ok).collect(),
            Err(WriteError::Unfit(_)) if group.len() > 1 => batches
                .into_iter()
                .map(|batch| self.write(&[batch]).map(|left_out| left_out.iter().sum()))
                .collect(),
            Err(error) => vec![Err(error); group.len()],
        };
        for (write, answer) in group
            .into_iter()
            .zip::<Vec<Result<u64, WriteError>>>(answers)
        {
            // Whoever waited may have given up.
            let _ = write.done.send(answer);
        }
    }

    /// Writes batches in one transaction and answers how many items of each were left out.
    pub(crate) fn write(&mut self, batches: &[&Batch]) -> Result<Vec<u64>, WriteError> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.options.clock.since_1970();
        // What arrives now belongs to no partition whose time is over.
        if let Err(error) = self.close_full(now) {
            tracing::warn!(error = %error, "a partition's size can't be read");
        }
        if self.partition.is_none() {
            self.begin_partition()
                .map_err(|error| WriteError::Open(Arc::new(error)))?;
        }
        let Some(partition) = &mut self.partition else {
            return Err(WriteError::Closed);
        };
        self.commits += 1;
        match partition.write(batches, &mut self.memory, self.commits, now) {
            Ok((left_out, changes)) => {
                // Nobody may be listening.
                let _ = self.changes.send(Arc::new(changes));
                Ok(left_out)
            }
            Err(error) => {
                self.memory = Memory::default();
                Err(self.explain(error))
            }
        }
    }

    /// Begins another partition. Its number was never used before, not even by one that was deleted.
    fn begin_partition(&mut self) -> Result<(), OpenError> {
        let path = self.options.path.clone();
        let used = open::partitions(&path)?.last().copied().unwrap_or(0);
        let id = self
            .catalogue
            .query_row(
                "INSERT INTO numbers (name, next) VALUES ('partition', ?1 + 2)
                 ON CONFLICT (name) DO UPDATE SET next = max(next, ?1 + 1) + 1 RETURNING next - 1",
                [used.cast_signed()],
                |row| row.get::<_, i64>(0),
            )
            .map_err(|source| OpenError::Database {
                path: path.clone(),
                source,
            })?;
        let now = self.options.clock.since_1970();
        let partition = OpenPartition::open(&path, id.cast_unsigned(), now)?;
        // There is nothing to derive yet; it is noted that all will be by this version.
        is_to_derive(&path, &partition)?;
        self.partition = Some(partition);
        self.memory.begin_partition();
        self.publish();
        Ok(())
    }

    /// What an error means for whoever sent the batch. A damaged partition is set aside here.
    fn explain(&mut self, error: IngestError) -> WriteError {
        let id = self.partition.as_ref().map_or(0, |partition| partition.id);
        let path = open::partition_path(&self.options.path, id);
        let error = match error {
            IngestError::Database(error) => error,
            unreadable => return WriteError::Unfit(unreadable.to_string()),
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => WriteError::Full(path),
            Some(ErrorCode::TooBig | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch) => {
                WriteError::Unfit(error.to_string())
            }
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                self.partition = None;
                self.publish();
                open::set_aside(&path, &error).map_or_else(
                    |error| WriteError::Open(Arc::new(error)),
                    |()| WriteError::Damaged(path),
                )
            }
            _ => WriteError::Database(Arc::new(error)),
        }
    }

    /// Sets a partition aside in which a query came upon damage.
    fn lose(&mut self, id: u64) {
        let path = open::partition_path(&self.options.path, id);
        if self.partition.as_ref().is_some_and(|open| open.id == id) {
            self.partition = None;
            self.memory = Memory::default();
        } else if self.closed.iter().any(|closed| closed.id == id) {
            self.closed.retain(|closed| closed.id != id);
        } else {
            return;
        }
        self.publish();
        let why = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            None,
        );
        if let Err(error) = open::set_aside(&path, &why) {
            tracing::error!(error = %error, file = %path.display(), "a damaged file can't be set aside");
        }
    }

    /// Closes the partition if it is full or old enough; the next batch begins a new one, and until then it is read as any
    /// other. Answers the bytes of the one that is open.
    fn close_full(&mut self, now: Duration) -> rusqlite::Result<u64> {
        let bytes = self
            .partition
            .as_ref()
            .map_or(Ok(0), OpenPartition::bytes)?;
        let options = &self.options;
        let full = self
            .partition
            .take_if(|partition| partition.is_full(bytes, now, options));
        let Some(partition) = full else {
            return Ok(bytes);
        };
        self.closed.push_back(partition.close(bytes));
        self.publish();
        Ok(0)
    }

    /// Closes the partition when it is full, and deletes the oldest ones while there is too much, or they are too old.
    pub(crate) fn retain(&mut self) -> rusqlite::Result<()> {
        let now = self.options.clock.since_1970();
        let open_bytes = self.close_full(now)?;
        loop {
            let all = self.closed.iter().map(|closed| closed.bytes).sum::<u64>() + open_bytes;
            let Some(oldest) = self.closed.front() else {
                return Ok(());
            };
            // What is in a partition arrived before the next one was begun.
            let end = match (self.closed.get(1), &self.partition) {
                (Some(next), _) => next.opened,
                (None, Some(open)) => open.opened,
                (None, None) => oldest.opened + self.options.max_age / 14,
            };
            let is_old = now.saturating_sub(end) >= self.options.max_age;
            if !is_old && all <= self.options.max_bytes {
                return Ok(());
            }
            let id = oldest.id;
            self.closed.pop_front();
            self.publish();
            if let Err(error) = open::remove_partition(&self.options.path, id) {
                let file = open::partition_path(&self.options.path, id);
                tracing::warn!(error = %error, file = %file.display(), "an old partition can't be deleted");
            }
        }
    }

    /// Makes columns of calls. While there is other work, for a twentieth of the time.
    fn make_columns(&mut self, which: parts::Which) {
        let Some(partition) = &mut self.partition else {
            self.has_columns_to_make = false;
            return;
        };
        let begun = Instant::now();
        if which == parts::Which::All || begun >= self.next_columns {
            self.has_columns_to_make = partition.make_columns(which);
            self.next_columns = begun + (begun.elapsed() * 20).max(PAUSE);
        }
    }

    /// Goes on with deriving calls of language models anew, and with their columns, the newest partition first.
    fn catch_up(&mut self) {
        let Some(id) = self.behind.last().copied() else {
            return;
        };
        let path = &self.options.path;
        let step = match &mut self.partition {
            Some(partition) if partition.id == id => derive::step(&mut partition.connection),
            _ if self.closed.iter().any(|closed| closed.id == id) => open::partition(path, id)
                .map_err(|error| QueryError::Block(error.to_string()))
                .and_then(|mut connection| {
                    let goes_on = derive::step(&mut connection)?;
                    Ok(goes_on || parts::step(&mut connection, parts::Which::All)?)
                }),
            _ => Ok(false),
        };
        let goes_on = step.unwrap_or_else(|error| {
            let file = open::partition_path(path, id);
            tracing::warn!(error = %error, file = %file.display(), "calls of language models can't be derived anew");
            false
        });
        if !goes_on {
            self.behind.pop();
        }
    }

    fn checkpoint(&self) {
        if let Some(partition) = &self.partition {
            partition.checkpoint();
        }
    }
}

#[cfg(test)]
mod tests;
