//! Answers of models, put together from whatever arrives.

mod blocks;
mod events;
mod whole;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value as Json;

use super::framing::{Frames, Framing};
use super::{ProviderApi, usage};
use crate::tally::Tally;
use crate::{Dollars, LlmCall, Message, ReportedCost, json};
use blocks::Choices;

/// An answer that is streamed, taken in piece by piece. However the stream is cut into pieces, the call is the same.
#[derive(Debug)]
pub struct AnswerStream {
    frames: Frames,
    answer: Answer,
}

impl AnswerStream {
    /// Before the first byte.
    pub fn new(api: ProviderApi, framing: Framing) -> AnswerStream {
        AnswerStream {
            frames: Frames::new(framing),
            answer: Answer::new(api),
        }
    }

    /// Takes the next bytes of the body, as they come.
    pub fn push(&mut self, bytes: &[u8]) {
        let answer = &mut self.answer;
        self.frames
            .push(bytes, &mut |name, data| answer.event(name, data));
    }

    /// Takes an event that somebody else has taken from its frame, such as a message of a WebSocket.
    pub fn push_event(&mut self, name: &str, data: &[u8]) {
        self.answer.event(name, data);
    }

    /// Whether anything of the answer itself has come, be it a word, a thought or a call of a tool.
    pub fn has_content(&self) -> bool {
        !self.answer.choices.is_empty() || !self.answer.messages.is_empty()
    }

    /// Writes what came of it into the call. An answer that broke off is what arrived of it.
    pub fn finish(mut self, call: &mut LlmCall) {
        let answer = &mut self.answer;
        self.frames
            .finish(&mut |name, data| answer.event(name, data));
        call.truncated |= self.frames.has_left_out;
        call.streaming = Some(true);
        self.answer.finish(call);
    }
}

/// What is known of an answer.
#[derive(Debug)]
pub(super) struct Answer {
    api: ProviderApi,
    id: Option<String>,
    model: Option<String>,
    service_tier: Option<String>,
    choices: Choices,
    /// The messages, where they came whole.
    messages: Vec<Message>,
    finish_reason: Option<String>,
    tally: Tally,
    cost: Option<Dollars>,
    error_type: Option<String>,
}

impl Answer {
    pub(super) fn new(api: ProviderApi) -> Answer {
        Answer {
            api,
            id: None,
            model: None,
            service_tier: None,
            choices: Choices::default(),
            messages: Vec::new(),
            finish_reason: None,
            tally: Tally::default(),
            cost: None,
            error_type: None,
        }
    }

    /// Takes an event of a stream.
    fn event(&mut self, name: &str, data: &[u8]) {
        let Some(event) = json::parse_bytes(data) else {
            return;
        };
        // Bedrock passes the events of a vendor on in base64.
        let inner = event.get("bytes").and_then(Json::as_str);
        match inner.and_then(|inner| BASE64_STANDARD.decode(inner).ok()) {
            Some(inner) => {
                if let Some(inner) = json::parse_bytes(&inner) {
                    self.read_event(name, &inner);
                }
            }
            None => self.read_event(name, &event),
        }
    }

    /// What every answer and most events say in the same places.
    fn read_common(&mut self, body: &Json) {
        let set = |field: &mut Option<String>, stated: Option<String>| {
            if stated.is_some() {
                *field = stated;
            }
        };
        set(
            &mut self.id,
            json::text_of(body, &["id", "responseId", "generation_id", "response_id"]),
        );
        set(
            &mut self.model,
            json::text_of(body, &["model", "modelVersion"]),
        );
        let tier = json::text_of(body, &["service_tier", "serviceTier"]);
        let tier = tier.or_else(|| json::text(body.pointer("/usage/service_tier")?));
        let tier = tier
            .or_else(|| json::text(body.pointer("/usage/speed")?).filter(|speed| speed == "fast"));
        set(&mut self.service_tier, tier);
        usage::read(self.api, body, &mut self.tally);
        self.cost = usage::cost(body).or(self.cost);
        if let Some(error) = json::value_of(body, &["error"]) {
            self.read_error(error);
        }
    }

    fn read_error(&mut self, error: &Json) {
        let stated = json::text_of(error, &["type", "status", "code", "__type"])
            .or_else(|| json::text(error));
        self.error_type = stated.or(Some("_OTHER".to_owned()));
    }

    /// Writes the answer into the call.
    pub(super) fn finish(self, call: &mut LlmCall) {
        let keep =
            |field: &mut Option<String>, found: Option<String>| *field = found.or(field.take());
        keep(&mut call.response_id, self.id);
        keep(&mut call.response_model, self.model);
        keep(&mut call.service_tier, self.service_tier);
        keep(&mut call.error_type, self.error_type);
        call.truncated |= self.choices.is_cut;
        let mut messages = if self.messages.is_empty() {
            self.choices.into_messages()
        } else {
            self.messages
        };
        if let ([only], Some(reason)) = (messages.as_mut_slice(), &self.finish_reason) {
            only.finish_reason.get_or_insert_with(|| reason.clone());
        }
        if messages.is_empty() {
            call.finish_reasons.extend(self.finish_reason);
        }
        call.output_messages = messages;
        call.usage = self.tally.usage().or(call.usage);
        call.reported_cost = self
            .cost
            .map(|total| ReportedCost {
                total,
                ..ReportedCost::default()
            })
            .or(call.reported_cost);
        call.settle();
    }
}
