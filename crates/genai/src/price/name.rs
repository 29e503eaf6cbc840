//! Names of models and providers, which everybody writes differently.

/// The name by which the table knows a provider.
pub(super) fn provider(name: &str) -> &str {
    match name {
        "google" | "gemini" | "gcp.gen_ai" | "gcp.vertex_ai" | "vertex_ai" | "google-gla"
        | "google-vertex" => "gcp.gemini",
        "mistral" | "mistralai" => "mistral_ai",
        "xai" | "x-ai" | "grok" => "x_ai",
        "moonshot" | "moonshotai" => "moonshot_ai",
        "voyage" | "voyageai" => "voyage_ai",
        "aws_bedrock" | "bedrock" => "aws.bedrock",
        "azure" | "az.ai.openai" | "azure_openai" => "azure.ai.openai",
        "az.ai.inference" => "azure.ai.inference",
        "openai_compatible" => "openai",
        name => name,
    }
}

/// How the table spells a model: without regard to case and to dots.
pub(super) fn normal(model: &str) -> String {
    model.to_ascii_lowercase().replace(['.', '@'], "-")
}

/// What a model may be called in the table: as it is, then with less and less of what says which version it is.
pub(super) fn spellings(model: &str) -> impl Iterator<Item = String> {
    let mut next = Some(normal(without_vendor(without_count(model))));
    std::iter::from_fn(move || {
        let current = next.take()?;
        next = without_version(&current).map(str::to_owned);
        Some(current)
    })
}

/// Bedrock ends its names with the number of a revision: `-v2:0`. Whatever else follows a colon is another model.
fn without_count(model: &str) -> &str {
    match model.rsplit_once(':') {
        Some((name, count)) if count.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => model,
    }
}

/// `models/gemini-2.5-pro`, `openai/gpt-4o`, `eu.anthropic.claude-opus-4-1`.
fn without_vendor(model: &str) -> &str {
    let name = model.rsplit_once('/').map_or(model, |(_, name)| name);
    ["amazon.", "anthropic.", "cohere.", "deepseek.", "mistral."]
        .iter()
        .find_map(|vendor| name.split_once(vendor))
        .map_or(name, |(_, name)| name)
}

/// Takes one statement of the version from the end: a date, a number of at least three digits, `latest` and the like.
fn without_version(model: &str) -> Option<&str> {
    const WORDS: [&str; 6] = ["beta", "exp", "experimental", "latest", "preview", "stable"];
    let (rest, last) = model.rsplit_once('-')?;
    let is_digits =
        |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = [3, 4, 6, 8].iter().any(|count| is_digits(last, *count));
    let is_revision = last
        .strip_prefix('v')
        .is_some_and(|number| is_digits(number, 1));
    let (before, middle) = rest.rsplit_once('-').unwrap_or_default();
    if is_digits(middle, 2) && (is_digits(last, 2) || is_digits(last, 4)) {
        // 2024-08-06, 08-2024, 05-20
        return Some(match before.rsplit_once('-') {
            Some((before, year)) if is_digits(year, 4) => before,
            _ => before,
        });
    }
    (is_number || is_revision || WORDS.contains(&last)).then_some(rest)
}
