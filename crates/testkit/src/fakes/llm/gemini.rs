//! Google's Gemini interface.

use http::Method;
use serde_json::{Value, json};

use super::{Answered, Asked, GEMINI_KEY, Refusal, Reply, arguments};

pub(super) fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    let key = match asked.header("x-goog-api-key") {
        "" => asked.parameter("key").unwrap_or(""),
        given => given,
    };
    if key != GEMINI_KEY {
        return Err(invalid("API key not valid. Please pass a valid API key."));
    }
    let call = asked.path.split_once("/models/").and_then(|(_, call)| {
        let (model, action) = call.split_once(':')?;
        (method == Method::POST).then_some((model, action))
    });
    let Some((model, action)) = call else {
        return Err(refusal(404, "NOT_FOUND", "Requested entity was not found."));
    };
    let body: Value = serde_json::from_slice(asked.body)
        .map_err(|_| invalid("Invalid JSON payload received. Unexpected token."))?;
    let contents = body["contents"].as_array().filter(|list| !list.is_empty());
    let Some(contents) = contents else {
        return Err(invalid(
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    };
    match action {
        "countTokens" => Ok(Reply::Whole(json!({"totalTokens": 18}))),
        "generateContent" => {
            let parts = parts(&body, contents, asked);
            Ok(Reply::Whole(chunk(model, json!(parts), true)))
        }
        "streamGenerateContent" => Ok(stream(model, &parts(&body, contents, asked), asked)),
        _ => Err(refusal(404, "NOT_FOUND", "Requested entity was not found.")),
    }
}

fn refusal(status: u16, name: &str, message: &str) -> Refusal {
    let error = json!({"code": status, "message": message, "status": name});
    Refusal(status, json!({ "error": error }))
}

fn invalid(message: &str) -> Refusal {
    refusal(400, "INVALID_ARGUMENT", message)
}

pub(super) fn failure(status: u16) -> Refusal {
    match status {
        429 => refusal(
            429,
            "RESOURCE_EXHAUSTED",
            "Resource has been exhausted (e.g. check quota).",
        ),
        _ => refusal(status, "INTERNAL", "An internal error has occurred."),
    }
}

/// A function whose name begins with `get_` is called unless there is a result already.
fn parts(body: &Value, contents: &[Value], asked: &Asked<'_>) -> Vec<Value> {
    let mut given = contents
        .iter()
        .flat_map(|one| one["parts"].as_array().into_iter().flatten());
    let has_result = given.any(|part| part.get("functionResponse").is_some());
    let tools = body["tools"].as_array().into_iter().flatten();
    let mut functions = tools.flat_map(|tool| {
        tool["functionDeclarations"]
            .as_array()
            .into_iter()
            .flatten()
    });
    let function = functions.find(|function| {
        function["name"]
            .as_str()
            .is_some_and(|name| name.starts_with("get_"))
    });
    match function.filter(|_| !has_result) {
        Some(function) => {
            let schema = match &function["parameters"] {
                Value::Null => &function["parametersJsonSchema"],
                schema => schema,
            };
            vec![json!({"functionCall": {"name": function["name"], "args": arguments(schema)}})]
        }
        None => asked
            .pieces()
            .into_iter()
            .map(|piece| json!({ "text": piece }))
            .collect(),
    }
}

/// Answers come in chunks of the same shape as a whole one; the usage stands in each, complete in the last.
fn chunk(model: &str, parts: Value, is_last: bool) -> Value {
    let parts = match parts.as_array() {
        // A whole answer has its text in one part.
        Some(several) if several.iter().all(|part| part["text"].is_string()) => {
            let text: String = several
                .iter()
                .filter_map(|part| part["text"].as_str())
                .collect();
            json!([{ "text": text }])
        }
        _ => parts,
    };
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    let mut usage = json!({
        "promptTokenCount": 18, "totalTokenCount": 18,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 18}],
    });
    if is_last {
        candidate["finishReason"] = json!("STOP");
        usage["candidatesTokenCount"] = json!(11);
        usage["thoughtsTokenCount"] = json!(40);
        usage["totalTokenCount"] = json!(69);
    }
    json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": model, "responseId": "fake1"})
}

fn stream(model: &str, parts: &[Value], asked: &Asked<'_>) -> Reply {
    let chunks: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| chunk(model, json!([part]), index + 1 == parts.len()))
        .collect();
    if asked.parameter("alt") == Some("sse") {
        let frames = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n"));
        return Reply::Stream("text/event-stream", frames.collect());
    }
    // Without it, one JSON array comes element by element.
    let frames = chunks.iter().enumerate().map(|(index, chunk)| {
        let open = if index == 0 { "[" } else { "," };
        let close = if index + 1 == chunks.len() {
            "]"
        } else {
            "\r\n"
        };
        format!("{open}{chunk}{close}")
    });
    Reply::Stream("application/json; charset=UTF-8", frames.collect())
}
