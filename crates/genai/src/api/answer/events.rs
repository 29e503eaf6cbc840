//! Events of streamed answers.

use serde_json::Value as Json;

use super::Answer;
use crate::api::ProviderApi;
use crate::{json, messages};

/// Parts of one item of a response are numbered behind one another.
const PARTS_OF_ITEM: u64 = 1 << 16;
/// Thoughts come before the text of a chat, and calls of tools after it.
const THOUGHTS: u64 = 0;
const TEXT: u64 = 1;
const REFUSAL: u64 = 2;
const TOOLS: u64 = 3;

impl Answer {
    /// Takes an event, whose name some streams have outside of it.
    pub(super) fn read_event(&mut self, name: &str, event: &Json) {
        use ProviderApi::*;
        match self.api {
            OpenAiChat | OpenAiCompletions => self.chat_event(event),
            AnthropicMessages => self.anthropic_event(event),
            GeminiGenerateContent => self.gemini_event(event),
            OllamaChat | OllamaGenerate => self.ollama_event(event),
            CohereChat => self.cohere_event(event),
            BedrockConverse => self.converse_event(name, event),
            BedrockInvoke => self.invoke_event(name, event),
            _ => self.responses_event(event),
        }
    }

    fn chat_event(&mut self, event: &Json) {
        self.read_common(event);
        for (position, choice) in list(event, "choices").enumerate() {
            let number = index(choice, "index").unwrap_or(position as u64);
            self.choices
                .finish(number, json::text_of(choice, &["finish_reason"]));
            // Some send the whole message in the last event; then nothing came before it.
            let delta = json::value_of(choice, &["delta", "message"]).unwrap_or(choice);
            for name in ["reasoning_content", "reasoning"] {
                if let Some(more) = text(delta, name) {
                    self.choices.reasoning(number, THOUGHTS, more);
                    break;
                }
            }
            match delta.get("content") {
                Some(Json::String(more)) => self.choices.text(number, TEXT, more),
                // Mistral's thoughts stand among the content.
                Some(content @ Json::Array(_)) => {
                    for part in messages::parts(content) {
                        match part {
                            crate::Part::Reasoning { content } => {
                                self.choices.reasoning(number, THOUGHTS, &content)
                            }
                            crate::Part::Text { content } => {
                                self.choices.text(number, TEXT, &content)
                            }
                            _ => {}
                        }
                    }
                }
                _ => self
                    .choices
                    .text(number, TEXT, text(delta, "text").unwrap_or_default()),
            }
            self.choices
                .text(number, REFUSAL, text(delta, "refusal").unwrap_or_default());
            for (position, call) in list(delta, "tool_calls").enumerate() {
                let at = index(call, "index").unwrap_or(position as u64);
                self.choices.tool(number, TOOLS.saturating_add(at), call);
            }
            if let Some(call) = delta.get("function_call").filter(|call| call.is_object()) {
                self.choices.tool(number, TOOLS, call);
            }
        }
    }

