use super::*;

fn cost(provider: &str, model: &str, usage: Usage) -> f64 {
    let price = of(provider, model).unwrap_or_else(|| panic!("{provider} {model} has no price"));
    price.cost(&usage)
}

fn close(left: f64, right: f64) -> bool {
    (left - right).abs() < 1e-9
}

#[test]
fn tokens_cost_what_the_providers_say() {
    let usage = Usage::new(10_000, 1_000);
    for (provider, model, expected) in [
        ("openai", "gpt-4o", 0.035),
        ("openai", "gpt-4o-mini", 0.0021),
        ("openai", "gpt-5", 0.0225),
        ("anthropic", "claude-opus-4-1", 0.225),
        ("anthropic", "claude-sonnet-4-5", 0.045),
        ("gcp.gemini", "gemini-2.5-flash", 0.0055),
        ("mistral_ai", "mistral-large-latest", 0.026),
        ("deepseek", "deepseek-chat", 0.0038),
        ("x_ai", "grok-4", 0.045),
        ("cohere", "command-r-plus", 0.035),
        ("aws.bedrock", "amazon.nova-pro-v1:0", 0.0112),
        ("groq", "llama-3.3-70b-versatile", 0.00669),
    ] {
        let cost = cost(provider, model, usage);
        assert!(close(cost, expected), "{provider} {model}: {cost}");
    }
}

#[test]
fn cached_tokens_have_their_own_price() {
    let usage = Usage::new(10_000, 0)
        .cache_read(6_000)
        .cache_creation(3_000);
    let expected = (1_000.0 * 3.0 + 6_000.0 * 0.3 + 3_000.0 * 3.75) / 1e6;
    assert!(close(
        cost("anthropic", "claude-3-7-sonnet", usage),
        expected
    ));
    // Without a price for writing, what is written costs what is read.
    let expected = (4_000.0 * 2.5 + 6_000.0 * 1.25) / 1e6;
    assert!(close(cost("openai", "gpt-4o", usage), expected));
}

#[test]
fn long_contexts_cost_more() {
    let short = cost("gcp.gemini", "gemini-2.5-pro", Usage::new(200_000, 1_000));
    let long = cost("gcp.gemini", "gemini-2.5-pro", Usage::new(200_001, 1_000));
    assert!(close(short, 0.26));
    assert!(close(long, (200_001.0 * 2.5 + 1_000.0 * 15.0) / 1e6));
}

#[test]
fn a_model_is_found_however_it_is_written() {
    for (provider, model, as_model) in [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "GPT-4o", "gpt-4o"),
        ("openai", "gpt-4-0613", "gpt-4"),
        ("openai", "gpt-5-2", "gpt-5.2"),
        ("openai", "o1-preview-2024-09-12", "o1"),
        ("openai", "gpt-5-chat-latest", "gpt-5"),
        ("azure.ai.openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openrouter", "openai/gpt-4o", "gpt-4o"),
    ] {
        assert_eq!(of(provider, model), of("openai", as_model), "{model}");
        assert!(of(provider, model).is_some(), "{model}");
    }
    for model in [
        "claude-3-5-sonnet-20241022",
        "claude-3.5-sonnet",
        "claude-3-5-sonnet-latest",
        "us.anthropic.claude-3-5-sonnet-20241022-v2:0",
        "claude-3-5-sonnet-v2@20241022",
        "anthropic/claude-3.5-sonnet",
    ] {
        let expected = of("anthropic", "claude-3-5-sonnet");
        assert_eq!(of("aws.bedrock", model), expected, "{model}");
    }
    for model in [
        "gemini-2.0-flash-001",
        "models/gemini-2.0-flash",
        "gemini-2.0-flash-exp",
        "gemini-2.0-flash-preview-05-20",
    ] {
        let expected = of("gcp.gemini", "gemini-2.0-flash");
        assert_eq!(of("gcp.vertex_ai", model), expected, "{model}");
    }
}

#[test]
fn a_dated_model_may_have_its_own_price() {
    assert_ne!(of("openai", "gpt-4o-2024-05-13"), of("openai", "gpt-4o"));
    assert_ne!(
        of("mistral_ai", "mistral-large-2512"),
        of("mistral_ai", "mistral-large-2411")
    );
}

#[test]
fn an_unknown_model_has_no_price() {
    for (provider, model) in [
        ("openai", "gpt-4o-audio"),
        ("openai", "gpt-5.10"),
        ("openai", "gpt-99"),
        ("openai", ""),
        ("openai", "ft:gpt-4o-2024-08-06:shop::A1b2"),
        ("openrouter", "openai/gpt-4o:free"),
        ("ollama", "mistral-small"),
        ("openai", "llama-3.3-70b-versatile"),
    ] {
        assert_eq!(of(provider, model), None, "{provider} {model}");
    }
}
