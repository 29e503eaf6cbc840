//! One trace with its spans.

use std::collections::{HashMap, HashSet};

use fanlight_otlp::view::{EventView, LinkView, SpanView};
use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::json::{as_text, as_text_or_null};
use super::scan::{span_block, superseded};
use super::shared::Shared;
use super::{Json, QueryError, Resource, Scope};
use crate::block::{Reader, SpanBlock};
use crate::ingest::payload;
use crate::readers::View;

/// The most spans of one trace that are answered; past that the latest are left out, and the answer says so.
const MAX_SPANS: usize = 50_000;

/// A trace.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// Its spans, by start time.
    pub spans: Vec<Span>,
    /// Whether there are more spans than could be answered.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub truncated: bool,
}

/// A span. Fields are OTLP's.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Span {
    /// The trace's id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// Its own id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// Its parent's id; none for a root span.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub parent_span_id: Option<SpanId>,
    /// Its name.
    pub name: String,
    /// `SERVER`, `CLIENT`, `INTERNAL`, `PRODUCER`, `CONSUMER` or `UNSPECIFIED`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::SpanKind))]
    pub kind: &'static str,
    /// The service that made it.
    pub service: String,
    /// Start, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_time_unix_nano: u64,
    /// End, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub end_time_unix_nano: u64,
    /// Its status.
    pub status: SpanStatus,
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// What made it.
    pub resource: Resource,
    /// The instrumentation that made it.
    pub scope: Scope,
    /// Its events, in the sender's order.
    pub events: Vec<SpanEvent>,
    /// Its links.
    pub links: Vec<SpanLink>,
    /// The W3C `tracestate`.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub trace_state: String,
    /// W3C trace flags.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub flags: u32,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// How many events the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_events_count: u32,
    /// How many links the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_links_count: u32,
}

/// A span's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SpanStatus {
    /// `UNSET`, `OK` or `ERROR`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::StatusCode))]
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
}

/// Something that happened within a span.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpanEvent {
    /// When, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_unix_nano: u64,
    /// What.
    pub name: String,
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// How many attributes the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_attributes_count: u32,
}

/// A span's link to another span.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SpanLink {
    /// The other span's trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The other span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// The link's W3C `tracestate`.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub trace_state: String,
    /// W3C trace flags.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub flags: u32,
    /// Its attributes, as a list of key and value.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::KeyValue>))]
    pub attributes: Json,
    /// How many attributes the sender dropped.
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dropped_attributes_count: u32,
}

/// Where the version of a span is that is shown.
#[derive(Clone, Copy)]
struct Place {
    start_ns: i64,
    end_ns: i64,
    /// The block's place among those that were read, and the span's in the block.
    block: usize,
    place: usize,
}

/// A trace with its spans; `None` when there is no such trace.
pub(crate) fn trace(view: &View, trace_id: TraceId) -> Result<Option<Trace>, QueryError> {
    let (mut blocks, mut places) = (Vec::new(), HashMap::new());
    let mut is_there = false;
    // Oldest first: of two versions that end at once, the one that came later stays.
    for (number, partition) in view.partitions.iter().enumerate().rev() {
        let connection = &partition.connection;
        let mut find = connection.prepare_cached("SELECT blocks FROM traces WHERE trace_id = ?")?;
        let list: Option<Vec<u8>> = find
            .query_row([&trace_id.0[..]], |row| row.get(0))
            .optional()?;
        let Some(list) = list else { continue };
        is_there = true;
        for id in Reader::new(&list).ids()? {
            let block = span_block(connection, id)?;
            let superseded = superseded(connection, id)?;
            find_places(&block, trace_id, &superseded, blocks.len(), &mut places);
            blocks.push((number, block));
        }
    }
    if !is_there {
        return Ok(None);
    }
    let mut places: Vec<(SpanId, Place)> = places.into_iter().collect();
    places.sort_unstable_by_key(|(span_id, place)| (place.start_ns, *span_id));
    let truncated = places.len() > MAX_SPANS;
    places.truncate(MAX_SPANS);
    let mut shared: HashMap<usize, Shared> = HashMap::new();
    let mut spans = Vec::with_capacity(places.len());
    for (_, place) in places {
        let (number, block) = blocks.get(place.block).ok_or(QueryError::Closed)?;
        let partition = view.partitions.get(*number).ok_or(QueryError::Closed)?;
        let shared = shared.entry(*number).or_default();
        spans.push(span(&partition.connection, shared, block, place.place)?);
    }
    Ok(Some(Trace {
        trace_id,
        spans,
        truncated,
    }))
}

