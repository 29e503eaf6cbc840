//! Log records.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use fanlight_otlp::view::LogView;
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::Connection;
use serde::Serialize;

use super::json::{as_text, as_text_or_null};
use super::matching::Condition;
use super::rate::Rate;
use super::scan::{Scan, log_block};
use super::shared::Shared;
use super::{
    AttributeFilter, Cursor, Json, MAX_LIMIT, Page, QueryError, Resource, Scope, TimeRange,
    any_value_text, page,
};
use crate::block::LogBlock;
use crate::ingest::payload;
use crate::partition::log_id;
use crate::readers::View;

/// The first severity of errors.
const ERROR: i64 = 17;

/// The most log records of one trace that are answered.
const MAX_OF_TRACE: usize = 10_000;

/// Which log records are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
    /// When they happened.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
    /// Only those with at least this `SeverityNumber`.
    pub severity_min: i32,
    /// Only those with this in their body; ASCII letters match in either case.
    pub text: Option<String>,
    /// Only those that have all of these.
    pub attributes: Vec<AttributeFilter>,
    /// Only those of this trace.
    pub trace_id: Option<TraceId>,
}

/// A log record. Fields are OTLP's.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogRecord {
    /// When it happened, in nanoseconds since 1970; 0 when unknown.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_unix_nano: u64,
    /// When it was seen, in nanoseconds since 1970; 0 when unknown.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`.
    pub severity_number: i32,
    /// The severity as the source calls it.
    pub severity_text: String,
    /// The body, as `{"stringValue": ...}` and its like.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::query::schema::AnyValue>, required))]
    pub body: Json,
    /// The body as text.
    pub body_text: String,
    /// The trace it belongs to.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub trace_id: Option<TraceId>,
    /// The span it belongs to.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub span_id: Option<SpanId>,
    /// The service that made it.
    pub service: String,
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// What made it.
    pub resource: Resource,
    /// The instrumentation that made it.
    pub scope: Scope,
    /// The name of the event that it is; empty when it is none.
    pub event_name: String,
    /// W3C trace flags.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub flags: u32,
    /// How many attributes the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_attributes_count: u32,
}

impl LogFilter {
    pub(super) fn condition(&self) -> Condition {
        Condition {
            service: self.service.clone(),
            text: self.text.clone(),
            attributes: self.attributes.clone(),
            ..Condition::default()
        }
    }
}

/// A record that was found, and where.
struct Found {
    block: Rc<LogBlock>,
    partition: usize,
    place: usize,
}

/// Is told of each record that passes: its id, its block, the partition's number in the view, and its place in the block.
pub(crate) type Visitor<'v> =
    &'v mut dyn FnMut(i64, &Rc<LogBlock>, usize, usize) -> Result<(), QueryError>;

/// Goes through the records that pass, block by block, those of the latest blocks first. `wants` says whether anything
/// that is not later than a time is still wanted.
pub(crate) fn visit(
    view: &View,
    filter: &LogFilter,
    wants: &mut dyn FnMut(i64) -> bool,
    visit: Visitor<'_>,
) -> Result<(), QueryError> {
    let mut scan = Scan::logs(view, &filter.condition(), filter.time, filter.severity_min)?;
    if let Some(trace_id) = filter.trace_id {
        let blocks = blocks_of_trace(view, trace_id)?;
        scan.candidates
            .retain(|candidate| blocks.contains(&(candidate.partition, candidate.id)));
    }
    for candidate in &scan.candidates {
        if !wants(candidate.max_ns) {
            return Ok(());
        }
        let Some((first, block, places)) = scan.read_logs(*candidate)? else {
            continue;
        };
        let block = Rc::new(block);
        let partition = scan.partition(*candidate)?.id;
        for place in places {
            let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
            let is_of_trace = filter
                .trace_id
                .is_none_or(|trace_id| block.traces.get(place) == Some(&trace_id));
            if is_of_trace
                && filter.time.contains(at(&block.sorts))
                && at(&block.severities) >= i64::from(filter.severity_min)
            {
                let id = log_id(partition, first + place as i64);
                visit(id, &block, candidate.partition, place)?;
            }
        }
    }
    Ok(())
}

pub(super) fn blocks_of_trace(
    view: &View,
    trace_id: TraceId,
) -> Result<HashSet<(usize, i64)>, QueryError> {
    let mut blocks = HashSet::new();
    for (number, partition) in view.partitions.iter().enumerate() {
        let mut find = partition
            .connection
            .prepare_cached("SELECT block FROM log_traces WHERE trace_id = ?")?;
        for block in find.query_map([&trace_id.0[..]], |row| row.get(0))? {
            blocks.insert((number, block?));
        }
    }
    Ok(blocks)
}

/// The newest log records.
pub(crate) fn logs(view: &View, filter: &LogFilter) -> Result<Page<LogRecord>, QueryError> {
    let limit = if filter.limit == 0 {
        MAX_LIMIT
    } else {
        filter.limit.min(MAX_LIMIT)
    };
    let before = Cursor::read(filter.cursor.as_deref())?;
    let mut filter = filter.clone();
    if before != Cursor::START {
        let end = before.time_ns.cast_unsigned().saturating_add(1);
        filter.time.to = Some(filter.time.to.map_or(end, |to| to.min(end)));
    }
    let found = newest(view, &filter, before, limit as usize + 1)?;
    Ok(page(found, limit))
}

