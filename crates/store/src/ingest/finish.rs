//! The end of a transaction: what was gathered becomes blocks and rows.

use fanlight_otlp::view::SpanView;
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Transaction, params};

use super::compact::{compact_logs, compact_spans};
use super::llm::{self, Calls};
use super::spans::Pending;
use super::{Changes, Fill, Ingest, IngestError};
use crate::block::{Encoded, FULL, LogItem, SpanItem, Texts, compress};

/// How hard zstd works on large values: 3, its default, makes them 8 % smaller and takes twice as long.
const PAYLOAD_LEVEL: i32 = 1;

/// What a transaction did.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The traces that changed, and the numbers of the log records that are new in the partition.
    pub(crate) changes: Changes,
}

impl Ingest<'_, '_> {
    /// Writes everything that was kept back until now.
    pub(crate) fn finish(mut self) -> Result<Finished, IngestError> {
        let first_log = self.fill.next_log;
        let pending = std::mem::take(&mut self.spans);
        let mut calls = self.write_spans(pending)?;
        self.courtesy.let_others_go_first();
        write_logs(self.transaction, self.fill, &self.logs)?;
        self.courtesy.let_others_go_first();
        calls.extend(self.write_logged(first_log)?);
        let (traces, longest) = self
            .recent
            .write(self.transaction, &mut self.fill.next_trace)?;
        self.rollups.write(self.transaction)?;
        self.courtesy.let_others_go_first();
        let added = self.added;
        let mut update = self.transaction.prepare_cached(
            "UPDATE totals SET spans = spans + ?1, logs = logs + ?2, points = points + ?3, profiles = profiles + ?4,
             longest_ns = max(longest_ns, ?5)",
        )?;
        update.execute(params![
            added.spans,
            added.logs,
            added.points,
            added.profiles,
            longest
        ])?;
        compact_spans(self.transaction, self.fill, self.recent)?;
        compact_logs(self.transaction, self.fill)?;
        Ok(Finished {
            changes: Changes {
                traces,
                logs: first_log..self.fill.next_log,
                calls,
            },
        })
    }

    /// Writes spans, and the calls of language models that they tell of; answers those that pages want to know of.
    fn write_spans(
        &mut self,
        mut pending: Vec<Pending<'_>>,
    ) -> Result<Vec<(TraceId, SpanId)>, IngestError> {
        pending.retain(|span| !span.is_superseded);
        pending.sort_by_key(|span| span.item.trace_id);
        let items: Vec<SpanItem<'_>> = pending.iter().map(|span| span.item).collect();
        let mut rest = pending.as_slice();
        let mut calls = Vec::new();
        for chunk in even_chunks(&items) {
            let (block, has_calls) = write_span_block(self.transaction, self.fill, chunk, None)?;
            for run in chunk.chunk_by(|a, b| a.trace_id == b.trace_id) {
                if let Some(first) = run.first() {
                    self.recent.add_block(first.trace_id, block);
                }
            }
            let (spans, others) = rest.split_at_checked(chunk.len()).unwrap_or((rest, &[]));
            rest = others;
            self.courtesy.let_others_go_first();
            if has_calls || spans.iter().any(|span| span.is_known) {
                calls.extend(self.write_calls(spans)?);
            }
        }
        Ok(calls)
    }