/// Notes the spans of a block that end no earlier than their versions that were found so far.
fn find_places(
    block: &SpanBlock,
    trace_id: TraceId,
    superseded: &HashSet<usize>,
    number: usize,
    places: &mut HashMap<SpanId, Place>,
) {
    let at = |column: &[i64], place: usize| column.get(place).copied().unwrap_or_default();
    let live = block
        .places_of(trace_id)
        .filter(|place| !superseded.contains(place));
    for place in live {
        let found = Place {
            start_ns: at(&block.starts, place),
            end_ns: at(&block.ends, place),
            block: number,
            place,
        };
        let other = places.entry(block.ids(place).1).or_insert(found);
        if found.end_ns >= other.end_ns {
            *other = found;
        }
    }
}

/// A span's message without the fields that have columns.
pub(super) fn span_message(
    connection: &Connection,
    block: &SpanBlock,
    place: usize,
) -> Result<Encoder, QueryError> {
    let mut message = Encoder::new();
    let mut fetch = |hash| Ok::<_, QueryError>(payload(connection, hash)?);
    block.message(place, &mut fetch, &mut message)?;
    Ok(message)
}

/// A span of a block.
pub(crate) fn span(
    connection: &Connection,
    shared: &mut Shared,
    block: &SpanBlock,
    place: usize,
) -> Result<Span, QueryError> {
    let message = span_message(connection, block, place)?;
    let view = SpanView::read(message.as_bytes())?;
    let at = |column: &[i64]| column.get(place).copied().unwrap_or_default();
    let (trace_id, span_id, parent) = block.ids(place);
    let (resource, service) = shared.resource(connection, at(&block.resources))?.clone();
    Ok(Span {
        trace_id,
        span_id,
        parent_span_id: Some(parent).filter(|parent| !parent.is_zero()),
        name: shared.name(connection, at(&block.names))?.to_owned(),
        kind: kind(at(&block.kinds)),
        service,
        start_time_unix_nano: at(&block.starts).cast_unsigned(),
        end_time_unix_nano: at(&block.ends).cast_unsigned(),
        status: SpanStatus {
            code: status(at(&block.statuses)),
            message: view.status.message.to_owned(),
        },
        attributes: Json::attributes(view.attributes)?,
        resource,
        scope: shared.scope(connection, at(&block.scopes))?.clone(),
        events: view
            .events()
            .map(|event| span_event(&event?))
            .collect::<Result<_, _>>()?,
        links: view
            .links()
            .map(|link| span_link(&link?))
            .collect::<Result<_, _>>()?,
        trace_state: view.trace_state.to_owned(),
        flags: view.flags,
        dropped_attributes_count: view.dropped_attributes_count,
        dropped_events_count: view.dropped_events_count,
        dropped_links_count: view.dropped_links_count,
    })
}

fn span_event(view: &EventView<'_>) -> Result<SpanEvent, QueryError> {
    Ok(SpanEvent {
        time_unix_nano: view.time_unix_nano,
        name: view.name.to_owned(),
        attributes: Json::attributes(view.attributes)?,
        dropped_attributes_count: view.dropped_attributes_count,
    })
}

fn span_link(view: &LinkView<'_>) -> Result<SpanLink, QueryError> {
    Ok(SpanLink {
        trace_id: view.trace_id,
        span_id: view.span_id,
        trace_state: view.trace_state.to_owned(),
        flags: view.flags,
        attributes: Json::attributes(view.attributes)?,
        dropped_attributes_count: view.dropped_attributes_count,
    })
}

/// `SpanKind` without its prefix.
pub(crate) fn kind(number: i64) -> &'static str {
    match number {
        1 => "INTERNAL",
        2 => "SERVER",
        3 => "CLIENT",
        4 => "PRODUCER",
        5 => "CONSUMER",
        _ => "UNSPECIFIED",
    }
}

/// `StatusCode` without its prefix.
pub(crate) fn status(number: i64) -> &'static str {
    match number {
        1 => "OK",
        2 => "ERROR",
        _ => "UNSET",
    }
}
