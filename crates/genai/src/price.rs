//! What calls cost, by a table of list prices that is part of the program: `price/models.csv`, with its source and date.
//!
//! An estimate: discounts, batches, regions, tools and media priced in other units are not in it. A model that the table does
//! not know has no price, rather than that of another.
//!
//! ```
//! use fanlight_genai::{Usage, price};
//!
//! let price = price::of("openai", "gpt-4o-2024-08-06").unwrap();
//! assert_eq!(price.cost(&Usage::new(1_000_000, 100_000)), 3.5);
//! ```

mod name;
mod table;

use crate::Usage;

/// What a model's tokens cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    base: Rates,
    /// What they cost when more tokens are read than that.
    above: Option<(u64, Rates)>,
}

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rates {
    input: f64,
    cache_read: f64,
    cache_creation: f64,
    output: f64,
}

/// The price of a model, however its provider writes its name: with a date or a version, with the vendor before it.
///
/// `provider` is OpenTelemetry's `gen_ai.provider.name`. Where that is somebody who passes calls on at the vendor's price, or
/// whose interface others speak too, the vendor's price is given.
pub fn of(provider: &str, model: &str) -> Option<&'static Price> {
    let provider = name::provider(provider);
    name::spellings(model).find_map(|model| table::find(provider, &model))
}

impl Price {
    /// What a call costs, in US dollars.
    pub fn cost(&self, usage: &Usage) -> f64 {
        let rates = match self.above {
            Some((threshold, rates)) if usage.input_tokens > threshold => rates,
            _ => self.base,
        };
        let cached = usage
            .cache_read_input_tokens
            .saturating_add(usage.cache_creation_input_tokens);
        let fresh = usage.input_tokens.saturating_sub(cached);
        let parts = [
            (fresh, rates.input),
            (usage.cache_read_input_tokens, rates.cache_read),
            (usage.cache_creation_input_tokens, rates.cache_creation),
            (usage.output_tokens, rates.output),
        ];
        let millionths: f64 = parts
            .iter()
            .map(|(tokens, rate)| *tokens as f64 * rate)
            .sum();
        millionths / 1e6
    }
}

#[cfg(test)]
mod tests;
