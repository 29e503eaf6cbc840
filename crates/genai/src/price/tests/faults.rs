//! Faults that other tools were reported to have with costs, each by its report: what came in, and what it costs.

use serde_json::{Value as Json, json};

use crate::api::{ProviderApi, read_response};
use crate::price::{CostSource, Prices};
use crate::{Counts, LlmCall, Usage};

/// An answer of a provider.
fn answer(api: ProviderApi, provider: &str, body: &Json) -> LlmCall {
    let mut call = LlmCall {
        provider: Some(provider.to_owned()),
        ..LlmCall::default()
    };
    read_response(api, body.to_string().as_bytes(), &mut call);
    call
}

fn cost(call: &LlmCall) -> Option<String> {
    Prices::default()
        .of_call(call)
        .map(|cost| cost.total.to_string())
}

fn of_usage(provider: &str, model: &str, usage: Usage) -> LlmCall {
    LlmCall {
        provider: Some(provider.to_owned()),
        request_model: Some(model.to_owned()),
        usage: Some(usage),
        ..LlmCall::default()
    }
}

/// Input that counts the cache already was charged together with it.
#[test]
fn langfuse_12306_cached_tokens_are_charged_once() {
    let usage = Usage::new(12_000, 300)
        .cache_read(9_000)
        .cache_creation(2_500);
    let call = of_usage("anthropic", "claude-sonnet-4", usage);
    // 500 fresh at 3, 9,000 read at 0.3, 2,500 written at 3.75, 300 made at 15 dollars for a million.
    assert_eq!(cost(&call).as_deref(), Some("0.018075"));
}

/// The whole prompt was charged, and what of it came from the cache once more.
#[test]
fn langfuse_10592_openrouter_is_charged_as_it_says() {
    let mut body = json!({"model": "openai/gpt-4o", "usage": {"prompt_tokens": 17_903, "completion_tokens": 0, "total_tokens": 17_903,
        "prompt_tokens_details": {"cached_tokens": 17_817}}});
    // 86 fresh at 2.5, 17,817 read at 1.25.
    let call = answer(ProviderApi::OpenAiChat, "openrouter", &body);
    assert_eq!(cost(&call).as_deref(), Some("0.02248625"));
    body["usage"]["cost"] = json!(0.0229);
    let call = answer(ProviderApi::OpenAiChat, "openrouter", &body);
    let reported = Prices::default().of_call(&call).unwrap();
    assert_eq!(
        (reported.total.to_string(), reported.source),
        ("0.0229".to_owned(), CostSource::Reported)
    );
}

/// Writing to the cache was not charged at all.
#[test]
fn litellm_11364_writing_to_the_cache_is_charged() {
    let call = answer(
        ProviderApi::OpenAiChat,
        "aws.bedrock",
        &json!({"model": "eu.anthropic.claude-opus-4-5-20251101-v1:0",
        "usage": {"total_tokens": 103_925, "prompt_tokens": 98_805, "completion_tokens": 5_120,
            "prompt_tokens_details": {"text_tokens": null, "cached_tokens": 66_360, "cache_creation_tokens": 32_435},
            "cache_read_input_tokens": 66_360, "cache_creation_input_tokens": 32_435,
            "completion_tokens_details": {"reasoning_tokens": 1_710}}}),
    );
    let usage = Usage::new(98_805, 5_120)
        .cache_read(66_360)
        .cache_creation(32_435)
        .reasoning(1_710);
    assert_eq!(call.usage, Some(usage));
    // 10 fresh at 5, 66,360 read at 0.5, 32,435 written at 6.25, 5,120 made at 25.
    assert_eq!(cost(&call).as_deref(), Some("0.36394875"));
}

/// What was written to the cache stood in the input and beside it.
#[test]
fn litellm_26919_writing_to_the_cache_is_charged_once() {
    let call = answer(
        ProviderApi::OpenAiChat,
        "anthropic",
        &json!({"model": "claude-sonnet-4-6", "usage": {"prompt_tokens": 10_000,
        "completion_tokens": 0, "cache_read_input_tokens": 4_000, "cache_creation_input_tokens": 5_000}}),
    );
    // 1,000 fresh at 3, 4,000 read at 0.3, 5,000 written at 3.75.
    assert_eq!(cost(&call).as_deref(), Some("0.02295"));
}

