//! Log records.

use std::ops::Range;

use fanlight_otlp::view::{LogView, Value};
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Connection, Params, Row, params};
use serde::Serialize;

use super::json::{as_text, as_text_or_null, id};
use super::spans::Shared;
use super::{
    AttributeFilter, Cursor, Json, MAX_LIMIT, Page, QueryError, Resource, Scope, TimeRange, page,
};

/// The most log records of one trace that are answered.
const MAX_OF_TRACE: u32 = 10_000;

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

const COLUMNS: &str =
    "SELECT id, sort_ns, severity, trace_id, span_id, resource, scope, body, message FROM logs";

/// The newest log records.
pub(crate) fn logs(
    connection: &Connection,
    filter: &LogFilter,
) -> Result<Page<LogRecord>, QueryError> {
    let limit = if filter.limit == 0 {
        MAX_LIMIT
    } else {
        filter.limit.min(MAX_LIMIT)
    };
    let cursor = Cursor::read(filter.cursor.as_deref())?;
    let condition = "WHERE (sort_ns, id) < (?1, ?2) AND severity >= ?3
         AND (?4 IS NULL OR resource IN
              (SELECT resources.id FROM resources JOIN names ON names.id = service WHERE text = ?4))
         AND (?5 IS NULL OR instr(lower(body), lower(?5)) > 0)
         ORDER BY sort_ns DESC, id DESC LIMIT ?6";
    let values = params![
        cursor.time_ns,
        cursor.id,
        filter.severity_min,
        filter.service,
        filter.text,
        limit + 1
    ];
    Ok(page(find(connection, condition, values)?, limit))
}

/// The log records of a trace, in the order of time.
pub(crate) fn logs_of_trace(
    connection: &Connection,
    trace_id: TraceId,
) -> Result<Vec<LogRecord>, QueryError> {
    let condition = "WHERE trace_id = ?1 ORDER BY sort_ns, id LIMIT ?2";
    let rows = find(
        connection,
        condition,
        params![&trace_id.0[..], MAX_OF_TRACE],
    )?;
    Ok(rows.into_iter().map(|(_, record)| record).collect())
}

/// The newest log records with row ids in the range, newest first.
pub(crate) fn logs_since(
    connection: &Connection,
    ids: &Range<i64>,
    limit: u32,
) -> Result<Vec<LogRecord>, QueryError> {
    let condition = "WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    let rows = find(connection, condition, params![ids.start, ids.end, limit])?;
    Ok(rows.into_iter().map(|(_, record)| record).collect())
}

fn find(
    connection: &Connection,
    condition: &str,
    values: impl Params,
) -> Result<Vec<(Cursor, LogRecord)>, QueryError> {
    let _snapshot = connection.unchecked_transaction()?;
    let mut find = connection.prepare_cached(&format!("{COLUMNS} {condition}"))?;
    let mut rows = find.query(values)?;
    let mut shared = Shared::default();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let cursor = Cursor {
            id: row.get(0)?,
            time_ns: row.get(1)?,
        };
        found.push((cursor, record(connection, &mut shared, row)?));
    }
    Ok(found)
}

fn record(
    connection: &Connection,
    shared: &mut Shared,
    row: &Row<'_>,
) -> Result<LogRecord, QueryError> {
    let blob = |column| {
        row.get_ref(column)?
            .as_blob_or_null()
            .map_err(rusqlite::Error::from)
    };
    let view = LogView::read(blob(8)?.unwrap_or_default())?;
    let (resource, service) = shared.resource(connection, row.get(5)?)?;
    let text: Option<String> = row.get(7)?;
    // The message has the body unless it is plain text.
    let body = match (view.body, &text) {
        (Value::Empty, Some(text)) => Value::Str(text),
        (body, _) => body,
    };
    Ok(LogRecord {
        time_unix_nano: view.time_unix_nano,
        observed_time_unix_nano: view.observed_time_unix_nano,
        severity_number: row.get(2)?,
        severity_text: view.severity_text.to_owned(),
        body: Json::any_value(body)?,
        body_text: text.unwrap_or_default(),
        trace_id: blob(3)?.map(|bytes| TraceId(id(bytes))),
        span_id: blob(4)?.map(|bytes| SpanId(id(bytes))),
        service,
        attributes: Json::attributes(view.attributes)?,
        resource,
        scope: shared.scope(connection, row.get(6)?)?,
        event_name: view.event_name.to_owned(),
        flags: view.flags,
        dropped_attributes_count: view.dropped_attributes_count,
    })
}
