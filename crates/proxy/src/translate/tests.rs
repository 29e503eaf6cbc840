use fanlight_genai::LlmCall;
use fanlight_genai::api::{AnswerStream, ProviderApi, read_request, read_response};
use proptest::prelude::*;

use super::*;

mod models;
mod replies;
mod requests;

const TARGETS: [Target; 3] = [Target::Anthropic, Target::Gemini, Target::Cohere];

/// What a request becomes: where it goes, and its body.
fn translated(target: Target, body: &Json) -> (String, Json) {
    let translation = request(target, body.to_string().as_bytes()).unwrap();
    let body = serde_json::from_slice(&translation.body).unwrap();
    (translation.path_and_query, body)
}

fn refused(target: Target, body: &Json) -> String {
    request(target, body.to_string().as_bytes())
        .err()
        .unwrap()
        .to_string()
}

/// Something small to ask.
fn asked(stream: bool, include_usage: bool) -> Json {
    json!({"model": "m", "stream": stream, "stream_options": {"include_usage": include_usage}, "messages": [{"role": "user", "content": "Hi"}]})
}

fn reply(target: Target, ask: &Json, status: u16, content_type: &'static str) -> Reply {
    let mut reply = request(target, ask.to_string().as_bytes()).unwrap().reply;
    reply.created = 1;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static(content_type));
    headers.insert("content-length", HeaderValue::from_static("5"));
    headers.insert("request-id", HeaderValue::from_static("req_1"));
    reply.head(StatusCode::from_u16(status).unwrap(), &mut headers);
    assert!(!headers.contains_key("content-length"));
    assert_eq!(headers["request-id"], "req_1");
    reply
}

fn whole(target: Target, status: u16, answer: &Json) -> Json {
    let mut reply = reply(target, &asked(false, false), status, "application/json");
    let bytes = Bytes::from(answer.to_string());
    let (one, two) = bytes.split_at(bytes.len() / 2);
    assert!(reply.push(&Bytes::copy_from_slice(one)).is_empty());
    assert!(reply.push(&Bytes::copy_from_slice(two)).is_empty());
    serde_json::from_slice(&reply.finish()).unwrap()
}

fn streamed(target: Target, include_usage: bool, stream: &[u8], step: usize) -> Vec<u8> {
    let mut reply = reply(
        target,
        &asked(true, include_usage),
        200,
        "text/event-stream",
    );
    let mut out: Vec<u8> = Vec::new();
    for piece in stream.chunks(step) {
        out.extend(reply.push(&Bytes::copy_from_slice(piece)));
    }
    out.extend(reply.finish());
    out
}

/// The data of each event.
fn events(stream: &[u8]) -> Vec<Json> {
    let stream = std::str::from_utf8(stream).unwrap();
    let events = stream
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("data: "));
    events
        .map(|event| serde_json::from_str(event).unwrap_or_else(|_| json!(event)))
        .collect()
}

fn sse(events: &[Json]) -> Vec<u8> {
    let event = |event: &Json| match event["type"].as_str() {
        Some(kind) => format!("event: {kind}\ndata: {event}\n\n"),
        None => format!("data: {event}\n\n"),
    };
    events.iter().map(event).collect::<String>().into_bytes()
}
