//! Anthropic's Messages.

use http::Method;
use serde_json::{Value, json};

use super::{ANTHROPIC_KEY, Answered, Asked, Refusal, Reply, arguments, event, split};

pub(super) fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    if asked.header("x-api-key") != ANTHROPIC_KEY && asked.bearer() != ANTHROPIC_KEY {
        return Err(refusal(401, "authentication_error", "invalid x-api-key"));
    }
    if asked.header("anthropic-version").is_empty() {
        return Err(invalid("anthropic-version: header is required"));
    }
    if method != Method::POST {
        return Err(refusal(405, "invalid_request_error", "Method Not Allowed"));
    }
    let body: Value = serde_json::from_slice(asked.body)
        .ok()
        .filter(|_| asked.is_json())
        .ok_or_else(|| invalid("The request body is not valid JSON"))?;
    let model = body["model"].as_str().filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| invalid("model: Field required"))?;
    check(&body)?;
    match asked.path {
        "/v1/messages/count_tokens" => return Ok(Reply::Whole(json!({"input_tokens": 25}))),
        "/v1/messages" => {}
        _ => return Err(refusal(404, "not_found_error", "Not Found")),
    }
    if !body["max_tokens"].is_u64() {
        return Err(invalid("max_tokens: Field required"));
    }
    let content = content(&body, asked);
    if body["stream"] == true {
        let frames = frames(model, &content, asked);
        return Ok(Reply::Stream("text/event-stream; charset=utf-8", frames));
    }
    let mut message = message(model);
    message["stop_reason"] = reason(&content);
    message["usage"]["output_tokens"] = json!(12);
    message["content"] = json!([content]);
    Ok(Reply::Whole(message))
}

fn refusal(status: u16, kind: &str, message: &str) -> Refusal {
    Refusal(
        status,
        json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake1"}),
    )
}

fn invalid(message: &str) -> Refusal {
    refusal(400, "invalid_request_error", message)
}

pub(super) fn failure(status: u16) -> Refusal {
    match status {
        429 => refusal(
            429,
            "rate_limit_error",
            "This request would exceed your organization's rate limit.",
        ),
        529 => refusal(529, "overloaded_error", "Overloaded"),
        _ => refusal(status, "api_error", "Internal server error"),
    }
}

/// System prompts have a place of their own, and turns begin with the user's.
fn check(body: &Value) -> Result<(), Refusal> {
    let messages = body["messages"].as_array().filter(|list| !list.is_empty());
    let messages = messages.ok_or_else(|| invalid("messages: at least one message is required"))?;
    for (index, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or("");
        if !["user", "assistant"].contains(&role) {
            return Err(invalid(&format!(
                "messages.{index}.role: Input should be 'user' or 'assistant'"
            )));
        }
        if message["content"].is_null() {
            return Err(invalid(&format!(
                "messages.{index}.content: Field required"
            )));
        }
    }
    for (index, tool) in body["tools"].as_array().into_iter().flatten().enumerate() {
        let is_builtin = tool["type"].is_string() && tool["type"] != "custom";
        if !tool["name"].is_string() || !(is_builtin || tool["input_schema"].is_object()) {
            return Err(invalid(&format!(
                "tools.{index}.custom.input_schema: Field required"
            )));
        }
    }
    Ok(())
}

/// The tool whose name begins with `get_` is called unless there is a result already: tools of coding assistants do things.
fn content(body: &Value, asked: &Asked<'_>) -> Value {
    let messages = body["messages"].as_array().into_iter().flatten();
    let mut parts = messages.flat_map(|one| one["content"].as_array().into_iter().flatten());
    let has_result = parts.any(|part| part["type"] == "tool_result");
    let mut tools = body["tools"].as_array().into_iter().flatten();
    let tool = tools.find(|tool| {
        tool["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("get_"))
    });
    match tool.filter(|_| !has_result) {
        Some(tool) => json!({"type": "tool_use", "id": "toolu_fake1", "name": tool["name"],
            "input": arguments(&tool["input_schema"])}),
        None => json!({"type": "text", "text": asked.text()}),
    }
}

fn reason(content: &Value) -> Value {
    match content["type"].as_str() {
        Some("tool_use") => json!("tool_use"),
        _ => json!("end_turn"),
    }
}

/// A message without its content. Its prompt was in part read from the cache, and in part written to it.
fn message(model: &str) -> Value {
    json!({
        "id": "msg_fake1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "input_tokens": 25,
            "cache_creation_input_tokens": 512,
            "cache_read_input_tokens": 2048,
            "cache_creation": {"ephemeral_5m_input_tokens": 512, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
            "service_tier": "standard",
        },
    })
}

fn frames(model: &str, content: &Value, asked: &Asked<'_>) -> Vec<String> {
    let mut empty = content.clone();
    let deltas: Vec<Value> = if content["type"] == "tool_use" {
        empty["input"] = json!({});
        let pieces = split(&content["input"].to_string(), 6).into_iter();
        pieces
            .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
            .collect()
    } else {
        empty["text"] = json!("");
        let pieces = asked.pieces().into_iter();
        pieces
            .map(|piece| json!({"type": "text_delta", "text": piece}))
            .collect()
    };
    let mut all = vec![
        json!({"type": "message_start", "message": message(model)}),
        json!({"type": "content_block_start", "index": 0, "content_block": empty}),
        json!({"type": "ping"}),
    ];
    all.extend(
        deltas
            .into_iter()
            .map(|delta| json!({"type": "content_block_delta", "index": 0, "delta": delta})),
    );
    all.push(json!({"type": "content_block_stop", "index": 0}));
    all.push(json!({
        "type": "message_delta",
        "delta": {"stop_reason": reason(content), "stop_sequence": null},
        "usage": {"input_tokens": 25, "cache_creation_input_tokens": 512, "cache_read_input_tokens": 2048, "output_tokens": 12},
    }));
    all.push(json!({"type": "message_stop"}));
    all.iter().map(event).collect()
}
