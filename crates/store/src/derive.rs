//! Deriving calls of language models anew, in partitions that an older version wrote.
//!
//! The writer does it beside its work, some blocks at a time, from the oldest to the newest of a partition. Until it is done,
//! calls that were derived before are shown as they are, and those that were not are missing. How far it got is kept in the
//! partition, in the transaction that got it there.

use fanlight_genai::MAPPING_VERSION;
use fanlight_otlp::{Batch, Signal};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use crate::ingest::llm::{Calls, of_log, of_span};
use crate::intern::{Caches, Interner};
use crate::query::scan::{log_block, span_block, superseded};
use crate::query::shared::Shared;
use crate::query::{QueryError, log_batch, span_batch};

/// How many blocks are gone through at a time.
const BLOCKS: i64 = 8;

/// Whether a partition was derived by an older version. An empty one is not.
pub(crate) fn is_due(connection: &Connection) -> rusqlite::Result<bool> {
    if number(connection, "mapping")? == Some(i64::from(MAPPING_VERSION)) {
        return Ok(false);
    }
    let is_empty: bool =
        connection.query_one("SELECT spans + logs = 0 FROM totals", [], |row| row.get(0))?;
    if is_empty {
        set(connection, "mapping", i64::from(MAPPING_VERSION))?;
    }
    Ok(!is_empty)
}

/// Goes through some blocks more, and answers whether there are others still.
pub(crate) fn step(connection: &mut Connection) -> Result<bool, QueryError> {
    let mapping = i64::from(MAPPING_VERSION);
    if number(connection, "mapping")? == Some(mapping) {
        return Ok(false);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let is_begun = number(&transaction, "deriving")? == Some(mapping);
    let done = match is_begun {
        true => number(&transaction, "derived")?.unwrap_or_default(),
        false => 0,
    };
    let blocks: Vec<(i64, bool)> = transaction
        .prepare_cached(
            "SELECT id, 0 FROM span_blocks WHERE id > ?1 UNION ALL SELECT id, 1 FROM log_blocks WHERE id > ?1
             ORDER BY 1 LIMIT ?2",
        )?
        .query_map([done, BLOCKS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut caches = Caches::default();
    let mut interner = Interner::new(&transaction, &mut caches);
    let mut calls = Calls::new(&transaction, &mut interner);
    let mut shared = Shared::default();
    for (id, is_log) in &blocks {
        let found = match is_log {
            true => of_log_block(&transaction, *id, &mut calls),
            false => of_span_block(&transaction, *id, &mut shared, &mut calls),
        };
        match found {
            // What can't be read now can't be later: the rest of the partition may be whole.
            Err(QueryError::Block(_) | QueryError::Decode(_)) | Ok(()) => {}
            Err(error) => return Err(error),
        }
    }
    let last = blocks.last().map(|(id, _)| *id);
    match last {
        Some(last) => {
            set(&transaction, "deriving", mapping)?;
            set(&transaction, "derived", last)?;
        }
        None => set(&transaction, "mapping", mapping)?,
    }
    transaction.commit()?;
    Ok(last.is_some())
}

fn of_span_block(
    transaction: &Transaction<'_>,
    id: i64,
    shared: &mut Shared,
    calls: &mut Calls<'_, '_>,
) -> Result<(), QueryError> {
    let block = span_block(transaction, id)?;
    let dead = superseded(transaction, id)?;
    for place in (0..block.len()).filter(|place| !dead.contains(place)) {
        let batch = span_batch(transaction, shared, &block, place)?;
        let service = service_of(transaction, block.resources.get(place))?;
        save(&batch, service, (0, 0), calls)?;
    }
    Ok(())
}

fn of_log_block(
    transaction: &Transaction<'_>,
    id: i64,
    calls: &mut Calls<'_, '_>,
) -> Result<(), QueryError> {
    let (first, block) = log_block(transaction, id)?;
    for place in 0..block.len() {
        let batch = log_batch(transaction, &block, place)?;
        let service = service_of(transaction, block.resources.get(place))?;
        let time_ns = block.sorts.get(place).copied().unwrap_or_default();
        save(&batch, service, (first + place as i64, time_ns), calls)?;
    }
    Ok(())
}

/// Saves the call of a request with one item, if it tells of one.
fn save(
    batch: &Batch,
    service: i64,
    (number, time_ns): (i64, i64),
    calls: &mut Calls<'_, '_>,
) -> Result<(), QueryError> {
    for resource in batch.resources() {
        let resource = resource?;
        for scope in resource.scopes() {
            let scope = scope?;
            if batch.signal() == Signal::Traces {
                for span in scope.spans() {
                    let span = span?;
                    if let Some((call, recorded)) = of_span(&resource, &scope, &span, service) {
                        calls.save(&call, &recorded)?;
                    }
                }
                continue;
            }
            for log in scope.logs() {
                let log = log?;
                let record = (&log, number);
                if let Some((call, recorded)) =
                    of_log(&resource, &scope, record, (service, time_ns))
                {
                    calls.save(&call, &recorded)?;
                }
            }
        }
    }
    Ok(())
}

fn service_of(connection: &Connection, resource: Option<&i64>) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT service FROM resources WHERE id = ?")?
        .query_one([resource], |row| row.get(0))
}

fn number(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?")?
        .query_row([key], |row| row.get(0))
        .optional()
}

fn set(connection: &Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)")?
        .execute((key, value))
        .map(drop)
}
