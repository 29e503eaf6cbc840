//! Making the columns that many calls are read from at once.
//!
//! A call is a row first. The writer makes columns of the rows of a part when it has nothing else to do, or beside its work once
//! newer parts were begun; a call that comes late, or changes, drops those of its part. So columns and rows never differ.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::llm::{Columns, Facts, MAX_CALLS, PART_NS};
use crate::query::{LLM_FACTS_OF_TIME, QueryError, llm_facts};

/// How many parts are made at a time.
const TOGETHER: usize = 16;

/// Which parts get columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// All but the newest, which calls are still coming for.
    Finished,
}

/// Notes the parts of all calls of a partition that an older version wrote.
pub(crate) fn note_all(connection: &Connection) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT OR IGNORE INTO llm_parts (part) SELECT DISTINCT start_ns / {PART_NS} - (start_ns % {PART_NS} < 0) FROM llm_facts"
    );
    connection.execute(&sql, []).map(drop)
}

/// Whether some parts have no columns.
pub(crate) fn is_due(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(!without(connection, Which::All)?.is_empty())
}

/// Makes the columns of some parts, and answers whether others have none still.
pub(crate) fn step(connection: &mut Connection, which: Which) -> Result<bool, QueryError> {
    let parts = without(connection, which)?;
    if parts.is_empty() {
        return Ok(false);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for part in &parts {
        make(&transaction, *part)?;
    }
    transaction.commit()?;
    Ok(parts.len() == TOGETHER)
}

/// Some parts without columns, oldest first.
fn without(connection: &Connection, which: Which) -> rusqlite::Result<Vec<i64>> {
    let newest = match which {
        Which::All => "9223372036854775807",
        Which::Finished => "(SELECT max(part) FROM llm_parts)",
    };
    let sql = format!(
        "SELECT part FROM llm_parts WHERE columns IS NULL AND part < {newest} ORDER BY part LIMIT {TOGETHER}"
    );
    connection
        .prepare_cached(&sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn make(transaction: &Transaction<'_>, part: i64) -> Result<(), QueryError> {
    let calls = match calls_of(transaction, part) {
        // They are read one by one, as far as that goes.
        Err(QueryError::Block(_)) => None,
        calls => calls?,
    };
    if calls.as_ref().is_some_and(Vec::is_empty) {
        transaction
            .prepare_cached("DELETE FROM llm_parts WHERE part = ?")?
            .execute([part])?;
        return Ok(());
    }
    let columns = calls.map_or_else(Vec::new, |calls| Columns::write(&calls));
    transaction
        .prepare_cached("UPDATE llm_parts SET columns = ?2 WHERE part = ?1")?
        .execute((part, columns))?;
    Ok(())
}

/// The calls of a part, newest first; nothing when there are too many.
fn calls_of(transaction: &Transaction<'_>, part: i64) -> Result<Option<Vec<Facts>>, QueryError> {
    let start = part.saturating_mul(PART_NS);
    let mut find = transaction.prepare_cached(LLM_FACTS_OF_TIME)?;
    let mut rows = find.query([start, start.saturating_add(PART_NS)])?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        if calls.len() == MAX_CALLS {
            return Ok(None);
        }
        calls.push(llm_facts(row)?);
    }
    Ok(Some(calls))
}

#[cfg(test)]
mod tests;
