//! OpenAI's Responses.

use serde_json::{Value, json};

use super::openai::{dated, invalid, model};
use super::{Answered, Asked, Refusal, Reply, arguments, event, split};

const CREATED: u64 = 1_763_740_800;

/// One item of the output, whole, and the events that build it up.
struct Item {
    whole: Value,
    events: Vec<Value>,
}

pub(super) fn answer(body: &Value, asked: &Asked<'_>) -> Answered {
    let model = dated(model(body)?);
    let item = match call(body)? {
        Some((name, given)) => called(&name, &given),
        None => text(asked),
    };
    let whole = response(body, model, &item);
    if body["stream"] != true {
        return Ok(Reply::Whole(whole));
    }
    let mut open = whole.clone();
    open["status"] = json!("in_progress");
    open["output"] = json!([]);
    open["usage"] = Value::Null;
    let mut all = vec![
        json!({"type": "response.created", "response": open}),
        json!({"type": "response.in_progress", "response": open}),
    ];
    all.extend(item.events);
    all.push(json!({"type": "response.completed", "response": whole}));
    let frames = all.iter_mut().enumerate().map(|(number, one)| {
        one["sequence_number"] = json!(number);
        event(one)
    });
    let frames = frames.collect();
    Ok(Reply::Stream("text/event-stream; charset=utf-8", frames))
}

/// The first tool is called unless the input already has a result.
fn call(body: &Value) -> Result<Option<(String, Value)>, Refusal> {
    let has_result = match &body["input"] {
        Value::String(text) if !text.is_empty() => false,
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .any(|item| item["type"] == "function_call_output"),
        _ => return Err(invalid("Missing required parameter: 'input'.")),
    };
    let tool = body["tools"]
        .as_array()
        .and_then(|tools| tools.iter().find(|tool| tool["type"] == "function"))
        .filter(|tool| !has_result && body["tool_choice"] != "none" && tool["strict"] != false);
    Ok(tool.map(|tool| {
        let name = tool["name"].as_str().unwrap_or("").to_owned();
        (name, arguments(&tool["parameters"]))
    }))
}

fn text(asked: &Asked<'_>) -> Item {
    let text = asked.text();
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text});
    let message = |status: &str, content: Value| json!({"id": "msg_fake1", "type": "message", "status": status, "role": "assistant", "content": content});
    let at = |kind: &str| json!({"type": kind, "item_id": "msg_fake1", "output_index": 0, "content_index": 0});
    let whole = message("completed", json!([part(&text)]));
    let mut events = vec![
        json!({"type": "response.output_item.added", "output_index": 0, "item": message("in_progress", json!([]))}),
    ];
    let mut with = |kind: &str, field: &str, value: Value| {
        let mut one = at(kind);
        one[field] = value;
        if kind.starts_with("response.output_text") {
            one["logprobs"] = json!([]);
        }
        events.push(one);
    };
    with("response.content_part.added", "part", part(""));
    for piece in asked.pieces() {
        with("response.output_text.delta", "delta", json!(piece));
    }
    with("response.output_text.done", "text", json!(text));
    with("response.content_part.done", "part", part(&text));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": whole}));
    Item { whole, events }
}

fn called(name: &str, given: &Value) -> Item {
    let given = given.to_string();
    let item = |status: &str, given: &str| json!({"id": "fc_fake1", "type": "function_call", "status": status, "arguments": given, "call_id": "call_fake1", "name": name});
    let whole = item("completed", &given);
    let mut events = vec![
        json!({"type": "response.output_item.added", "output_index": 0, "item": item("in_progress", "")}),
    ];
    for piece in split(&given, 6) {
        events.push(json!({"type": "response.function_call_arguments.delta", "item_id": "fc_fake1", "output_index": 0, "delta": piece}));
    }
    events.push(json!({"type": "response.function_call_arguments.done", "item_id": "fc_fake1", "output_index": 0, "name": name, "arguments": given}));
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": whole}));
    Item { whole, events }
}

fn response(body: &Value, model: &str, item: &Item) -> Value {
    let or = |field: &str, default: Value| match &body[field] {
        Value::Null => default,
        given => given.clone(),
    };
    json!({
        "id": "resp_fake1",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": body["instructions"],
        "max_output_tokens": body["max_output_tokens"],
        "model": model,
        "output": [item.whole],
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": or("temperature", json!(1.0)),
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": or("tools", json!([])),
        "top_p": or("top_p", json!(1.0)),
        "truncation": "disabled",
        "usage": {
            "input_tokens": 50, "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 30, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 80,
        },
        "user": null,
        "metadata": {},
    })
}
