//! Messages between people, models and tools, in the form of the conventions' JSON schema.
//!
//! [Source](https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-input-messages.json).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};

use super::Json;
use super::content::ContentPolicy;

/// What somebody said to somebody else.
///
/// ```
/// use fanlight::llm::{Message, Part};
///
/// let messages = [
///     Message::system("Use the tool."),
///     Message::user("Put my money on square eighteen"),
///     Message::assistant("Let me see.").with(Part::tool_call("call_1", "roulette_wheel", r#"{"square": 18}"#)),
///     Message::tool("call_1", "winner"),
/// ];
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What it consists of.
    pub parts: Vec<Part>,
    /// Why the model went no further, if it is a model's.
    pub finish_reason: Option<String>,
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Whoever made the program.
    System,
    /// Whoever uses it.
    User,
    /// The model.
    Assistant,
    /// A tool that the model asked for.
    Tool,
    /// Somebody else.
    Other(String),
}

/// What a message consists of.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Part {
    /// Text.
    Text(String),
    /// What a model thought before it answered.
    Reasoning(String),
    /// A model asks for a tool.
    ToolCall {
        /// The call's id, by which its response is known.
        id: Option<String>,
        /// The tool.
        name: String,
        /// What it is called with.
        arguments: Json,
    },
    /// What a tool answered.
    ToolResponse {
        /// The call's id.
        id: Option<String>,
        /// The answer.
        response: Json,
    },
    /// Something that is no text, as it is.
    Blob {
        /// For which sense.
        modality: Modality,
        /// Its media type, `image/png`.
        mime_type: Option<String>,
        /// The bytes.
        content: Vec<u8>,
    },
    /// Something that is no text, by its address.
    Uri {
        /// For which sense.
        modality: Modality,
        /// Its media type, `image/png`.
        mime_type: Option<String>,
        /// The address.
        uri: String,
    },
    /// Something else, a JSON object with a `type`.
    Other(Json),
}

/// For which sense something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Modality {
    /// Pictures.
    Image,
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
}

impl Message {
    /// A message of parts.
    pub fn new(role: Role, parts: impl Into<Vec<Part>>) -> Message {
        Message {
            role,
            parts: parts.into(),
            finish_reason: None,
        }
    }

    /// Instructions.
    pub fn system(text: impl Into<String>) -> Message {
        Message::new(Role::System, [Part::Text(text.into())])
    }

    /// A question.
    pub fn user(text: impl Into<String>) -> Message {
        Message::new(Role::User, [Part::Text(text.into())])
    }

    /// An answer.
    pub fn assistant(text: impl Into<String>) -> Message {
        Message::new(Role::Assistant, [Part::Text(text.into())])
    }

    /// What a tool answered to a call.
    pub fn tool(id: impl Into<String>, response: impl Into<Json>) -> Message {
        Message::new(Role::Tool, [Part::tool_response(id, response)])
    }

    /// With a further part.
    pub fn with(mut self, part: Part) -> Message {
        self.parts.push(part);
        self
    }

    /// With the reason why the model went no further: `stop`, `length`, `tool_call`, `content_filter`, ...
    pub fn finish_reason(mut self, reason: impl Into<String>) -> Message {
        self.finish_reason = Some(reason.into());
        self
    }

    /// Reads a message of the conventions' JSON. A tool's answer may be called `response`, as the conventions say now, or
    /// `result`, as they and others said before. Nothing, where it is no message.
    ///
    /// ```
    /// use fanlight::llm::Message;
    ///
    /// let json = serde_json::json!({"role": "user", "parts": [
    ///     {"type": "tool_call_response", "id": "call_1", "result": "winner"},
    /// ]});
    /// let message = Message::from_json(&json).unwrap();
    /// assert_eq!(message.parts, Message::tool("call_1", "winner").parts);
    /// ```
    pub fn from_json(json: &Json) -> Option<Message> {
        let role = Role::from(json.get("role")?.as_str()?);
        let parts = json.get("parts")?.as_array()?;
        Some(Message {
            role,
            parts: parts.iter().map(Part::from_json).collect(),
            finish_reason: text(json, "finish_reason"),
        })
    }

    /// The conventions' JSON. What a model said has a finish reason.
    pub(super) fn to_json(&self, policy: ContentPolicy) -> Json {
        let mut json = json!({
            "role": self.role.as_str(),
            "parts": parts_to_json(&self.parts, policy),
        });
        if let Some(reason) = &self.finish_reason {
            json["finish_reason"] = json!(reason);
        }
        json
    }

    pub(super) fn calls_tools(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::ToolCall { .. }))
    }
}

impl Role {
    /// As the conventions write it.
    pub fn as_str(&self) -> &str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::Other(role) => role,
        }
    }
}

