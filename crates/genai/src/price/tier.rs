//! Levels of service, and what is charged by the call.

/// Providers whose batches cost half.
const HALF_FOR_BATCHES: [&str; 8] = [
    "anthropic",
    "aws.bedrock",
    "azure.ai.openai",
    "gcp.gemini",
    "groq",
    "mistral_ai",
    "openai",
    "x_ai",
];
/// Providers whose calls without hurry cost half.
const HALF_FOR_FLEX: [&str; 2] = ["gcp.gemini", "openai"];

/// How many hundredths of the list price a level of service costs; none where that differs from model to model, as with
/// priority, or is not known.
pub(super) fn percent(provider: &str, tier: Option<&str>) -> Option<u64> {
    let half = |providers: &[&str]| providers.contains(&provider).then_some(50);
    match tier.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "auto" | "default" | "on_demand" | "standard" | "normal") => Some(100),
        Some("batch") => half(&HALF_FOR_BATCHES),
        Some("flex") => half(&HALF_FOR_FLEX),
        Some(_) => None,
    }
}

/// What a search of the web costs, in 10⁻¹² US dollars, where it is the same for all models.
pub(super) fn search_fee(provider: &str) -> Option<u64> {
    const CENT: u64 = 10_000_000_000;
    (provider == "anthropic").then_some(CENT)
}
