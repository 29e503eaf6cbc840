//! Cohere's Chat, version 2.

use http::Method;
use serde_json::{Value, json};

use super::{Answered, Asked, COHERE_KEY, Refusal, Reply, event};

pub(super) fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    if asked.bearer() != COHERE_KEY {
        return Err(refusal(401, "invalid api token"));
    }
    if asked.path != "/v2/chat" || method != Method::POST {
        return Err(refusal(404, "not found"));
    }
    let body: Value = serde_json::from_slice(asked.body)
        .map_err(|_| refusal(400, "invalid request: body is not JSON"))?;
    if !body["model"].is_string() {
        return Err(refusal(400, "invalid request: model is required"));
    }
    let messages = body["messages"].as_array();
    if messages.is_none_or(Vec::is_empty) {
        return Err(refusal(
            400,
            "invalid request: messages must contain at least one message",
        ));
    }
    let usage = json!({"billed_units": {"input_tokens": 5, "output_tokens": 418}, "tokens": {"input_tokens": 71, "output_tokens": 418}});
    if body["stream"] != true {
        return Ok(Reply::Whole(json!({
            "id": "fake1",
            "message": {"role": "assistant", "content": [{"type": "text", "text": asked.text()}]},
            "finish_reason": "COMPLETE",
            "usage": usage,
        })));
    }
    let mut all = vec![
        json!({"type": "message-start", "id": "fake1", "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}}),
        json!({"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}}),
    ];
    all.extend(asked.pieces().into_iter().map(
        |piece| json!({"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": piece}}}}),
    ));
    all.push(json!({"type": "content-end", "index": 0}));
    all.push(
        json!({"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": usage}}),
    );
    let frames = all.iter().map(event).collect();
    Ok(Reply::Stream("text/event-stream", frames))
}

fn refusal(status: u16, message: &str) -> Refusal {
    Refusal(status, json!({"id": "fake1", "message": message}))
}
