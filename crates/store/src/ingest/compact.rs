//! Small blocks are joined: a sender of few spans at a time makes many of them, and each costs a look.

use std::collections::{BTreeSet, HashMap};

use fanlight_otlp::TraceId;
use rusqlite::{OptionalExtension, Transaction, params};

use super::finish::{even_chunks, write_log_block, write_span_block};
use super::recent::{Recent, ids};
use super::{Fill, IngestError};
use crate::block::{
    Content, FULL, LogBlock, LogItem, Reader, SpanBlock, SpanItem, Texts, decompress_payload,
};

/// A block with at least so many items stays as it is.
const ENOUGH: usize = FULL / 2;

/// The most small blocks that there may be.
const MAX_SMALL: usize = 64;

/// Small blocks, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    blocks: Vec<i64>,
    items: usize,
}

impl Tail {
    /// Notes a block that was written.
    pub(crate) fn add(&mut self, block: i64, items: usize) {
        if items < ENOUGH {
            self.blocks.push(block);
            self.items += items;
        }
    }

    /// Notes a block that was written, where only neighbours can be joined.
    pub(crate) fn add_in_order(&mut self, block: i64, items: usize) {
        if items >= ENOUGH {
            *self = Tail::default();
        }
        self.add(block, items);
    }

    /// The blocks, if it is time to join them.
    fn take(&mut self) -> Option<Vec<i64>> {
        let is_time = self.blocks.len() > 1 && self.items >= FULL || self.blocks.len() >= MAX_SMALL;
        is_time.then(|| std::mem::take(self).blocks)
    }
}

/// A value that is kept apart.
pub(crate) fn payload(
    connection: &rusqlite::Connection,
    hash: [u8; 16],
) -> Result<Vec<u8>, IngestError> {
    let mut find = connection.prepare_cached("SELECT data FROM payloads WHERE hash = ?")?;
    let data: Vec<u8> = find.query_one([&hash[..]], |row| row.get(0))?;
    Ok(decompress_payload(&data).map_err(crate::block::BlockError::from)?)
}

fn data(transaction: &Transaction<'_>, table: &str, id: i64) -> rusqlite::Result<Vec<u8>> {
    let sql = format!("SELECT data FROM {table} WHERE id = ?");
    transaction
        .prepare_cached(&sql)?
        .query_one([id], |row| row.get(0))
}

/// Joins small blocks of spans if there are enough.
pub(super) fn compact_spans(
    transaction: &Transaction<'_>,
    fill: &mut Fill,
    recent: &mut Recent,
) -> Result<(), IngestError> {
    let Some(old) = fill.span_tail.take() else {
        return Ok(());
    };
    let mut blocks = Vec::with_capacity(old.len());
    for id in &old {
        blocks.push((*id, SpanBlock::read(&data(transaction, "span_data", *id)?)?));
    }
    let names = names(transaction, &blocks)?;
    let mut items: Vec<SpanItem<'_>> = Vec::new();
    for (block, place) in live_spans(transaction, &blocks)? {
        items.extend(item(block, place, &names));
    }
    items.sort_by_key(|item| item.trace_id);
    let apart = blocks.iter().filter(|(_, block)| block.has_apart());
    let texts = texts(transaction, "span_texts", apart.map(|(id, _)| *id))?;
    let mut traces: HashMap<TraceId, Vec<i64>> = HashMap::new();
    for chunk in even_chunks(&items) {
        let (id, _) = write_span_block(transaction, fill, chunk, texts.as_ref())?;
        for item in chunk {
            let blocks = traces.entry(item.trace_id).or_default();
            if blocks.last() != Some(&id) {
                blocks.push(id);
            }
        }
    }
    for (trace_id, new) in traces {
        move_trace(transaction, recent, trace_id, &old, &new)?;
    }
    for table in ["span_blocks", "span_texts", "span_data"] {
        let sql = format!("DELETE FROM {table} WHERE id = ?");
        let mut delete = transaction.prepare_cached(&sql)?;
        for id in &old {
            delete.execute([id])?;
        }
    }
    let mut delete = transaction.prepare_cached("DELETE FROM superseded WHERE block = ?")?;
    for id in &old {
        delete.execute([id])?;
    }
    Ok(())
}

/// The texts of blocks of which something is kept apart, together: what is apart need not be read, then.
fn texts(
    transaction: &Transaction<'_>,
    table: &str,
    blocks: impl Iterator<Item = i64>,
) -> Result<Option<Texts>, IngestError> {
    let sql = format!("SELECT texts FROM {table} WHERE id = ?");
    let mut find = transaction.prepare_cached(&sql)?;
    let mut all: Option<Texts> = None;
    for id in blocks {
        let stored: Vec<u8> = find.query_one([id], |row| row.get(0))?;
        let texts = Texts::read(&stored)?;
        match &mut all {
            Some(all) => all.add(&texts),
            None => all = Some(texts),
        }
    }
    Ok(all)
}

