//! Counts and durations of spans by the minute, so that overviews need not look at spans.

use std::hash::Hash;

use foldhash::HashMap;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::histogram::Histogram;

/// How many cells are remembered before the memory starts over.
const REMEMBERED: usize = 20_000;

/// The most operations of one service that are counted apart in a minute. More are names with ids in them, and count for
/// their service only.
const MAX_OPERATIONS: i64 = 1000;

/// Nanoseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000_000_000;

/// What is counted of some spans.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) count: i64,
    pub(crate) errors: i64,
    pub(crate) durations: Histogram,
    is_changed: bool,
}

impl Cell {
    pub(crate) fn merge(&mut self, other: &Cell) {
        self.count += other.count;
        self.errors += other.errors;
        self.durations.merge(&other.durations);
    }

    /// A cell of a row whose columns from `first` on are count, errors and durations.
    pub(crate) fn read(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Cell> {
        let durations = Histogram::read(row.get_ref(first + 2)?.as_blob()?);
        Ok(Cell {
            count: row.get(first)?,
            errors: row.get(first + 1)?,
            // A histogram that can't be read costs the quantiles of its minute.
            durations: durations.unwrap_or_default(),
            is_changed: false,
        })
    }

    fn add(&mut self, span: &Counted) {
        self.count += 1;
        self.errors += i64::from(span.is_error);
        self.durations.add(span.duration_ns);
        self.is_changed = true;
    }
}

/// A span to be counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted {
    pub(crate) minute: i64,
    pub(crate) service: i64,
    pub(crate) name: i64,
    pub(crate) duration_ns: i64,
    pub(crate) is_error: bool,
}

type Cells<K> = HashMap<K, Cell>;

/// The cells that were touched lately. They must be dropped when a transaction fails or another partition begins.
#[derive(Debug, Default)]
pub(crate) struct Rollups {
    services: Cells<[i64; 2]>,
    operations: Cells<[i64; 3]>,
    edges: Cells<[i64; 3]>,
    /// How many operations a service has in a minute.
    widths: HashMap<[i64; 2], i64>,
}

const SERVICES: Table = Table {
    find: "SELECT count, errors, durations FROM service_minutes WHERE minute = ?1 AND service = ?2",
    write: "INSERT OR REPLACE INTO service_minutes (minute, service, count, errors, durations) VALUES (?1, ?2, ?3, ?4, ?5)",
};
const OPERATIONS: Table = Table {
    find: "SELECT count, errors, durations FROM operation_minutes WHERE service = ?1 AND minute = ?2 AND name = ?3",
    write:
        "INSERT OR REPLACE INTO operation_minutes (service, minute, name, count, errors, durations)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
};
const EDGES: Table = Table {
    find: "SELECT count, errors, durations FROM edge_minutes WHERE minute = ?1 AND caller = ?2 AND service = ?3",
    write: "INSERT OR REPLACE INTO edge_minutes (minute, caller, service, count, errors, durations)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
};

struct Table {
    find: &'static str,
    write: &'static str,
}

impl Rollups {
    /// Counts a span for its service and its operation.
    pub(crate) fn span(
        &mut self,
        transaction: &Transaction<'_>,
        span: &Counted,
    ) -> rusqlite::Result<()> {
        let Counted {
            minute,
            service,
            name,
            ..
        } = *span;
        find(
            transaction,
            &mut self.services,
            &SERVICES,
            [minute, service],
        )?
        .add(span);
        let key = [service, minute, name];
        if !self.operations.contains_key(&key) {
            let width = self.widths.entry([service, minute]).or_default();
            if *width >= MAX_OPERATIONS {
                return Ok(());
            }
            *width += 1;
        }
        find(transaction, &mut self.operations, &OPERATIONS, key)?.add(span);
        Ok(())
    }

    /// Counts a call from another service.
    pub(crate) fn call(
        &mut self,
        transaction: &Transaction<'_>,
        caller: i64,
        span: &Counted,
    ) -> rusqlite::Result<()> {
        let key = [span.minute, caller, span.service];
        find(transaction, &mut self.edges, &EDGES, key)?.add(span);
        Ok(())
    }

    /// Writes what has changed.
    pub(crate) fn write(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        write(transaction, &mut self.services, &SERVICES)?;
        write(transaction, &mut self.operations, &OPERATIONS)?;
        write(transaction, &mut self.edges, &EDGES)?;
        if self.services.len() + self.operations.len() + self.edges.len() > REMEMBERED {
            *self = Rollups::default();
        }
        Ok(())
    }
}

fn find<'c, const N: usize>(
    transaction: &Transaction<'_>,
    cells: &'c mut Cells<[i64; N]>,
    table: &Table,
    key: [i64; N],
) -> rusqlite::Result<&'c mut Cell>
where
    [i64; N]: Hash,
{
    match cells.entry(key) {
        std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            let mut find = transaction.prepare_cached(table.find)?;
            let stored = find
                .query_row(rusqlite::params_from_iter(key), |row| Cell::read(row, 0))
                .optional()?;
            Ok(entry.insert(stored.unwrap_or_default()))
        }
    }
}

fn write<const N: usize>(
    transaction: &Transaction<'_>,
    cells: &mut Cells<[i64; N]>,
    table: &Table,
) -> rusqlite::Result<()> {
    let mut write = transaction.prepare_cached(table.write)?;
    for (key, cell) in cells.iter_mut().filter(|(_, cell)| cell.is_changed) {
        let durations = cell.durations.write();
        match *key.as_slice() {
            [a, b] => write.execute(params![a, b, cell.count, cell.errors, durations])?,
            [a, b, c] => write.execute(params![a, b, c, cell.count, cell.errors, durations])?,
            _ => 0,
        };
        cell.is_changed = false;
    }
    Ok(())
}