    /// Writes the calls of language models that some of these spans tell of.
    fn write_calls(
        &mut self,
        spans: &[Pending<'_>],
    ) -> Result<Vec<(TraceId, SpanId)>, IngestError> {
        let courtesy = self.courtesy;
        let mut calls = Calls::new(self.transaction, &mut self.interner);
        for span in spans {
            let Some(source) = self.sources.get(span.source) else {
                continue;
            };
            let view = SpanView::read(span.bytes)?;
            let found = llm::of_span(&source.resource, &source.scope, &view, source.service);
            if let Some((call, recorded)) = found {
                calls.save(&call, &recorded)?;
                courtesy.let_others_go_first();
            }
        }
        Ok(calls.changed())
    }

    /// Writes the calls of language models that log records tell of, of which the first has this number.
    fn write_logged(&mut self, first_log: i64) -> Result<Vec<(TraceId, SpanId)>, IngestError> {
        let mut calls = Calls::new(self.transaction, &mut self.interner);
        for (place, source, view) in &self.logged {
            let (Some(item), Some(source)) = (self.logs.get(*place), self.sources.get(*source))
            else {
                continue;
            };
            let record = (view, first_log + *place as i64);
            let of = (source.service, item.sort_ns);
            let found = llm::of_log(&source.resource, &source.scope, record, of);
            if let Some((call, recorded)) = found {
                calls.save(&call, &recorded)?;
            }
        }
        Ok(calls.changed())
    }
}

/// Chunks of nearly equal lengths, none longer than a full block.
pub(super) fn even_chunks<T>(items: &[T]) -> impl Iterator<Item = &[T]> {
    let chunks = items.len().div_ceil(FULL).max(1);
    items.chunks(items.len().div_ceil(chunks).max(1))
}

/// Writes a block of spans; answers its id, and whether one of them may tell of a call of a language model.
pub(super) fn write_span_block(
    transaction: &Transaction<'_>,
    fill: &mut Fill,
    items: &[SpanItem<'_>],
    texts: Option<&Texts>,
) -> Result<(i64, bool), IngestError> {
    let encoded = SpanItem::encode(items, texts)?;
    let id = fill.next_block;
    fill.next_block += 1;
    let starts = || items.iter().map(|item| item.start_ns);
    let mut insert = transaction.prepare_cached(
        "INSERT INTO span_blocks (id, count, min_ns, max_ns, filter) VALUES (?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        id,
        items.len() as i64,
        starts().min(),
        starts().max(),
        encoded.filter
    ])?;
    let tables = [
        "INSERT INTO span_texts (id, texts) VALUES (?, ?)",
        "INSERT INTO span_data (id, data) VALUES (?, ?)",
    ];
    write_parts(transaction, tables, id, &encoded)?;
    fill.span_tail.add(id, items.len());
    Ok((id, encoded.has_calls))
}

pub(super) fn write_logs(
    transaction: &Transaction<'_>,
    fill: &mut Fill,
    items: &[LogItem<'_>],
) -> Result<(), IngestError> {
    for chunk in even_chunks(items) {
        let first = fill.next_log;
        write_log_block(transaction, fill, first, chunk, None)?;
        fill.next_log += chunk.len() as i64;
    }
    Ok(())
}

/// Writes a block of log records, of which the first has this number.
pub(super) fn write_log_block(
    transaction: &Transaction<'_>,
    fill: &mut Fill,
    first: i64,
    items: &[LogItem<'_>],
    texts: Option<&Texts>,
) -> Result<(), IngestError> {
    let encoded = LogItem::encode(items, texts)?;
    let id = fill.next_block;
    fill.next_block += 1;
    let times = || items.iter().map(|item| item.sort_ns);
    let mut insert = transaction.prepare_cached(
        "INSERT INTO log_blocks (id, first, count, min_ns, max_ns, max_severity, filter) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        id,
        first,
        items.len() as i64,
        times().min(),
        times().max(),
        items.iter().map(|item| item.severity).max(),
        encoded.filter
    ])?;
    let tables = [
        "INSERT INTO log_texts (id, texts) VALUES (?, ?)",
        "INSERT INTO log_data (id, data) VALUES (?, ?)",
    ];
    write_parts(transaction, tables, id, &encoded)?;
    let mut traces: Vec<_> = items.iter().map(|item| item.trace_id).collect();
    traces.sort_unstable();
    traces.dedup();
    let mut insert = transaction.prepare_cached("INSERT INTO log_traces VALUES (?, ?)")?;
    for trace_id in traces.into_iter().filter(|trace_id| !trace_id.is_zero()) {
        insert.execute(params![&trace_id.0[..], id])?;
    }
    fill.log_tail.add_in_order(id, items.len());
    Ok(())
}

fn write_parts(
    transaction: &Transaction<'_>,
    [texts, data]: [&str; 2],
    id: i64,
    encoded: &Encoded<'_>,
) -> Result<(), IngestError> {
    transaction
        .prepare_cached(texts)?
        .execute(params![id, encoded.texts])?;
    transaction
        .prepare_cached(data)?
        .execute(params![id, encoded.data])?;
    let mut find = transaction.prepare_cached("SELECT 1 FROM payloads WHERE hash = ?")?;
    let mut insert =
        transaction.prepare_cached("INSERT INTO payloads (hash, data) VALUES (?, ?)")?;
    for (hash, payload) in &encoded.payloads {
        if !find.exists([&hash[..]])? {
            let data = compress(payload, PAYLOAD_LEVEL).map_err(crate::block::BlockError::from)?;
            insert.execute(params![&hash[..], data])?;
        }
    }
    Ok(())
}
