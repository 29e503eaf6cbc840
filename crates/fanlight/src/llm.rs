//! Calls of language models, agents and tools, as OpenTelemetry's GenAI conventions describe them, so that every backend that
//! knows these (Langfuse, Phoenix, Logfire, Datadog, ...) shows conversations, tokens and costs.
//!
//! ```
//! use fanlight::llm::{self, Message, Usage};
//!
//! let question = [Message::user("Weather in Paris?")];
//! let chat = llm::chat("openai", "gpt-4o").temperature(0.2).messages(&question).start();
//! // ... the call ...
//! chat.response(Message::assistant("Rainy, 57°F."))
//!     .response_model("gpt-4o-2024-08-06")
//!     .finish_reason("stop")
//!     .usage(Usage::new(26, 9));
//! ```
//!
//! Each of [`chat`], [`embeddings`], [`tool`] and [`agent`] makes a builder, whose `start` gives a span that is also a
//! [`Span`](crate::Span): what is started inside it becomes its child. It ends when it is dropped. Around a future:
//!
//! ```
//! use fanlight::llm;
//!
//! # async fn play() {}
//! # let _ = async {
//! let run = llm::agent("roulette_agent").session("evening").user("17").start();
//! run.around(async { play().await }).await;
//! # };
//! ```
//!
//! What people and models wrote is recorded in full, unless [`ContentPolicy`] says otherwise, by code or by the environment.
//! With the feature `cost`, calls of well-known models also say what they cost.
//!
//! Besides spans, calls are counted in the conventions' metrics: `gen_ai.client.operation.duration`,
//! `gen_ai.client.token.usage`, and of streams `gen_ai.client.operation.time_to_first_chunk` and `time_per_output_chunk`.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/gen-ai/).

mod agent;
mod call;
mod chat;
mod content;
#[cfg(feature = "cost")]
mod cost;
mod embeddings;
mod measure;
mod message;
mod opening;
mod prompt;
mod stream;
#[cfg(test)]
mod tests;
mod tool;

pub use agent::{AgentBuilder, AgentSpan};
pub use chat::{ChatBuilder, ChatSpan};
pub use content::{ContentPolicy, set_content_limit, set_content_policy};
#[cfg(feature = "cost")]
pub use cost::cost;
pub use embeddings::{EmbeddingsBuilder, EmbeddingsSpan};
pub use fanlight_genai::Usage;
pub use message::{Message, Modality, Part, Role};
pub use stream::{ChatStream, Observed};
pub use tool::{ToolBuilder, ToolDefinition, ToolSpan};

/// A JSON value, as `serde_json` has it.
pub use serde_json::Value as Json;

/// A call of a model that answers messages.
///
/// `provider` is one of [the well-known names](https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/#gen-ai-provider-name)
/// where one fits: `openai`, `anthropic`, `gcp.gemini`, `aws.bedrock`, `azure.ai.openai`, `mistral_ai`, `x_ai`, ...
pub fn chat<'a>(provider: &str, model: &str) -> ChatBuilder<'a> {
    ChatBuilder::new("chat", provider, model)
}

/// As [`chat`], for interfaces such as Gemini's that make content of any kind.
pub fn generate_content<'a>(provider: &str, model: &str) -> ChatBuilder<'a> {
    ChatBuilder::new("generate_content", provider, model)
}

/// As [`chat`], for the older interfaces that go on with a text.
pub fn text_completion<'a>(provider: &str, model: &str) -> ChatBuilder<'a> {
    ChatBuilder::new("text_completion", provider, model)
}

/// A call of a model that makes vectors of texts.
///
/// ```
/// use fanlight::llm::{self, Usage};
///
/// let span = llm::embeddings("openai", "text-embedding-3-small").dimensions(512).start();
/// span.usage(Usage::new(7, 0));
/// ```
pub fn embeddings(provider: &str, model: &str) -> EmbeddingsBuilder {
    EmbeddingsBuilder::new(provider, model)
}

/// The run of a tool that a model asked for.
///
/// ```
/// use fanlight::llm;
///
/// let span = llm::tool("roulette_wheel").call_id("call_1").arguments(r#"{"square": 18}"#).start();
/// let outcome = span.in_scope(|| "winner");
/// span.result(outcome);
/// ```
pub fn tool<'a>(name: &'a str) -> ToolBuilder<'a> {
    ToolBuilder::new(name)
}

/// The run of an agent, from the question to the answer, with all calls of models and tools in it.
///
/// ```
/// use fanlight::llm::{self, Message};
///
/// let question = [Message::user("Put my money on square eighteen")];
/// let run = llm::agent("roulette_agent").conversation("conv_1").messages(&question).start();
/// run.in_scope(|| {
///     let _chat = llm::chat("openai", "gpt-4o").messages(&question).start();
/// });
/// run.response(Message::assistant("You won!"));
/// ```
pub fn agent<'a>(name: &'a str) -> AgentBuilder<'a> {
    AgentBuilder::new(name)
}
