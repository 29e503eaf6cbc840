//! SQL of users: read-only, over views that stay the same from version to version.
//!
//! A question runs on a database of its own in memory, which has nothing but the views and can open no file. Their rows
//! are decoded from blocks as SQLite asks for them, so a question that wants few columns, or few rows, costs little.

mod calls;
mod points;
mod rows;
mod schema;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::{AuthAction, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, vtab};
use serde::Serialize;

use super::QueryError;
use crate::readers::View;
pub(super) use points::metric_kind;
use rows::{Rows, list_key};
use schema::VIEWS;
pub(crate) use schema::sql_schema;

/// How long a question may take.
const TIME: Duration = Duration::from_secs(10);

/// How many rows are answered, unless more are asked for, and at most.
const ROWS: u32 = 10_000;
const MAX_ROWS: u32 = 100_000;
/// How many bytes an answer has at most, about.
const MAX_BYTES: usize = 64 << 20;
/// How long a text within a question may get.
const MAX_TEXT: i32 = 32 << 20;

/// How many instructions of SQLite's machine pass between looks at the clock.
const INSTRUCTIONS: i32 = 10_000;

/// A question in SQL.
#[derive(Clone, Debug, Default)]
pub struct SqlQuery {
    /// One statement that only reads.
    pub sql: String,
    /// The most rows to answer; 0 means 10,000, more than 100,000 mean that.
    pub limit: u32,
}

/// The answer to a question in SQL.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SqlResult))]
#[serde(rename_all = "camelCase")]
pub struct SqlAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: text, numbers and nulls; blobs as lower-case hexadecimal.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<crate::query::schema::SqlValue>>))]
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether there are more rows than could be answered.
    pub truncated: bool,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// What can be asked in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlSchema {
    /// The views.
    pub views: Vec<SqlView>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlView {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub description: &'static str,
    /// Its columns.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub columns: Vec<SqlColumn>,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlColumn {
    /// Its name.
    pub name: &'static str,
    /// `TEXT`, `INTEGER` or `REAL`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it holds.
    pub description: &'static str,
}

/// Answers a user's SQL. The view is given back, whatever comes of it.
pub(crate) fn sql(view: View, query: &SqlQuery) -> (Option<View>, Result<SqlAnswer, QueryError>) {
    let begun = Instant::now();
    let rows = Arc::new(Mutex::new(Rows::new(view)));
    let answer = answer(&rows, query, begun);
    let rows = Arc::into_inner(rows).and_then(|rows| rows.into_inner().ok());
    (rows.map(|rows| rows.view), answer)
}

fn answer(
    rows: &Arc<Mutex<Rows>>,
    query: &SqlQuery,
    begun: Instant,
) -> Result<SqlAnswer, QueryError> {
    let mut connection = Connection::open_in_memory()?;
    vtab::series::load_module(&connection)?;
    add_functions(&connection, rows)?;
    make_lists(
        &connection,
        &rows.lock().unwrap_or_else(PoisonError::into_inner).view,
        &query.sql,
    )?;
    for view in &VIEWS {
        connection.execute_batch(&view.create())?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_TEXT)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.authorizer(Some(
        |context: rusqlite::hooks::AuthContext<'_>| match context.action {
            AuthAction::Select
            | AuthAction::Read { .. }
            | AuthAction::Function { .. }
            | AuthAction::Recursive => Authorization::Allow,
            _ => Authorization::Deny,
        },
    ))?;
    connection.progress_handler(INSTRUCTIONS, Some(move || begun.elapsed() > TIME))?;
    collect(&connection, query, begun).map_err(|error| in_words(&error))
}

fn in_words(error: &rusqlite::Error) -> QueryError {
    use rusqlite::{Error, ErrorCode};
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return QueryError::Sql(format!(
            "the question took longer than {} s; ask for less, such as newer rows only with LIMIT",
            TIME.as_secs()
        ));
    }
    QueryError::Sql(match error {
        Error::SqliteFailure(_, Some(message)) => message.clone(),
        Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    })
}

