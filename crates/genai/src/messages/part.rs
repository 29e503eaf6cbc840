//! The parts of messages.

use serde_json::Value as Json;

use crate::Part;
use crate::json;

/// More parts than that are not kept of one message.
const MAX_PARTS: usize = 10_000;

/// The parts that a message's content stands for: text, one part, or several.
pub(crate) fn parts(content: &Json) -> Vec<Part> {
    match content {
        Json::Null => Vec::new(),
        Json::String(text) if text.is_empty() => Vec::new(),
        Json::String(text) => vec![Part::text(json::beginning(text))],
        Json::Array(items) => items
            .iter()
            .take(MAX_PARTS)
            .flat_map(parts_of_item)
            .collect(),
        Json::Object(_) => parts_of_item(content),
        Json::Bool(_) | Json::Number(_) => vec![Part::text(content.to_string())],
    }
}

/// One item usually is one part; some hold a list.
fn parts_of_item(item: &Json) -> Vec<Part> {
    let Json::Object(object) = item else {
        return parts(item);
    };
    if let Some(inner) = object.get("parts") {
        return parts(inner);
    }
    if object.get("type").and_then(Json::as_str) == Some("message") {
        return object.get("content").map(parts).unwrap_or_default();
    }
    vec![part(item)]
}

fn part(item: &Json) -> Part {
    let kind = item.get("type").and_then(Json::as_str);
    let known = match kind {
        Some(kind) => of_kind(kind, item),
        None => of_shape(item),
    };
    known.unwrap_or_else(|| Part::Generic(item.clone()))
}

/// A part that says what it is.
fn of_kind(kind: &str, item: &Json) -> Option<Part> {
    match kind {
        "text" | "input_text" | "output_text" | "refusal" | "summary_text" => Some(Part::Text {
            content: json::text_of(item, &["content", "text", "refusal"]).unwrap_or_default(),
        }),
        // What was said aloud, in words.
        "audio" | "input_audio" | "output_audio"
            if item.get("transcript").is_some_and(Json::is_string) =>
        {
            Some(Part::Text {
                content: json::text_of(item, &["transcript"]).unwrap_or_default(),
            })
        }
        "reasoning" | "thinking" | "redacted_thinking" | "redacted_reasoning" => {
            Some(Part::Reasoning {
                content: thoughts(item),
            })
        }
        "tool_call" | "tool_use" | "tool-call" | "function" | "function_call"
        | "server_tool_use" | "mcp_call" | "custom_tool_call" | "server_tool_call"
        | "mcp_tool_use" => tool_call(item),
        "tool_call_response"
        | "tool_result"
        | "tool-result"
        | "function_call_output"
        | "custom_tool_call_output"
        | "server_tool_call_response"
        | "mcp_tool_result" => Some(answer(item)),
        kind if kind.ends_with("_tool_result") => Some(answer(item)),
        "blob" | "uri" | "file" | "image" | "image_url" | "input_image" | "input_audio"
        | "audio" | "input_file" | "document" | "video" | "media" => medium(kind, item),
        _ => None,
    }
}

/// A part that is known by its one key, as Gemini's and Bedrock's are.
fn of_shape(item: &Json) -> Option<Part> {
    if let Some(text) = item.get("text").and_then(Json::as_str) {
        let content = json::beginning(text).to_owned();
        let is_thought = item.get("thought").and_then(Json::as_bool) == Some(true);
        return Some(if is_thought {
            Part::Reasoning { content }
        } else {
            Part::Text { content }
        });
    }
    if let Some(call) = json::value_of(item, &["functionCall", "function_call", "toolUse"]) {
        return tool_call(call);
    }
    if let Some(response) = json::value_of(
        item,
        &["functionResponse", "function_response", "toolResult"],
    ) {
        return Some(answer(response));
    }
    if let Some(reasoning) = item.get("reasoningContent") {
        let content = reasoning
            .get("reasoningText")
            .map(thoughts)
            .unwrap_or_default();
        return Some(Part::Reasoning { content });
    }
    for kind in [
        "inlineData",
        "inline_data",
        "fileData",
        "file_data",
        "image",
        "document",
        "video",
        "image_url",
    ] {
        if let Some(inner) = item.get(kind) {
            return medium(kind, inner);
        }
    }
    item.get("function").and_then(|_| tool_call(item))
}

fn thoughts(item: &Json) -> String {
    if let Some(text) = json::text_of(item, &["content", "text", "thinking", "reasoning"]) {
        return text;
    }
    // OpenAI's responses have a summary of several parts, others content of several parts.
    let listed = json::value_of(item, &["summary", "content"]).and_then(Json::as_array);
    let texts = listed
        .into_iter()
        .flatten()
        .filter_map(|part| json::text_of(part, &["text"]));
    texts.collect::<Vec<_>>().join("\n\n")
}

