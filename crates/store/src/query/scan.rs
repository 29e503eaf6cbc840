//! Going through blocks, newest first.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::matching::{Condition, Matcher};
use super::{QueryError, TimeRange};
use crate::block::{Filter, LogBlock, SpanBlock, Texts};
use crate::readers::{Partition, View};

/// A block that may have what is looked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The partition's place in the view.
    pub(crate) partition: usize,
    pub(crate) id: i64,
    /// No item of it is later than this.
    pub(crate) max_ns: i64,
}

/// The blocks to look at, and what to look for in them.
#[derive(Debug)]
pub(crate) struct Scan<'v> {
    view: &'v View,
    matchers: Vec<Option<Matcher>>,
    /// Latest first.
    pub(crate) candidates: Vec<Candidate>,
}

impl<'v> Scan<'v> {
    /// The blocks of spans that start in a range of time. `slack` widens the end by the longest trace.
    pub(crate) fn spans(
        view: &'v View,
        condition: &Condition,
        time: TimeRange,
        slack: bool,
    ) -> Result<Scan<'v>, QueryError> {
        let longest = match slack {
            true => "(SELECT longest_ns FROM totals)",
            false => "0",
        };
        let sql = format!(
            "SELECT id, max_ns FROM span_blocks
             WHERE max_ns >= ?1 AND (?2 = {end} OR min_ns - {longest} < ?2)",
            end = i64::MAX
        );
        Scan::new(view, condition, time, &sql)
    }

    /// The blocks of log records in a range of time.
    pub(crate) fn logs(
        view: &'v View,
        condition: &Condition,
        time: TimeRange,
        severity_min: i32,
    ) -> Result<Scan<'v>, QueryError> {
        let sql = format!(
            "SELECT id, max_ns FROM log_blocks
             WHERE max_ns >= ?1 AND min_ns < ?2 AND max_severity >= {severity_min}"
        );
        Scan::new(view, condition, time, &sql)
    }

    fn new(
        view: &'v View,
        condition: &Condition,
        time: TimeRange,
        sql: &str,
    ) -> Result<Scan<'v>, QueryError> {
        let (mut matchers, mut candidates) = (Vec::new(), Vec::new());
        for (number, partition) in view.partitions.iter().enumerate() {
            let matcher = Matcher::prepare(&partition.connection, condition)?;
            if matcher.is_some() {
                let mut find = partition.connection.prepare_cached(sql)?;
                let found = find.query_map([time.first_ns(), time.end_ns()], |row| {
                    Ok(Candidate {
                        partition: number,
                        id: row.get(0)?,
                        max_ns: row.get(1)?,
                    })
                })?;
                for candidate in found {
                    candidates.push(candidate?);
                }
            }
            matchers.push(matcher);
        }
        candidates.sort_unstable_by_key(|candidate| std::cmp::Reverse(candidate.max_ns));
        Ok(Scan {
            view,
            matchers,
            candidates,
        })
    }

    pub(crate) fn partition(&self, candidate: Candidate) -> Result<&'v Partition, QueryError> {
        self.view
            .partitions
            .get(candidate.partition)
            .ok_or(QueryError::Closed)
    }

    /// The spans of a block that pass, without those that another version replaced; nothing when there are none.
    pub(crate) fn read_spans(
        &self,
        candidate: Candidate,
    ) -> Result<Option<(SpanBlock, Vec<usize>)>, QueryError> {
        let connection = &self.partition(candidate)?.connection;
        let Some(matcher) =
            self.worthwhile(connection, candidate, ["span_blocks", "span_texts"])?
        else {
            return Ok(None);
        };
        let block = span_block(connection, candidate.id)?;
        let mut places = matcher.spans(connection, &block)?;
        let superseded = superseded(connection, candidate.id)?;
        if !superseded.is_empty() {
            places.retain(|place| !superseded.contains(place));
        }
        Ok(Some((block, places)).filter(|(_, places)| !places.is_empty()))
    }

    /// The log records of a block that pass, and the number of its first; nothing when there are none.
    pub(crate) fn read_logs(
        &self,
        candidate: Candidate,
    ) -> Result<Option<(i64, LogBlock, Vec<usize>)>, QueryError> {
        let connection = &self.partition(candidate)?.connection;
        let Some(matcher) = self.worthwhile(connection, candidate, ["log_blocks", "log_texts"])?
        else {
            return Ok(None);
        };
        let (first, block) = log_block(connection, candidate.id)?;
        let places = matcher.logs(connection, &block)?;
        Ok(Some((first, block, places)).filter(|(_, _, places)| !places.is_empty()))
    }

    /// The matcher, if the block's filters let it through.
    fn worthwhile(
        &self,
        connection: &Connection,
        candidate: Candidate,
        [blocks, texts]: [&str; 2],
    ) -> Result<Option<&Matcher>, QueryError> {
        let Some(Some(matcher)) = self.matchers.get(candidate.partition) else {
            return Ok(None);
        };
        let column = |sql: &str| -> rusqlite::Result<Option<Vec<u8>>> {
            connection
                .prepare_cached(sql)?
                .query_row([candidate.id], |row| row.get(0))
                .optional()
        };
        let filter = column(&format!("SELECT filter FROM {blocks} WHERE id = ?"))?;
        if !filter.is_some_and(|filter| matcher.may_match(Filter(&filter))) {
            return Ok(None);
        }
        if matcher.has_text() {
            let stored = column(&format!("SELECT texts FROM {texts} WHERE id = ?"))?;
            let texts = Texts::read(&stored.unwrap_or_default())?;
            if !matcher.may_have_text(&texts) {
                return Ok(None);
            }
        }
        Ok(Some(matcher))
    }
}

/// A block of spans.
pub(crate) fn span_block(connection: &Connection, id: i64) -> Result<SpanBlock, QueryError> {
    let mut find = connection.prepare_cached("SELECT data FROM span_data WHERE id = ?")?;
    let mut rows = find.query([id])?;
    let row = rows.next()?.ok_or(QueryError::Closed)?;
    Ok(SpanBlock::read(
        row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?,
    )?)
}

/// A block of log records, and the number of its first.
pub(crate) fn log_block(connection: &Connection, id: i64) -> Result<(i64, LogBlock), QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT first, data FROM log_blocks JOIN log_data USING (id) WHERE log_blocks.id = ?",
    )?;
    let (first, data): (i64, Vec<u8>) =
        find.query_one(params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((first, LogBlock::read(&data)?))
}

/// The places in a block of spans that have a newer version elsewhere.
pub(crate) fn superseded(
    connection: &Connection,
    block: i64,
) -> Result<HashSet<usize>, QueryError> {
    let mut find = connection.prepare_cached("SELECT position FROM superseded WHERE block = ?")?;
    let places = find.query_map([block], |row| row.get::<_, u32>(0))?;
    Ok(places
        .map(|place| place.map(|place| place as usize))
        .collect::<rusqlite::Result<_>>()?)
}
