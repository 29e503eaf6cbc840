//! Calls of models that answer messages.

use super::call::{ModelCall, Target, call_methods, target_methods};
use super::message::Message;
use super::opening::{Opening, opening_methods, span_methods};
use super::prompt::{Prompt, prompt_methods};
use super::stream::ChatStream;

/// A call that has not started. See [`chat`](super::chat).
#[derive(Debug)]
#[must_use = "the call starts with `start` or `stream`"]
pub struct ChatBuilder<'a> {
    opening: Opening,
    target: Target,
    prompt: Prompt<'a>,
}

/// A call of a model. It ends when this is dropped, and is a [`Span`](crate::Span) until then.
#[derive(Debug)]
#[must_use = "a call ends when it is dropped; `let chat = ...` keeps it until the end of the block"]
pub struct ChatSpan {
    call: ModelCall,
}

impl<'a> ChatBuilder<'a> {
    pub(super) fn new(operation: &'static str, provider: &str, model: &str) -> ChatBuilder<'a> {
        let target = Target::new(operation, provider, model);
        ChatBuilder {
            opening: target.opening(),
            target,
            prompt: Prompt::default(),
        }
    }

    opening_methods!();
    target_methods!();
    prompt_methods!('a);

    /// How freely the model chooses.
    pub fn temperature(self, temperature: f64) -> Self {
        self.attribute("gen_ai.request.temperature", temperature)
    }

    /// From which share of the probability it chooses.
    pub fn top_p(self, top_p: f64) -> Self {
        self.attribute("gen_ai.request.top_p", top_p)
    }

    /// From how many tokens it chooses.
    pub fn top_k(self, top_k: f64) -> Self {
        self.attribute("gen_ai.request.top_k", top_k)
    }

    /// How many tokens it may make.
    pub fn max_tokens(self, max_tokens: u64) -> Self {
        self.attribute("gen_ai.request.max_tokens", max_tokens)
    }

    /// How much it avoids what it has said often.
    pub fn frequency_penalty(self, penalty: f64) -> Self {
        self.attribute("gen_ai.request.frequency_penalty", penalty)
    }

    /// How much it avoids what it has said at all.
    pub fn presence_penalty(self, penalty: f64) -> Self {
        self.attribute("gen_ai.request.presence_penalty", penalty)
    }

    /// What makes it choose the same again.
    pub fn seed(self, seed: i64) -> Self {
        self.attribute("gen_ai.request.seed", seed)
    }

    /// Where it stops.
    pub fn stop_sequences<T: AsRef<str>>(self, sequences: &[T]) -> Self {
        let sequences: Vec<&str> = sequences.iter().map(AsRef::as_ref).collect();
        self.attribute("gen_ai.request.stop_sequences", sequences)
    }

    /// How many answers it gives.
    pub fn choices(self, count: u32) -> Self {
        match count {
            1 => self,
            count => self.attribute("gen_ai.request.choice.count", count),
        }
    }

    /// What kind of answer is asked for: `text`, `json`, `image` or `speech`.
    pub fn output_type(self, output_type: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.output.type", output_type.as_ref())
    }

    /// Starts the call.
    pub fn start(mut self) -> ChatSpan {
        self.prompt.record(&mut self.opening);
        ChatSpan {
            call: ModelCall::start(self.opening, self.target),
        }
    }

    /// Starts a call whose answer comes in pieces.
    pub fn stream(self) -> ChatStream {
        ChatStream::new(self.attribute("gen_ai.request.stream", true).start())
    }
}

call_methods!(ChatSpan);
span_methods!(ChatSpan);

impl ChatSpan {
    /// What the model answered; once for each answer, if it gives several.
    pub fn response(&self, message: Message) -> &ChatSpan {
        self.call.response(message);
        self
    }

    /// The id of the answer.
    pub fn response_id(&self, id: impl AsRef<str>) -> &ChatSpan {
        self.set("gen_ai.response.id", id.as_ref());
        self
    }

    /// Why the model went no further, in the order of the answers: `stop`, `length`, `tool_call`, `content_filter`, ...
    pub fn finish_reason(&self, reason: impl Into<String>) -> &ChatSpan {
        let reasons = {
            let mut outcome = self.call.outcome();
            outcome.finish_reasons.push(reason.into());
            outcome.finish_reasons.clone()
        };
        self.set("gen_ai.response.finish_reasons", reasons);
        self
    }

    pub(super) fn call(&self) -> &ModelCall {
        &self.call
    }
}