/// A call of a tool, in any dialect; none without a name.
pub(crate) fn tool_call(item: &Json) -> Option<Part> {
    let inner = item
        .get("function")
        .filter(|inner| inner.is_object())
        .unwrap_or(item);
    let arguments = json::value_of(inner, &["arguments", "input", "args", "parameters"]);
    Some(Part::ToolCall {
        id: json::text_of(
            item,
            &["call_id", "id", "toolCallId", "toolUseId", "tool_call_id"],
        ),
        name: json::text_of(inner, &["name", "toolName", "tool_name"])?,
        arguments: arguments.map(json::unpacked).unwrap_or_default(),
    })
}

/// What a tool answered, in any dialect.
fn answer(item: &Json) -> Part {
    let answered = json::value_of(item, &["response", "result", "output", "content"]);
    Part::ToolCallResponse {
        id: json::text_of(
            item,
            &[
                "tool_use_id",
                "call_id",
                "toolCallId",
                "toolUseId",
                "tool_call_id",
                "id",
            ],
        ),
        name: json::text_of(item, &["name", "toolName"]),
        response: answered.map(response).unwrap_or_default(),
    }
}

/// A tool's answer: the text itself where it is nothing but text.
pub(super) fn response(content: &Json) -> Json {
    // Vercel wraps it in `{type: "text" | "json", value}`.
    if let (Some("text" | "json"), Some(value)) = (
        content.get("type").and_then(Json::as_str),
        content.get("value"),
    ) {
        return value.clone();
    }
    let Some([only]) = content.as_array().map(Vec::as_slice) else {
        return json::unpacked(content);
    };
    let is_text = matches!(only.get("type").and_then(Json::as_str), None | Some("text"));
    match only.get("text").filter(|_| is_text) {
        Some(text) => json::unpacked(text),
        None => match only.get("json") {
            Some(value) => value.clone(),
            None => content.clone(),
        },
    }
}

/// Pictures or sound that stand beside the content, as with Ollama.
pub(super) fn media(media: &Json, name: &str) -> Vec<Part> {
    let kind = name.trim_end_matches('s');
    let items = media
        .as_array()
        .map_or(std::slice::from_ref(media), Vec::as_slice);
    let known = items.iter().take(MAX_PARTS).map(|item| match item {
        Json::String(data) => Some(blob(kind, None, data)),
        item => medium(kind, item),
    });
    known.flatten().collect()
}

/// A picture, sound, video or document: what it is and where, never its bytes.
fn medium(kind: &str, item: &Json) -> Option<Part> {
    // The value under the part's own name, or the source, says where it is.
    let named = json::value_of(
        item,
        &["source", kind, "image_url", "input_audio", "file", "data"],
    );
    let inner = named.filter(|inner| inner.is_object()).unwrap_or(item);
    let mime_type = [item, inner].into_iter().find_map(|at| {
        json::text_of(
            at,
            &["mime_type", "mimeType", "media_type", "mediaType", "format"],
        )
    });
    let stated = json::text_of(item, &["modality"]);
    let modality = stated.unwrap_or_else(|| modality(kind, mime_type.as_deref()).to_owned());
    let at = json::value_of(
        inner,
        &[
            "uri",
            "url",
            "fileUri",
            "file_uri",
            "image_url",
            "image",
            "content",
            "data",
            "bytes",
            "file_data",
            "source",
        ],
    );
    let at = at.or(named);
    if let Some(file_id) = json::text_of(inner, &["file_id", "fileId"]) {
        return Some(Part::File {
            modality,
            mime_type,
            file_id,
        });
    }
    match at? {
        // Only their number was recorded.
        Json::Number(bytes) if kind == "blob" => Some(Part::Blob {
            modality,
            mime_type,
            bytes: bytes.as_u64()?,
        }),
        Json::String(at) if at.starts_with("data:") => {
            let (head, data) = at.split_once(',').unwrap_or((at, ""));
            let stated = head.trim_start_matches("data:").split(';').next();
            let stated = stated
                .filter(|stated| !stated.is_empty())
                .map(str::to_owned);
            Some(blob(&modality, stated.or(mime_type), data))
        }
        Json::String(at) if at.contains("://") => Some(Part::Uri {
            modality,
            mime_type,
            uri: json::beginning(at).to_owned(),
        }),
        Json::String(data) => Some(blob(&modality, mime_type, data)),
        Json::Object(_) => None,
        _ => None,
    }
}

/// Bytes in base64, of which the number is kept.
fn blob(modality: &str, mime_type: Option<String>, base64: &str) -> Part {
    let digits = base64.trim_end_matches('=').len() as u64;
    Part::Blob {
        modality: modality.to_owned(),
        mime_type,
        bytes: digits * 3 / 4,
    }
}

fn modality(kind: &str, mime_type: Option<&str>) -> &'static str {
    let said = mime_type
        .and_then(|mime| mime.split('/').next())
        .unwrap_or_default();
    for known in ["image", "audio", "video"] {
        if said == known || kind.contains(known) {
            return known;
        }
    }
    "document"
}