impl From<&str> for Role {
    fn from(role: &str) -> Role {
        match role {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            role => Role::Other(role.to_owned()),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Modality {
    fn as_str(self) -> &'static str {
        match self {
            Modality::Image => "image",
            Modality::Video => "video",
            Modality::Audio => "audio",
        }
    }

    fn read(json: &Json) -> Option<Modality> {
        match json.get("modality")?.as_str()? {
            "image" => Some(Modality::Image),
            "video" => Some(Modality::Video),
            "audio" => Some(Modality::Audio),
            _ => None,
        }
    }
}

impl Part {
    /// A model asks for a tool. Arguments that are JSON text, as some providers give them, are taken for what they say.
    pub fn tool_call(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<Json>,
    ) -> Part {
        Part::ToolCall {
            id: Some(id.into()),
            name: name.into(),
            arguments: structured(arguments.into()),
        }
    }

    /// What a tool answered.
    pub fn tool_response(id: impl Into<String>, response: impl Into<Json>) -> Part {
        Part::ToolResponse {
            id: Some(id.into()),
            response: response.into(),
        }
    }

    /// An image.
    pub fn image(mime_type: impl Into<String>, content: impl Into<Vec<u8>>) -> Part {
        Part::Blob {
            modality: Modality::Image,
            mime_type: Some(mime_type.into()),
            content: content.into(),
        }
    }

    fn from_json(json: &Json) -> Part {
        Part::known(json).unwrap_or_else(|| Part::Other(json.clone()))
    }

    fn known(json: &Json) -> Option<Part> {
        Some(match json.get("type")?.as_str()? {
            "text" => Part::Text(text(json, "content")?),
            "reasoning" => Part::Reasoning(text(json, "content")?),
            "tool_call" => Part::ToolCall {
                id: text(json, "id"),
                name: text(json, "name")?,
                arguments: json.get("arguments").cloned().unwrap_or_default(),
            },
            "tool_call_response" => Part::ToolResponse {
                id: text(json, "id"),
                response: json.get("response").or(json.get("result"))?.clone(),
            },
            "blob" => Part::Blob {
                modality: Modality::read(json)?,
                mime_type: text(json, "mime_type"),
                content: STANDARD.decode(json.get("content")?.as_str()?).ok()?,
            },
            "uri" => Part::Uri {
                modality: Modality::read(json)?,
                mime_type: text(json, "mime_type"),
                uri: text(json, "uri")?,
            },
            _ => return None,
        })
    }

    fn to_json(&self, policy: ContentPolicy) -> Json {
        match self {
            Part::Text(content) => json!({"type": "text", "content": policy.text(content)}),
            Part::Reasoning(content) => {
                json!({"type": "reasoning", "content": policy.text(content)})
            }
            Part::ToolCall {
                id,
                name,
                arguments,
            } => json!({
                "type": "tool_call", "id": id, "name": name, "arguments": policy.json(arguments),
            }),
            Part::ToolResponse { id, response } => json!({
                "type": "tool_call_response", "id": id, "response": policy.json(response),
            }),
            Part::Blob {
                modality,
                mime_type,
                content,
            } => {
                let mut json = json!({
                    "type": "blob", "modality": modality.as_str(), "mime_type": mime_type,
                });
                match policy.bytes(content) {
                    Some(shown) => json["content"] = json!(shown),
                    None => {
                        json["content"] = json!("");
                        json["omitted_bytes"] = json!(content.len());
                    }
                }
                json
            }
            Part::Uri {
                modality,
                mime_type,
                uri,
            } => json!({
                "type": "uri", "modality": modality.as_str(), "mime_type": mime_type,
                "uri": policy.text(uri),
            }),
            Part::Other(json) => match policy {
                ContentPolicy::Full => json.clone(),
                policy => {
                    let mut shown = Map::new();
                    let kind = json.get("type").cloned();
                    shown.insert("type".to_owned(), kind.unwrap_or_else(|| json!("other")));
                    shown.insert("content".to_owned(), policy.json(json));
                    Json::Object(shown)
                }
            },
        }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Part {
        Part::Text(text.to_owned())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Part {
        Part::Text(text)
    }
}

pub(super) fn parts_to_json(parts: &[Part], policy: ContentPolicy) -> Json {
    parts.iter().map(|part| part.to_json(policy)).collect()
}

/// JSON text for what it says, anything else as it is.
pub(super) fn structured(json: Json) -> Json {
    match json {
        Json::String(text) if text.trim_start().starts_with(['{', '[']) => {
            serde_json::from_str(&text).unwrap_or(Json::String(text))
        }
        json => json,
    }
}

fn text(json: &Json, key: &str) -> Option<String> {
    json.get(key)?.as_str().map(str::to_owned)
}
