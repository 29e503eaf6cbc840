//! Faults that other tools were reported to have, each by its report.

use super::*;

/// Langfuse #12306: input that already counts the cache is not to be counted together with it again.
#[test]
fn langfuse_12306_inclusive_input_is_not_added_to() {
    let call = span(json!({
        "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 12_000,
        "gen_ai.usage.output_tokens": 300, "gen_ai.usage.details.cache_read_tokens": 9_000,
        "gen_ai.usage.details.cache_write_tokens": 2_500,
    }));
    let usage = Usage::new(12_000, 300)
        .cache_read(9_000)
        .cache_creation(2_500);
    assert_eq!(call.usage, Some(usage));
    let with_own_name = span(
        json!({"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.input_cached_tokens": 9}),
    );
    assert_eq!(with_own_name.usage, Some(Usage::new(10, 0).cache_read(9)));
}

/// Langfuse #10592: `input` of OpenRouter counts the cache, though Langfuse's own `input` does not. The total tells.
#[test]
fn langfuse_10592_the_total_tells_what_input_counts() {
    let call = span(json!({
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "openai/gpt-5",
        "langfuse.observation.usage_details": "{\"input\":17903,\"output\":97,\"total\":18000,\"input_cached_tokens\":17817}",
    }));
    assert_eq!(call.usage, Some(Usage::new(17_903, 97).cache_read(17_817)));
}

/// LangSmith SDK #2519: input of 19 tokens beside 39,000 cached ones is 39,019, not 0 fresh ones.
#[test]
fn langsmith_2519_exclusive_input_is_added_to() {
    let call = span(json!({
        "gen_ai.system": "anthropic", "gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.input_tokens": 19,
        "gen_ai.usage.output_tokens": 100, "gen_ai.usage.cache_read_input_tokens": 30_000,
        "gen_ai.usage.cache_creation_input_tokens": 9_000,
    }));
    let usage = Usage::new(39_019, 100)
        .cache_read(30_000)
        .cache_creation(9_000);
    assert_eq!(call.usage, Some(usage));
}

/// PostHog #2829: version 6 of Vercel's SDK counts Anthropic's cache within the input, version 5 did not.
#[test]
fn vercel_counts_anthropic_by_its_version() {
    let five = json!({
        "ai.operationId": "ai.generateText.doGenerate", "ai.model.provider": "anthropic.messages", "ai.model.id": "claude-sonnet-4-5",
        "ai.usage.inputTokens": 5_000, "ai.usage.outputTokens": 10, "ai.usage.cachedInputTokens": 1_000,
        "ai.response.providerMetadata": "{\"anthropic\":{\"cacheCreationInputTokens\":300,\"usage\":{\"input_tokens\":5000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":100,\"ephemeral_1h_input_tokens\":200}}}}",
    });
    let expected = Usage::new(6_300, 10)
        .cache_read(1_000)
        .cache_creation(300)
        .cache_creation_1h(200);
    assert_eq!(span(five.clone()).usage, Some(expected));
    let mut six = five;
    six["ai.usage.inputTokens"] = json!(6_300);
    six["ai.usage.inputTokenDetails.noCacheTokens"] = json!(5_000);
    six["ai.usage.inputTokenDetails.cacheReadTokens"] = json!(1_000);
    six["ai.usage.inputTokenDetails.cacheWriteTokens"] = json!(300);
    assert_eq!(span(six).usage, Some(expected));
}

/// Values of the wrong type leave their field empty and the rest as it is.
#[test]
fn wrong_types_leave_their_field_empty() {
    let call = span(json!({
        "gen_ai.request.model": "m", "gen_ai.usage.input_tokens": "many", "gen_ai.usage.output_tokens": [1],
        "gen_ai.request.temperature": {"a": 1}, "gen_ai.input.messages": 7, "gen_ai.output.messages": "{broken",
        "gen_ai.system_instructions": true, "gen_ai.response.finish_reasons": {"a": 1}, "gen_ai.response.model": [],
        "gen_ai.tool.definitions": "none", "gen_ai.usage.cost": "free",
    }));
    assert_eq!(
        (call.request_model.as_deref(), call.response_model),
        (Some("m"), None)
    );
    assert_eq!((call.usage, call.reported_cost), (None, None));
    assert_eq!(call.parameters.temperature, None);
    assert_eq!(
        call.output_messages,
        [Message::text("assistant", "{broken")]
    );
}

/// Text that is too large to be read as JSON is cut, and the call says so.
#[test]
fn huge_content_is_cut() {
    let huge = format!(
        "[{}]",
        "{\"role\":\"user\",\"content\":\"x\"},".repeat(300_000)
    );
    let call = span(json!({"gen_ai.request.model": "m", "gen_ai.input.messages": huge}));
    assert!(call.truncated);
    let kept = serde_json::to_string(&call).unwrap().len();
    assert!(kept < 200_000, "{kept}");
}
