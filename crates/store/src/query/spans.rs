//! One trace with its spans.

use std::collections::HashMap;

use fanlight_otlp::view::{EventView, LinkView, SpanView};
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::json::{as_text, as_text_or_null, id};
use super::{Json, QueryError, Resource, Scope};

/// The most spans of one trace that are answered; past that the latest are left out, and the answer says so.
const MAX_SPANS: u32 = 50_000;

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

/// Resources and scopes that were read already, by row id.
#[derive(Debug, Default)]
pub(super) struct Shared {
    resources: HashMap<i64, (Resource, String)>,
    scopes: HashMap<i64, Scope>,
}

impl Shared {
    /// A resource and the name of its service.
    pub(super) fn resource(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> Result<(Resource, String), QueryError> {
        if let Some(known) = self.resources.get(&id) {
            return Ok(known.clone());
        }
        let mut find = connection.prepare_cached(
            "SELECT message, text FROM resources JOIN names ON names.id = service WHERE resources.id = ?",
        )?;
        let (message, service): (Vec<u8>, String) =
            find.query_one([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let read = (Resource::read(&message)?, service);
        self.resources.insert(id, read.clone());
        Ok(read)
    }

    pub(super) fn scope(&mut self, connection: &Connection, id: i64) -> Result<Scope, QueryError> {
        if let Some(known) = self.scopes.get(&id) {
            return Ok(known.clone());
        }
        let mut find = connection.prepare_cached("SELECT message FROM scopes WHERE id = ?")?;
        let message: Vec<u8> = find.query_one([id], |row| row.get(0))?;
        let read = Scope::read(&message)?;
        self.scopes.insert(id, read.clone());
        Ok(read)
    }
}

/// A trace with its spans; `None` when there is no such trace.
pub(crate) fn trace(
    connection: &Connection,
    trace_id: TraceId,
) -> Result<Option<Trace>, QueryError> {
    // Both reads see the same state, even while the writer commits.
    let _snapshot = connection.unchecked_transaction()?;
    let mut find = connection.prepare_cached("SELECT id FROM traces WHERE trace_id = ?")?;
    let Some(row_id) = find
        .query_row([&trace_id.0[..]], |row| row.get::<_, i64>(0))
        .optional()?
    else {
        return Ok(None);
    };
    let mut find = connection.prepare_cached(
        "SELECT span_id, parent_id, start_ns, end_ns, kind, status, text, resource, scope, message
         FROM spans JOIN names ON names.id = name WHERE trace = ?1 ORDER BY start_ns, span_id LIMIT ?2",
    )?;
    let mut rows = find.query((row_id, MAX_SPANS + 1))?;
    let mut shared = Shared::default();
    let mut spans = Vec::new();
    while let Some(row) = rows.next()? {
        spans.push(span(connection, &mut shared, trace_id, row)?);
    }
    let truncated = spans.len() > MAX_SPANS as usize;
    spans.truncate(MAX_SPANS as usize);
    Ok(Some(Trace {
        trace_id,
        spans,
        truncated,
    }))
}

fn span(
    connection: &Connection,
    shared: &mut Shared,
    trace_id: TraceId,
    row: &Row<'_>,
) -> Result<Span, QueryError> {
    let view = SpanView::read(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?;
    let (resource, service) = shared.resource(connection, row.get(7)?)?;
    let blob = |column| {
        row.get_ref(column)?
            .as_blob_or_null()
            .map_err(rusqlite::Error::from)
    };
    Ok(Span {
        trace_id,
        span_id: SpanId(id(blob(0)?.unwrap_or_default())),
        parent_span_id: blob(1)?.map(|bytes| SpanId(id(bytes))),
        name: row.get(6)?,
        kind: kind(row.get(4)?),
        service,
        start_time_unix_nano: row.get::<_, i64>(2)?.cast_unsigned(),
        end_time_unix_nano: row.get::<_, i64>(3)?.cast_unsigned(),
        status: SpanStatus {
            code: status(row.get(5)?),
            message: view.status.message.to_owned(),
        },
        attributes: Json::attributes(view.attributes)?,
        resource,
        scope: shared.scope(connection, row.get(8)?)?,
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
fn kind(number: i64) -> &'static str {
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
fn status(number: i64) -> &'static str {
    match number {
        1 => "OK",
        2 => "ERROR",
        _ => "UNSET",
    }
}
