//! Counts and durations of spans by the minute, so that overviews need not look at spans.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash};

use rusqlite::{OptionalExtension, Transaction, params};

use crate::block::{BlockError, ContentHasher, Reader, put_varint};

/// How many cells are remembered before the memory starts over.
const REMEMBERED: usize = 20_000;

/// The most operations of one service that are counted apart in a minute. More are names with ids in them, and count for
/// their service only.
const MAX_OPERATIONS: i64 = 1000;

/// Nanoseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000_000_000;

/// Each power of two is divided into so many buckets, which makes them 6 % wide at most.
const PARTS: u64 = 16;

/// Durations, counted in buckets of a logarithmic scale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Histogram {
    /// Bucket and count, by bucket.
    buckets: Vec<(u16, u64)>,
}

impl Histogram {
    /// Counts a duration; negative ones are none.
    pub(crate) fn add(&mut self, duration_ns: i64) {
        self.add_to(bucket(duration_ns.max(0).cast_unsigned()), 1);
    }

    fn add_to(&mut self, bucket: u16, count: u64) {
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(place) => {
                if let Some((_, have)) = self.buckets.get_mut(place) {
                    *have += count;
                }
            }
            Err(place) => self.buckets.insert(place, (bucket, count)),
        }
    }

    pub(crate) fn merge(&mut self, other: &Histogram) {
        let (mut mine, mut theirs) = (
            std::mem::take(&mut self.buckets).into_iter().peekable(),
            other.buckets.iter().copied().peekable(),
        );
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some((a, _)), Some((b, _))) if a < b => mine.next(),
                (Some((a, _)), Some((b, _))) if a > b => theirs.next(),
                (Some(_), Some(_)) => mine.next().zip(theirs.next()).map(join),
                (Some(_), None) => mine.next(),
                (None, _) => theirs.next(),
            };
            match next {
                Some(bucket) => self.buckets.push(bucket),
                None => return,
            }
        }
    }

    /// The duration that this share of all does not exceed, to 3 %; 0 when there are none.
    pub(crate) fn quantile(&self, share: f64) -> u64 {
        let all: u64 = self.buckets.iter().map(|(_, count)| count).sum();
        let wanted = (all as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in &self.buckets {
            seen += count;
            if seen >= wanted {
                return middle(*bucket);
            }
        }
        0
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        let (mut out, mut last) = (Vec::new(), 0);
        for (bucket, count) in &self.buckets {
            put_varint(&mut out, u64::from(bucket - last));
            put_varint(&mut out, *count);
            last = *bucket;
        }
        out
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Histogram, BlockError> {
        let (mut reader, mut last) = (Reader::new(bytes), 0_u16);
        let mut buckets = Vec::new();
        while !reader.rest().is_empty() {
            let step = u16::try_from(reader.varint()?).map_err(|_| BlockError::Malformed)?;
            last = last.checked_add(step).ok_or(BlockError::Malformed)?;
            buckets.push((last, reader.varint()?));
        }
        Ok(Histogram { buckets })
    }
}

/// Two counts of the same bucket.
fn join(((bucket, a), (_, b)): ((u16, u64), (u16, u64))) -> (u16, u64) {
    (bucket, a + b)
}

/// The bucket of a duration: exact below 16, then by the highest bit and the four bits behind it.
fn bucket(value: u64) -> u16 {
    if value < PARTS {
        return value as u16;
    }
    let exponent = u64::from(value.ilog2());
    let part = (value >> (exponent - 4)) & (PARTS - 1);
    ((exponent - 3) * PARTS + part) as u16
}

/// The middle of a bucket.
fn middle(bucket: u16) -> u64 {
    let (octave, part) = (u64::from(bucket) / PARTS, u64::from(bucket) % PARTS);
    if octave == 0 {
        return part;
    }
    let shift = (octave - 1).min(59);
    ((PARTS + part) << shift) + (1 << shift) / 2
}

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

type Cells<K> = HashMap<K, Cell, BuildHasherDefault<ContentHasher>>;

/// The cells that were touched lately. They must be dropped when a transaction fails or another partition begins.
#[derive(Debug, Default)]
pub(crate) struct Rollups {
    services: Cells<[i64; 2]>,
    operations: Cells<[i64; 3]>,
    edges: Cells<[i64; 3]>,
    /// How many operations a service has in a minute.
    widths: HashMap<[i64; 2], i64, BuildHasherDefault<ContentHasher>>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_three_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|number| histogram.add(number * 1000));
        for (share, exact) in [(0.5, 5e6), (0.95, 9.5e6), (0.99, 9.9e6), (1.0, 1e7)] {
            let found = histogram.quantile(share) as f64;
            assert!((found / exact - 1.0).abs() < 0.032, "{share}: {found}");
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn every_duration_has_a_bucket_that_holds_it() {
        for value in [
            0,
            1,
            15,
            16,
            17,
            31,
            32,
            1000,
            u64::from(u32::MAX),
            i64::MAX as u64,
        ] {
            let middle = middle(bucket(value)) as f64;
            assert!(
                (middle - value as f64).abs() <= value as f64 * 0.032,
                "{value}: {middle}"
            );
        }
    }

    #[test]
    fn merging_is_adding_one_by_one() {
        let (mut a, mut b, mut both) = Default::default();
        for value in [3, 500, 500, 70_000, 9_000_000] {
            Histogram::add(&mut a, value);
            Histogram::add(&mut both, value);
        }
        for value in [1, 500, 80_000, i64::MAX] {
            Histogram::add(&mut b, value);
            Histogram::add(&mut both, value);
        }
        a.merge(&b);
        assert_eq!(a, both);
    }

    #[test]
    fn histograms_survive_their_bytes() {
        let mut histogram = Histogram::default();
        [0, 5, 5, 1_000_000, i64::MAX, -3]
            .into_iter()
            .for_each(|value| histogram.add(value));
        assert_eq!(Histogram::read(&histogram.write()).unwrap(), histogram);
        assert!(Histogram::read(&[0x80]).is_err());
    }
}
