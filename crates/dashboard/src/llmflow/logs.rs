//! `/api/logs`, `/api/logs/filters`, `/api/logs/{id}`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::table::{self, Conditions, Row};
use super::{Part, Times};
use crate::api::ApiError;
use crate::router::App;

/// The name of an event: OTLP's field, else the attribute in which programs wrote it before there was one.
pub(super) const EVENT: &str = "coalesce(nullif(event_name, ''), attributes ->> 'event.name')";

/// What is asked of the view of log records, and LLMFlow's names for it.
const COLUMNS: [(&str, &str); 13] = [
    ("CAST(time_ns AS TEXT)", "time_ns"),
    ("time_ns / 1000000", "timestamp"),
    ("NULL", "observed_timestamp"),
    ("severity", "severity_number"),
    ("nullif(severity_text, '')", "severity_text"),
    ("body", "body"),
    ("nullif(trace_id, '')", "trace_id"),
    ("nullif(span_id, '')", "span_id"),
    (EVENT, "event_name"),
    ("service", "service_name"),
    ("nullif(scope, '')", "scope_name"),
    ("attributes", "attributes"),
    ("resource", "resource_attributes"),
];

/// Which log records are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    service_name: Option<String>,
    event_name: Option<String>,
    trace_id: Option<String>,
    severity_min: Option<i32>,
    q: Option<String>,
}

impl Wanted {
    fn conditions(&self, times: &Times) -> Result<Conditions, ApiError> {
        let (from, to) = times.read()?;
        let conditions = Conditions::default()
            .equal("service", self.service_name.as_deref())
            .equal(EVENT, self.event_name.as_deref())
            .equal("trace_id", self.trace_id.as_deref())
            .contains(&["body", "attributes"], self.q.as_deref())
            .between("time_ns", from, to);
        Ok(match self.severity_min {
            Some(least) => conditions.and(format!("severity >= {least}")),
            None => conditions,
        })
    }
}

/// Log records, the newest first, and how many there are.
pub(super) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    Query(times): Query<Times>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let conditions = wanted.conditions(&times)?;
    let logs = records(&app, &conditions, &part).await?;
    let total = table::count(&app, "logs", &conditions).await?;
    Ok(Json(json!({ "logs": logs, "total": total })))
}

/// The newest log records that fulfil conditions.
pub(super) async fn records(
    app: &App,
    conditions: &Conditions,
    part: &Part,
) -> Result<Vec<Row>, ApiError> {
    let sql = format!(
        "SELECT {} FROM logs{}{}",
        table::columns(&COLUMNS),
        conditions.sql(),
        part.sql()
    );
    let rows = table::rows(app, sql).await?;
    let mut rows: Vec<Row> = rows.into_iter().map(table::named).collect();
    // The view is roughly in this order.
    rows.sort_by_key(|row| std::cmp::Reverse(row["timestamp"].as_i64()));
    Ok(rows)
}

/// The services that log, and the names of events.
pub(super) async fn filters(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let distinct = |column: &str| {
        format!("SELECT DISTINCT {column} FROM logs WHERE {column} <> '' ORDER BY {column}")
    };
    let services = table::texts(&app, distinct("service")).await?;
    let events = table::texts(&app, distinct(EVENT)).await?;
    Ok(Json(json!({ "services": services, "event_names": events })))
}

/// One log record.
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let time = table::time_of(&id);
    let conditions = Conditions::default().between("time_ns", time, time.or(Some(0)));
    let part = Part {
        limit: Some(usize::MAX),
        offset: 0,
    };
    let rows = records(&app, &conditions, &part).await?;
    match rows.into_iter().find(|row| row["id"] == *id) {
        Some(row) => Ok(Json(Value::Object(table::parsed(
            row,
            &["attributes", "resource_attributes"],
        )))),
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is no log record {id:?}"),
        )),
    }
}
