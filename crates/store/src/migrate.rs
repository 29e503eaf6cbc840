//! Stores of version 1, one file without partitions: what they hold is written into a store of this version.
//!
//! The old file is moved to `<name>.version-1` and stays there. If this is interrupted, the next start goes on with the
//! group that it was at, of which some log records may then be there twice; spans and points merge.

use std::fs;
use std::path::Path;

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{Batch, Signal};
use rusqlite::{Connection, Row};

use crate::open::{self, OpenError};
use crate::store::WriteError;

/// How many items are written at once.
const GROUP: u32 = 5_000;

/// What follows the name of the file once it was moved.
const SUFFIX: &str = ".version-1";

/// Why the old file's telemetry could not be taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrateError {
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error("a stored message can't be read: {0}")]
    Decode(#[from] fanlight_otlp::DecodeError),
}

/// A signal of the old store. Its rows come in the order of their keys, those behind a key first.
struct Part {
    name: &'static str,
    signal: Signal,
    sql: &'static str,
    item: fn(&Row<'_>) -> rusqlite::Result<Vec<u8>>,
}

/// The first columns are the key, the resource's and the scope's messages.
const PARTS: [Part; 3] = [
    Part {
        name: "spans",
        signal: Signal::Traces,
        sql: "SELECT trace, resources.message, scopes.message, trace_id, span_id, parent_id, names.text, kind, spans.start_ns,
                  spans.end_ns, spans.message
              FROM spans JOIN traces ON traces.id = trace JOIN names ON names.id = name
                  JOIN resources ON resources.id = resource JOIN scopes ON scopes.id = scope
              WHERE trace > ?1 AND trace <= ?1 + ?2 ORDER BY trace",
        item: span,
    },
    Part {
        name: "logs",
        signal: Signal::Logs,
        sql: "SELECT logs.id, resources.message, scopes.message, severity, trace_id, span_id, body, logs.message
              FROM logs JOIN resources ON resources.id = resource JOIN scopes ON scopes.id = scope
              WHERE logs.id > ?1 AND logs.id <= ?1 + ?2 ORDER BY logs.id",
        item: log,
    },
    Part {
        name: "points",
        signal: Signal::Metrics,
        sql: "SELECT points.id, resources.message, scopes.message, names.text, type, temporality, monotonic, unit,
                  description, metadata, attributes, time_ns, start_ns, value, points.message
              FROM points JOIN streams ON streams.id = stream JOIN names ON names.id = name
                  JOIN resources ON resources.id = resource JOIN scopes ON scopes.id = scope
              WHERE points.id > ?1 AND points.id <= ?1 + ?2 ORDER BY points.id",
        item: point,
    },
];

/// Moves a file of version 1 out of the way, if there is one. The lock must be held.
pub(crate) fn move_away(path: &Path) -> Result<(), OpenError> {
    if !open::is_version_1(path) {
        return Ok(());
    }
    for suffix in ["-wal", "-shm", ""] {
        let from = open::beside(path, suffix);
        let to = open::beside(path, &format!("{SUFFIX}{suffix}"));
        match fs::rename(&from, to) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(OpenError::File {
                    what: "moving the store of an older version",
                    path: from,
                    source,
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Takes over what is in the file that was moved away. `progress` is asked once for each part how far it got, and `write`
/// stores a batch together with how far that gets it.
pub(crate) fn take_over(
    path: &Path,
    progress: impl Fn(&str) -> rusqlite::Result<i64>,
    mut write: impl FnMut(&Batch, &str, i64) -> Result<(), WriteError>,
) -> Result<(), MigrateError> {
    let old = open::beside(path, SUFFIX);
    if !old.exists() || progress("done")? > 0 {
        return Ok(());
    }
    tracing::info!(file = %old.display(), "taking over the telemetry of an older version's store");
    // Opened for writing, because a write-ahead log may have to be read.
    let connection = Connection::open(&old)?;
    for part in &PARTS {
        let mut key = progress(part.name)?;
        let table = part.name;
        let column = if table == "spans" { "trace" } else { "id" };
        let last: i64 = connection.query_one(
            &format!("SELECT coalesce(max({column}), 0) FROM {table}"),
            [],
            |row| row.get(0),
        )?;
        // Traces have many spans each.
        let step = if table == "spans" { GROUP / 10 } else { GROUP };
        while key < last {
            let batch = read(&connection, part, key, step)?;
            key += i64::from(step);
            write(&batch, part.name, key)?;
        }
    }
    write(&Batch::empty(Signal::Traces), "done", 1)?;
    tracing::info!(
        file = %old.display(),
        "the telemetry of the older version's store was taken over; its file is not needed any more and may be deleted"
    );
    Ok(())
}

/// A request with some of the rows: each in an envelope of its own, as the messages of resource and scope are.
fn read(connection: &Connection, part: &Part, key: i64, step: u32) -> Result<Batch, MigrateError> {
    let mut request = Encoder::new();
    let mut find = connection.prepare_cached(part.sql)?;
    let mut rows = find.query((key, step))?;
    while let Some(row) = rows.next()? {
        let (resource, scope): (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(2)?);
        let item = (part.item)(row)?;
        request.nested(1, |out| {
            out.raw(&resource);
            out.nested(2, |out| {
                out.raw(&scope);
                out.some_bytes(2, &item);
            });
        });
    }
    Ok(Batch::decode(part.signal, request.into_bytes().into())?)
}

fn fixed(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn span(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    let mut out = Encoder::new();
    out.bytes(1, row.get::<_, Vec<u8>>(3)?);
    out.bytes(2, row.get::<_, Vec<u8>>(4)?);
    out.bytes(4, row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default());
    out.bytes(5, row.get::<_, String>(6)?);
    out.varint(6, fixed(row, 7)?);
    out.fixed64(7, fixed(row, 8)?);
    out.fixed64(8, fixed(row, 9)?);
    // The message has the whole status; the column was its code only.
    out.raw(row.get_ref(10)?.as_blob()?);
    Ok(out.into_bytes())
}

fn log(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    let mut out = Encoder::new();
    out.varint(2, fixed(row, 3)?);
    let message = row.get_ref(7)?.as_blob()?;
    let has_body = crate::wire::payloads(message, 5).next().is_some();
    if let Some(body) = row.get::<_, Option<String>>(6)?.filter(|_| !has_body) {
        out.nested(5, |out| out.some_bytes(1, body));
    }
    out.bytes(9, row.get::<_, Option<Vec<u8>>>(4)?.unwrap_or_default());
    out.bytes(10, row.get::<_, Option<Vec<u8>>>(5)?.unwrap_or_default());
    out.raw(message);
    Ok(out.into_bytes())
}

/// A metric with one point.
fn point(row: &Row<'_>) -> rusqlite::Result<Vec<u8>> {
    use rusqlite::types::ValueRef;
    let kind: u32 = row.get(4)?;
    let mut point = Encoder::new();
    let attributes_field = match kind {
        9 => 9,
        10 => 1,
        _ => 7,
    };
    let attributes: Vec<u8> = row.get(10)?;
    for attribute in crate::wire::payloads(&attributes, 7).flatten() {
        point.some_bytes(attributes_field, attribute);
    }
    point.fixed64(2, fixed(row, 12)?);
    point.fixed64(3, fixed(row, 11)?);
    match row.get_ref(13)? {
        ValueRef::Integer(value) => point.some_fixed64(6, value.cast_unsigned()),
        ValueRef::Real(value) => point.some_fixed64(4, value.to_bits()),
        _ => {}
    }
    point.raw(row.get_ref(14)?.as_blob()?);
    let mut out = Encoder::new();
    out.bytes(1, row.get::<_, String>(3)?);
    out.bytes(2, row.get::<_, String>(8)?);
    out.bytes(3, row.get::<_, String>(7)?);
    let (temporality, monotonic) = (fixed(row, 5)?, fixed(row, 6)?);
    out.nested(kind, |out| {
        out.some_bytes(1, point.as_bytes());
        out.varint(2, temporality);
        out.varint(3, monotonic);
    });
    out.raw(row.get_ref(9)?.as_blob()?);
    Ok(out.into_bytes())
}
