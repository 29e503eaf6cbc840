//! Calls as they were recorded, read back from blocks.

use std::collections::HashMap;
use std::sync::Arc;

use fanlight_genai::LlmCall;
use fanlight_genai::spans::{read_log, read_span};
use fanlight_otlp::view::Attributes;
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use rusqlite::{Connection, OptionalExtension};

use super::super::QueryError;
use super::super::export::{log_bytes, span_bytes};
use super::super::scan::{log_block, span_block, superseded};
use super::super::shared::Shared;
use super::calls::Texts;
use crate::block::{LogBlock, Reader, SpanBlock};
use crate::readers::Partition;

/// How many decoded blocks are kept.
const KEPT: usize = 16;

/// A span of a block, as a request with nothing else.
pub(crate) fn span_batch(
    connection: &Connection,
    shared: &mut Shared,
    block: &SpanBlock,
    place: usize,
) -> Result<Batch, QueryError> {
    let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
    let name = shared.name(connection, at(&block.names))?;
    let item = span_bytes(connection, block, place, name)?;
    let of = (at(&block.resources), at(&block.scopes));
    request(connection, Signal::Traces, of, &item)
}

/// A log record of a block, as a request with nothing else.
pub(crate) fn log_batch(
    connection: &Connection,
    block: &LogBlock,
    place: usize,
) -> Result<Batch, QueryError> {
    let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
    let item = log_bytes(connection, block, place)?;
    let of = (at(&block.resources), at(&block.scopes));
    request(connection, Signal::Logs, of, &item)
}

fn request(
    connection: &Connection,
    signal: Signal,
    (resource, scope): (i64, i64),
    item: &Encoder,
) -> Result<Batch, QueryError> {
    let message = |sql: &str, id: i64| -> rusqlite::Result<Vec<u8>> {
        connection
            .prepare_cached(sql)?
            .query_one([id], |row| row.get(0))
    };
    let resource = message("SELECT message FROM resources WHERE id = ?", resource)?;
    let scope = message("SELECT message FROM scopes WHERE id = ?", scope)?;
    let mut request = Encoder::new();
    request.nested(1, |out| {
        out.raw(&resource);
        out.nested(2, |out| {
            out.raw(&scope);
            out.some_bytes(2, item.as_bytes());
        });
    });
    Ok(Batch::decode(signal, request.into_bytes().into())?)
}

/// The call that the one span or log record of a request tells of, and what its status says.
pub(super) fn call_of(batch: &Batch) -> Result<Option<(LlmCall, String)>, QueryError> {
    let Some(resource) = batch.resources().next().transpose()? else {
        return Ok(None);
    };
    let Some(scope) = resource.scopes().next().transpose()? else {
        return Ok(None);
    };
    if batch.signal() == Signal::Logs {
        let Some(log) = scope.logs().next().transpose()? else {
            return Ok(None);
        };
        return Ok(read_log(&resource, &scope, &log).map(|call| (call, String::new())));
    }
    let Some(span) = scope.spans().next().transpose()? else {
        return Ok(None);
    };
    let message = span.status.message.to_owned();
    Ok(read_span(&resource, &scope, &span).map(|call| (call, message)))
}

/// Reads recordings of a view, and keeps the blocks that it read last.
#[derive(Default)]
pub(in super::super) struct Recordings {
    spans: HashMap<(u64, i64), Arc<SpanBlock>>,
    shared: HashMap<u64, Shared>,
}

impl Recordings {
    /// The span that a call was recorded by.
    pub(super) fn span(
        &mut self,
        partition: &Partition,
        trace_id: TraceId,
        span_id: SpanId,
    ) -> Result<Option<Batch>, QueryError> {
        let connection = &partition.connection;
        for id in blocks_of(connection, trace_id)? {
            let block = self.block(partition, id)?;
            let dead = superseded(connection, id)?;
            let place = block
                .places_of(trace_id)
                .find(|place| block.ids(*place).1 == span_id && !dead.contains(place));
            if let Some(place) = place {
                let shared = self.shared.entry(partition.id).or_default();
                return span_batch(connection, shared, &block, place).map(Some);
            }
        }
        Ok(None)
    }

    /// The attributes of the span or log record that a call was recorded by.
    pub(in super::super) fn attributes<T>(
        &mut self,
        partition: &Partition,
        texts: &Texts,
        read: &mut dyn FnMut(&Attributes<'_>) -> Result<T, QueryError>,
    ) -> Result<Option<T>, QueryError> {
        let batch = match texts.log {
            Some(number) => log(&partition.connection, number)?,
            None => self.span(partition, texts.trace_id, texts.span_id)?,
        };
        let Some(batch) = batch else { return Ok(None) };
        for resource in batch.resources() {
            for scope in resource?.scopes() {
                let scope = scope?;
                if let Some(span) = scope.spans().next() {
                    return read(&span?.attributes).map(Some);
                }
                if let Some(log) = scope.logs().next() {
                    return read(&log?.attributes).map(Some);
                }
            }
        }
        Ok(None)
    }

    fn block(&mut self, partition: &Partition, id: i64) -> Result<Arc<SpanBlock>, QueryError> {
        let key = (partition.id, id);
        if let Some(block) = self.spans.get(&key) {
            return Ok(Arc::clone(block));
        }
        if self.spans.len() >= KEPT {
            self.spans.clear();
        }
        let block = Arc::new(span_block(&partition.connection, id)?);
        self.spans.insert(key, Arc::clone(&block));
        Ok(block)
    }
}

/// The blocks that have spans of a trace.
pub(super) fn blocks_of(
    connection: &Connection,
    trace_id: TraceId,
) -> Result<Vec<i64>, QueryError> {
    let mut find = connection.prepare_cached("SELECT blocks FROM traces WHERE trace_id = ?")?;
    let list: Option<Vec<u8>> = find
        .query_row([&trace_id.0[..]], |row| row.get(0))
        .optional()?;
    Ok(Reader::new(&list.unwrap_or_default()).ids()?)
}

/// The log record that a call was recorded by.
pub(super) fn log(connection: &Connection, number: i64) -> Result<Option<Batch>, QueryError> {
    let mut find = connection
        .prepare_cached("SELECT id FROM log_blocks WHERE first <= ?1 AND first + count > ?1")?;
    let id: Option<i64> = find.query_row([number], |row| row.get(0)).optional()?;
    let Some(id) = id else { return Ok(None) };
    let (first, block) = log_block(connection, id)?;
    let place = usize::try_from(number - first).unwrap_or(usize::MAX);
    log_batch(connection, &block, place).map(Some)
}
