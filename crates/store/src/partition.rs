//! The partition that is open for writing, and those that are closed.

use std::path::Path;
use std::time::Duration;

use fanlight_otlp::Batch;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::derive;
use crate::ingest::{Changes, Courtesy, Fill, Ingest, IngestError, Memory, Tail};
use crate::open::{self, OpenError};
use crate::options::StoreOptions;
use crate::parts;

/// A partition is closed when it has this share of all bytes that may be kept.
const SHARE_OF_BYTES: u64 = 16;
/// It is closed when it has been open for this share of the age that is kept.
const SHARE_OF_AGE: u32 = 14;
/// A smaller partition is not closed because of its size: an empty one takes some 150 KiB.
const MIN_BYTES: u64 = 256 << 10;

/// Ids of log records are numbers within a partition, behind the partition's own.
const NUMBER_BITS: u32 = 40;

/// The id of a log record.
pub(crate) const fn log_id(partition: u64, number: i64) -> i64 {
    ((partition << NUMBER_BITS) as i64) + number
}

/// The partition that takes what arrives.
#[derive(Debug)]
pub(crate) struct OpenPartition {
    pub(crate) id: u64,
    pub(crate) connection: Connection,
    /// When it was begun, since 1970.
    pub(crate) opened: Duration,
    fill: Fill,
}

/// A partition that takes nothing more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedPartition {
    pub(crate) id: u64,
    pub(crate) opened: Duration,
    pub(crate) bytes: u64,
}

/// Whether a partition's calls of language models are to be derived anew.
pub(crate) fn is_to_derive(path: &Path, partition: &OpenPartition) -> Result<bool, OpenError> {
    derive::is_due(&partition.connection).map_err(|source| OpenError::Database {
        path: open::partition_path(path, partition.id),
        source,
    })
}

impl OpenPartition {
    /// Opens a partition, and makes it if it is not there.
    pub(crate) fn open(path: &Path, id: u64, now: Duration) -> Result<OpenPartition, OpenError> {
        let connection = open::partition(path, id)?;
        let read = || -> rusqlite::Result<(Duration, Fill)> {
            Ok((opened(&connection, now)?, fill(&connection)?))
        };
        let (opened, fill) = read().map_err(|source| OpenError::Database {
            path: open::partition_path(path, id),
            source,
        })?;
        Ok(OpenPartition {
            id,
            connection,
            opened,
            fill,
        })
    }

    /// Writes batches in one transaction, and answers how many items of each were left out, and what has changed.
    pub(crate) fn write(
        &mut self,
        batches: &[&Batch],
        memory: &mut Memory,
        commit: u64,
        now: Duration,
    ) -> Result<(Vec<u64>, Changes), IngestError> {
        let now_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let mut fill = self.fill.clone();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let courtesy = Courtesy::for_items(batches.iter().map(|batch| batch.items()).sum());
        let mut ingest = Ingest::new(&transaction, memory, &mut fill, commit, now_ns, courtesy);
        let left_out = batches
            .iter()
            .map(|batch| ingest.batch(batch))
            .collect::<Result<_, _>>()?;
        let mut changes = ingest.finish()?.changes;
        transaction.commit()?;
        memory.caches.trim();
        self.fill = fill;
        changes.logs = log_id(self.id, changes.logs.start)..log_id(self.id, changes.logs.end);
        Ok((left_out, changes))
    }

    /// The bytes of all pages that hold something.
    pub(crate) fn bytes(&self) -> rusqlite::Result<u64> {
        let number = |pragma| {
            self.connection
                .query_one(pragma, [], |row| row.get::<_, i64>(0))
        };
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        Ok((pages * number("PRAGMA page_size")?).cast_unsigned())
    }

    /// Whether it is time to begin another one.
    pub(crate) fn is_full(&self, bytes: u64, now: Duration, options: &StoreOptions) -> bool {
        let age = (options.max_age / SHARE_OF_AGE).max(Duration::from_secs(1));
        bytes >= (options.max_bytes / SHARE_OF_BYTES).max(MIN_BYTES)
            || now.abs_diff(self.opened) >= age
    }

    /// Makes columns of the facts of some calls, and answers whether there are others still.
    pub(crate) fn make_columns(&mut self, which: parts::Which) -> bool {
        parts::step(&mut self.connection, which).unwrap_or_else(|error| {
            tracing::warn!(error = %error, "columns of calls can't be made; the calls are read one by one");
            false
        })
    }

    /// Moves everything from the write-ahead log into the database.
    pub(crate) fn checkpoint(&self) {
        let done = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = done {
            tracing::warn!(error = %error, "moving the write-ahead log into the database failed; it is read from there");
        }
    }

    /// Closes it.
    pub(crate) fn close(mut self, bytes: u64) -> ClosedPartition {
        while self.make_columns(parts::Which::All) {}
        self.checkpoint();
        let bytes = self.bytes().unwrap_or(bytes);
        ClosedPartition {
            id: self.id,
            opened: self.opened,
            bytes,
        }
    }
}

/// Looks at a partition that is closed, and whether its calls of language models are to be derived anew, or lack columns. The
/// error is SQLite's, when it is damaged.
pub(crate) fn look_at(path: &Path, id: u64) -> Result<(ClosedPartition, bool), OpenError> {
    let partition = OpenPartition::open(path, id, Duration::ZERO)?;
    let is_behind = is_to_derive(path, &partition)?
        || parts::is_due(&partition.connection).map_err(|source| OpenError::Database {
            path: open::partition_path(path, id),
            source,
        })?;
    let bytes = partition.bytes().map_err(|source| OpenError::Database {
        path: open::partition_path(path, id),
        source,
    })?;
    let closed = ClosedPartition {
        id,
        opened: partition.opened,
        bytes,
    };
    Ok((closed, is_behind))
}

/// When a partition was begun: now, if it is new.
fn opened(connection: &Connection, now: Duration) -> rusqlite::Result<Duration> {
    let found = connection
        .query_row(
            "SELECT value FROM meta WHERE key = 'opened_ns'",
            [],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    if let Some(nanoseconds) = found {
        return Ok(Duration::from_nanos(nanoseconds.cast_unsigned()));
    }
    let nanoseconds = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO meta (key, value) VALUES ('opened_ns', ?)",
        params![nanoseconds],
    )?;
    Ok(now)
}

/// How far a partition is filled.
fn fill(connection: &Connection) -> rusqlite::Result<Fill> {
    let number = |sql| connection.query_one(sql, [], |row| row.get::<_, i64>(0));
    let small = |table: &str| -> rusqlite::Result<Vec<(i64, usize)>> {
        let sql = format!("SELECT id, count FROM {table} ORDER BY id");
        connection
            .prepare(&sql)?
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?
            .collect()
    };
    let mut fill = Fill {
        next_trace: number("SELECT coalesce(max(id), 0) + 1 FROM traces")?,
        next_block: number(
            "SELECT max(coalesce((SELECT max(id) FROM span_blocks), 0), coalesce((SELECT max(id) FROM log_blocks), 0)) + 1",
        )?,
        next_log: number("SELECT logs FROM totals")?,
        span_tail: Tail::default(),
        log_tail: Tail::default(),
    };
    for (id, count) in small("span_blocks")? {
        fill.span_tail.add(id, count);
    }
    for (id, count) in small("log_blocks")? {
        fill.log_tail.add_in_order(id, count);
    }
    Ok(fill)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_logs_rise_from_partition_to_partition() {
        assert!(log_id(7, 12) < log_id(7, 13));
        assert!(log_id(7, (1 << NUMBER_BITS) - 1) < log_id(8, 0));
    }
}
