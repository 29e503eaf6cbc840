//! LLMFlow's API, for scripts that were written for it: where a path is also one of ours, ours is answered.
//!
//! | Path | Answer |
//! |---|---|
//! | `GET /api/traces/export` | calls of models; `limit`, `format` (`json` or `jsonl`), `model`, `date_from`, `date_to` |
//! | `GET /api/stats`, `/api/models`, `/api/token-usage` | sums, by model, by service |
//! | `GET /api/sessions`, `/api/sessions/{id}` | sessions; one with its traces |
//! | `GET /api/health/providers` | how the last call of each provider went |
//! | `POST /api/spans` | a span of its SDK |
//! | `/ws` | a WebSocket that says `hello`, then `new_span` for each call |
//!
//! Names and shapes are [LLMFlow's](https://github.com/HelgeSverre/llmflow): snake case, times in milliseconds since 1970, money
//! as numbers, where unknown costs are null. As there, unknown parameters are not looked at.

mod providers;
mod sessions;
mod socket;
mod spans;
mod sums;
mod traces;

use axum::Router;
use axum::routing::{get, post};
use fanlight_store::LlmCallRow;
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::router::App;

/// The routes below `/api`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/traces/export", get(traces::export))
        .route("/health/providers", get(providers::show))
        .route("/stats", get(sums::stats))
        .route("/models", get(sums::models))
        .route("/token-usage", get(sums::token_usage))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::one))
        .route("/spans", post(spans::take))
}

/// The WebSocket.
pub(crate) fn socket() -> Router<App> {
    Router::new().route("/ws", get(socket::open))
}

/// Which part of a list is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    limit: Option<usize>,
    offset: usize,
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