    fn responses_event(&mut self, event: &Json) {
        let kind = text(event, "type").unwrap_or_default();
        let item = index(event, "output_index")
            .unwrap_or(0)
            .saturating_mul(PARTS_OF_ITEM);
        let part = index(event, "content_index")
            .or_else(|| index(event, "summary_index"))
            .unwrap_or(0);
        let number = item.saturating_add(part);
        let more = text(event, "delta").unwrap_or_default();
        match kind {
            "response.output_text.delta"
            | "response.refusal.delta"
            | "transcript.text.delta"
            | "response.text.delta"
            | "response.output_audio_transcript.delta"
            | "response.audio_transcript.delta" => {
                self.choices.text(0, number, more);
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.choices.reasoning(0, number, more);
            }
            "response.function_call_arguments.delta" => {
                self.choices
                    .tool(0, item, &serde_json::json!({ "arguments": more }));
            }
            "response.output_item.added" => {
                let item_body = event.get("item").unwrap_or(&Json::Null);
                if text(item_body, "type") == Some("function_call") {
                    self.choices.tool(0, item, item_body);
                }
            }
            "response.output_item.done" => {
                let done = event
                    .get("item")
                    .and_then(|item| messages::message(item, "assistant"));
                let parts = done.map(|done| done.parts).unwrap_or_default();
                if !parts.is_empty() {
                    self.choices
                        .clear(0, item..item.saturating_add(PARTS_OF_ITEM));
                }
                for (part, number) in parts.into_iter().zip(item..) {
                    self.choices.put(0, number, part);
                }
            }
            "error" => self.read_error(event.get("error").unwrap_or(event)),
            // Deltas say nothing else, and there are many.
            kind if kind.ends_with(".delta") => {}
            _ => match event.get("response") {
                Some(response) => {
                    self.read_common(response);
                    let messages = self.responses(response);
                    if !messages.is_empty() {
                        self.messages = messages;
                    }
                }
                None => self.read_common_of_media(event),
            },
        }
    }

    /// The last event of pictures and sound has the usage in itself.
    fn read_common_of_media(&mut self, event: &Json) {
        if event.get("usage").is_some() {
            self.read_common(event);
        }
    }

