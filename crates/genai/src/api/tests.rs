use serde_json::{Value as Json, json};

use super::ProviderApi::*;
use super::*;
use crate::{Message, Part, Usage};

mod arbitrary;
mod requests;
mod streams;
mod wholes;

fn whole(api: ProviderApi, body: &Json) -> LlmCall {
    let mut call = LlmCall::default();
    read_response(api, body.to_string().as_bytes(), &mut call);
    call
}

fn streamed(api: ProviderApi, framing: Framing, bytes: &[u8]) -> LlmCall {
    let mut stream = AnswerStream::new(api, framing);
    stream.push(bytes);
    let mut call = LlmCall::default();
    stream.finish(&mut call);
    call
}

fn sse(events: &[Json]) -> Vec<u8> {
    let events = events
        .iter()
        .map(|event| format!("event: x\r\ndata: {event}\r\n\r\n"));
    format!(
        ": keep-alive\n\n{}data: [DONE]\n\n",
        events.collect::<String>()
    )
    .into_bytes()
}

fn lines(events: &[Json]) -> Vec<u8> {
    events
        .iter()
        .map(|event| format!("{event}\n"))
        .collect::<String>()
        .into_bytes()
}

/// Amazon's frames; the checksums are not read.
fn aws(events: &[(&str, Json)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, event) in events {
        let mut headers = Vec::new();
        for (key, value) in [(":message-type", "event"), (":event-type", name)] {
            headers.push(key.len() as u8);
            headers.extend(key.as_bytes());
            headers.push(7);
            headers.extend((value.len() as u16).to_be_bytes());
            headers.extend(value.as_bytes());
        }
        let payload = event.to_string();
        let length = 16 + headers.len() + payload.len();
        out.extend((length as u32).to_be_bytes());
        out.extend((headers.len() as u32).to_be_bytes());
        out.extend([0; 4]);
        out.extend(headers);
        out.extend(payload.as_bytes());
        out.extend([0; 4]);
    }
    out
}

fn weather() -> Part {
    Part::ToolCall {
        id: Some("c1".to_owned()),
        name: "weather".to_owned(),
        arguments: json!({"city": "Paris"}),
    }
}

fn answer(parts: &[Part], reason: &str) -> Message {
    Message {
        role: "assistant".to_owned(),
        name: None,
        parts: parts.to_vec(),
        finish_reason: Some(reason.to_owned()),
    }
}

fn thought(content: &str) -> Part {
    Part::Reasoning {
        content: content.to_owned(),
    }
}
