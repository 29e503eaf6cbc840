//! `/api/metrics` and what is below it, and `/api/token-usage`.
//!
//! Numbers of LLMFlow's are either integers or doubles. Here a number is a double, and an integer besides where it is whole.

mod sums;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use fanlight_store::{MetricFilter, TimeRange};
use serde::Deserialize;
use serde_json::{Value, json};

use super::table::{self, Conditions, Row};
use super::{Part, Times};
use crate::api::ApiError;
use crate::router::App;
use sums::{sums, whole};

/// What is asked of the view of points, and LLMFlow's names for it.
const COLUMNS: [(&str, &str); 13] = [
    ("CAST(time_ns AS TEXT)", "time_ns"),
    ("time_ns / 1000000", "timestamp"),
    ("name", "name"),
    ("NULL", "description"),
    ("unit", "unit"),
    ("type", "metric_type"),
    ("value", "value_double"),
    ("count", "count"),
    ("sum", "sum"),
    ("service", "service_name"),
    ("NULL", "scope_name"),
    ("attributes", "attributes"),
    ("resource", "resource_attributes"),
];

/// Which points are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    name: Option<String>,
    service_name: Option<String>,
    metric_type: Option<String>,
    aggregation: Option<String>,
}

/// Points, the newest first, and how many there are; with `aggregation=summary`, metrics.
pub(super) async fn list(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
    Query(times): Query<Times>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    if wanted.aggregation.as_deref() == Some("summary") {
        return Ok(Json(json!({ "summary": summaries(&app, &times).await? })));
    }
    let (from, to) = times.read()?;
    let conditions = Conditions::default()
        .equal("name", wanted.name.as_deref())
        .equal("service", wanted.service_name.as_deref())
        .equal("type", wanted.metric_type.as_deref())
        .between("time_ns", from, to);
    let metrics = points(&app, &conditions, &part).await?;
    let total = table::count(&app, "metrics", &conditions).await?;
    Ok(Json(json!({ "metrics": metrics, "total": total })))
}

async fn points(app: &App, conditions: &Conditions, part: &Part) -> Result<Vec<Row>, ApiError> {
    let sql = format!(
        "SELECT {} FROM metrics{}{}",
        table::columns(&COLUMNS),
        conditions.sql(),
        part.sql()
    );
    let rows = table::rows(app, sql).await?;
    let mut rows: Vec<Row> = rows.into_iter().map(table::named).map(point).collect();
    // The view is roughly in this order.
    rows.sort_by_key(|row| std::cmp::Reverse(row["timestamp"].as_i64()));
    Ok(rows)
}

/// A point with LLMFlow's fields for its value.
fn point(mut row: Row) -> Row {
    let (count, sum) = (row.remove("count"), row.remove("sum"));
    let histogram = count
        .filter(|count| !count.is_null())
        .map(|count| json!({ "count": count, "sum": sum }).to_string());
    let integer = row
        .get("value_double")
        .and_then(Value::as_f64)
        .map(whole)
        .filter(Value::is_i64);
    row.insert("histogram_data".to_owned(), histogram.into());
    row.insert("value_int".to_owned(), integer.into());
    row
}

/// The names of metrics, and the services that send some.
pub(super) async fn filters(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let metrics = app.store.metrics(MetricFilter::default()).await?;
    let mut names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    let mut services: Vec<&str> = metrics.iter().map(|metric| &*metric.service).collect();
    for list in [&mut names, &mut services] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(Json(json!({ "names": names, "services": services })))
}

/// Metrics, by their number of points.
pub(super) async fn summary(
    State(app): State<App>,
    Query(times): Query<Times>,
) -> Result<Json<Value>, ApiError> {
    let summaries = summaries(&app, &times).await?;
    Ok(Json(Value::Array(summaries)))
}

async fn summaries(app: &App, times: &Times) -> Result<Vec<Value>, ApiError> {
    let (from, to) = times.read()?;
    let conditions = Conditions::default().between("time_ns", from, to);
    let sql = format!(
        "SELECT name, service AS service_name, max(type) AS metric_type, count(*) AS data_points, \
         min(time_ns) / 1000000 AS first_seen, max(time_ns) / 1000000 AS last_seen, avg(value) AS avg_double, \
         max(value) AS max_int, min(value) AS min_int FROM metrics{} GROUP BY name, service ORDER BY data_points DESC",
        conditions.sql()
    );
    let range = TimeRange {
        from,
        to: to.map(|to| to.saturating_add(1)),
    };
    let mut all = Vec::new();
    for mut row in table::rows(app, sql).await? {
        for column in ["max_int", "min_int"] {
            let number = row.get(column).and_then(Value::as_f64).map(whole);
            row.insert(column.to_owned(), number.into());
        }
        let name = row["name"].as_str().unwrap_or_default();
        let sum = match row["metric_type"].as_str() {
            Some("sum") => {
                let service = row["service_name"].as_str();
                let sums = sums(app, name, range).await?;
                let of_service = sums
                    .iter()
                    .filter(|(labels, _)| Some(&*labels.service) == service);
                whole(of_service.map(|(_, sum)| sum).sum())
            }
            _ => Value::Null,
        };
        row.insert("sum_int".to_owned(), sum);
        all.push(Value::Object(row));
    }
    Ok(all)
}

/// What metrics say of tokens, in an object.
pub(super) async fn tokens(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "usage": sums::tokens(&app).await? })))
}

/// The same as it is.
pub(super) async fn token_usage(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    Ok(Json(Value::Array(sums::tokens(&app).await?)))
}

/// One point.
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
    let rows = points(&app, &conditions, &part).await?;
    match rows.into_iter().find(|row| row["id"] == *id) {
        Some(row) => Ok(Json(Value::Object(table::parsed(
            row,
            &["attributes", "resource_attributes", "histogram_data"],
        )))),
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is no point {id:?}"),
        )),
    }
}