/// The fresh tokens of Anthropic's count became none, since the cached ones were taken from them.
#[test]
fn langsmith_2519_fresh_tokens_beside_cached_ones_are_charged() {
    let call = answer(
        ProviderApi::AnthropicMessages,
        "anthropic",
        &json!({"model": "claude-sonnet-4-20250514", "usage": {"input_tokens": 19,
        "output_tokens": 0, "cache_read_input_tokens": 30_000, "cache_creation_input_tokens": 9_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 8_000, "ephemeral_1h_input_tokens": 1_000}}}),
    );
    // 19 fresh at 3, 30,000 read at 0.3, 8,000 written at 3.75 and 1,000 at 6.
    assert_eq!(cost(&call).as_deref(), Some("0.045057"));
}

/// Cached tokens were subtracted twice for providers other than Anthropic, down to negative costs.
#[test]
fn posthog_369_no_part_of_a_cost_is_negative() {
    for (provider, model) in [
        ("openai", "gpt-4o"),
        ("gcp.gemini", "gemini-2.5-flash"),
        ("anthropic", "claude-sonnet-4"),
    ] {
        let all_cached = of_usage(provider, model, Usage::new(1_000, 0).cache_read(1_000));
        let components = Prices::default()
            .of_call(&all_cached)
            .unwrap()
            .components
            .unwrap();
        assert_eq!(components.input, crate::Dollars::default(), "{model}");
        assert_eq!(components.total(), components.cache_read, "{model}");
        // Even where a recorder states more cached than read.
        let more = of_usage(provider, model, Usage::new(10, 0).cache_read(1_000));
        assert_eq!(
            Prices::default()
                .of_call(&more)
                .unwrap()
                .components
                .unwrap()
                .input,
            crate::Dollars::default()
        );
    }
}

/// What LangChain wrote to Anthropic's cache was counted within its input and again.
#[test]
fn posthog_399_langchain_counts_anthropic_as_openai_does() {
    let call = of_usage(
        "anthropic",
        "claude-sonnet-4",
        Usage::new(37_694, 0).cache_read(37_324).cache_creation(369),
    );
    // 1 fresh at 3, 37,324 read at 0.3, 369 written at 3.75.
    assert_eq!(cost(&call).as_deref(), Some("0.01258395"));
}

/// LLMFlow charged a dollar for a million tokens of whatever it did not know, and Mistral's model as Azure's.
#[test]
fn an_unknown_model_has_no_cost() {
    for (provider, model) in [
        ("ollama", "llama3.2:1b"),
        ("openai", "gpt-99"),
        ("somebody", "gpt-4o"),
        ("ollama", "mistral-small"),
    ] {
        let call = of_usage(provider, model, Usage::new(1_000, 1_000));
        assert_eq!(cost(&call), None, "{model}");
    }
    let own = Prices::with_own("ollama,llama3.2:1b,0,,,,0").unwrap();
    let free = own
        .of_call(&of_usage("ollama", "llama3.2:1b", Usage::new(1_000, 0)))
        .unwrap();
    assert_eq!(
        (free.total, free.table.as_deref()),
        (crate::Dollars::default(), Some("own"))
    );
    let mistral = of_usage(
        "mistral_ai",
        "mistral-large-latest",
        Usage::new(1_000_000, 0),
    );
    assert_ne!(cost(&mistral).as_deref(), Some("8"));
}

/// Agents repeat what their models used.
#[test]
fn sums_of_other_calls_cost_nothing_more() {
    let call = LlmCall {
        counts: Counts::Aggregate,
        ..of_usage("openai", "gpt-4o", Usage::new(1_000, 0))
    };
    assert_eq!(cost(&call), None);
}

/// Where nobody says who was called, the name of a model that only its vendor has tells.
#[test]
fn a_vendor_is_known_by_its_model() {
    let mut call = of_usage("", "claude-sonnet-4", Usage::new(1_000_000, 0));
    call.provider = None;
    assert_eq!(cost(&call).as_deref(), Some("3"));
    call.request_model = Some("mistral-large".to_owned());
    assert_eq!(cost(&call), None);
}

/// The model that answered is charged; the one that was asked for only where the other is unknown.
#[test]
fn the_model_that_answered_is_charged() {
    let mut call = of_usage("azure.ai.openai", "my-deployment", Usage::new(1_000_000, 0));
    assert_eq!(cost(&call), None);
    call.response_model = Some("gpt-4o-2024-08-06".to_owned());
    assert_eq!(cost(&call).as_deref(), Some("2.5"));
}
