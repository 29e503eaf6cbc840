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

#[test]
fn sums_are_exact() {
    let price = of("openai", "gpt-4o-mini").unwrap();
    let one = price.components(&Usage::new(1, 1)).total();
    assert_eq!(one.to_string(), "0.00000075");
    let million: crate::Dollars = std::iter::repeat_n(one, 1_000_000).sum();
    assert_eq!(million.to_string(), "0.75");
}

#[test]
fn what_stays_in_the_cache_for_an_hour_costs_more() {
    let usage = Usage::new(10_000, 0)
        .cache_creation(10_000)
        .cache_creation_1h(4_000);
    let cost = of("anthropic", "claude-sonnet-4")
        .unwrap()
        .components(&usage);
    assert_eq!(cost.cache_creation.to_string(), "0.0465");
    assert!(!cost.is_approximate);
}

#[test]
fn a_missing_rate_is_said() {
    let price = of("openai", "gpt-4-turbo").unwrap();
    assert!(!price.components(&Usage::new(10, 10)).is_approximate);
    let cost = price.components(&Usage::new(10, 10).cache_read(5));
    assert!(cost.is_approximate);
    assert_eq!(cost.cache_read, cost.input);
}

#[test]
fn levels_of_service_have_their_price() {
    let usage = Usage::new(1_000_000, 0);
    let price = of("openai", "gpt-4o").unwrap();
    let at = |provider, tier| {
        price
            .components_at(provider, tier, &usage)
            .map(|cost| cost.total().to_string())
    };
    assert_eq!(at("openai", Some("default")).as_deref(), Some("2.5"));
    assert_eq!(at("openai", Some("batch")).as_deref(), Some("1.25"));
    assert_eq!(at("openai", Some("flex")).as_deref(), Some("1.25"));
    assert_eq!(at("openai", Some("priority")), None);
    assert_eq!(at("deepseek", Some("batch")), None);
}

#[test]
fn searches_are_charged_one_by_one() {
    let mut usage = Usage::new(0, 0);
    usage.web_searches = 3;
    let price = of("anthropic", "claude-sonnet-4").unwrap();
    let cost = price.components_at("anthropic", None, &usage).unwrap();
    assert_eq!(cost.total().to_string(), "0.03");
    let of_openai = of("openai", "gpt-4o").unwrap();
    assert!(
        of_openai
            .components_at("openai", None, &usage)
            .unwrap()
            .is_approximate
    );
}

#[test]
fn caches_save_what_they_do_not_cost() {
    let cost = of("anthropic", "claude-sonnet-4")
        .unwrap()
        .components(&Usage::new(1_000_000, 0).cache_read(1_000_000));
    assert_eq!(
        (cost.total().to_string(), cost.cache_savings.to_string()),
        ("0.3".to_owned(), "2.7".to_owned())
    );
}

/// Opik #4114, #5018, #5130, #5621: names as people's libraries write them.
#[test]
fn names_of_gateways_and_clouds_are_known() {
    for (provider, model, as_model) in [
        (
            "aws.bedrock",
            "bedrock/converse/us.anthropic.claude-sonnet-4-20250514-v1:0",
            "claude-sonnet-4",
        ),
        (
            "aws.bedrock",
            "apac.anthropic.claude-sonnet-4-20250514-v1:0",
            "claude-sonnet-4",
        ),
        (
            "aws.bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5",
        ),
        (
            "gcp.vertex_ai",
            "claude-sonnet-4@20250514",
            "claude-sonnet-4",
        ),
        (
            "openrouter",
            "anthropic/claude-sonnet-4.5",
            "claude-sonnet-4-5",
        ),
        ("anthropic", "claude-sonnet-4.5", "claude-sonnet-4-5"),
    ] {
        assert_eq!(of(provider, model), of("anthropic", as_model), "{model}");
        assert!(of(provider, model).is_some(), "{model}");
    }
}

#[cfg(feature = "spans")]
mod faults;
