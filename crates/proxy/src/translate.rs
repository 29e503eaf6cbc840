//! OpenAI's chat completions for providers that speak otherwise, both ways.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// Into whose interface a chat completion is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Cohere's chat, version 2.
    Cohere,
}

/// A request as the provider wants it, and what translates its answer back.
pub(crate) struct Translation {
    /// The path at the provider, with its query: `/v1/messages`.
    pub(crate) path_and_query: String,
    /// The body, JSON.
    pub(crate) body: Bytes,
    /// For the answer.
    pub(crate) reply: Reply,
}

/// The request can't be said in the provider's words: why, for the client.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Untranslatable(pub(crate) String);

/// Translates one answer as it comes, streamed or whole, good or bad.
pub(crate) struct Reply;

/// Translates a chat completion request.
///
/// # Errors
/// When it is none, or says what the provider has no word for.
pub(crate) fn request(_target: Target, _body: &[u8]) -> Result<Translation, Untranslatable> {
    Err(Untranslatable("not translated".to_owned()))
}

impl Reply {
    /// The answer's head came: makes its headers those of what follows. The body comes without a content coding.
    pub(crate) fn head(&mut self, _status: StatusCode, _headers: &mut HeaderMap) {}

    /// What the next piece of the provider's body becomes; may be empty.
    pub(crate) fn push(&mut self, _chunk: &Bytes) -> Bytes {
        Bytes::new()
    }

    /// What follows after the last piece; may be empty.
    pub(crate) fn finish(&mut self) -> Bytes {
        Bytes::new()
    }
}
