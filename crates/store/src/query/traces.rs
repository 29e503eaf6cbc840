//! The list of traces.

use fanlight_otlp::TraceId;
use rusqlite::{Connection, Row, params};
use serde::Serialize;

use super::json::{as_text, id};
use super::{AttributeFilter, Cursor, MAX_LIMIT, Page, QueryError, TimeRange, page};

/// Which traces are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct TraceFilter {
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
    /// When they started.
    pub time: TimeRange,
    /// Only those in which this service took part. Where spans are described as well (operation, name, text, attributes),
    /// one span of this service must be all that.
    pub service: Option<String>,
    /// Only those with a span of this name.
    pub operation: Option<String>,
    /// Only those with a span that has this in its name; ASCII letters match in either case.
    pub name: Option<String>,
    /// Only those with a span that has this in its name, an attribute's value, an event or its status message; ASCII
    /// letters match in either case.
    pub text: Option<String>,
    /// Only those with a span that has all of these.
    pub attributes: Vec<AttributeFilter>,
    /// Only those that have a span with status error.
    pub errors_only: bool,
    /// Only those that took at least so long, in nanoseconds.
    pub min_duration_nano: u64,
    /// Only those that took at most so long, in nanoseconds.
    pub max_duration_nano: Option<u64>,
}

/// One trace in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The root span's name, or the earliest span's while there is no root.
    pub root_name: String,
    /// The service of that span.
    pub root_service: String,
    /// When the first span started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_time_unix_nano: u64,
    /// From the first start to the last end, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// How many spans there are so far.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// The services that took part, sorted.
    pub services: Vec<String>,
    /// Whether the root span has arrived.
    pub has_root: bool,
    /// That span's attribute `logfire.msg`: its name with the values filled in.
    pub root_message: Option<String>,
}

const COLUMNS: &str = "SELECT traces.id, trace_id, start_ns, end_ns, spans, errors, has_root, head.text, service.text
    FROM traces CROSS JOIN names AS head ON head.id = head_name CROSS JOIN names AS service ON service.id = head_service";

pub(crate) fn traces(
    connection: &Connection,
    filter: &TraceFilter,
) -> Result<Page<TraceSummary>, QueryError> {
    let limit = if filter.limit == 0 {
        MAX_LIMIT
    } else {
        filter.limit.min(MAX_LIMIT)
    };
    let cursor = Cursor::read(filter.cursor.as_deref())?;
    let mut find = connection.prepare_cached(&format!(
        "{COLUMNS} WHERE (start_ns, traces.id) < (?1, ?2)
         AND (?3 IS NULL OR EXISTS (SELECT 1 FROM trace_services JOIN names ON names.id = service
              WHERE trace = traces.id AND text = ?3))
         AND (?4 IS NULL OR instr(lower(head.text), lower(?4)) > 0)
         AND (NOT ?5 OR errors > 0)
         AND end_ns - start_ns >= ?6
         ORDER BY start_ns DESC, traces.id DESC LIMIT ?7"
    ))?;
    let min_duration = i64::try_from(filter.min_duration_nano).unwrap_or(i64::MAX);
    let rows = find.query_map(
        params![
            cursor.time_ns,
            cursor.id,
            filter.service,
            filter.name,
            filter.errors_only,
            min_duration,
            limit + 1
        ],
        |row| {
            Ok((
                Cursor {
                    time_ns: row.get(2)?,
                    id: row.get(0)?,
                },
                summary(row)?,
            ))
        },
    )?;
    let mut page = page(rows.collect::<rusqlite::Result<Vec<_>>>()?, limit);
    add_services(connection, &mut page.items)?;
    Ok(page)
}

/// The traces with these row ids, as far as they are still there.
pub(crate) fn traces_by_id(
    connection: &Connection,
    ids: &[i64],
) -> Result<Vec<TraceSummary>, QueryError> {
    let mut find = connection.prepare_cached(&format!("{COLUMNS} WHERE traces.id = ?"))?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(
            find.query_map([id], summary)?
                .collect::<rusqlite::Result<Vec<_>>>()?,
        );
    }
    add_services(connection, &mut found)?;
    Ok(found)
}

fn summary(row: &Row<'_>) -> rusqlite::Result<TraceSummary> {
    let (start_ns, end_ns): (i64, i64) = (row.get(2)?, row.get(3)?);
    Ok(TraceSummary {
        trace_id: TraceId(id(row.get_ref(1)?.as_blob()?)),
        root_name: row.get(7)?,
        root_service: row.get(8)?,
        start_time_unix_nano: start_ns.cast_unsigned(),
        duration_nano: end_ns.saturating_sub(start_ns).cast_unsigned(),
        span_count: row.get::<_, i64>(4)?.cast_unsigned(),
        error_count: row.get::<_, i64>(5)?.cast_unsigned(),
        services: Vec::new(),
        has_root: row.get(6)?,
        root_message: None,
    })
}

fn add_services(connection: &Connection, traces: &mut [TraceSummary]) -> Result<(), QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT text FROM traces JOIN trace_services ON trace = traces.id JOIN names ON names.id = service
         WHERE trace_id = ? ORDER BY text",
    )?;
    for trace in traces {
        let services = find.query_map([&trace.trace_id.0[..]], |row| row.get(0))?;
        trace.services = services.collect::<rusqlite::Result<_>>()?;
    }
    Ok(())
}
