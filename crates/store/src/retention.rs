//! Deleting what is too old or too much: whole periods of arrival, the oldest first, a few rows at a time.
//!
//! A step is one short transaction. When the hub stops in the middle of a period, the period is still there, and the
//! next start goes on with it.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use crate::options::StoreOptions;

/// How often it looks whether there is something to delete.
pub(crate) const PAUSE: Duration = Duration::from_secs(1);

/// The most rows that one statement deletes.
const ROWS: u32 = 2_000;

/// What may refer to a period's rows, and what they may refer to. The parameter `?1` is where the next period begins;
/// `?2` is [`ROWS`].
const DELETIONS: [(&str, Begin); 5] = [
    (
        "DELETE FROM traces WHERE id IN (SELECT id FROM traces WHERE id < ?1 ORDER BY id LIMIT ?2)",
        Begin::Trace,
    ),
    (
        "DELETE FROM trace_services WHERE (trace, service) IN
         (SELECT trace, service FROM trace_services WHERE trace < ?1 ORDER BY trace LIMIT ?2)",
        Begin::Trace,
    ),
    (
        "DELETE FROM spans WHERE (trace, span_id) IN
         (SELECT trace, span_id FROM spans WHERE trace < ?1 ORDER BY trace LIMIT ?2)",
        Begin::Trace,
    ),
    (
        "DELETE FROM logs WHERE id IN (SELECT id FROM logs WHERE id < ?1 ORDER BY id LIMIT ?2)",
        Begin::Log,
    ),
    (
        "DELETE FROM points WHERE id IN (SELECT id FROM points WHERE id < ?1 ORDER BY id LIMIT ?2)",
        Begin::Point,
    ),
];

/// Which of a period's first ids a deletion goes by.
#[derive(Clone, Copy)]
enum Begin {
    Trace,
    Log,
    Point,
}

/// Where retention stands.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    looked: Option<Instant>,
    /// A period is being deleted.
    is_busy: bool,
}

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// How long to wait for other work before the next step.
    pub(crate) wait: Duration,
    /// Whether rows went that the writer may remember.
    pub(crate) has_deleted: bool,
    /// Whether there is too much, and all of it in the period that is still open.
    pub(crate) wants_new_period: bool,
}

/// The oldest period and where the one behind it begins.
struct Oldest {
    id: i64,
    end_s: i64,
    trace: i64,
    log: i64,
    point: i64,
}

impl Retention {
    /// Deletes a few rows if there are any to delete.
    pub(crate) fn step(
        &mut self,
        connection: &mut Connection,
        options: &StoreOptions,
    ) -> rusqlite::Result<Step> {
        let mut step = Step {
            wait: PAUSE,
            has_deleted: false,
            wants_new_period: false,
        };
        if !self.is_busy && self.looked.is_some_and(|looked| looked.elapsed() < PAUSE) {
            return Ok(step);
        }
        self.looked = Some(Instant::now());
        let is_over = used_bytes(connection)? > options.max_bytes;
        let Some(oldest) = oldest(connection)? else {
            self.is_busy = false;
            step.wants_new_period = is_over;
            return Ok(step);
        };
        let now_s = options.clock.since_1970().as_secs().cast_signed();
        let max_age_s = i64::try_from(options.max_age.as_secs()).unwrap_or(i64::MAX);
        self.is_busy = self.is_busy || is_over || now_s.saturating_sub(oldest.end_s) >= max_age_s;
        if self.is_busy {
            self.is_busy = !delete(connection, &oldest)?;
            step.has_deleted = true;
            // Looks again at once: there may be another period to delete.
            self.looked = None;
            step.wait = Duration::from_millis(1);
        }
        Ok(step)
    }
}

/// Deletes some of a period, and answers whether that was the rest of it.
fn delete(connection: &mut Connection, oldest: &Oldest) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    let mut is_done = true;
    for (sql, begin) in DELETIONS {
        let begin = match begin {
            Begin::Trace => oldest.trace,
            Begin::Log => oldest.log,
            Begin::Point => oldest.point,
        };
        let deleted = transaction
            .prepare_cached(sql)?
            .execute(params![begin, ROWS])?;
        is_done &= deleted < ROWS as usize;
    }
    if is_done {
        transaction.execute("DELETE FROM periods WHERE id = ?", [oldest.id])?;
        // What was last used in that period or before it has nothing left that refers to it.
        for table in ["streams", "resources", "scopes", "names"] {
            transaction.execute(&format!("DELETE FROM {table} WHERE seen <= ?"), [oldest.id])?;
        }
    }
    transaction.commit()?;
    Ok(is_done)
}

/// The oldest period, unless it is the one that is open.
fn oldest(connection: &Connection) -> rusqlite::Result<Option<Oldest>> {
    let mut find = connection.prepare_cached(
        "SELECT oldest.id, next.opened_s, next.first_trace, next.first_log, next.first_point
         FROM periods AS oldest JOIN periods AS next ON next.id > oldest.id ORDER BY oldest.id, next.id LIMIT 1",
    )?;
    find.query_row([], |row| {
        Ok(Oldest {
            id: row.get(0)?,
            end_s: row.get(1)?,
            trace: row.get(2)?,
            log: row.get(3)?,
            point: row.get(4)?,
        })
    })
    .optional()
}

/// The bytes of all pages that hold something.
fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |pragma| connection.query_one(pragma, [], |row| row.get::<_, i64>(0));
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok((pages * number("PRAGMA page_size")?).cast_unsigned())
}
