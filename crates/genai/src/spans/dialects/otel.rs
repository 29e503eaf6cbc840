//! [OpenTelemetry's GenAI conventions](https://github.com/open-telemetry/semantic-conventions-genai), from the first version to
//! the present one: attributes, indexed attributes, events of spans and log records.
//!
//! Input counts what a cache had to do with, and output counts reasoning.

use serde_json::Value as Json;

use super::{Dialect, Table, metadata};
use crate::messages;
use crate::spans::draft::{Draft, Row, Says, fill};
use crate::spans::fields::Fields;
use crate::spans::item::{Event, Item};
use crate::spans::tree::tree;
use crate::{Kind, json};

pub(super) const TABLE: Table = Table {
    dialect: Dialect::OpenTelemetry,
    speaks: |item| {
        item.fields.has_under("gen_ai.")
            || item
                .events
                .iter()
                .any(|event| event.name.starts_with("gen_ai."))
    },
    rows: ROWS,
    rest,
};

const ROWS: &[Row] = &[
    ("gen_ai.operation.name", Says::Kind(kind)),
    (
        "gen_ai.operation.name",
        Says::Text(|draft| &mut draft.call.operation),
    ),
    (
        "gen_ai.provider.name",
        Says::Text(|draft| &mut draft.call.provider),
    ),
    (
        "gen_ai.system",
        Says::Text(|draft| &mut draft.call.provider),
    ),
    (
        "gen_ai.request.model",
        Says::Text(|draft| &mut draft.call.request_model),
    ),
    (
        "gen_ai.response.model",
        Says::Text(|draft| &mut draft.call.response_model),
    ),
    (
        "gen_ai.response.id",
        Says::Text(|draft| &mut draft.call.response_id),
    ),
    (
        "gen_ai.response.finish_reasons",
        Says::Texts(|draft| &mut draft.call.finish_reasons),
    ),
    (
        "gen_ai.response.time_to_first_chunk",
        Says::Number(|draft| &mut draft.call.time_to_first_chunk),
    ),
    (
        "gen_ai.server.time_to_first_token",
        Says::Number(|draft| &mut draft.call.time_to_first_chunk),
    ),
    (
        "gen_ai.request.stream",
        Says::Flag(|draft| &mut draft.call.streaming),
    ),
    (
        "gen_ai.request.is_stream",
        Says::Flag(|draft| &mut draft.call.streaming),
    ),
    (
        "openai.response.service_tier",
        Says::Text(|draft| &mut draft.call.service_tier),
    ),
    (
        "gen_ai.openai.response.service_tier",
        Says::Text(|draft| &mut draft.call.service_tier),
    ),
    (
        "fanlight.llm.service_tier",
        Says::Text(|draft| &mut draft.call.service_tier),
    ),
    ("error.type", Says::Text(|draft| &mut draft.call.error_type)),
    // Tokens.
    (
        "gen_ai.usage.input_tokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "gen_ai.usage.prompt_tokens",
        Says::Count(|draft| &mut draft.tally.input),
    ),
    (
        "gen_ai.usage.output_tokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "gen_ai.usage.completion_tokens",
        Says::Count(|draft| &mut draft.tally.output),
    ),
    (
        "gen_ai.usage.total_tokens",
        Says::Count(|draft| &mut draft.tally.total),
    ),
    (
        "gen_ai.usage.cache_read.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.cache_read_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.input_cached_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.cached_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_read),
    ),
    (
        "gen_ai.usage.cache_write.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.cache_creation.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.cache_creation_input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation),
    ),
    (
        "gen_ai.usage.reasoning.output_tokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "gen_ai.usage.reasoning_tokens",
        Says::Count(|draft| &mut draft.tally.reasoning),
    ),
    (
        "gen_ai.usage.audio.input_tokens",
        Says::Count(|draft| &mut draft.tally.audio_input),
    ),
    (
        "gen_ai.usage.image.input_tokens",
        Says::Count(|draft| &mut draft.tally.image_input),
    ),
    (
        "gen_ai.usage.audio.output_tokens",
        Says::Count(|draft| &mut draft.tally.audio_output),
    ),
    (
        "gen_ai.usage.image.output_tokens",
        Says::Count(|draft| &mut draft.tally.image_output),
    ),
    // No convention has these; the proxy writes them.
    (
        "fanlight.llm.usage.cache_creation_1h.input_tokens",
        Says::Count(|draft| &mut draft.tally.cache_creation_1h),
    ),
    (
        "fanlight.llm.usage.web_searches",
        Says::Count(|draft| &mut draft.tally.web_searches),
    ),
    // No convention has costs; these are in use.
    ("gen_ai.usage.cost", Says::Money(|draft| &mut draft.cost)),
    (
        "gen_ai.cost.total_cost",
        Says::Money(|draft| &mut draft.cost),
    ),
    (
        "gen_ai.cost.input_cost",
        Says::Money(|draft| &mut draft.input_cost),
    ),
    (
        "gen_ai.cost.output_cost",
        Says::Money(|draft| &mut draft.output_cost),
    ),
    // Content.
    (
        "gen_ai.system_instructions",
        Says::Parts(|draft| &mut draft.call.system_instructions),
    ),
    (
        "gen_ai.input.messages",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "gen_ai.output.messages",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    (
        "gen_ai.prompt",
        Says::Messages("user", |draft| &mut draft.call.input_messages),
    ),
    (
        "gen_ai.completion",
        Says::Messages("assistant", |draft| &mut draft.call.output_messages),
    ),
    (
        "gen_ai.tool.definitions",
        Says::Tools(|draft| &mut draft.call.tool_definitions),
    ),
    // Tools and agents.
    ("gen_ai.tool.name", Says::Text(|draft| &mut draft.tool.name)),
    (
        "gen_ai.tool.call.id",
        Says::Text(|draft| &mut draft.tool.call_id),
    ),
    ("gen_ai.tool.type", Says::Text(|draft| &mut draft.tool.kind)),
    (
        "gen_ai.tool.description",
        Says::Text(|draft| &mut draft.tool.description),
    ),
    (
        "gen_ai.tool.call.arguments",
        Says::Any(|draft| &mut draft.tool.arguments),
    ),
    (
        "gen_ai.tool.call.result",
        Says::Any(|draft| &mut draft.tool.result),
    ),
    (
        "gen_ai.tool.message",
        Says::Any(|draft| &mut draft.tool.result),
    ),
    ("gen_ai.agent.id", Says::Text(|draft| &mut draft.agent.id)),
    (
        "gen_ai.agent.name",
        Says::Text(|draft| &mut draft.agent.name),
    ),
    // Who.
    (
        "gen_ai.conversation.id",
        Says::Text(|draft| &mut draft.call.conversation_id),
    ),
    ("session.id", Says::Text(|draft| &mut draft.call.session_id)),
    ("user.id", Says::Text(|draft| &mut draft.call.user_id)),
    ("enduser.id", Says::Text(|draft| &mut draft.call.user_id)),
    ("metadata", Says::Object(metadata)),
    // Parameters.
    (
        "gen_ai.request.temperature",
        Says::Number(|draft| &mut draft.call.parameters.temperature),
    ),
    (
        "gen_ai.request.top_p",
        Says::Number(|draft| &mut draft.call.parameters.top_p),
    ),
    (
        "gen_ai.request.top_k",
        Says::Number(|draft| &mut draft.call.parameters.top_k),
    ),
    (
        "gen_ai.request.max_tokens",
        Says::Count(|draft| &mut draft.call.parameters.max_tokens),
    ),
    (
        "gen_ai.request.stop_sequences",
        Says::Texts(|draft| &mut draft.call.parameters.stop_sequences),
    ),
    (
        "gen_ai.request.frequency_penalty",
        Says::Number(|draft| &mut draft.call.parameters.frequency_penalty),
    ),
    (
        "gen_ai.request.presence_penalty",
        Says::Number(|draft| &mut draft.call.parameters.presence_penalty),
    ),
    (
        "gen_ai.request.seed",
        Says::Integer(|draft| &mut draft.call.parameters.seed),
    ),
    (
        "gen_ai.openai.request.seed",
        Says::Integer(|draft| &mut draft.call.parameters.seed),
    ),
    (
        "gen_ai.request.choice.count",
        Says::Count(|draft| &mut draft.call.parameters.choice_count),
    ),
    (
        "gen_ai.request.reasoning_effort",
        Says::Text(|draft| &mut draft.call.parameters.reasoning_effort),
    ),
    (
        "gen_ai.output.type",
        Says::Text(|draft| &mut draft.call.parameters.output_type),
    ),
];

fn kind(operation: &str) -> Option<Kind> {
    Some(match operation {
        "chat" | "generate_content" | "text_completion" | "completion" | "llm_call" => Kind::Llm,
        "embeddings" | "embedding" => Kind::Embedding,
        "execute_tool" | "tool_call" => Kind::Tool,
        "invoke_agent" | "create_agent" | "agent_step" | "agent_call" => Kind::Agent,
        "invoke_workflow" | "plan" => Kind::Chain,
        "retrieval" | "retrieve" => Kind::Retriever,
        "image_generation" => Kind::Image,
        "audio" | "speech" | "transcription" => Kind::Audio,
        "rerank" => Kind::Reranker,
        // Reads an answer again that another call has counted.
        "fetch_response" => Kind::Other,
        _ => return None,
    })
}

fn rest(item: &Item<'_>, draft: &mut Draft) {
    for event in &item.events {
        of_event(event, draft);
    }
    if item.name == DETAILS && item.is_within_span {
        // The span says the same.
        draft.is_repeated = true;
    }
    if item.is_log && item.name.starts_with("gen_ai.") && item.name != DETAILS {
        draft.kind = draft
            .kind
            .or(Some(if item.name.starts_with("gen_ai.evaluation") {
                Kind::Evaluator
            } else {
                Kind::Llm
            }));
    }
    indexed(&item.fields, draft);
}

const DETAILS: &str = "gen_ai.client.inference.operation.details";

/// What was said, as an event each.
fn of_event(event: &Event<'_>, draft: &mut Draft) {
    let (role, is_answer) = match event.name {
        "gen_ai.system.message" => ("system", false),
        "gen_ai.user.message" => ("user", false),
        "gen_ai.assistant.message" => ("assistant", false),
        "gen_ai.tool.message" => ("tool", false),
        "gen_ai.choice" => ("assistant", true),
        "gen_ai.content.prompt" | "gen_ai.content.completion" | DETAILS => {
            if let Some(body) = event.body.as_object().filter(|body| !body.is_empty()) {
                let (input, output) = (
                    body.get("gen_ai.input.messages"),
                    body.get("gen_ai.output.messages"),
                );
                let call = &mut draft.call;
                call.input_messages.extend(
                    input
                        .map(|said| messages::messages(said, "user"))
                        .unwrap_or_default(),
                );
                call.output_messages.extend(
                    output
                        .map(|said| messages::messages(said, "assistant"))
                        .unwrap_or_default(),
                );
            }
            return draft.take(&event.fields, ROWS);
        }
        _ => return,
    };
    let said = match &event.body {
        Json::Null => event.fields.object(),
        Json::Object(_) => event.body.clone(),
        _ => serde_json::json!({ "content": event.body }),
    };
    let message = messages::message(&said, role);
    let call = &mut draft.call;
    let list = if is_answer {
        &mut call.output_messages
    } else {
        &mut call.input_messages
    };
    list.extend(message);
}

/// `gen_ai.prompt.0.role`, as Traceloop began to write it.
fn indexed(fields: &Fields<'_>, draft: &mut Draft) {
    let call = &mut draft.call;
    for (prefix, role, list) in [
        ("gen_ai.prompt.", "user", &mut call.input_messages),
        ("gen_ai.completion.", "assistant", &mut call.output_messages),
    ] {
        let Some(Json::Array(said)) = tree(fields, prefix).filter(|_| list.is_empty()) else {
            continue;
        };
        let said = said.into_iter().filter_map(|mut said| {
            if let Some(content) = said.get_mut("content") {
                *content = json::unpacked(content);
            }
            messages::message(&said, role)
        });
        list.extend(said);
    }
    if call.tool_definitions.is_empty() {
        let functions = tree(fields, "llm.request.functions.");
        call.tool_definitions = functions
            .map(|tools| messages::tool_definitions(&tools))
            .unwrap_or_default();
    }
    let cost = fields
        .get("gen_ai.usage.total_cost")
        .map(crate::spans::fields::to_json);
    fill(&mut draft.cost, cost.as_ref().and_then(json::dollars));
}
