//! Ollama's own interface. It has no keys.

use http::Method;
use serde_json::{Value, json};

use super::{Answered, Asked, Refusal, Reply, arguments};

const CREATED: &str = "2025-11-21T16:00:00.000000Z";

pub(super) fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    if (method.as_str(), asked.path) == ("GET", "/api/tags") {
        return Ok(Reply::Whole(json!({"models": []})));
    }
    if method != Method::POST {
        return Err(Refusal(404, json!({"error": "404 page not found"})));
    }
    let body: Value = serde_json::from_slice(asked.body)
        .map_err(|error| Refusal(400, json!({"error": error.to_string()})))?;
    let Some(model) = body["model"].as_str().filter(|model| !model.is_empty()) else {
        return Err(Refusal(400, json!({"error": "model is required"})));
    };
    match asked.path {
        "/api/chat" => Ok(chat(model, &body, asked)),
        "/api/generate" => Ok(lines(
            &body,
            asked
                .pieces()
                .into_iter()
                .map(|piece| json!({"model": model, "created_at": CREATED, "response": piece, "done": false}))
                .collect(),
            finished(json!({"model": model, "created_at": CREATED, "response": ""})),
            |whole, text| whole["response"] = json!(text),
            asked,
        )),
        "/api/embed" => Ok(Reply::Whole(json!({"model": model, "embeddings": [[0.25, -0.5, 0.125]],
            "total_duration": 14_143_917, "load_duration": 1_019_500, "prompt_eval_count": 8}))),
        _ => Err(Refusal(404, json!({"error": "404 page not found"}))),
    }
}

fn chat(model: &str, body: &Value, asked: &Asked<'_>) -> Reply {
    let messages = body["messages"].as_array().into_iter().flatten();
    let has_result = messages.into_iter().any(|one| one["role"] == "tool");
    let tool = &body["tools"][0]["function"];
    let said = |content: &str| json!({"model": model, "created_at": CREATED, "message": {"role": "assistant", "content": content}, "done": false});
    let end = finished(said(""));
    if tool.is_object() && !has_result {
        let mut call = said("");
        call["message"]["tool_calls"] = json!([{"function": {"name": tool["name"], "arguments": arguments(&tool["parameters"])}}]);
        let mut whole = end.clone();
        whole["message"] = call["message"].clone();
        if body["stream"] == false {
            return Reply::Whole(whole);
        }
        return Reply::Stream("application/x-ndjson", vec![line(&call), line(&end)]);
    }
    let pieces = asked.pieces();
    let chunks = pieces.iter().map(|piece| said(piece)).collect();
    lines(
        body,
        chunks,
        end,
        |whole, text| whole["message"]["content"] = json!(text),
        asked,
    )
}

/// Streams unless the client says that it does not want that.
fn lines(
    body: &Value,
    chunks: Vec<Value>,
    end: Value,
    put: impl Fn(&mut Value, &str),
    asked: &Asked<'_>,
) -> Reply {
    if body["stream"] == false {
        let mut whole = end;
        put(&mut whole, &asked.text());
        return Reply::Whole(whole);
    }
    let frames = chunks.iter().chain([&end]).map(line).collect();
    Reply::Stream("application/x-ndjson", frames)
}

fn line(value: &Value) -> String {
    format!("{value}\n")
}

fn finished(mut last: Value) -> Value {
    last["done"] = json!(true);
    last["done_reason"] = json!("stop");
    last["total_duration"] = json!(4_883_583_458_u64);
    last["load_duration"] = json!(1_334_875);
    last["prompt_eval_count"] = json!(26);
    last["prompt_eval_duration"] = json!(342_546_000);
    last["eval_count"] = json!(9);
    last["eval_duration"] = json!(453_543_000);
    last
}
