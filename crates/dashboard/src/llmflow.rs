//! LLMFlow's API, for scripts that were written for it.
//!
//! All of it is below `/llmflow/api`. Below `/api` are those of its paths that are not ours, and of `/api/traces`, `/api/logs`
//! and `/api/metrics` the questions that only LLMFlow knows: those with a parameter of its own, and a span by its id.
//!
//! | Path | Answer |
//! |---|---|
//! | `GET /api/traces` | spans that have to do with models, in a bare array |
//! | `GET /api/traces/{spanId}`, `/api/traces/{spanId}/tree` | one with what went over the wire; its trace, nested |
//! | `GET /api/traces/export` | calls of models; `limit`, `format` (`json` or `jsonl`), `model`, `date_from`, `date_to` |
//! | `GET /api/timeline` | spans and log records together |
//! | `GET /api/logs`, `/api/logs/filters`, `/api/logs/{id}` | log records |
//! | `GET /api/metrics`, `/api/metrics/{filters,summary,tokens}`, `/api/metrics/{id}`, `/api/token-usage` | points, and sums of them |
//! | `GET /api/stats`, `/api/models` | sums of calls, by model |
//! | `GET /api/analytics`, `/api/analytics/{daily,cost-by-tool,cost-by-model,token-trends}` | sums of the last days |
//! | `GET /api/sessions`, `/api/sessions/{id}` | sessions; one with its traces |
//! | `GET /api/health/providers` | how the last call of each provider went |
//! | `POST /api/spans` | a span of its SDK |
//! | `/ws` | a WebSocket that says `hello`, then `new_span` for each call |
//!
//! Names and shapes are [LLMFlow's](https://github.com/HelgeSverre/llmflow): snake case, times in milliseconds since 1970, money
//! as numbers, where unknown costs are null. As there, unknown parameters are not looked at.

mod analytics;
mod logs;
mod metrics;
mod providers;
mod sessions;
mod socket;
mod spans;
mod sums;
mod table;
mod timeline;
mod traces;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use fanlight_store::{LlmCallRow, LlmFilter, LlmPage, TimeRange};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::api::ApiError;
use crate::router::App;

/// The most entries of a list.
const ENTRIES: usize = 10_000;

/// The routes below `/api` whose paths are not ours.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/traces/export", get(traces::export))
        .route("/traces/{traceId}/tree", get(traces::tree))
        .route("/timeline", get(timeline::show))
        .route("/logs/filters", get(logs::filters))
        .route("/logs/{id}", get(logs::one))
        .route("/metrics/filters", get(metrics::filters))
        .route("/metrics/summary", get(metrics::summary))
        .route("/metrics/tokens", get(metrics::tokens))
        .route("/metrics/{id}", get(metrics::one))
        .route("/token-usage", get(metrics::token_usage))
        .route("/analytics", get(analytics::all))
        .route("/analytics/daily", get(analytics::daily))
        .route("/analytics/cost-by-tool", get(analytics::cost_by_tool))
        .route("/analytics/cost-by-model", get(analytics::cost_by_model))
        .route("/analytics/token-trends", get(analytics::token_trends))
        .route("/health/providers", get(providers::show))
        .route("/stats", get(sums::stats))
        .route("/models", get(sums::models))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::one))
        .route("/spans", post(spans::take))
}

/// All routes.
pub(crate) fn all() -> Router<App> {
    routes()
        .route("/health", get(health))
        .route("/traces", get(traces::list))
        .route("/traces/{traceId}", get(traces::one))
        .route("/logs", get(logs::list))
        .route("/metrics", get(metrics::list))
}

/// The WebSocket.
pub(crate) fn socket() -> Router<App> {
    Router::new().route("/ws", get(socket::open))
}

/// Answers what only LLMFlow knows in its words, at paths that are ours as well. The router has all of LLMFlow's routes.
pub(crate) async fn instead(
    State(theirs): State<Router>,
    request: Request,
    next: Next,
) -> Response {
    if !is_theirs(request.uri()) {
        return next.run(request).await;
    }
    // What our own router has found in the path is not for theirs.
    let (mut head, body) = request.into_parts();
    head.extensions.clear();
    let request = Request::from_parts(head, body);
    // A router answers everything, if only that there is nothing.
    let Ok(answer) = theirs.oneshot(request).await;
    answer
}

/// Whether a question to one of our paths is one of LLMFlow's.
fn is_theirs(uri: &Uri) -> bool {
    let asks = |parameters: &[&str]| {
        let pairs = uri.query().unwrap_or_default().split('&');
        let mut names = pairs.map(|pair| pair.split('=').next().unwrap_or_default());
        names.any(|name| parameters.contains(&name))
    };
    match uri.path() {
        "/api/traces" => asks(&[
            "offset",
            "model",
            "status",
            "provider",
            "session_id",
            "conversation_id",
            "date_from",
            "date_to",
        ]),
        "/api/logs" => asks(&[
            "offset",
            "service_name",
            "event_name",
            "trace_id",
            "severity_min",
            "date_from",
            "date_to",
        ]),
        "/api/metrics" => asks(&[
            "limit",
            "offset",
            "name",
            "service_name",
            "metric_type",
            "aggregation",
            "date_from",
            "date_to",
        ]),
        path => path
            .strip_prefix("/api/traces/")
            .is_some_and(|id| id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit())),
    }
}

