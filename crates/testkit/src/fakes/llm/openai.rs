//! OpenAI's interface, and that of everybody who copies it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::Method;
use serde_json::{Value, json};

use super::{Answered, Asked, OPENAI_KEY, Refusal, Reply, arguments, data, responses, split};

/// Where the interface is: OpenAI and most others, Groq, OpenRouter, Fireworks; DeepSeek and Perplexity have it at the root.
const BASES: [&str; 5] = ["/v1", "/openai/v1", "/api/v1", "/inference/v1", ""];
const CREATED: u64 = 1_763_740_800;

pub(super) fn answer(method: &Method, asked: &Asked<'_>) -> Answered {
    let found = BASES
        .iter()
        .find_map(|base| Some(asked.path.strip_prefix(base)?).filter(|rest| known(rest)));
    let Some(place) = found else {
        let message = format!("Invalid URL ({method} {})", asked.path);
        return Err(refusal(404, "invalid_request_error", None, &message));
    };
    // Ollama has no keys and answers at the same path.
    let is_local = asked.header("authorization").is_empty() && place == "/chat/completions";
    let key = asked.bearer();
    if key != OPENAI_KEY && !(is_local && asked.json().is_ok_and(|body| is_ollama(&body))) {
        let message = match key {
            "" => "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).".to_owned(),
            wrong => format!("Incorrect API key provided: {:.8}***. You can find your API key at https://platform.openai.com/account/api-keys.", wrong),
        };
        let code = Some("invalid_api_key");
        return Err(refusal(401, "invalid_request_error", code, &message));
    }
    // Clients that would rather have a WebSocket take the hint.
    if asked.header("upgrade") == "websocket" {
        let message = "WebSockets are not served here.";
        return Err(refusal(426, "invalid_request_error", None, message));
    }
    match (method.as_str(), place) {
        ("GET", "/models") => Ok(Reply::Whole(json!({
            "object": "list",
            "data": [{"id": "gpt-4o-mini", "object": "model", "created": CREATED, "owned_by": "system"}],
        }))),
        ("POST", "/audio/speech") => Ok(Reply::File("audio/mpeg", speech())),
        ("POST", "/audio/transcriptions") => transcription(asked),
        ("POST", "/chat/completions") => chat(&asked.json()?, asked),
        ("POST", "/responses") => responses::answer(&asked.json()?, asked),
        ("POST", "/embeddings") => embeddings(&asked.json()?),
        _ => {
            let message = format!("Not allowed to {method} on {}.", asked.path);
            Err(refusal(405, "invalid_request_error", None, &message))
        }
    }
}

fn known(place: &str) -> bool {
    const PLACES: [&str; 6] = [
        "/models",
        "/audio/speech",
        "/audio/transcriptions",
        "/chat/completions",
        "/responses",
        "/embeddings",
    ];
    PLACES.contains(&place)
}

fn is_ollama(body: &Value) -> bool {
    let model = body["model"].as_str().unwrap_or("");
    model.starts_with("llama")
}

impl Asked<'_> {
    /// The body, which must be JSON and say so.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        if !self.is_json() {
            let message = format!(
                "Unsupported content type: '{}'. This API method only accepts 'application/json' requests, but you specified the header 'Content-Type: {}'. Please try again with a supported content type.",
                self.header("content-type"),
                self.header("content-type"),
            );
            let code = Some("unsupported_content_type");
            return Err(refusal(415, "invalid_request_error", code, &message));
        }
        serde_json::from_slice(self.body).map_err(|_| {
            let message = "We could not parse the JSON body of your request.";
            refusal(400, "invalid_request_error", None, message)
        })
    }
}

pub(super) fn refusal(status: u16, kind: &str, code: Option<&str>, message: &str) -> Refusal {
    let error = json!({"message": message, "type": kind, "param": null, "code": code});
    Refusal(status, json!({ "error": error }))
}

pub(super) fn failure(status: u16) -> Refusal {
    match status {
        429 => refusal(
            429,
            "requests",
            Some("rate_limit_exceeded"),
            "Rate limit reached for requests. Please try again in 7s.",
        ),
        _ => refusal(
            status,
            "server_error",
            None,
            "The server had an error while processing your request. Sorry about that!",
        ),
    }
}

pub(super) fn invalid(message: &str) -> Refusal {
    refusal(400, "invalid_request_error", None, message)
}

/// The model that answers: names without a date are those of the newest one.
pub(super) fn dated(model: &str) -> &str {
    match model {
        "gpt-4o-mini" => "gpt-4o-mini-2024-07-18",
        "gpt-4o" => "gpt-4o-2024-08-06",
        other => other,
    }
}

pub(super) fn model(body: &Value) -> Result<&str, Refusal> {
    let model = body["model"].as_str().filter(|model| !model.is_empty());
    model.ok_or_else(|| invalid("you must provide a model parameter"))
}

/// What the model says to these messages.
enum Said {
    Text,
    /// A tool's name and its arguments.
    Call(String, Value),
}

