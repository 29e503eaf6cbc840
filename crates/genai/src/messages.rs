//! Messages as everybody writes them: OpenTelemetry's parts, and the bodies of OpenAI, Anthropic, Gemini, Bedrock, Cohere, Ollama,
//! Vercel and LangChain, which instrumentations record as they are.
//!
//! One reader for all of them: a part is known by its `type` or, where there is none, by the one key that says what it is.

mod parameters;
mod part;

use serde_json::Value as Json;

use crate::json;
use crate::{Message, Part, ToolDefinition};

pub(crate) use parameters::read_parameters;
pub(crate) use part::{parts, tool_call};

/// More messages than that are not kept.
const MAX_MESSAGES: usize = 10_000;

/// The messages in a value: an array of them, one alone, or text that the role said.
pub(crate) fn messages(value: &Json, role: &str) -> Vec<Message> {
    match value {
        Json::Array(items) if items.iter().all(is_part) && !items.is_empty() => {
            vec![with_parts(role, parts(value))]
        }
        Json::Array(items) => {
            let messages = items.iter().take(MAX_MESSAGES).flat_map(|item| match item {
                // LangChain sends a batch of conversations.
                Json::Array(_) => messages(item, role),
                item => message(item, role).into_iter().collect(),
            });
            messages.collect()
        }
        Json::Object(object) => {
            let inner = ["messages", "contents", "input_messages", "choices"]
                .iter()
                .find_map(|name| object.get(*name).filter(|inner| inner.is_array()));
            match inner {
                Some(inner) => {
                    let system = ["system", "systemInstruction", "system_instruction"]
                        .iter()
                        .find_map(|name| object.get(*name));
                    let system = system.map(|system| with_parts("system", parts(system)));
                    let system = system.filter(|message| !message.parts.is_empty());
                    system.into_iter().chain(messages(inner, role)).collect()
                }
                None => message(value, role).into_iter().collect(),
            }
        }
        Json::String(_) | Json::Number(_) | Json::Bool(_) => {
            message(value, role).into_iter().collect()
        }
        Json::Null => Vec::new(),
    }
}

/// One message; none if there is nothing in it.
pub(crate) fn message(value: &Json, role: &str) -> Option<Message> {
    let Json::Object(object) = value else {
        let parts = parts(value);
        return (!parts.is_empty()).then(|| with_parts(role, parts));
    };
    // A choice, an event of one, or LangChain's serialized form holds the message.
    let envelope = ["message", "kwargs", "data"]
        .iter()
        .find_map(|name| object.get(*name).filter(|inner| inner.is_object()));
    if let Some(inner) = envelope {
        let mut message = message(inner, stated_role(value).as_deref().unwrap_or(role))?;
        message.finish_reason = finish_reason(value).or(message.finish_reason);
        return Some(message);
    }
    // Gemini's candidate holds its content.
    if let Some(inner) = object
        .get("content")
        .filter(|inner| inner.get("parts").is_some())
    {
        let mut message = message(inner, role)?;
        message.finish_reason = finish_reason(value);
        return Some(message);
    }
    let role = stated_role(value).unwrap_or_else(|| role_of_item(value).unwrap_or(role).to_owned());
    let parts = parts_of_message(value, &role);
    let finish_reason = finish_reason(value);
    (!parts.is_empty() || finish_reason.is_some()).then(|| Message {
        name: json::text_of(value, &["name"]).filter(|_| role != "tool" && !is_part(value)),
        role,
        parts,
        finish_reason,
    })
}

fn with_parts(role: &str, parts: Vec<Part>) -> Message {
    Message {
        role: role.to_owned(),
        parts,
        ..Message::default()
    }
}

/// The tools in an array, or in the object that holds them by name.
pub(crate) fn tool_definitions(value: &Json) -> Vec<ToolDefinition> {
    let value = &json::unpacked(value);
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = items.iter().take(MAX_MESSAGES).map(json::unpacked);
    tools.flat_map(|item| definitions(&item)).collect()
}

/// The tools in an item; Gemini has several in one.
fn definitions(item: &Json) -> Vec<ToolDefinition> {
    let declarations = json::value_of(item, &["functionDeclarations", "function_declarations"]);
    if let Some(declarations) = declarations.and_then(Json::as_array) {
        return declarations.iter().filter_map(definition).collect();
    }
    let inner = json::value_of(item, &["function", "toolSpec"]).filter(|inner| inner.is_object());
    let mut definition = definition(inner.unwrap_or(item));
    if let Some(definition) = &mut definition {
        definition.kind = json::text_of(item, &["type"]).or(definition.kind.take());
    }
    definition.into_iter().collect()
}

