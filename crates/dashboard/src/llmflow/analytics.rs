//! `/api/analytics` and what is below it: calls of models in the last days.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Query, State};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::table::{self, Row};
use crate::api::ApiError;
use crate::router::App;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// The most entries of a list over time.
const BINS: i64 = 10_000;

/// How far to look back.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    days: Option<i64>,
    /// `hour` or `day`.
    interval: Option<String>,
}

/// Sums of calls since a time.
const SUMS: &str = "sum(cost) AS total_cost, coalesce(sum(input_tokens), 0) + coalesce(sum(output_tokens), 0) AS total_tokens, \
                    coalesce(sum(input_tokens), 0) AS prompt_tokens, coalesce(sum(output_tokens), 0) AS completion_tokens, \
                    count(*) AS request_count";

impl Wanted {
    fn days(&self, usual: i64) -> i64 {
        self.days.unwrap_or(usual).clamp(0, BINS)
    }
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// ` FROM llm_calls` of the last days.
fn since(days: i64) -> String {
    // Days are few enough for this.
    let from = (now() - days * DAY).max(0) * 1_000_000;
    format!("FROM llm_calls WHERE start_time_ns >= {from}")
}

/// Days, tools and models.
pub(super) async fn all(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let days = wanted.days(30);
    Ok(Json(json!({
        "daily": daily_rows(&app, days).await?,
        "by_tool": tool_rows(&app, days).await?,
        "by_model": model_rows(&app, days).await?,
        "days": days,
    })))
}

/// Every day, those without calls as well.
pub(super) async fn daily(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let days = wanted.days(30);
    let daily = daily_rows(&app, days).await?;
    Ok(Json(json!({ "daily": daily, "days": days })))
}

/// Providers and services, the dearest first.
pub(super) async fn cost_by_tool(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let days = wanted.days(30);
    let by_tool = tool_rows(&app, days).await?;
    Ok(Json(json!({ "by_tool": by_tool, "days": days })))
}

/// Models, the dearest first.
pub(super) async fn cost_by_model(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let days = wanted.days(30);
    let by_model = model_rows(&app, days).await?;
    Ok(Json(json!({ "by_model": by_model, "days": days })))
}

/// Tokens by the hour or by the day.
pub(super) async fn token_trends(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    let (interval, step) = match wanted.interval.as_deref() {
        Some("day") => ("day", DAY),
        _ => ("hour", HOUR),
    };
    let days = wanted.days(7).min(BINS * step / DAY);
    let trends = over_time(&app, days, step, |bucket, sums| {
        let mut row = Map::new();
        row.insert("bucket".to_owned(), bucket.into());
        row.insert("label".to_owned(), label(bucket, step).into());
        row.extend(sums);
        row
    });
    Ok(Json(json!({
        "trends": trends.await?,
        "interval": interval,
        "days": days,
    })))
}

async fn daily_rows(app: &App, days: i64) -> Result<Vec<Row>, ApiError> {
    over_time(app, days, DAY, |bucket, sums| {
        let row = json!({
            "bucket": bucket,
            "date": label(bucket, DAY),
            "tokens": sums["total_tokens"],
            "cost": sums["total_cost"],
            "requests": sums["request_count"],
        });
        row.as_object().cloned().unwrap_or_default()
    })
    .await
}

async fn tool_rows(app: &App, days: i64) -> Result<Vec<Row>, ApiError> {
    let sql = format!(
        "SELECT coalesce(provider, 'unknown') AS provider, coalesce(nullif(service, ''), 'unknown') AS service_name, {SUMS}, \
         avg(duration_ms) AS avg_duration {} GROUP BY 1, 2 ORDER BY total_cost DESC",
        since(days)
    );
    table::rows(app, sql).await
}

async fn model_rows(app: &App, days: i64) -> Result<Vec<Row>, ApiError> {
    let model = "coalesce(response_model, request_model)";
    let sql = format!(
        "SELECT {model} AS model, coalesce(max(provider), 'unknown') AS provider, {SUMS} {} AND {model} IS NOT NULL \
         GROUP BY 1 ORDER BY total_cost DESC",
        since(days)
    );
    table::rows(app, sql).await
}

/// A row for each step of the last days, with sums of the calls in it.
async fn over_time(
    app: &App,
    days: i64,
    step: i64,
    row: impl Fn(i64, Row) -> Row,
) -> Result<Vec<Row>, ApiError> {
    if days == 0 {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT start_time_ns / {} AS bucket, {SUMS} {} GROUP BY 1",
        step * 1_000_000,
        since(days)
    );
    let mut found: BTreeMap<i64, Row> = BTreeMap::new();
    for mut sums in table::rows(app, sql).await? {
        let number = sums.remove("bucket").and_then(|number| number.as_i64());
        found.extend(number.map(|number| (number, sums)));
    }
    let now = now();
    let steps = (now - days * DAY).div_euclid(step)..=now.div_euclid(step);
    let rows = steps.map(|number| {
        let sums = found.remove(&number).unwrap_or_else(nothing);
        row(number * step, sums)
    });
    Ok(rows.collect())
}

/// The sums of no calls.
fn nothing() -> Row {
    let names = [
        "total_cost",
        "total_tokens",
        "prompt_tokens",
        "completion_tokens",
        "request_count",
    ];
    names
        .map(|name| (name.to_owned(), 0.into()))
        .into_iter()
        .collect()
}

/// A step's beginning as LLMFlow writes it, in UTC.
fn label(milliseconds: i64, step: i64) -> String {
    let format = if step == DAY {
        "%Y-%m-%d"
    } else {
        "%Y-%m-%d %H:00"
    };
    Timestamp::from_millisecond(milliseconds)
        .map(|time| time.strftime(format).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_labelled_in_utc() {
        assert_eq!(label(1_709_164_800_000, DAY), "2024-02-29");
        assert_eq!(label(1_709_164_800_000 + HOUR, HOUR), "2024-02-29 01:00");
    }
}
