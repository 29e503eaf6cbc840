//! Telemetry on its way out, as it came in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::mpsc;

use super::logs::visit;
use super::scan::{span_block, superseded};
use super::shared::Shared;
use super::traces::traces;
use super::{LogFilter, MAX_LIMIT, MetricFilter, QueryError, TimeRange, TraceFilter};
use crate::block::{LogBlock, Reader, SpanBlock};
use crate::ingest::payload;
use crate::readers::{Partition, View};

/// How many items a batch has at least, unless it is the last.
const BATCH: usize = 1000;

/// How many blocks are kept at hand: traces that are beside each other are in the same ones.
const BLOCKS: usize = 64;

/// What is to be exported. Limits and cursors of the filters do not count: all that passes is exported.
#[derive(Clone, Debug)]
pub enum ExportFilter {
    /// Whole traces.
    Traces(TraceFilter),
    /// Log records.
    Logs(LogFilter),
    /// Metric points that were measured in a range of time.
    Metrics(MetricFilter, TimeRange),
}

/// Batches of OTLP, one after the other. Dropping it ends the export.
#[derive(Debug)]
pub struct Export(pub(crate) mpsc::Receiver<Result<Batch, QueryError>>);

impl Export {
    /// The next batch; `None` when everything was exported.
    ///
    /// # Errors
    /// When the database can't be read; nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Batch, QueryError>> {
        self.0.recv().await
    }
}

/// Exports what passes the filter into the channel. An error of the channel, [`QueryError::Closed`], means that nobody
/// wants any more.
pub(crate) fn export(
    view: &View,
    filter: &ExportFilter,
    batches: &mpsc::Sender<Result<Batch, QueryError>>,
) -> Result<(), QueryError> {
    match filter {
        ExportFilter::Traces(filter) => export_traces(view, filter, batches),
        ExportFilter::Logs(filter) => export_logs(view, filter, batches),
        ExportFilter::Metrics(filter, time) => export_metrics(view, filter, *time, batches),
    }
}

/// A request that is being put together: items of one partition by their resource and scope.
struct Request<'a> {
    signal: Signal,
    batches: &'a mpsc::Sender<Result<Batch, QueryError>>,
    items: BTreeMap<[i64; 2], Encoder>,
    count: usize,
}

