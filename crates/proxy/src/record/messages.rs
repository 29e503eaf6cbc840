//! Messages as OpenTelemetry's conventions write them, in JSON: `{"role", "parts": [...], "finish_reason"}`.
//!
//! [Source](https://github.com/open-telemetry/semantic-conventions-genai). Media keep their number of bytes in the place of their
//! content, which is what the normal form has of them.

use fanlight_genai::{LlmCall, Message, Part, ToolDefinition};
use serde_json::{Map, Value as Json, json};

use crate::redact;

/// Messages that the model read, as the attribute has them.
pub(super) fn input(messages: &[Message]) -> String {
    Json::from_iter(messages.iter().map(message)).to_string()
}

/// Messages that it answered. Each must say why it ended, or Phoenix shows none; nothing is said of one that broke off.
pub(super) fn output(messages: &[Message]) -> String {
    let written = messages.iter().map(|said| {
        let mut written = message(said);
        if let (Some(written), None) = (written.as_object_mut(), &said.finish_reason) {
            put(written, "finish_reason", Some(""));
        }
        written
    });
    Json::from_iter(written).to_string()
}

/// Parts without a message around them.
pub(super) fn parts(parts: &[Part]) -> String {
    Json::from_iter(parts.iter().map(part)).to_string()
}

/// Tools that the model may use.
pub(super) fn tools(tools: &[ToolDefinition]) -> String {
    Json::from_iter(tools.iter().map(tool)).to_string()
}

fn message(message: &Message) -> Json {
    let mut object = Map::new();
    object.insert("role".to_owned(), Json::from(message.role.as_str()));
    put(&mut object, "name", message.name.as_deref());
    object.insert("parts".to_owned(), message.parts.iter().map(part).collect());
    put(
        &mut object,
        "finish_reason",
        message.finish_reason.as_deref(),
    );
    Json::Object(object)
}

fn part(part: &Part) -> Json {
    let mut object = Map::new();
    let mut begin = |kind: &str| object.insert("type".to_owned(), Json::from(kind));
    match part {
        Part::Text { content } => {
            begin("text");
            object.insert("content".to_owned(), Json::from(content.as_str()));
        }
        Part::Reasoning { content } => {
            begin("reasoning");
            object.insert("content".to_owned(), Json::from(content.as_str()));
        }
        Part::ToolCall {
            id,
            name,
            arguments,
        } => {
            begin("tool_call");
            put(&mut object, "id", id.as_deref());
            put(&mut object, "name", Some(name));
            put_json(&mut object, "arguments", arguments);
        }
        Part::ToolCallResponse { id, name, response } => {
            begin("tool_call_response");
            put(&mut object, "id", id.as_deref());
            put(&mut object, "name", name.as_deref());
            put_json(&mut object, "response", response);
        }
        Part::Blob {
            modality,
            mime_type,
            bytes,
        } => {
            begin("blob");
            put(&mut object, "modality", Some(modality));
            put(&mut object, "mime_type", mime_type.as_deref());
            object.insert("bytes".to_owned(), json!(bytes));
        }
        Part::Uri {
            modality,
            mime_type,
            uri,
        } => {
            begin("uri");
            put(&mut object, "modality", Some(modality));
            put(&mut object, "mime_type", mime_type.as_deref());
            put(&mut object, "uri", Some(uri));
        }
        Part::File {
            modality,
            mime_type,
            file_id,
        } => {
            begin("file");
            put(&mut object, "modality", Some(modality));
            put(&mut object, "mime_type", mime_type.as_deref());
            put(&mut object, "file_id", Some(file_id));
        }
        Part::Generic(value) => return value.clone(),
    }
    Json::Object(object)
}

fn tool(tool: &ToolDefinition) -> Json {
    let mut object = Map::new();
    put(&mut object, "type", tool.kind.as_deref());
    put(&mut object, "name", Some(&tool.name));
    put(&mut object, "description", tool.description.as_deref());
    put_json(&mut object, "parameters", &tool.parameters);
    Json::Object(object)
}

fn put(object: &mut Map<String, Json>, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), Json::from(value));
    }
}

fn put_json(object: &mut Map<String, Json>, name: &str, value: &Json) {
    if !value.is_null() {
        object.insert(name.to_owned(), value.clone());
    }
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