async fn health() -> Json<Value> {
    Json(json!({
        "status": "ok",
        "service": "dashboard",
        "version": env!("CARGO_PKG_VERSION"),
    }))
}

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    limit: Option<usize>,
    offset: usize,
}

/// When it happened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Times {
    date_from: Option<String>,
    date_to: Option<String>,
}

impl Times {
    /// In nanoseconds since 1970.
    fn read(&self) -> Result<(Option<u64>, Option<u64>), ApiError> {
        let read = |text: &Option<String>| given(text.clone()).as_deref().map(time).transpose();
        Ok((read(&self.date_from)?, read(&self.date_to)?))
    }

    fn range(&self) -> Result<TimeRange, ApiError> {
        let (from, to) = self.read()?;
        Ok(TimeRange { from, to })
    }
}

/// A text that says something.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The part of a list of calls that is wanted, of those that pass the filter and the test.
async fn calls(
    app: &App,
    filter: LlmFilter,
    part: &Part,
    test: impl Fn(&LlmCallRow) -> bool,
) -> Result<Vec<LlmCallRow>, ApiError> {
    let limit = part.limit.unwrap_or(50).min(ENTRIES);
    let mut found = Vec::new();
    let (mut skipped, mut cursor) = (0, None);
    while found.len() < limit {
        let page = LlmPage {
            filter: filter.clone(),
            limit: u32::try_from(limit - found.len() + part.offset - skipped).unwrap_or(u32::MAX),
            cursor,
            ..LlmPage::default()
        };
        let page = app.store.llm_calls(page).await?;
        for call in page.items.into_iter().filter(&test) {
            match skipped < part.offset {
                true => skipped += 1,
                false => found.push(call),
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(limit);
    Ok(found)
}

const fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000
}

/// A call as LLMFlow shows its rows.
fn row(call: &LlmCallRow) -> Value {
    let tokens = |count: Option<u64>| count.unwrap_or(0);
    json!({
        "id": call.span_id.to_string(),
        "trace_id": call.trace_id.to_string(),
        "parent_id": call.parent_span_id.map(|id| id.to_string()),
        "timestamp": milliseconds(call.start_nano),
        "duration_ms": milliseconds(call.duration_nano),
        "span_type": call.kind,
        "span_name": call.name,
        "service_name": call.service,
        "provider": call.provider,
        "model": call.response_model.as_ref().or(call.request_model.as_ref()),
        "prompt_tokens": tokens(call.input_tokens),
        "completion_tokens": tokens(call.output_tokens),
        "total_tokens": tokens(call.input_tokens) + tokens(call.output_tokens),
        "cache_read_tokens": tokens(call.cache_read_tokens),
        "cache_write_tokens": tokens(call.cache_write_tokens),
        "reasoning_tokens": tokens(call.reasoning_tokens),
        "estimated_cost": call.cost,
        "status": if call.status == "error" { 500 } else { 200 },
        "error": call.error_type,
        "tags": call.tags,
        "session_id": call.session_id,
        "conversation_id": call.conversation_id,
        "user_id": call.user_id,
        "agent_name": call.agent,
        "input": call.input_preview,
        "output": call.output_preview,
    })
}

/// A time as scripts write it: milliseconds since 1970, a date, or date and time in ISO 8601. In nanoseconds since 1970.
fn time(text: &str) -> Result<u64, ApiError> {
    let text = text.trim();
    let read = || -> Option<u64> {
        if let Ok(milliseconds) = text.parse::<f64>() {
            // A float turns into an integer by saturating.
            return Some((milliseconds * 1e6) as u64);
        }
        let time = text.parse::<Timestamp>().ok().or_else(|| {
            let date = text.parse::<civil::DateTime>().ok();
            Some(date?.to_zoned(TimeZone::UTC).ok()?.timestamp())
        });
        u64::try_from(time?.as_nanosecond()).ok()
    };
    read().ok_or_else(|| {
        ApiError::bad(format!("{text:?} is no time"))
            .hint("write milliseconds since 1970, or a date such as 2026-01-31")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_told_apart_by_what_only_one_side_knows() {
        for (uri, expected) in [
            ("/api/traces", false),
            ("/api/traces?limit=5&q=x", false),
            ("/api/traces?service=a&limit=5", false),
            ("/api/traces?limit=5&status=error", true),
            ("/api/traces/0af7651916cd43dd8448eb211c80319c", false),
            ("/api/traces/8448eb211c80319c", true),
            ("/api/logs?severityMin=9", false),
            ("/api/logs?severity_min=9", true),
            ("/api/metrics?service=a", false),
            ("/api/metrics?aggregation=summary", true),
        ] {
            assert_eq!(is_theirs(&uri.parse().unwrap()), expected, "{uri}");
        }
    }

    #[test]
    fn times_are_read_as_scripts_write_them() {
        let day = 1_709_164_800_000_000_000;
        for (text, expected) in [
            ("1709164800000", day),
            ("2024-02-29", day),
            ("2024-02-29T00:00:01Z", day + 1_000_000_000),
            ("2024-02-29T01:00:00+01:00", day),
            ("2024-02-29T00:00:00", day),
        ] {
            assert_eq!(time(text).unwrap(), expected, "{text}");
        }
        assert!(time("yesterday").is_err());
    }
}
