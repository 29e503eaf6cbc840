//! The [AI SDK](https://ai-sdk.dev/docs/ai-sdk-core/telemetry) by Vercel.
//!
//! Calls within `ai.generateText` and its kin have spans of their own, so those count what these count. Until version 5 its
//! input of Anthropic's models lacks what a cache had to do with; from version 6 on it has it, and says the details beside.

use serde_json::{Value as Json, json};

use super::{Dialect, Table};
use crate::messages;
use crate::spans::draft::{Draft, Row, Says};
use crate::spans::fields::to_json;
use crate::spans::item::Item;
use crate::tally::Slot;
use crate::{Kind, Message, Part, json};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::Vercel,
    speaks: |item| item.fields.has("ai.operationId") || item.fields.has_under("ai."),
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("ai.operationId", Says::Kind(kind)),
    (
        "ai.operationId",
        Says::Text(|draft| &mut draft.call.operation),
    ),
    (
        "ai.model.provider",
        Says::Text(|draft| &mut draft.call.provider),
    ),
    (
        "ai.model.id",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "ai.response.model",
        Says::Text(|draft| &mut draft.call.response_model),
    ),
    (
        "ai.response.id",
        Says::Text(|draft| &mut draft.call.response_id),
    ),
    (
        "ai.response.finishReason",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    (
        "ai.response.msToFirstChunk",
        Says::Milliseconds(|draft| &mut draft.call.time_to_first_chunk),
    ),
    (
        "ai.usage.inputTokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "ai.usage.promptTokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "ai.usage.tokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "ai.usage.outputTokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "ai.usage.completionTokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "ai.usage.totalTokens",
        Says::Count(|draft| &mut draft.tally.total),
    ),
    (
        "ai.usage.cachedInputTokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "ai.usage.inputTokenDetails.cacheReadTokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "ai.usage.reasoningTokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "ai.usage.outputTokenDetails.reasoningTokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "ai.response.providerMetadata",
        Says::Object(provider_metadata),
    ),
    (
        "ai.prompt.messages",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    ("ai.prompt", Says::Object(prompt)),
    (
        "ai.prompt.tools",
        Says::Tools(|draft| &mut draft.call.tool_definitions),
    ),
    (
        "ai.value",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "ai.values",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    ("ai.toolCall.name", Says::Text(|draft| &mut draft.tool.name)),
    (
        "ai.toolCall.id",
        Says::Text(|draft| &mut draft.tool.call_id),
    ),
    (
        "ai.toolCall.args",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    (
        "ai.toolCall.input",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    (
        "ai.toolCall.result",
        Says::Any(|draft| &mut draft.tool.result),
    ),
    (
        "ai.toolCall.output",
        Says::Any(|draft| &mut draft.tool.result),
    ),
    (
        "ai.telemetry.metadata.sessionId",
        Says::Text(|draft| &mut draft.call.session_id),
    ),
    (
        "ai.telemetry.metadata.threadId",
        Says::Text(|draft| &mut draft.call.conversation_id),
    ),
    (
        "ai.telemetry.metadata.userId",
        Says::Text(|draft| &mut draft.call.user_id),
    ),
    (
        "ai.telemetry.metadata.tags",
        Says::Texts(|draft| &mut draft.call.tags),
    ),
    (
        "ai.settings.temperature",
        Says::Number(|draft| &mut draft.call.parameters.temperature),
    ),
    (
        "ai.settings.topP",
        Says::Number(|draft| &mut draft.call.parameters.top_p),
    ),
    (
        "ai.settings.topK",
        Says::Number(|draft| &mut draft.call.parameters.top_k),
    ),
    (
        "ai.settings.maxOutputTokens",
        Says::Count(|draft| &mut draft.call.parameters.max_tokens),
    ),
    (
        "ai.settings.maxTokens",
        Says::Count(|draft| &mut draft.call.parameters.max_tokens),
    ),
    (
        "ai.settings.frequencyPenalty",
        Says::Number(|draft| &mut draft.call.parameters.frequency_penalty),
    ),
    (
        "ai.settings.presencePenalty",
        Says::Number(|draft| &mut draft.call.parameters.presence_penalty),
    ),
    (
        "ai.settings.stopSequences",
        Says::Texts(|draft| &mut draft.call.parameters.stop_sequences),
    ),
    (
        "ai.settings.seed",
        Says::Integer(|draft| &mut draft.call.parameters.seed),
    ),
];

fn kind(operation: &str) -> Option<Kind> {
    let last = operation.rsplit('.').next()?;
    Some(match last {
        "doGenerate" | "doStream" => Kind::Llm,
        "doEmbed" => Kind::Embedding,
        "doRerank" => Kind::Reranker,
        "toolCall" => Kind::Tool,
        "generateText" | "streamText" | "generateObject" | "streamObject" | "embed"
        | "embedMany" | "rerank" => Kind::Chain,
        _ => return None,
    })
}

/// Anthropic's own count of what went to the cache, which the SDK's attributes lack.
const ANTHROPIC: &[(&str, Slot)] = &[
    ("cacheCreationInputTokens", |tally| {
        &mut tally.cache_creation
    }),
    ("cacheReadInputTokens", |tally| &mut tally.cache_read),
    ("usage/cache_creation_input_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("usage/cache_read_input_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("usage/cache_creation/ephemeral_5m_input_tokens", |tally| {
        &mut tally.cache_creation_5m
    }),
    ("usage/cache_creation/ephemeral_1h_input_tokens", |tally| {
        &mut tally.cache_creation_1h
    }),
];

fn provider_metadata(draft: &mut Draft, object: &Json) {
    let stated = draft.tally;
    for provider in ["anthropic", "bedrock"] {
        if let Some(own) = object.get(provider) {
            draft.tally.read(own, ANTHROPIC);
        }
    }
    // The SDK's attributes come first.
    draft.tally.cache_read = stated.cache_read.or(draft.tally.cache_read);
    draft.tally.cache_creation = stated.cache_creation.or(draft.tally.cache_creation);
}

/// `{system, prompt, messages}`, as the author gave it.
fn prompt(draft: &mut Draft, object: &Json) {
    let call = &mut draft.call;
    if !call.input_messages.is_empty() {
        return;
    }
    if let Some(system) = object.get("system") {
        call.system_instructions.extend(messages::parts(system));
    }
    let said = json::value_of(object, &["messages", "prompt"]).unwrap_or(object);
    call.input_messages = messages::messages(said, "user");
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    let fields = &item.fields;
    let operation = fields.text("ai.operationId").unwrap_or_default();
    if operation.contains("tream") {
        draft.call.streaming = draft.call.streaming.or(Some(true));
    }
    let names = [&draft.call.provider, &draft.call.request_model];
    let is_anthropic = names
        .into_iter()
        .flatten()
        .any(|name| name.contains("anthropic") || name.contains("claude"));
    if is_anthropic && !fields.has_under("ai.usage.inputTokenDetails.") {
        draft.tally.is_cache_beside = true;
    }
    // `openai.chat`, `anthropic.messages`: the provider and its interface.
    if let Some(provider) = &mut draft.call.provider {
        for suffix in [
            ".chat",
            ".responses",
            ".completion",
            ".messages",
            ".embedding",
            ".image",
            ".transcription",
        ] {
            if let Some(name) = provider.strip_suffix(suffix) {
                *provider = name.to_owned();
                break;
            }
        }
    }
    if draft.call.output_messages.is_empty() {
        let answer = answer(item, draft);
        draft.call.output_messages.extend(answer);
    }
    for (name, value) in fields.under("ai.telemetry.metadata.") {
        if !matches!(name, "sessionId" | "threadId" | "userId" | "tags") {
            draft
                .call
                .metadata
                .entry(name.to_owned())
                .or_insert_with(|| to_json(value));
        }
    }
}

/// The answer, whose parts stand in an attribute each.
fn answer(item: &Item<'_>, draft: &mut Draft) -> Option<Message> {
    let mut value = |key| item.fields.get(key).map(|value| draft.unpacked(value));
    let mut said = json!({"role": "assistant"});
    let object = value("ai.response.object");
    let names = [
        ("reasoning", value("ai.response.reasoning")),
        ("tool_calls", value("ai.response.toolCalls")),
    ];
    for (name, value) in names {
        if let (Some(value), Some(said)) = (value, said.as_object_mut()) {
            said.insert(name.to_owned(), value);
        }
    }
    let text = item.fields.text("ai.response.text").map(json::beginning);
    let mut message = messages::message(&said, "assistant").unwrap_or(Message {
        role: "assistant".to_owned(),
        ..Message::default()
    });
    let content = text
        .map(Part::text)
        .or(object.map(|object| Part::text(object.to_string())));
    let before_calls = message
        .parts
        .iter()
        .take_while(|part| matches!(part, Part::Reasoning { .. }))
        .count();
    if let Some(content) = content {
        message.parts.insert(before_calls, content);
    }
    (!message.parts.is_empty()).then_some(message)
}