fn chat(body: &Value, asked: &Asked<'_>) -> Answered {
    let model = dated(model(body)?);
    let said = said(body)?;
    let is_stream = body["stream"] == true;
    if !is_stream && !body["stream_options"].is_null() {
        return Err(invalid(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    let usage = usage(&said);
    if is_stream {
        let with_usage = body["stream_options"]["include_usage"] == true;
        let usage = with_usage.then_some(usage);
        return Ok(Reply::Stream(
            "text/event-stream; charset=utf-8",
            chunks(model, &said, usage, asked),
        ));
    }
    let (message, reason) = match said {
        Said::Text => (
            json!({"role": "assistant", "content": asked.text(), "refusal": null, "annotations": []}),
            "stop",
        ),
        Said::Call(name, given) => (
            json!({"role": "assistant", "content": null, "refusal": null, "annotations": [], "tool_calls": [
                {"id": "call_fake1", "type": "function", "function": {"name": name, "arguments": given.to_string()}}]}),
            "tool_calls",
        ),
    };
    Ok(Reply::Whole(json!({
        "id": "chatcmpl-fake0001",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": reason}],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_fake",
    })))
}

/// Checks the messages. Tools are called one time each, in order; one named `final_result` ends a run with what the tools
/// said.
fn said(body: &Value) -> Result<Said, Refusal> {
    let messages = body["messages"].as_array().filter(|list| !list.is_empty());
    let messages = messages.ok_or_else(|| {
        invalid("Invalid 'messages': empty array. Expected at least one message.")
    })?;
    for message in messages {
        let role = message["role"].as_str().unwrap_or("");
        if ![
            "developer",
            "system",
            "user",
            "assistant",
            "tool",
            "function",
        ]
        .contains(&role)
        {
            return Err(invalid(&format!(
                "Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."
            )));
        }
        if role == "tool" && message["tool_call_id"].as_str() != Some("call_fake1") {
            return Err(invalid(
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
            ));
        }
    }
    let tools: Vec<&Value> = body["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|tool| &tool["function"])
        .collect();
    let result = messages.iter().rfind(|message| message["role"] == "tool");
    let last_step = tools.iter().find(|tool| tool["name"] == "final_result");
    let call = |tool: &Value| {
        let name = tool["name"].as_str().unwrap_or("").to_owned();
        Said::Call(name, arguments(&tool["parameters"]))
    };
    Ok(match (result, last_step, tools.first()) {
        (Some(result), Some(tool), _) => {
            let name = tool["name"].as_str().unwrap_or("").to_owned();
            Said::Call(name, json!({"response": result["content"] == "winner"}))
        }
        (None, _, Some(tool)) => call(tool),
        _ => Said::Text,
    })
}

/// Text has a cached prompt; calls have none.
fn usage(said: &Said) -> Value {
    let (prompt, cached, completion) = match said {
        Said::Text => (1200, 1024, 9),
        Said::Call(..) => (90, 0, 17),
    };
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}

/// The chunks of a stream. Where usage is asked for, every chunk has the field, which is null until the last.
fn chunks(model: &str, said: &Said, usage: Option<Value>, asked: &Asked<'_>) -> Vec<String> {
    let chunk = |delta: Value, reason: Option<&str>| {
        let mut chunk = json!({
            "id": "chatcmpl-fake0001",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
            "service_tier": "default",
            "system_fingerprint": "fp_fake",
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}],
        });
        if usage.is_some() {
            chunk["usage"] = Value::Null;
        }
        chunk
    };
    let mut all = Vec::new();
    match said {
        Said::Text => {
            let first = json!({"role": "assistant", "content": "", "refusal": null});
            all.push(chunk(first, None));
            for piece in asked.pieces() {
                all.push(chunk(json!({ "content": piece }), None));
            }
            all.push(chunk(json!({}), Some("stop")));
        }
        Said::Call(name, given) => {
            all.push(chunk(
                json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": [
                    {"index": 0, "id": "call_fake1", "type": "function", "function": {"name": name, "arguments": ""}}]}),
                None,
            ));
            for piece in split(&given.to_string(), 6) {
                let call = json!([{"index": 0, "function": {"arguments": piece}}]);
                all.push(chunk(json!({ "tool_calls": call }), None));
            }
            all.push(chunk(json!({}), Some("tool_calls")));
        }
    }
    if let Some(usage) = &usage {
        let mut last = chunk(json!({}), None);
        last["choices"] = json!([]);
        last["usage"] = usage.clone();
        all.push(last);
    }
    let mut frames: Vec<String> = all.iter().map(data).collect();
    frames.push("data: [DONE]\n\n".to_owned());
    frames
}

fn embeddings(body: &Value) -> Answered {
    let model = model(body)?;
    let count = match &body["input"] {
        Value::String(text) if !text.is_empty() => 1,
        // Tokens of one text, or several texts.
        Value::Array(list) if list.iter().all(Value::is_number) => 1,
        Value::Array(list) => list.len(),
        _ => {
            return Err(invalid(
                "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.",
            ));
        }
    };
    let numbers = [0.25_f32, -0.5, 0.125, 1.0];
    let embedding = if body["encoding_format"] == "base64" {
        let bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        json!(BASE64_STANDARD.encode(bytes))
    } else {
        json!(numbers)
    };
    let data: Vec<Value> = (0..count)
        .map(|index| json!({"object": "embedding", "index": index, "embedding": embedding}))
        .collect();
    Ok(Reply::Whole(json!({
        "object": "list", "data": data, "model": model,
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    })))
}

fn transcription(asked: &Asked<'_>) -> Answered {
    let is_form = asked
        .header("content-type")
        .starts_with("multipart/form-data; boundary=");
    let has = |field: &str| {
        let wanted = format!("name=\"{field}\"");
        asked
            .body
            .windows(wanted.len())
            .any(|text| text == wanted.as_bytes())
    };
    if !is_form || !has("file") || !has("model") {
        return Err(invalid("you must provide a model parameter"));
    }
    Ok(Reply::Whole(json!({ "text": super::ANSWER })))
}

/// Bytes that are no text.
fn speech() -> Vec<u8> {
    (0..4096_u32)
        .map(|index| (index * 31 % 256) as u8)
        .collect()
}
