//! Where each interface states what was used.

use serde_json::Value as Json;

use super::ProviderApi;
use crate::tally::{Slot, Tally};
use crate::{Dollars, json};

type Table = &'static [(&'static str, Slot)];

/// OpenAI's names of all its interfaces, and what others who speak them add: DeepSeek, Moonshot, LiteLLM.
const OPENAI: Table = &[
    ("prompt_tokens", |tally| &mut tally.input),
    ("input_tokens", |tally| &mut tally.input),
    ("completion_tokens", |tally| &mut tally.output),
    ("output_tokens", |tally| &mut tally.output),
    ("total_tokens", |tally| &mut tally.total),
    ("cached_tokens", |tally| &mut tally.cache_read),
    ("prompt_cache_hit_tokens", |tally| &mut tally.cache_read),
    ("cache_read_input_tokens", |tally| &mut tally.cache_read),
    ("prompt_tokens_details/cached_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("input_tokens_details/cached_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("input_token_details/cached_tokens", |tally| {
        &mut tally.cache_read
    }),
    ("cache_creation_input_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("prompt_tokens_details/cache_creation_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("prompt_tokens_details/cache_write_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("input_tokens_details/cache_write_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("completion_tokens_details/reasoning_tokens", |tally| {
        &mut tally.reasoning
    }),
    ("output_tokens_details/reasoning_tokens", |tally| {
        &mut tally.reasoning
    }),
    ("reasoning_tokens", |tally| &mut tally.reasoning),
    ("prompt_tokens_details/audio_tokens", |tally| {
        &mut tally.audio_input
    }),
    ("input_tokens_details/audio_tokens", |tally| {
        &mut tally.audio_input
    }),
    ("input_token_details/audio_tokens", |tally| {
        &mut tally.audio_input
    }),
    ("prompt_tokens_details/image_tokens", |tally| {
        &mut tally.image_input
    }),
    ("input_tokens_details/image_tokens", |tally| {
        &mut tally.image_input
    }),
    ("input_token_details/image_tokens", |tally| {
        &mut tally.image_input
    }),
    ("completion_tokens_details/audio_tokens", |tally| {
        &mut tally.audio_output
    }),
    ("output_token_details/audio_tokens", |tally| {
        &mut tally.audio_output
    }),
    ("completion_tokens_details/image_tokens", |tally| {
        &mut tally.image_output
    }),
    ("output_tokens_details/image_tokens", |tally| {
        &mut tally.image_output
    }),
    ("num_search_queries", |tally| &mut tally.web_searches),
    ("server_tool_use/web_search_requests", |tally| {
        &mut tally.web_searches
    }),
];

/// Input lacks what a cache had to do with.
const ANTHROPIC: Table = &[
    ("input_tokens", |tally| &mut tally.input),
    ("output_tokens", |tally| &mut tally.output),
    ("cache_read_input_tokens", |tally| &mut tally.cache_read),
    ("cache_creation_input_tokens", |tally| {
        &mut tally.cache_creation
    }),
    ("cache_creation/ephemeral_5m_input_tokens", |tally| {
        &mut tally.cache_creation_5m
    }),
    ("cache_creation/ephemeral_1h_input_tokens", |tally| {
        &mut tally.cache_creation_1h
    }),
    ("output_tokens_details/thinking_tokens", |tally| {
        &mut tally.reasoning
    }),
    ("server_tool_use/web_search_requests", |tally| {
        &mut tally.web_searches
    }),
];

/// Output lacks thoughts, and input what tools of the provider read.
const GEMINI: Table = &[
    ("promptTokenCount", |tally| &mut tally.input),
    ("candidatesTokenCount", |tally| &mut tally.output),
    ("responseTokenCount", |tally| &mut tally.output),
    ("cachedContentTokenCount", |tally| &mut tally.cache_read),
    ("thoughtsTokenCount", |tally| &mut tally.reasoning),
    ("toolUsePromptTokenCount", |tally| &mut tally.tool_use),
];

const OLLAMA: Table = &[
    ("prompt_eval_count", |tally| &mut tally.input),
    ("eval_count", |tally| &mut tally.output),
];

/// What is billed comes last, since that is what costs.
const COHERE: Table = &[
    ("tokens/input_tokens", |tally| &mut tally.input),
    ("tokens/output_tokens", |tally| &mut tally.output),
    ("billed_units/input_tokens", |tally| &mut tally.input),
    ("billed_units/output_tokens", |tally| &mut tally.output),
    ("cached_tokens", |tally| &mut tally.cache_read),
];

/// Bedrock's own names and, where a vendor's body is passed on, the vendor's. Input lacks what a cache had to do with.
const BEDROCK: Table = &[
    ("inputTokens", |tally| &mut tally.input),
    ("outputTokens", |tally| &mut tally.output),
    ("cacheReadInputTokens", |tally| &mut tally.cache_read),
    ("cacheReadInputTokenCount", |tally| &mut tally.cache_read),
    ("cacheWriteInputTokens", |tally| &mut tally.cache_creation),
    ("cacheWriteInputTokenCount", |tally| {
        &mut tally.cache_creation
    }),
    ("inputTokenCount", |tally| &mut tally.input),
    ("outputTokenCount", |tally| &mut tally.output),
    ("inputTextTokenCount", |tally| &mut tally.input),
    ("prompt_token_count", |tally| &mut tally.input),
    ("generation_token_count", |tally| &mut tally.output),
    ("prompt_tokens", |tally| &mut tally.input),
    ("completion_tokens", |tally| &mut tally.output),
];

/// Takes over what an answer, or a piece of one, states.
pub(super) fn read(api: ProviderApi, body: &Json, tally: &mut Tally) {
    use ProviderApi::*;
    match api {
        AnthropicMessages => anthropic(body, tally),
        GeminiGenerateContent | GeminiEmbedContent => gemini(body, tally),
        OllamaChat | OllamaGenerate | OllamaEmbed => tally.read(body, OLLAMA),
        CohereChat | CohereEmbed | CohereRerank => {
            if let Some(usage) = json::value_of(body, &["usage", "meta"]) {
                tally.read(usage, COHERE);
            }
        }
        BedrockConverse | BedrockInvoke => bedrock(body, tally),
        _ => openai(api, body, tally),
    }
}

fn openai(api: ProviderApi, body: &Json, tally: &mut Tally) {
    let groq = body.get("x_groq").and_then(|groq| groq.get("usage"));
    let Some(usage) = json::value_of(body, &["usage"]).or(groq) else {
        return;
    };
    tally.read(usage, OPENAI);
    // xAI counts reasoning beside the output; the total tells.
    let sum = |counts: &[Option<u64>]| {
        counts
            .iter()
            .flatten()
            .fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let has_reasoning = tally.reasoning.is_some_and(|reasoning| reasoning > 0);
    tally.is_reasoning_beside =
        has_reasoning && tally.total == Some(sum(&[tally.input, tally.output, tally.reasoning]));
    if api == ProviderApi::OpenAiImages && tally.image_output.is_none() {
        tally.image_output = tally.output;
    }
}

fn anthropic(body: &Json, tally: &mut Tally) {
    tally.is_cache_beside = true;
    let message = body.get("message").unwrap_or(body);
    if let Some(usage) = json::value_of(message, &["usage"]) {
        tally.read(usage, ANTHROPIC);
    }
}

fn gemini(body: &Json, tally: &mut Tally) {
    let Some(usage) = json::value_of(body, &["usageMetadata", "usage_metadata"]) else {
        // Vertex counts embeddings one by one.
        let counts = body
            .get("predictions")
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let counts = counts
            .filter_map(|one| json::count(one.pointer("/embeddings/statistics/token_count")?));
        let sum = counts.fold(None, |sum: Option<u64>, count| {
            Some(sum.unwrap_or(0).saturating_add(count))
        });
        tally.input = sum.or(tally.input);
        return;
    };
    tally.is_reasoning_beside = true;
    tally.read(usage, GEMINI);
    let details = [
        ("promptTokensDetails", "AUDIO", &mut tally.audio_input),
        ("promptTokensDetails", "IMAGE", &mut tally.image_input),
        ("candidatesTokensDetails", "AUDIO", &mut tally.audio_output),
        ("candidatesTokensDetails", "IMAGE", &mut tally.image_output),
    ];
    for (list, modality, slot) in details {
        let list = usage
            .get(list)
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let mut fitting =
            list.filter(|one| one.get("modality").and_then(Json::as_str) == Some(modality));
        let count = fitting.find_map(|one| json::count(one.get("tokenCount")?));
        *slot = count.or(*slot);
    }
}

fn bedrock(body: &Json, tally: &mut Tally) {
    tally.is_cache_beside = true;
    let metrics = json::value_of(body, &["amazon-bedrock-invocationMetrics"]);
    let message = body.get("message").unwrap_or(body);
    for stated in [Some(body), json::value_of(message, &["usage"]), metrics]
        .into_iter()
        .flatten()
    {
        tally.read(stated, BEDROCK);
        tally.read(stated, ANTHROPIC);
    }
    let outputs = body
        .get("results")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    let outputs = outputs.filter_map(|output| json::count(output.get("tokenCount")?));
    let sum = outputs.fold(None, |sum: Option<u64>, count| {
        Some(sum.unwrap_or(0).saturating_add(count))
    });
    tally.output = sum.or(tally.output);
}

/// What the provider says that the call cost: OpenRouter, Perplexity and those who do alike in dollars, xAI in ticks of which
/// 10¹⁰ are a dollar.
pub(super) fn cost(body: &Json) -> Option<Dollars> {
    const PICODOLLARS_IN_TICK: u64 = 100;
    let usage = body.get("usage")?;
    if let Some(ticks) = usage.get("cost_in_usd_ticks").and_then(json::count) {
        return Some(Dollars::from_picodollars(
            ticks.saturating_mul(PICODOLLARS_IN_TICK),
        ));
    }
    let cost = usage.get("cost")?;
    let total = json::dollars(cost.get("total_cost").unwrap_or(cost))?;
    // With a key of the caller's own, the cost is the fee; the provider charges the caller beside it.
    let is_own_key = usage.get("is_byok").and_then(Json::as_bool) == Some(true);
    let upstream = usage
        .pointer("/cost_details/upstream_inference_cost")
        .and_then(json::dollars);
    Some(total + upstream.filter(|_| is_own_key).unwrap_or_default())
}