fn collect(
    connection: &Connection,
    query: &SqlQuery,
    begun: Instant,
) -> rusqlite::Result<SqlAnswer> {
    let limit = match query.limit {
        0 => ROWS,
        limit => limit.min(MAX_ROWS),
    };
    let mut statement = connection.prepare(&query.sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let (mut rows, mut bytes, mut truncated) = (Vec::new(), 0, false);
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        if rows.len() >= limit as usize || bytes > MAX_BYTES {
            truncated = true;
            break;
        }
        let mut cells = Vec::with_capacity(columns.len());
        for column in 0..columns.len() {
            let cell = json_cell(row.get_ref(column)?);
            bytes += cell.as_str().map_or(8, str::len);
            cells.push(cell);
        }
        rows.push(cells);
    }
    Ok(SqlAnswer {
        columns,
        rows,
        truncated,
        elapsed_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// Numbers that JSON's readers round are text, as everywhere in this API.
fn json_cell(cell: ValueRef<'_>) -> serde_json::Value {
    const EXACT: i64 = 1 << 53;
    match cell {
        ValueRef::Null => serde_json::Value::Null,
        ValueRef::Integer(value) if (-EXACT..=EXACT).contains(&value) => value.into(),
        ValueRef::Integer(value) => value.to_string().into(),
        ValueRef::Real(value) => value.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(bytes) => {
            let hex = bytes.iter().map(|byte| format!("{byte:02x}"));
            hex.collect::<String>().into()
        }
    }
}

/// Fills the lists of what there is to decode, as far as the question may want it.
fn make_lists(connection: &Connection, view: &View, sql: &str) -> Result<(), QueryError> {
    const LISTS: [(&str, &str, &str); 4] = [
        (
            "span_list",
            "spans",
            "SELECT id, count - 1, id IN (SELECT block FROM superseded) FROM span_blocks ORDER BY max_ns DESC",
        ),
        (
            "log_list",
            "logs",
            "SELECT id, count - 1, 0 FROM log_blocks ORDER BY max_ns DESC",
        ),
        (
            "metric_list",
            "metrics",
            "SELECT id, (SELECT count(*) FROM points WHERE stream = streams.id) - 1, 0 FROM streams",
        ),
        ("llm_list", "llm_calls", calls::LIST),
    ];
    let sql = sql.to_ascii_lowercase();
    for (list, view_name, blocks) in LISTS {
        connection.execute_batch(&format!(
            "CREATE TABLE {list} (number INTEGER PRIMARY KEY, block INTEGER, last INTEGER, has_dead INTEGER);"
        ))?;
        if !sql.contains(view_name) {
            continue;
        }
        let insert = format!("INSERT INTO {list} (block, last, has_dead) VALUES (?, ?, ?)");
        let transaction = connection.unchecked_transaction()?;
        let mut insert = transaction.prepare(&insert)?;
        for (number, partition) in view.partitions.iter().enumerate() {
            let mut find = partition.connection.prepare(blocks)?;
            let mut found = find.query([])?;
            while let Some(row) = found.next()? {
                let (last, has_dead): (i64, bool) = (row.get(1)?, row.get(2)?);
                insert.execute((list_key(number, row.get(0)?), last, has_dead))?;
            }
        }
        drop(insert);
        transaction.commit()?;
    }
    Ok(())
}

type Column = fn(&mut Rows, &str, i64, usize) -> Result<Cell, QueryError>;

fn add_functions(connection: &Connection, rows: &Arc<Mutex<Rows>>) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let columns: [(&str, Column); 4] = [
        ("span_value", Rows::span),
        ("log_value", Rows::log),
        ("metric_value", Rows::metric),
        ("llm_value", Rows::call),
    ];
    for (name, value) in columns {
        let rows = Arc::clone(rows);
        connection.create_scalar_function(name, 3, flags, move |context| {
            let column = context.get_raw(0).as_str()?;
            let (block, place) = (context.get(1)?, context.get::<u32>(2)?);
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            value(&mut rows, column, block, place as usize).map_err(failed)
        })?;
    }
    Ok(())
}

fn failed(error: QueryError) -> rusqlite::Error {
    rusqlite::Error::UserFunctionError(Box::new(error))
}