fn newest(
    view: &View,
    filter: &LogFilter,
    before: Cursor,
    limit: usize,
) -> Result<Vec<(Cursor, LogRecord)>, QueryError> {
    let found: RefCell<BTreeMap<Cursor, Found>> = RefCell::default();
    let mut wants = |bound_ns: i64| {
        let found = found.borrow();
        let last = found.first_key_value();
        found.len() < limit || last.is_some_and(|(place, _)| place.time_ns <= bound_ns)
    };
    visit(
        view,
        filter,
        &mut wants,
        &mut |id, block, partition, place| {
            let time_ns = block.sorts.get(place).copied().unwrap_or_default();
            let cursor = Cursor { time_ns, id };
            let mut found = found.borrow_mut();
            let is_newest = found.len() < limit
                || found
                    .first_key_value()
                    .is_some_and(|(last, _)| *last < cursor);
            if cursor < before && is_newest {
                let block = Rc::clone(block);
                found.insert(
                    cursor,
                    Found {
                        block,
                        partition,
                        place,
                    },
                );
                if found.len() > limit {
                    found.pop_first();
                }
            }
            Ok(())
        },
    )?;
    let mut shared: HashMap<usize, Shared> = HashMap::new();
    let mut records = Vec::new();
    for (cursor, found) in found.into_inner().into_iter().rev() {
        let partition = view
            .partitions
            .get(found.partition)
            .ok_or(QueryError::Closed)?;
        let shared = shared.entry(found.partition).or_default();
        let record = record(&partition.connection, shared, &found.block, found.place)?;
        records.push((cursor, record));
    }
    Ok(records)
}

/// The log records of a trace, in the order of time.
pub(crate) fn logs_of_trace(view: &View, trace_id: TraceId) -> Result<Vec<LogRecord>, QueryError> {
    let filter = LogFilter {
        trace_id: Some(trace_id),
        ..LogFilter::default()
    };
    let mut records = newest(view, &filter, Cursor::START, MAX_OF_TRACE)?;
    records.reverse();
    Ok(records.into_iter().map(|(_, record)| record).collect())
}

/// The newest log records with ids in the range, newest first.
pub(crate) fn logs_since(
    view: &View,
    ids: &Range<i64>,
    limit: u32,
) -> Result<Vec<LogRecord>, QueryError> {
    let mut records = Vec::new();
    for partition in &view.partitions {
        let first = log_id(partition.id, 0);
        let numbers = [
            ids.start.saturating_sub(first),
            ids.end.saturating_sub(first),
        ];
        let mut find = partition.connection.prepare_cached(
            "SELECT id FROM log_blocks WHERE first + count > ?1 AND first < ?2 ORDER BY id DESC",
        )?;
        let blocks: Vec<i64> = find
            .query_map(numbers, |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let mut shared = Shared::default();
        for id in blocks {
            let (first, block) = log_block(&partition.connection, id)?;
            for place in (0..block.len()).rev() {
                if records.len() >= limit as usize {
                    return Ok(records);
                }
                if (numbers[0]..numbers[1]).contains(&(first + place as i64)) {
                    records.push(record(&partition.connection, &mut shared, &block, place)?);
                }
            }
        }
    }
    Ok(records)
}

/// How many log records pass, over time.
pub(crate) fn log_rate(view: &View, filter: &LogFilter, bins: u32) -> Result<Rate, QueryError> {
    let mut items = Vec::new();
    visit(view, filter, &mut |_| true, &mut |_, block, _, place| {
        let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
        let severity = at(&block.severities);
        items.push((at(&block.sorts), severity >= ERROR, severity));
        Ok(())
    })?;
    Ok(Rate::of(filter.time, bins, true, &items))
}

/// A record's message without the fields that have columns.
pub(super) fn record_message(
    connection: &Connection,
    block: &LogBlock,
    place: usize,
) -> Result<Encoder, QueryError> {
    let mut message = Encoder::new();
    let mut fetch = |hash| Ok::<_, QueryError>(payload(connection, hash)?);
    block.message(place, &mut fetch, &mut message)?;
    Ok(message)
}

/// A record of a block.
pub(crate) fn record(
    connection: &Connection,
    shared: &mut Shared,
    block: &LogBlock,
    place: usize,
) -> Result<LogRecord, QueryError> {
    let message = record_message(connection, block, place)?;
    let view = LogView::read(message.as_bytes())?;
    let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
    let (resource, service) = shared.resource(connection, at(&block.resources))?.clone();
    let text = any_value_text(view.body)?;
    Ok(LogRecord {
        time_unix_nano: at(&block.times).cast_unsigned(),
        observed_time_unix_nano: at(&block.observed).cast_unsigned(),
        severity_number: i32::try_from(at(&block.severities)).unwrap_or_default(),
        severity_text: view.severity_text.to_owned(),
        body: Json::any_value(view.body)?,
        body_text: text.unwrap_or_default().into_owned(),
        trace_id: block
            .traces
            .get(place)
            .copied()
            .filter(|trace_id| !trace_id.is_zero()),
        span_id: block
            .spans
            .get(place)
            .copied()
            .filter(|span_id| !span_id.is_zero()),
        service,
        attributes: Json::attributes(view.attributes)?,
        resource,
        scope: shared.scope(connection, at(&block.scopes))?.clone(),
        event_name: view.event_name.to_owned(),
        flags: view.flags,
        dropped_attributes_count: view.dropped_attributes_count,
    })
}