    fn anthropic_event(&mut self, event: &Json) {
        let number = index(event, "index").unwrap_or(0);
        match text(event, "type").unwrap_or_default() {
            "message_start" => self.read_common(event.get("message").unwrap_or(event)),
            "content_block_start" => {
                let block = event.get("content_block").unwrap_or(&Json::Null);
                match text(block, "type").unwrap_or_default() {
                    "text" => self
                        .choices
                        .text(0, number, text(block, "text").unwrap_or_default()),
                    "thinking" => self.choices.reasoning(
                        0,
                        number,
                        text(block, "thinking").unwrap_or_default(),
                    ),
                    "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                        self.choices.tool(0, number, block)
                    }
                    _ => {
                        for part in messages::parts(block).into_iter().take(1) {
                            self.choices.put(0, number, part);
                        }
                    }
                }
            }
            "content_block_delta" => {
                let delta = event.get("delta").unwrap_or(&Json::Null);
                if let Some(more) = text(delta, "text") {
                    self.choices.text(0, number, more);
                } else if let Some(more) = text(delta, "thinking") {
                    self.choices.reasoning(0, number, more);
                } else if delta.get("partial_json").is_some() {
                    self.choices.tool(0, number, delta);
                }
            }
            "message_delta" => {
                self.read_common(event);
                let reason = event.get("delta").and_then(messages::finish_reason);
                self.choices.finish(0, reason);
            }
            "error" => self.read_error(event.get("error").unwrap_or(event)),
            _ => {}
        }
    }

    fn gemini_event(&mut self, event: &Json) {
        // Some wrap it once more.
        let event = event.get("response").unwrap_or(event);
        self.read_common(event);
        for (position, candidate) in list(event, "candidates").enumerate() {
            let number = index(candidate, "index").unwrap_or(position as u64);
            for part in candidate
                .get("content")
                .map(messages::parts)
                .unwrap_or_default()
            {
                self.choices.append(number, part);
            }
            self.choices
                .finish(number, json::text_of(candidate, &["finishReason"]));
        }
        let blocked = event
            .pointer("/promptFeedback/blockReason")
            .and_then(json::text);
        self.finish_reason = blocked.or(self.finish_reason.take());
    }

    fn ollama_event(&mut self, event: &Json) {
        self.read_common(event);
        let message = event.get("message").unwrap_or(event);
        self.choices
            .reasoning(0, THOUGHTS, text(message, "thinking").unwrap_or_default());
        let more = text(message, "content").or_else(|| text(message, "response"));
        self.choices.text(0, TEXT, more.unwrap_or_default());
        for call in list(message, "tool_calls") {
            if let Some(part) = messages::tool_call(call) {
                self.choices.append(0, part);
            }
        }
        self.choices
            .finish(0, json::text_of(event, &["done_reason"]));
    }

    fn cohere_event(&mut self, event: &Json) {
        let number = TEXT.saturating_add(index(event, "index").unwrap_or(0));
        let message = event.pointer("/delta/message").unwrap_or(&Json::Null);
        let content = message.get("content").unwrap_or(&Json::Null);
        match json::value_of(event, &["type", "event_type"])
            .and_then(Json::as_str)
            .unwrap_or_default()
        {
            "message-start" => self.read_common(event),
            "content-start" | "content-delta" => match text(content, "thinking") {
                Some(more) => self.choices.reasoning(0, number, more),
                None => self
                    .choices
                    .text(0, number, text(content, "text").unwrap_or_default()),
            },
            "tool-plan-delta" => {
                self.choices
                    .reasoning(0, THOUGHTS, text(message, "tool_plan").unwrap_or_default());
            }
            "tool-call-start" | "tool-call-delta" => {
                // Calls are numbered apart from the content.
                let number = number.saturating_add(PARTS_OF_ITEM);
                if let Some(call) = message.get("tool_calls") {
                    self.choices.tool(0, number, call.get(0).unwrap_or(call));
                }
            }
            "message-end" => {
                let delta = event.get("delta").unwrap_or(event);
                self.read_common(delta);
                self.choices
                    .finish(0, json::text_of(delta, &["finish_reason"]));
            }
            // The first version.
            "text-generation" => {
                self.choices
                    .text(0, TEXT, text(event, "text").unwrap_or_default())
            }
            "stream-end" => {
                if let Some(response) = event.get("response") {
                    self.whole(response);
                }
            }
            _ => {}
        }
    }

    fn converse_event(&mut self, name: &str, event: &Json) {
        // The name is the event's, or that of its only member.
        let (name, event) = match event
            .as_object()
            .filter(|_| name.is_empty())
            .and_then(|object| object.iter().next())
        {
            Some((name, inner)) => (name.as_str(), inner),
            None => (name, event),
        };
        let number = index(event, "contentBlockIndex").unwrap_or(0);
        match name {
            "contentBlockStart" => {
                if let Some(call) = event.pointer("/start/toolUse") {
                    self.choices.tool(0, number, call);
                }
            }
            "contentBlockDelta" => {
                let delta = event.get("delta").unwrap_or(&Json::Null);
                if let Some(more) = text(delta, "text") {
                    self.choices.text(0, number, more);
                } else if let Some(call) = delta.get("toolUse") {
                    self.choices.tool(0, number, call);
                } else if let Some(reasoning) = delta.get("reasoningContent") {
                    self.choices
                        .reasoning(0, number, text(reasoning, "text").unwrap_or_default());
                }
            }
            "messageStop" => self
                .choices
                .finish(0, json::text_of(event, &["stopReason"])),
            "metadata" => self.read_common(event),
            name if name.ends_with("Exception") => self.error_type = Some(name.to_owned()),
            _ => {}
        }
    }

    /// The events of the model's vendor.
    fn invoke_event(&mut self, name: &str, event: &Json) {
        crate::api::usage::read(self.api, event, &mut self.tally);
        if name.ends_with("Exception") {
            self.error_type = Some(name.to_owned());
        }
        let kind = text(event, "type");
        if kind.is_some() {
            self.anthropic_event(event);
        } else if event.get("choices").is_some() {
            self.chat_event(event);
        } else if let Some(more) = ["generation", "outputText", "completion"]
            .iter()
            .find_map(|name| text(event, name))
        {
            self.choices.text(0, TEXT, more);
            self.choices.finish(
                0,
                json::text_of(event, &["stop_reason", "completionReason"]),
            );
        } else {
            self.converse_event("", event);
        }
    }
}

fn text<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
    object.get(name)?.as_str()
}

fn index(object: &Json, name: &str) -> Option<u64> {
    object.get(name)?.as_u64()
}

fn list<'j>(object: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    object
        .get(name)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}