impl<'a> Request<'a> {
    fn new(signal: Signal, batches: &'a mpsc::Sender<Result<Batch, QueryError>>) -> Request<'a> {
        Request {
            signal,
            batches,
            items: BTreeMap::new(),
            count: 0,
        }
    }

    fn add(&mut self, resource: i64, scope: i64, item: &[u8]) {
        let items = self.items.entry([resource, scope]).or_default();
        items.some_bytes(2, item);
        self.count += 1;
    }

    /// Sends what there is, if it is enough or the last.
    fn send(&mut self, connection: &Connection, is_last: bool) -> Result<(), QueryError> {
        if self.count == 0 || self.count < BATCH && !is_last {
            return Ok(());
        }
        let mut request = Encoder::new();
        let message = |table: &str, id: i64| -> rusqlite::Result<Vec<u8>> {
            let sql = format!("SELECT message FROM {table} WHERE id = ?");
            connection
                .prepare_cached(&sql)?
                .query_one([id], |row| row.get(0))
        };
        for ([resource, scope], items) in std::mem::take(&mut self.items) {
            let (resource, scope) = (message("resources", resource)?, message("scopes", scope)?);
            request.nested(1, |out| {
                out.raw(&resource);
                out.nested(2, |out| {
                    out.raw(&scope);
                    out.raw(items.as_bytes());
                });
            });
        }
        self.count = 0;
        let batch = Batch::decode(self.signal, request.into_bytes().into())?;
        self.batches
            .blocking_send(Ok(batch))
            .map_err(|_| QueryError::Closed)
    }
}

/// A span as it came.
pub(super) fn span_bytes(
    connection: &Connection,
    block: &SpanBlock,
    place: usize,
    name: &str,
) -> Result<Encoder, QueryError> {
    let at = |column: &[i64]| {
        column
            .get(place)
            .copied()
            .unwrap_or_default()
            .cast_unsigned()
    };
    let (trace_id, span_id, parent) = block.ids(place);
    let mut out = Encoder::new();
    out.some_bytes(1, trace_id.0);
    out.some_bytes(2, span_id.0);
    if !parent.is_zero() {
        out.some_bytes(4, parent.0);
    }
    out.bytes(5, name);
    out.varint(6, at(&block.kinds));
    out.fixed64(7, at(&block.starts));
    out.fixed64(8, at(&block.ends));
    block.message::<QueryError>(place, &mut |hash| Ok(payload(connection, hash)?), &mut out)?;
    Ok(out)
}

/// A log record as it came.
pub(super) fn log_bytes(
    connection: &Connection,
    block: &LogBlock,
    place: usize,
) -> Result<Encoder, QueryError> {
    let at = |column: &[i64]| {
        column
            .get(place)
            .copied()
            .unwrap_or_default()
            .cast_unsigned()
    };
    let mut out = Encoder::new();
    out.fixed64(1, at(&block.times));
    out.varint(2, at(&block.severities));
    block.message::<QueryError>(place, &mut |hash| Ok(payload(connection, hash)?), &mut out)?;
    if let Some(trace_id) = block.traces.get(place).filter(|id| !id.is_zero()) {
        out.some_bytes(9, trace_id.0);
    }
    if let Some(span_id) = block.spans.get(place).filter(|id| !id.is_zero()) {
        out.some_bytes(10, span_id.0);
    }
    out.fixed64(11, at(&block.observed));
    Ok(out)
}

type Blocks = HashMap<(u64, i64), Rc<SpanBlock>>;

fn export_traces(
    view: &View,
    filter: &TraceFilter,
    batches: &mpsc::Sender<Result<Batch, QueryError>>,
) -> Result<(), QueryError> {
    let mut filter = TraceFilter {
        limit: MAX_LIMIT,
        cursor: None,
        ..filter.clone()
    };
    let mut blocks = Blocks::new();
    loop {
        let page = traces(view, &filter)?;
        for partition in &view.partitions {
            let mut request = Request::new(Signal::Traces, batches);
            let mut shared = Shared::default();
            for trace in &page.items {
                add_trace(
                    partition,
                    &mut blocks,
                    &mut shared,
                    trace.trace_id,
                    &mut request,
                )?;
                request.send(&partition.connection, false)?;
            }
            request.send(&partition.connection, true)?;
        }
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            return Ok(());
        }
    }
}

fn add_trace(
    partition: &Partition,
    blocks: &mut Blocks,
    shared: &mut Shared,
    trace_id: TraceId,
    request: &mut Request<'_>,
) -> Result<(), QueryError> {
    let connection = &partition.connection;
    let mut find = connection.prepare_cached("SELECT blocks FROM traces WHERE trace_id = ?")?;
    let list: Option<Vec<u8>> = find
        .query_row([&trace_id.0[..]], |row| row.get(0))
        .optional()?;
    let mut seen: HashSet<SpanId> = HashSet::new();
    for id in Reader::new(&list.unwrap_or_default()).ids()? {
        let key = (partition.id, id);
        if blocks.len() >= BLOCKS && !blocks.contains_key(&key) {
            blocks.clear();
        }
        let block = match blocks.get(&key) {
            Some(block) => Rc::clone(block),
            None => {
                let block = Rc::new(span_block(connection, id)?);
                blocks.insert(key, Rc::clone(&block));
                block
            }
        };
        let superseded = superseded(connection, id)?;
        for place in block.places_of(trace_id) {
            if superseded.contains(&place) || !seen.insert(block.ids(place).1) {
                continue;
            }
            let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
            let name = shared.name(connection, at(&block.names))?;
            let span = span_bytes(connection, &block, place, name)?;
            request.add(at(&block.resources), at(&block.scopes), span.as_bytes());
        }
    }
    Ok(())
}

