//! Answers that came whole.

use serde_json::Value as Json;

use super::Answer;
use crate::api::ProviderApi;
use crate::{Message, Part, json, messages};

impl Answer {
    /// Takes an answer that is one JSON value.
    pub(in crate::api) fn whole(&mut self, body: &Json) {
        use ProviderApi::*;
        match (self.api, body) {
            // Gemini streams an array unless it is asked for server-sent events; both have the same elements.
            (_, Json::Array(pieces)) => pieces.iter().for_each(|piece| self.read_event("", piece)),
            (GeminiGenerateContent | OllamaChat | OllamaGenerate, body) => {
                self.read_event("", body)
            }
            (api, body) => {
                self.read_common(body);
                self.messages = match api {
                    OpenAiResponses | OpenAiRealtime => self.responses(body),
                    AnthropicMessages => messages::message(body, "assistant").into_iter().collect(),
                    BedrockConverse | BedrockInvoke => self.bedrock(body),
                    CohereChat => self.cohere(body),
                    OpenAiChat | OpenAiCompletions => {
                        messages::messages(body.get("choices").unwrap_or(&Json::Null), "assistant")
                    }
                    OpenAiAudio => body
                        .get("text")
                        .into_iter()
                        .filter_map(|text| messages::message(text, "assistant"))
                        .collect(),
                    _ => Vec::new(),
                };
            }
        }
    }

    /// The items of a response are one answer.
    pub(super) fn responses(&mut self, body: &Json) -> Vec<Message> {
        let status = json::text_of(body, &["status"]);
        let reason = body
            .pointer("/incomplete_details/reason")
            .and_then(json::text);
        self.finish_reason = reason.or(status).or(self.finish_reason.take());
        let items = body
            .get("output")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let parts: Vec<Part> = items
            .filter_map(|item| messages::message(item, "assistant"))
            .flat_map(|message| message.parts)
            .collect();
        self.assistant(parts)
    }

    fn bedrock(&mut self, body: &Json) -> Vec<Message> {
        self.finish_reason = messages::finish_reason(body);
        if let Some(message) = body.pointer("/output/message") {
            return messages::message(message, "assistant")
                .into_iter()
                .collect();
        }
        // Llama's, Titan's, Mistral's and Cohere's bodies.
        let text = json::value_of(body, &["generation", "completion", "outputText", "text"]);
        let list =
            json::value_of(body, &["results", "outputs", "generations"]).and_then(Json::as_array);
        if let Some(text) = text {
            return messages::message(text, "assistant").into_iter().collect();
        }
        if let Some(list) = list {
            let texts = list.iter().filter_map(|one| {
                let text = json::value_of(one, &["outputText", "text"])?;
                let mut message = messages::message(text, "assistant")?;
                message.finish_reason =
                    json::text_of(one, &["completionReason", "stop_reason", "finish_reason"]);
                Some(message)
            });
            return texts.collect();
        }
        let choices = body.get("choices").unwrap_or(body);
        messages::messages(choices, "assistant")
    }

    fn cohere(&mut self, body: &Json) -> Vec<Message> {
        self.finish_reason = messages::finish_reason(body);
        let message = body
            .get("message")
            .filter(|message| message.is_object())
            .unwrap_or(body);
        let plan = json::text_of(message, &["tool_plan"]);
        let mut parts: Vec<Part> = plan
            .into_iter()
            .map(|content| Part::Reasoning { content })
            .collect();
        parts.extend(
            messages::message(message, "assistant")
                .into_iter()
                .flat_map(|message| message.parts),
        );
        self.assistant(parts)
    }

    fn assistant(&self, parts: Vec<Part>) -> Vec<Message> {
        let message = Message {
            role: "assistant".to_owned(),
            parts,
            ..Message::default()
        };
        Some(message)
            .into_iter()
            .filter(|message| !message.parts.is_empty())
            .collect()
    }
}
