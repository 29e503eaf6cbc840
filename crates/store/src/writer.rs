//! The one thread that writes.
//!
//! Whatever waits when it comes to look is written in one transaction (group commit), up to a bound; what arrives
//! meanwhile is the next group. When a group fails because of one batch, its batches are written one by one, so that a
//! batch that can't be stored takes no other down. Retention works between groups, in small steps.

use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use fanlight_otlp::Batch;
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use tokio::sync::broadcast;

use crate::ingest::{Changes, Ingest, IngestError, Memory, NextIds};
use crate::open::{self, OpenError};
use crate::options::StoreOptions;
use crate::readers::Readers;
use crate::retention::{self, Retention};
use crate::store::{Job, Write, WriteError};

/// A group takes no further batch once it has so many items.
const GROUP_ITEMS: usize = 5_000;

/// A period of arrival ends after so many items, or after a thousandth of the age that is kept.
const PERIOD_ITEMS: usize = 100_000;

pub(crate) struct Writer {
    options: StoreOptions,
    /// None after the file was lost; it is opened again for the next group.
    state: Option<State>,
    readers: Arc<Readers>,
    changes: broadcast::Sender<Arc<Changes>>,
    /// Keeps other writers away.
    _lock: File,
}

/// The open file, and what is known about it.
struct State {
    connection: Connection,
    memory: Memory,
    next: NextIds,
    period: Period,
    retention: Retention,
}

/// The period of arrival that is open. What arrives in one period is deleted together.
#[derive(Clone, Copy, Debug)]
struct Period {
    /// 0 before the first one of this process.
    id: i64,
    opened: Duration,
    items: usize,
}

impl Writer {
    pub(crate) fn open(
        options: StoreOptions,
        lock: File,
        readers: Arc<Readers>,
        changes: broadcast::Sender<Arc<Changes>>,
    ) -> Result<Writer, OpenError> {
        let state = Some(State::open(&options)?);
        Ok(Writer {
            options,
            state,
            readers,
            changes,
            _lock: lock,
        })
    }

    /// Works until every handle is gone.
    pub(crate) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            match jobs.recv_timeout(self.retain()) {
                Ok(first) => self.group(first, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        // SQLite does this by itself only if no reader is open.
        self.checkpoint();
    }

    /// Takes a step of retention if it is time, and answers how long to wait for work until the next.
    fn retain(&mut self) -> Duration {
        let Some(state) = &mut self.state else {
            return retention::PAUSE;
        };
        match state.retain(&self.options) {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(error = %error, "deleting old telemetry failed");
                retention::PAUSE
            }
        }
    }

    /// Writes the first batch and whatever else waits.
    fn group(&mut self, first: Job, jobs: &Receiver<Job>) {
        let (mut group, mut checkpoints, mut items) = (Vec::new(), Vec::new(), 0);
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Write(write) => {
                    items += write.batch.items();
                    group.push(write);
                }
                Job::Checkpoint(done) => checkpoints.push(done),
            }
            next = if items < GROUP_ITEMS {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        self.write_group(group);
        for done in checkpoints {
            self.checkpoint();
            // Whoever asked may have gone.
            let _ = done.send(());
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
    fn write(&mut self, batches: &[&Batch]) -> Result<Vec<u64>, WriteError> {
        if batches.is_empty() {
            return Ok(Vec::new());
        }
        let state = match &mut self.state {
            Some(state) => state,
            lost => lost.insert(
                State::open(&self.options).map_err(|error| WriteError::Open(Arc::new(error)))?,
            ),
        };
        match state.write(batches, &self.options) {
            Ok((left_out, changes)) => {
                // Nobody may be listening.
                let _ = self.changes.send(Arc::new(changes));
                Ok(left_out)
            }
            Err(error) => {
                state.memory = Memory::default();
                Err(self.explain(error))
            }
        }
    }

    /// What an error means for whoever sent the batch. A damaged file is set aside here.
    fn explain(&mut self, error: IngestError) -> WriteError {
        let path = self.options.path.clone();
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
                self.state = None;
                let moved = open::set_aside(&path, &error);
                self.readers.renew();
                moved.map_or_else(
                    |error| WriteError::Open(Arc::new(error)),
                    |()| WriteError::Damaged(path),
                )
            }
            _ => WriteError::Database(Arc::new(error)),
        }
    }

    fn checkpoint(&self) {
        let Some(state) = &self.state else { return };
        let done = state
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = done {
            tracing::warn!(error = %error, "moving the write-ahead log into the database failed; it is read from there");
        }
    }
}

impl State {
    fn open(options: &StoreOptions) -> Result<State, OpenError> {
        let connection = open::writer(&options.path)?;
        let next = next_ids(&connection).map_err(|source| OpenError::Database {
            path: options.path.clone(),
            source,
        })?;
        let period = Period {
            id: 0,
            opened: Duration::ZERO,
            items: 0,
        };
        Ok(State {
            connection,
            memory: Memory::default(),
            next,
            period,
            retention: Retention::default(),
        })
    }

    fn write(
        &mut self,
        batches: &[&Batch],
        options: &StoreOptions,
    ) -> Result<(Vec<u64>, Changes), IngestError> {
        let now = options.clock.since_1970();
        let now_ns = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let (mut next, mut period) = (self.next, self.period);
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        if period.id == 0
            || period.items >= PERIOD_ITEMS
            || now.abs_diff(period.opened) >= length(options.max_age)
        {
            transaction.execute(
                "INSERT INTO periods (opened_s, first_trace, first_log, first_point) VALUES (?, ?, ?, ?)",
                params![now.as_secs().cast_signed(), next.trace, next.log, next.point],
            )?;
            period = Period {
                id: transaction.last_insert_rowid(),
                opened: now,
                items: 0,
            };
        }
        period.items += batches.iter().map(|batch| batch.items()).sum::<usize>();
        let (left_out, changes) = {
            let mut ingest =
                Ingest::new(&transaction, &mut self.memory, &mut next, period.id, now_ns)?;
            let left_out = batches
                .iter()
                .map(|batch| ingest.batch(batch))
                .collect::<Result<_, _>>()?;
            (left_out, ingest.finish()?)
        };
        transaction.commit()?;
        self.memory.caches.trim();
        (self.next, self.period) = (next, period);
        Ok((left_out, changes))
    }

    fn retain(&mut self, options: &StoreOptions) -> rusqlite::Result<Duration> {
        let step = self.retention.step(&mut self.connection, options)?;
        if step.has_deleted {
            self.memory = Memory::default();
        }
        if step.wants_new_period {
            self.period.items = PERIOD_ITEMS;
        }
        Ok(step.wait)
    }
}

/// How long a period is, as a share of what is kept.
fn length(max_age: Duration) -> Duration {
    (max_age / 1000).clamp(Duration::from_secs(1), Duration::from_secs(600))
}

/// The ids behind all that were ever given out. Periods remember those whose rows are gone.
fn next_ids(connection: &Connection) -> rusqlite::Result<NextIds> {
    let behind = |table: &str, key: &str, first: &str| {
        let sql = format!(
            "SELECT max(coalesce((SELECT max({key}) FROM {table}), 0) + 1, coalesce((SELECT max({first}) FROM periods), 1))"
        );
        connection.query_one(&sql, [], |row| row.get(0))
    };
    Ok(NextIds {
        trace: behind("traces", "id", "first_trace")?,
        log: behind("logs", "id", "first_log")?,
        point: behind("points", "id", "first_point")?,
    })
}

#[cfg(test)]
mod tests;