fn export_logs(
    view: &View,
    filter: &LogFilter,
    batches: &mpsc::Sender<Result<Batch, QueryError>>,
) -> Result<(), QueryError> {
    let mut request = Request::new(Signal::Logs, batches);
    let mut last = None;
    let partition_at = |number: usize| view.partitions.get(number).ok_or(QueryError::Closed);
    visit(
        view,
        filter,
        &mut |_| true,
        &mut |_, block, number, place| {
            // A request has the resources of one partition.
            if let Some(before) = last.filter(|before| *before != number) {
                request.send(&partition_at(before)?.connection, true)?;
            }
            last = Some(number);
            let connection = &partition_at(number)?.connection;
            let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
            let record = log_bytes(connection, block, place)?;
            request.add(at(&block.resources), at(&block.scopes), record.as_bytes());
            request.send(connection, false)
        },
    )?;
    match last {
        Some(number) => request.send(&partition_at(number)?.connection, true),
        None => Ok(()),
    }
}

fn export_metrics(
    view: &View,
    filter: &MetricFilter,
    time: TimeRange,
    batches: &mpsc::Sender<Result<Batch, QueryError>>,
) -> Result<(), QueryError> {
    for partition in view.partitions.iter().rev() {
        let connection = &partition.connection;
        let mut request = Request::new(Signal::Metrics, batches);
        let mut find = connection.prepare_cached(
            "SELECT streams.id, resource, scope, name.text, type, temporality, monotonic, unit, description, metadata,
                 attributes
             FROM streams JOIN names AS name ON name.id = streams.name JOIN resources ON resources.id = resource
                 JOIN names AS service ON service.id = resources.service
             WHERE (?1 IS NULL OR instr(lower(name.text), lower(?1)) > 0) AND (?2 IS NULL OR service.text = ?2)",
        )?;
        let mut streams = find.query(params![filter.name, filter.service])?;
        while let Some(stream) = streams.next()? {
            export_stream(connection, stream, time, &mut request)?;
        }
        request.send(connection, true)?;
    }
    Ok(())
}

/// A stream's points, each as a metric with one point.
fn export_stream(
    connection: &Connection,
    stream: &rusqlite::Row<'_>,
    time: TimeRange,
    request: &mut Request<'_>,
) -> Result<(), QueryError> {
    let (id, resource, scope): (i64, i64, i64) = (stream.get(0)?, stream.get(1)?, stream.get(2)?);
    let mut head = Encoder::new();
    head.bytes(1, stream.get::<_, String>(3)?);
    head.bytes(2, stream.get::<_, String>(8)?);
    head.bytes(3, stream.get::<_, String>(7)?);
    head.raw(&stream.get::<_, Vec<u8>>(9)?);
    let kind: u32 = stream.get(4)?;
    let (temporality, monotonic): (i64, i64) = (stream.get(5)?, stream.get(6)?);
    let attributes: Vec<u8> = stream.get(10)?;
    let mut find = connection.prepare_cached(
        "SELECT time_ns, start_ns, value, message FROM points WHERE stream = ? AND time_ns >= ? AND time_ns < ?",
    )?;
    let mut points = find.query([id, time.first_ns(), time.end_ns()])?;
    while let Some(row) = points.next()? {
        let point = point_bytes(row, kind, &attributes)?;
        let mut metric = head.clone();
        metric.nested(kind, |out| {
            out.some_bytes(1, point.as_bytes());
            out.varint(2, temporality.cast_unsigned());
            out.varint(3, monotonic.cast_unsigned());
        });
        request.add(resource, scope, metric.as_bytes());
        request.send(connection, false)?;
    }
    Ok(())
}

/// A point as it came. The row has its time, start, value and message; `attributes` are as `NumberDataPoint` has them.
pub(crate) fn point_bytes(
    row: &rusqlite::Row<'_>,
    kind: u32,
    attributes: &[u8],
) -> rusqlite::Result<Encoder> {
    use rusqlite::types::ValueRef;
    let attributes_field = match kind {
        9 => 9,
        10 => 1,
        _ => 7,
    };
    let mut point = Encoder::new();
    for attribute in crate::wire::payloads(attributes, 7).flatten() {
        point.some_bytes(attributes_field, attribute);
    }
    point.fixed64(2, row.get::<_, i64>(1)?.cast_unsigned());
    point.fixed64(3, row.get::<_, i64>(0)?.cast_unsigned());
    match row.get_ref(2)? {
        ValueRef::Integer(value) => point.some_fixed64(6, value.cast_unsigned()),
        ValueRef::Real(value) => point.some_fixed64(4, value.to_bits()),
        _ => {}
    }
    point.raw(row.get_ref(3)?.as_blob()?);
    Ok(point)
}
