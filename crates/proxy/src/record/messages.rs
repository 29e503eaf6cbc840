//! Messages as OpenTelemetry's conventions write them, in JSON: `{"role", "parts": [...], "finish_reason"}`.
//!
//! [Source](https://github.com/open-telemetry/semantic-conventions-genai). Media keep their number of bytes in the place of their
//! content, which is what the normal form has of them.

use fanlight_genai::{LlmCall, Message, Part, ToolDefinition};
use serde_json::Value as Json;

use super::json::{self, Object, array, object};
use crate::redact;

/// Messages that the model read, as the attribute has them.
pub(super) fn input(messages: &[Message]) -> String {
    let mut out = with_room(messages.iter().flat_map(|message| &message.parts));
    array(&mut out, messages, |out, said| {
        message(out, said, said.finish_reason.as_deref());
    });
    out
}

/// Messages that it answered. Each must say why it ended, or Phoenix shows none; nothing is said of one that broke off.
pub(super) fn output(messages: &[Message]) -> String {
    let mut out = with_room(messages.iter().flat_map(|message| &message.parts));
    array(&mut out, messages, |out, said| {
        let reason = said.finish_reason.as_deref().unwrap_or_default();
        message(out, said, Some(reason));
    });
    out
}

/// Parts without a message around them.
pub(super) fn parts(parts: &[Part]) -> String {
    let mut out = with_room(parts);
    array(&mut out, parts, part);
    out
}

/// Tools that the model may use.
pub(super) fn tools(tools: &[ToolDefinition]) -> String {
    let mut out = String::new();
    array(&mut out, tools, |out, tool| {
        object(out, |object| {
            object.text("description", tool.description.as_deref());
            object.text("name", Some(&tool.name));
            object.json("parameters", &tool.parameters);
            object.text("type", tool.kind.as_deref());
        });
    });
    out
}

/// An empty text that need not grow often.
fn with_room<'p>(parts: impl IntoIterator<Item = &'p Part>) -> String {
    let sizes = parts.into_iter().map(|part| match part {
        Part::Text { content } | Part::Reasoning { content } => {
            64 + content.len() + content.len() / 16
        }
        _ => 256,
    });
    String::with_capacity(sizes.sum())
}

fn message(out: &mut String, message: &Message, finish_reason: Option<&str>) {
    object(out, |object| {
        object.text("finish_reason", finish_reason);
        object.text("name", message.name.as_deref());
        array(object.member("parts"), &message.parts, part);
        object.text("role", Some(&message.role));
    });
}

fn part(out: &mut String, part: &Part) {
    match part {
        Part::Generic(value) => json::json(out, value),
        part => object(out, |object| members(object, part)),
    }
}

fn members(object: &mut Object<'_>, part: &Part) {
    let kind = match part {
        Part::Text { content } => {
            object.text("content", Some(content));
            "text"
        }
        Part::Reasoning { content } => {
            object.text("content", Some(content));
            "reasoning"
        }
        Part::ToolCall {
            id,
            name,
            arguments,
        } => {
            object.json("arguments", arguments);
            object.text("id", id.as_deref());
            object.text("name", Some(name));
            "tool_call"
        }
        Part::ToolCallResponse { id, name, response } => {
            object.text("id", id.as_deref());
            object.text("name", name.as_deref());
            object.json("response", response);
            "tool_call_response"
        }
        Part::Blob {
            modality,
            mime_type,
            bytes,
        } => {
            object.count("bytes", *bytes);
            medium(object, modality, mime_type.as_deref());
            "blob"
        }
        Part::Uri {
            modality,
            mime_type,
            uri,
        } => {
            medium(object, modality, mime_type.as_deref());
            object.text("uri", Some(uri));
            "uri"
        }
        Part::File {
            modality,
            mime_type,
            file_id,
        } => {
            object.text("file_id", Some(file_id));
            medium(object, modality, mime_type.as_deref());
            "file"
        }
        // It is its own JSON.
        Part::Generic(_) => return,
    };
    object.text("type", Some(kind));
}

fn medium(object: &mut Object<'_>, modality: &str, mime_type: Option<&str>) {
    object.text("mime_type", mime_type);
    object.text("modality", Some(modality));
}

/// Cuts every text of a call to so many bytes.
pub(super) fn cut(call: &mut LlmCall, most: usize) {
    let mut is_cut = false;
    let mut cut = |text: &mut String| {
        if text.len() > most {
            let kept = redact::beginning(text, most).len();
            text.truncate(kept);
            text.push('…');
            is_cut = true;
        }
    };
    let said = call
        .input_messages
        .iter_mut()
        .chain(&mut call.output_messages);
    let parts = said.flat_map(|message| &mut message.parts);
    for part in parts.chain(&mut call.system_instructions) {
        match part {
            Part::Text { content } | Part::Reasoning { content } => cut(content),
            Part::ToolCall {
                arguments: value, ..
            }
            | Part::ToolCallResponse {
                response: value, ..
            }
            | Part::Generic(value) => cut_json(value, &mut cut),
            Part::Uri { uri, .. } => cut(uri),
            _ => {}
        }
    }
    for tool in &mut call.tool_definitions {
        tool.description.iter_mut().for_each(&mut cut);
        cut_json(&mut tool.parameters, &mut cut);
    }
    call.truncated |= is_cut;
}

fn cut_json(value: &mut Json, cut: &mut impl FnMut(&mut String)) {
    match value {
        Json::String(text) => cut(text),
        Json::Array(items) => items.iter_mut().for_each(|item| cut_json(item, cut)),
        Json::Object(members) => members
            .values_mut()
            .for_each(|member| cut_json(member, cut)),
        _ => {}
    }
}