/// The spans that no other version has replaced.
fn live_spans<'b>(
    transaction: &Transaction<'_>,
    blocks: &'b [(i64, SpanBlock)],
) -> Result<Vec<(&'b SpanBlock, usize)>, IngestError> {
    let mut superseded =
        transaction.prepare_cached("SELECT position FROM superseded WHERE block = ?")?;
    let mut places = Vec::new();
    for (id, block) in blocks {
        let dead: BTreeSet<i64> = superseded
            .query_map([id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let live = (0..block.len()).filter(|place| !dead.contains(&(*place as i64)));
        places.extend(live.map(|place| (block, place)));
    }
    Ok(places)
}

fn names(
    transaction: &Transaction<'_>,
    blocks: &[(i64, SpanBlock)],
) -> rusqlite::Result<HashMap<i64, String>> {
    let mut find = transaction.prepare_cached("SELECT text FROM names WHERE id = ?")?;
    let mut names = HashMap::new();
    for id in blocks.iter().flat_map(|(_, block)| &block.names) {
        if !names.contains_key(id) {
            names.insert(*id, find.query_one([id], |row| row.get(0))?);
        }
    }
    Ok(names)
}

fn item<'b>(
    block: &'b SpanBlock,
    place: usize,
    names: &'b HashMap<i64, String>,
) -> Option<SpanItem<'b>> {
    let (trace_id, span_id, parent) = block.ids(place);
    let name = *block.names.get(place)?;
    Some(SpanItem {
        trace_id,
        span_id,
        parent,
        start_ns: *block.starts.get(place)?,
        end_ns: *block.ends.get(place)?,
        kind: i32::try_from(*block.kinds.get(place)?).unwrap_or_default(),
        status: i32::try_from(*block.statuses.get(place)?).unwrap_or_default(),
        name,
        name_text: names.get(&name)?,
        resource: *block.resources.get(place)?,
        scope: *block.scopes.get(place)?,
        content: Content::Stored(block, place),
    })
}

/// A trace's spans are in other blocks now.
fn move_trace(
    transaction: &Transaction<'_>,
    recent: &mut Recent,
    trace_id: TraceId,
    old: &[i64],
    new: &[i64],
) -> Result<(), IngestError> {
    let mut find =
        transaction.prepare_cached("SELECT id, blocks FROM traces WHERE trace_id = ?")?;
    let found = find.query_row([&trace_id.0[..]], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
    });
    let Some((row_id, blocks)) = found.optional()? else {
        return Ok(());
    };
    let mut blocks = Reader::new(&blocks).ids()?;
    blocks.retain(|block| !old.contains(block));
    blocks.extend_from_slice(new);
    let mut update = transaction.prepare_cached("UPDATE traces SET blocks = ? WHERE id = ?")?;
    update.execute(params![ids(&blocks), row_id])?;
    recent.replace_blocks(trace_id, &blocks);
    Ok(())
}

/// Joins small blocks of log records if there are enough.
pub(super) fn compact_logs(
    transaction: &Transaction<'_>,
    fill: &mut Fill,
) -> Result<(), IngestError> {
    let Some(old) = fill.log_tail.take() else {
        return Ok(());
    };
    let (mut blocks, mut first) = (Vec::with_capacity(old.len()), i64::MAX);
    for id in &old {
        let mut number = transaction.prepare_cached("SELECT first FROM log_blocks WHERE id = ?")?;
        first = first.min(number.query_one([id], |row| row.get(0))?);
        blocks.push(LogBlock::read(&data(transaction, "log_data", *id)?)?);
    }
    let apart = old.iter().zip(&blocks);
    let apart = apart.filter(|(_, block)| block.has_apart());
    let texts = texts(transaction, "log_texts", apart.map(|(id, _)| *id))?;
    for (id, block) in old.iter().zip(&blocks) {
        let traces: BTreeSet<TraceId> = block.traces.iter().copied().collect();
        let mut delete = transaction
            .prepare_cached("DELETE FROM log_traces WHERE trace_id = ? AND block = ?")?;
        for trace_id in traces {
            delete.execute(params![&trace_id.0[..], id])?;
        }
        for table in ["log_blocks", "log_texts", "log_data"] {
            let sql = format!("DELETE FROM {table} WHERE id = ?");
            transaction.prepare_cached(&sql)?.execute([id])?;
        }
    }
    let places = blocks
        .iter()
        .flat_map(|block| (0..block.len()).map(move |place| (block, place)));
    let items: Vec<LogItem<'_>> = places
        .filter_map(|(block, place)| log_item(block, place))
        .collect();
    for chunk in even_chunks(&items) {
        write_log_block(transaction, fill, first, chunk, texts.as_ref())?;
        first += chunk.len() as i64;
    }
    Ok(())
}

fn log_item(block: &LogBlock, place: usize) -> Option<LogItem<'_>> {
    Some(LogItem {
        sort_ns: *block.sorts.get(place)?,
        time_ns: *block.times.get(place)?,
        observed_ns: *block.observed.get(place)?,
        severity: i32::try_from(*block.severities.get(place)?).unwrap_or_default(),
        trace_id: *block.traces.get(place)?,
        span_id: *block.spans.get(place)?,
        resource: *block.resources.get(place)?,
        scope: *block.scopes.get(place)?,
        content: Content::Stored(block, place),
    })
}
