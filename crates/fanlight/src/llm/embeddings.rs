//! Calls of models that make vectors.

use super::call::{ModelCall, Target, call_methods, target_methods};
use super::opening::{Opening, opening_methods, span_methods};

/// A call that has not started. See [`embeddings`](super::embeddings).
#[derive(Debug)]
#[must_use = "the call starts with `start`"]
pub struct EmbeddingsBuilder {
    opening: Opening,
    target: Target,
}

/// A call of a model. It ends when this is dropped, and is a [`Span`](crate::Span) until then.
#[derive(Debug)]
#[must_use = "a call ends when it is dropped; `let call = ...` keeps it until the end of the block"]
pub struct EmbeddingsSpan {
    call: ModelCall,
}

impl EmbeddingsBuilder {
    pub(super) fn new(provider: &str, model: &str) -> EmbeddingsBuilder {
        let target = Target::new("embeddings", provider, model);
        EmbeddingsBuilder {
            opening: target.opening(),
            target,
        }
    }

    opening_methods!();
    target_methods!();

    /// How many dimensions the vectors should have.
    pub fn dimensions(self, count: u32) -> Self {
        self.attribute("gen_ai.embeddings.dimension.count", count)
    }

    /// How the vectors should be encoded: `float`, `base64`.
    pub fn encoding_formats<T: AsRef<str>>(self, formats: &[T]) -> Self {
        let formats: Vec<&str> = formats.iter().map(AsRef::as_ref).collect();
        self.attribute("gen_ai.request.encoding_formats", formats)
    }

    /// Starts the call.
    pub fn start(self) -> EmbeddingsSpan {
        EmbeddingsSpan {
            call: ModelCall::start(self.opening, self.target),
        }
    }
}

call_methods!(EmbeddingsSpan);
span_methods!(EmbeddingsSpan);
