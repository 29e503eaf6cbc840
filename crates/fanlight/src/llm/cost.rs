//! What calls cost, by the list prices of [`fanlight_genai::price`].

use fanlight_genai::price;

use super::Usage;
use super::call::{ModelCall, Outcome};

/// What a call costs in US dollars, if the model is known. Calls record it by themselves, as `operation.cost`.
///
/// ```
/// use fanlight::llm::{self, Usage};
///
/// assert_eq!(llm::cost("openai", "gpt-4o-2024-08-06", Usage::new(1_000_000, 100_000)), Some(3.5));
/// assert_eq!(llm::cost("openai", "gpt-99", Usage::new(1, 1)), None);
/// ```
pub fn cost(provider: &str, model: &str, usage: Usage) -> Option<f64> {
    Some(price::of(provider, model)?.cost(&usage))
}

/// Records what a call costs, as Logfire names it. The model that answered counts before the one that was asked for.
pub(super) fn record(call: &ModelCall, outcome: &Outcome) {
    let Some(usage) = outcome.usage else {
        return;
    };
    let target = &call.target;
    let of = |model: &String| cost(&target.provider, model, usage);
    if let Some(cost) = outcome
        .model
        .as_ref()
        .and_then(of)
        .or_else(|| of(&target.model))
    {
        call.span().set("operation.cost", cost);
    }
}
