//! OpenAI's chat completions, and its lists of models, for providers that speak otherwise, both ways. Bytes in, bytes out; no
//! connection is known here.
//!
//! What a request says is translated or refused, member by member, never left out; see `translate/ask.rs` for the few members
//! that change nothing about an answer. Thoughts come as `reasoning_content`, where most clients look for them. Errors get
//! OpenAI's shape and keep their status.

mod anthropic;
mod ask;
mod chunks;
mod cohere;
mod gemini;
mod members;
mod models;

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanlight_genai::api::{Frames, Framing};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value as Json, json};

use ask::Ask;
use chunks::{Chunks, Completion};

/// A whole answer that is longer is not translated.
const MAX_ANSWER: usize = 64 << 20;
/// How much is told of an error that has another shape than it should.
const MAX_MESSAGE: usize = 2_000;

/// What is translated, and into whose interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A chat completion.
    Chat(Target),
    /// The list of models, or one of them.
    Models(Target),
}

/// Whose interface it is.
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
pub(crate) struct Reply {
    provider: Box<dyn Provider>,
    /// The model that was asked for.
    model: String,
    created: u64,
    include_usage: bool,
    mode: Mode,
}

/// How the answer comes.
enum Mode {
    Whole { status: StatusCode, body: Vec<u8> },
    Stream { frames: Frames, chunks: Chunks },
}

/// How a provider answers.
trait Provider: Send {
    /// A good answer that came whole, in OpenAI's words.
    fn answer(&mut self, answer: &Json, model: &str, created: u64) -> Json {
        self.whole(answer).json(model, created)
    }

    /// A completion that came whole.
    fn whole(&mut self, answer: &Json) -> Completion;

    /// An event of a stream.
    fn event(&mut self, event: &Json, out: &mut Chunks);

    /// The stream is over.
    fn end(&mut self, _out: &mut Chunks) {}

    /// What the provider says of what went wrong.
    fn failed(&self, answer: &Json) -> Failed;
}

/// What went wrong at a provider.
#[derive(Debug, Default)]
struct Failed {
    message: Option<String>,
    kind: Option<String>,
    code: Option<String>,
}

impl Question {
    /// Translates the question, which came at this path.
    ///
    /// # Errors
    /// When it is no chat completion, or says what the provider has no word for.
    pub(crate) fn translated(self, path: &str, body: &[u8]) -> Result<Translation, Untranslatable> {
        match self {
            Question::Chat(target) => request(target, body),
            Question::Models(target) => Ok(models::request(target, path)),
        }
    }
}

/// Translates a chat completion request.
///
/// # Errors
/// When it is none, or says what the provider has no word for.
fn request(target: Target, body: &[u8]) -> Result<Translation, Untranslatable> {
    let ask = Ask::read(body)?;
    let (translated, provider): (_, Box<dyn Provider>) = match target {
        Target::Anthropic => (
            anthropic::request(&ask)?,
            Box::new(anthropic::Anthropic::default()),
        ),
        Target::Gemini => (gemini::request(&ask)?, Box::new(gemini::Gemini::default())),
        Target::Cohere => (cohere::request(&ask)?, Box::new(cohere::Cohere)),
    };
    let (path_and_query, body) = translated;
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Translation {
        path_and_query,
        body: body.to_string().into(),
        reply: Reply {
            provider,
            model: ask.model,
            created: now.as_secs(),
            include_usage: ask.include_usage,
            mode: Mode::Whole {
                status: StatusCode::OK,
                body: Vec::new(),
            },
        },
    })
}

impl Reply {
    /// The answer's head came: makes its headers those of what follows. The body comes without a content coding.
    pub(crate) fn head(&mut self, status: StatusCode, headers: &mut HeaderMap) {
        let stated = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        let framing = stated.and_then(Framing::of_content_type);
        for name in [
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::ETAG,
        ] {
            headers.remove(name);
        }
        let (mode, content_type) = match framing.filter(|_| status.is_success()) {
            Some(framing) => {
                let chunks = Chunks::new(&self.model, self.created, self.include_usage);
                let frames = Frames::new(framing);
                (
                    Mode::Stream { frames, chunks },
                    "text/event-stream; charset=utf-8",
                )
            }
            None => {
                let body = Vec::new();
                (Mode::Whole { status, body }, "application/json")
            }
        };
        self.mode = mode;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }

    /// What the next piece of the provider's body becomes; may be empty.
    pub(crate) fn push(&mut self, chunk: &Bytes) -> Bytes {
        match &mut self.mode {
            Mode::Whole { body, .. } => {
                let room = MAX_ANSWER.saturating_sub(body.len()).min(chunk.len());
                body.extend_from_slice(chunk.get(..room).unwrap_or_default());
                Bytes::new()
            }
            Mode::Stream { frames, chunks } => {
                let provider = &mut self.provider;
                frames.push(chunk, &mut |_, data| event(provider.as_mut(), data, chunks));
                chunks.take().into()
            }
        }
    }

    /// What follows after the last piece; may be empty.
    pub(crate) fn finish(&mut self) -> Bytes {
        match &mut self.mode {
            Mode::Whole { status, body } => {
                let (status, body) = (*status, std::mem::take(body));
                self.whole(status, &body).to_string().into()
            }
            Mode::Stream { frames, chunks } => {
                let provider = &mut self.provider;
                frames.finish(&mut |_, data| event(provider.as_mut(), data, chunks));
                provider.end(chunks);
                chunks.take().into()
            }
        }
    }

    fn whole(&mut self, status: StatusCode, body: &[u8]) -> Json {
        let answer = serde_json::from_slice(body);
        match (status.is_success(), answer) {
            (true, Ok(answer)) => self.provider.answer(&answer, &self.model, self.created),
            (true, Err(_)) => {
                let message = "the provider's answer is no JSON and can't be translated".to_owned();
                let failed = Failed {
                    message: Some(message),
                    ..Failed::default()
                };
                failed.json(502)
            }
            (false, Ok(answer)) => {
                let mut failed = self.provider.failed(&answer);
                failed.message.get_or_insert_with(|| shortened(body));
                failed.json(status.as_u16())
            }
            (false, Err(_)) => {
                let failed = Failed {
                    message: Some(shortened(body)),
                    ..Failed::default()
                };
                failed.json(status.as_u16())
            }
        }
    }
}

fn event(provider: &mut dyn Provider, data: &[u8], chunks: &mut Chunks) {
    if let Ok(event) = serde_json::from_slice(data) {
        provider.event(&event, chunks);
    }
}

fn shortened(body: &[u8]) -> String {
    String::from_utf8_lossy(body)
        .chars()
        .take(MAX_MESSAGE)
        .collect()
}

/// A text of an answer that is not empty.
fn text_at(answer: &Json, place: &str) -> Option<String> {
    let text = answer.pointer(place)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

impl Failed {
    /// [OpenAI's shape](https://platform.openai.com/docs/guides/error-codes) of an error with this status.
    fn json(&self, status: u16) -> Json {
        let usual = match status {
            400 | 413 | 422 => "invalid_request_error",
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            _ => "server_error",
        };
        let message = self
            .message
            .as_deref()
            .unwrap_or("the provider says no more");
        json!({"error": {
            "message": message,
            "type": self.kind.as_deref().unwrap_or(usual),
            "param": null,
            "code": self.code,
        }})
    }
}

#[cfg(test)]
mod tests;
