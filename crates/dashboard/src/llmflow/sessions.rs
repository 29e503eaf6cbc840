//! `/api/sessions`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use fanlight_otlp::TraceId;
use fanlight_store::{LlmTurn, SessionFilter};
use serde_json::{Value, json};

use super::{Part, milliseconds};
use crate::api::ApiError;
use crate::router::App;

/// The most sessions that are looked at.
const SESSIONS: usize = 1_000;

/// Sessions, those with the newest calls first.
pub(super) async fn list(
    State(app): State<App>,
    Query(part): Query<Part>,
) -> Result<Json<Value>, ApiError> {
    let filter = SessionFilter {
        limit: SESSIONS as u32,
        ..SessionFilter::default()
    };
    let all = app.store.llm_sessions(filter).await?.items;
    let wanted = all.iter().skip(part.offset).take(part.limit.unwrap_or(50));
    let sessions: Vec<Value> = wanted
        .map(|session| {
            json!({
                "session_id": session.id,
                "first_seen": milliseconds(session.first_nano),
                "last_seen": milliseconds(session.last_nano),
                "trace_count": session.traces,
                "total_cost": session.cost,
                "total_tokens": session.input_tokens + session.output_tokens,
                "agent_name": session.agents.first(),
                "service_name": session.services.first(),
            })
        })
        .collect();
    Ok(Json(json!({ "sessions": sessions, "total": all.len() })))
}

/// A session with its traces.
pub(super) async fn one(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let Some(found) = app.store.llm_session(id.clone()).await? else {
        let message = format!("there is no session {id:?}");
        return Err(ApiError::new(StatusCode::NOT_FOUND, message));
    };
    let mut traces: Vec<(TraceId, Vec<&LlmTurn>)> = Vec::new();
    for turn in &found.turns {
        match traces
            .iter_mut()
            .find(|(trace_id, _)| *trace_id == turn.trace_id)
        {
            Some((_, turns)) => turns.push(turn),
            None => traces.push((turn.trace_id, vec![turn])),
        }
    }
    let traces: Vec<Value> = traces
        .iter()
        .map(|(trace_id, turns)| {
            let end = |turn: &&LlmTurn| turn.start_nano.saturating_add(turn.duration_nano);
            let tokens =
                |turn: &&LlmTurn| turn.input_tokens.unwrap_or(0) + turn.output_tokens.unwrap_or(0);
            json!({
                "trace_id": trace_id.to_string(),
                "root_span_id": turns.first().map(|turn| turn.span_id.to_string()),
                "started_at": turns.first().map(|turn| milliseconds(turn.start_nano)),
                "ended_at": turns.iter().map(end).max().map(milliseconds),
                "cost": turns.iter().filter_map(|turn| turn.cost).sum::<f64>(),
                "tokens": turns.iter().map(tokens).sum::<u64>(),
                "span_count": turns.len(),
                "has_error": u8::from(turns.iter().any(|turn| turn.status == "error")),
            })
        })
        .collect();
    let session = &found.session;
    Ok(Json(json!({
        "session_id": id,
        "traces": traces,
        "summary": {
            "cost": session.cost.unwrap_or(0.0),
            "tokens": session.input_tokens + session.output_tokens,
            "spans": session.calls,
            "errors": session.errors,
        },
    })))
}