fn definition(item: &Json) -> Option<ToolDefinition> {
    let kind = json::text_of(item, &["type"]);
    Some(ToolDefinition {
        // Tools of the provider may have no name but their type.
        name: json::text_of(item, &["name"]).or_else(|| kind.clone())?,
        kind,
        description: json::text_of(item, &["description"]),
        parameters: json::value_of(
            item,
            &[
                "parameters",
                "input_schema",
                "inputSchema",
                "parametersJsonSchema",
                "parameter_definitions",
                "json_schema",
            ],
        )
        .map(|schema| schema.get("json").unwrap_or(schema))
        .map(json::unpacked)
        .unwrap_or_default(),
    })
}

/// Who said it, in one word for all dialects.
pub(crate) fn role(stated: &str) -> String {
    match stated.to_ascii_lowercase().as_str() {
        "ai" | "aimessage" | "aimessagechunk" | "assistant" | "bot" | "chatbot" | "model" => {
            "assistant".to_owned()
        }
        "human" | "humanmessage" | "user" => "user".to_owned(),
        "systemmessage" | "system" => "system".to_owned(),
        "function" | "tool" | "toolmessage" => "tool".to_owned(),
        _ => stated.to_owned(),
    }
}

fn stated_role(value: &Json) -> Option<String> {
    if let Some(stated) = json::text_of(value, &["role"]) {
        return Some(role(&stated));
    }
    let kind = json::text_of(value, &["type"])?;
    let is_langchain = matches!(
        kind.as_str(),
        "ai" | "AIMessageChunk" | "human" | "system" | "tool" | "function"
    );
    // A definition of a tool has such a type as well, but no content.
    (is_langchain && (value.get("content").is_some() || value.get("data").is_some()))
        .then(|| role(&kind))
}

/// Who says what stands among messages without a role, as in OpenAI's responses.
fn role_of_item(value: &Json) -> Option<&'static str> {
    let kind = value.get("type")?.as_str()?;
    if kind.ends_with("_output") {
        return Some("tool");
    }
    (kind == "reasoning" || kind.ends_with("_call")).then_some("assistant")
}

/// Why a choice ended, wherever it says so.
pub(crate) fn finish_reason(value: &Json) -> Option<String> {
    json::text_of(
        value,
        &[
            "finish_reason",
            "finishReason",
            "stop_reason",
            "stopReason",
            "done_reason",
        ],
    )
}

/// Whether an object is a part of a message rather than a message.
fn is_part(value: &Json) -> bool {
    let Json::Object(object) = value else {
        return false;
    };
    let has_role = object.contains_key("role") || object.contains_key("message");
    let has_type = object.get("type").is_some_and(Json::is_string);
    !has_role && has_type && role_of_item(value).is_none() && stated_role(value).is_none()
}

/// What a message says: what it thought, its content, its calls of tools, in this order.
fn parts_of_message(value: &Json, role: &str) -> Vec<Part> {
    if role_of_item(value).is_some() && value.get("role").is_none() {
        return parts(value);
    }
    if let Some(stated) = value.get("parts").filter(|parts| !parts.is_null()) {
        return parts(stated);
    }
    let mut all = Vec::new();
    let thoughts = json::text_of(value, &["reasoning_content", "reasoning", "thinking"]);
    all.extend(thoughts.map(|content| Part::Reasoning { content }));
    let content = json::value_of(value, &["content", "text", "refusal"]);
    let answers = json::text_of(value, &["tool_call_id", "toolCallId"]);
    match content {
        Some(content) if role == "tool" && !is_answers(content) => {
            all.push(Part::ToolCallResponse {
                id: answers.or_else(|| json::text_of(value, &["id"])),
                name: json::text_of(value, &["name", "tool_name"]),
                response: part::response(content),
            })
        }
        Some(content) => all.extend(parts(content)),
        None => {}
    }
    let calls = json::value_of(value, &["tool_calls", "toolCalls"]);
    let calls = calls.map(json::unpacked).unwrap_or_default();
    all.extend(calls.as_array().into_iter().flatten().filter_map(tool_call));
    if let Some(call) = value.get("function_call").filter(|call| call.is_object()) {
        all.extend(tool_call(call));
    }
    for name in ["images", "audio"] {
        if let Some(media) = value
            .get(name)
            .filter(|media| media.is_array() || media.is_object())
        {
            all.extend(part::media(media, name));
        }
    }
    all
}

/// Whether a tool's content is already written as answers to calls.
fn is_answers(content: &Json) -> bool {
    let is_answer = |item: &Json| {
        let kind = item.get("type").and_then(Json::as_str).unwrap_or_default();
        matches!(kind, "tool-result" | "tool_result" | "tool_call_response")
    };
    content
        .as_array()
        .is_some_and(|items| items.iter().any(is_answer))
}

#[cfg(test)]
mod tests;
