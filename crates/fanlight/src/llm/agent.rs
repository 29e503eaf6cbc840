//! Runs of agents.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use super::Usage;
use super::call::{record_usage, type_of};
use super::content::Content;
use super::message::Message;
use super::opening::{Opening, opening_methods, span_methods};
use super::prompt::{Prompt, prompt_methods};
use crate::{Span, SpanKind};

/// A run that has not started. See [`agent`](super::agent).
#[derive(Debug)]
#[must_use = "the run starts with `start`"]
pub struct AgentBuilder<'a> {
    opening: Opening,
    prompt: Prompt<'a>,
}

/// The run of an agent. It ends when this is dropped, and is a [`Span`](crate::Span) until then.
#[derive(Debug)]
#[must_use = "a run ends when it is dropped; `let run = ...` keeps it until the end of the block"]
pub struct AgentSpan {
    span: Span,
    content: Content,
    responses: Mutex<Vec<Message>>,
}

impl<'a> AgentBuilder<'a> {
    pub(super) fn new(name: &str) -> AgentBuilder<'a> {
        let mut opening = Opening::new("invoke_agent", name, SpanKind::Internal);
        if !name.is_empty() {
            opening.set("gen_ai.agent.name", name);
        }
        AgentBuilder {
            opening,
            prompt: Prompt::default(),
        }
    }

    opening_methods!();
    prompt_methods!('a);

    /// The agent's id.
    pub fn id(self, id: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.agent.id", id.as_ref())
    }

    /// What the agent does.
    pub fn description(self, description: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.agent.description", description.as_ref())
    }

    /// The model that it mainly calls, and whose that is.
    pub fn model(self, provider: impl AsRef<str>, model: impl AsRef<str>) -> Self {
        self.attribute("gen_ai.provider.name", provider.as_ref())
            .attribute("gen_ai.request.model", model.as_ref())
    }

    /// The agent runs elsewhere, and this is a request to it.
    pub fn remote(mut self) -> Self {
        self.opening.span = self.opening.span.kind(SpanKind::Client);
        self
    }

    /// Starts the run.
    pub fn start(mut self) -> AgentSpan {
        self.prompt.record(&mut self.opening);
        AgentSpan {
            content: self.opening.content(),
            span: self.opening.span.start(),
            responses: Mutex::default(),
        }
    }
}

span_methods!(AgentSpan);

impl AgentSpan {
    /// What the agent answered in the end.
    pub fn response(&self, message: Message) -> &AgentSpan {
        if self.span.is_recording() && !self.content.is_off() {
            let mut responses = self
                .responses
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let otherwise = || "stop".to_owned();
            let reason = message.finish_reason.clone().unwrap_or_else(otherwise);
            responses.push(message.finish_reason(reason));
            let messages = self.content.messages(&responses);
            self.span.set("gen_ai.output.messages", messages);
        }
        self
    }

    /// How many tokens all its calls used together. They are not counted again in metrics and costs.
    pub fn usage(&self, usage: Usage) -> &AgentSpan {
        record_usage(&self.span, &usage);
        self
    }

    /// Records an error, and that the run failed.
    pub fn error<E: Error + ?Sized>(&self, error: &E) -> &AgentSpan {
        self.span.record_error(error);
        self.span.set("error.type", type_of(error));
        self
    }

    fn span(&self) -> &Span {
        &self.span
    }
}
