//! What calls of models have in common: what they are told, what they record, and what is measured when they end.

use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Usage;
use super::content::Content;
use super::measure;
use super::message::Message;
use super::opening::Opening;
use crate::{Span, SpanKind};

/// Which model is called, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) operation: &'static str,
    pub(super) provider: String,
    pub(super) model: String,
    /// Host and port.
    pub(super) server: Option<(String, u16)>,
}

impl Target {
    pub(super) fn new(operation: &'static str, provider: &str, model: &str) -> Target {
        Target {
            operation,
            provider: provider.to_owned(),
            model: model.to_owned(),
            server: None,
        }
    }

    pub(super) fn opening(&self) -> Opening {
        let mut opening = Opening::new(self.operation, &self.model, SpanKind::Client);
        opening.set("gen_ai.provider.name", &self.provider);
        if !self.model.is_empty() {
            opening.set("gen_ai.request.model", &self.model);
        }
        opening
    }
}

/// A call of a model that has started. Its span ends after everything is recorded.
#[derive(Debug)]
pub(super) struct ModelCall {
    span: Span,
    pub(super) target: Target,
    pub(super) content: Content,
    started: Instant,
    outcome: Mutex<Outcome>,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) model: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) error: Option<String>,
    pub(super) finish_reasons: Vec<String>,
    pub(super) responses: Vec<Message>,
}

impl ModelCall {
    pub(super) fn start(mut opening: Opening, target: Target) -> ModelCall {
        if let Some((address, port)) = &target.server {
            opening.set("server.address", address);
            opening.set("server.port", *port);
        }
        let content = opening.content();
        ModelCall {
            started: Instant::now(),
            span: opening.span.start(),
            target,
            content,
            outcome: Mutex::default(),
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn response_model(&self, model: &str) {
        self.span.set("gen_ai.response.model", model);
        self.outcome().model = Some(model.to_owned());
    }

    pub(super) fn usage(&self, usage: Usage) {
        record_usage(&self.span, &usage);
        self.outcome().usage = Some(usage);
    }

    pub(super) fn error<E: Error + ?Sized>(&self, error: &E) {
        self.span.record_error(error);
        self.error_type(type_of(error));
    }

    pub(super) fn fail(&self, error_type: &str, message: &str) {
        self.span.set_error(message);
        self.error_type(error_type);
    }

    fn error_type(&self, error_type: &str) {
        self.span.set("error.type", error_type);
        self.outcome().error = Some(error_type.to_owned());
    }

    /// Keeps a response until the end, when it is known why it ended.
    pub(super) fn response(&self, message: Message) {
        if self.span.is_recording() && !self.content.is_off() {
            self.outcome().responses.push(message);
        }
    }

    fn record_responses(&self, outcome: &mut Outcome) {
        let reasons = &mut outcome.finish_reasons;
        for (at, message) in outcome.responses.iter_mut().enumerate() {
            let reason = message.finish_reason.take().or(reasons.get(at).cloned());
            let otherwise = || match (&outcome.error, message.calls_tools()) {
                (Some(_), _) => "error",
                (None, true) => "tool_call",
                (None, false) => "stop",
            };
            message.finish_reason = Some(reason.unwrap_or_else(|| otherwise().to_owned()));
        }
        if !outcome.responses.is_empty() {
            let messages = self.content.messages(&outcome.responses);
            self.span.set("gen_ai.output.messages", messages);
        }
    }
}

impl Drop for ModelCall {
    fn drop(&mut self) {
        let mut outcome = std::mem::take(&mut *self.outcome());
        self.record_responses(&mut outcome);
        #[cfg(feature = "cost")]
        super::cost::record(self, &outcome);
        // What is measured in a span becomes an example of its series.
        let _entered = self.span.enter();
        measure::call(&self.target, &outcome, self.started.elapsed());
    }
}

/// Writes what was used, as the conventions call it.
pub(super) fn record_usage(span: &Span, usage: &Usage) {
    span.set("gen_ai.usage.input_tokens", usage.input_tokens);
    if usage.output_tokens > 0 {
        span.set("gen_ai.usage.output_tokens", usage.output_tokens);
    }
    for (key, tokens) in [
        (
            "gen_ai.usage.cache_read.input_tokens",
            usage.cache_read_input_tokens,
        ),
        (
            "gen_ai.usage.cache_creation.input_tokens",
            usage.cache_creation_input_tokens,
        ),
        (
            "gen_ai.usage.reasoning.output_tokens",
            usage.reasoning_output_tokens,
        ),
    ] {
        if tokens > 0 {
            span.set(key, tokens);
        }
    }
}

/// The name of an error's type, where it has one.
pub(super) fn type_of<E: Error + ?Sized>(_: &E) -> &'static str {
    match std::any::type_name::<E>() {
        name if name.starts_with("dyn ") => "_OTHER",
        name => name,
    }
}

/// Methods that the builders of models' calls have; their field `target` is a [`Target`].
macro_rules! target_methods {
    () => {
        /// Where the model is served.
        pub fn server(mut self, address: impl Into<String>, port: u16) -> Self {
            self.target.server = Some((address.into(), port));
            self
        }
    };
}
pub(super) use target_methods;

/// Methods that the spans of models' calls have; their field `call` is a [`ModelCall`].
macro_rules! call_methods {
    ($type:ident) => {
        impl $type {
            /// The model that answered, where it says so.
            pub fn response_model(&self, model: impl AsRef<str>) -> &Self {
                self.call.response_model(model.as_ref());
                self
            }

            /// How many tokens were used.
            pub fn usage(&self, usage: $crate::llm::Usage) -> &Self {
                self.call.usage(usage);
                self
            }

            /// Records an error, and that the call failed.
            pub fn error<E: std::error::Error + ?Sized>(&self, error: &E) -> &Self {
                self.call.error(error);
                self
            }

            /// Records that the call failed: of which kind the error is, such as the provider's code, and what it says.
            pub fn fail(&self, error_type: impl AsRef<str>, message: impl AsRef<str>) -> &Self {
                self.call.fail(error_type.as_ref(), message.as_ref());
                self
            }

            fn span(&self) -> &$crate::Span {
                self.call.span()
            }
        }
    };
}
pub(super) use call_methods;
