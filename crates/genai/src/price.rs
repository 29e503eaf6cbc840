//! What calls cost, by a table of list prices that is part of the program: `price/models.csv`, with its source and date.
//! `cargo run -p fanlight-genai --example refresh_prices` writes it anew.
//!
//! Sums are exact: amounts are whole numbers of [`Dollars`]' smallest parts. What the provider itself says that a call cost
//! counts before the table, and a model that the table does not know has no price, rather than that of another.
//!
//! An estimate: discounts, regions, tools and media priced in other units are not in it; [`Cost::is_approximate`] says so
//! where the usage shows it. People may add prices of their own, see [`Prices::with_own`].
//!
//! ```
//! use fanlight_genai::{Usage, price};
//!
//! let price = price::of("openai", "gpt-4o-2024-08-06").unwrap();
//! assert_eq!(price.cost(&Usage::new(1_000_000, 100_000)), 3.5);
//! ```

#[cfg(feature = "call")]
mod call;
mod name;
mod table;
mod tier;

use crate::{Dollars, Usage};

#[cfg(feature = "call")]
pub use call::{CallCost, CostSource};
pub use table::{NotPrices, Prices};

/// Which edition of which source the table is from. To be kept with what is computed, so that the past does not change when
/// prices do.
pub const TABLE_VERSION: &str = "genai-prices 0.2.3, 2026-11-20";

/// What a model's tokens cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    base: Rates,
    /// What they cost when more tokens are read than that.
    above: Option<(u64, Rates)>,
}

/// 10⁻¹² US dollars for a token. What is not stated costs as much as what it is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rates {
    input: u64,
    cache_read: Option<u64>,
    cache_creation: Option<u64>,
    cache_creation_1h: Option<u64>,
    output: u64,
}

/// What a call cost, and of what that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "call",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "camelCase", default)
)]
#[non_exhaustive]
pub struct Cost {
    /// Reading what no cache had to do with.
    pub input: Dollars,
    /// Reading from a cache.
    pub cache_read: Dollars,
    /// Writing to a cache.
    pub cache_creation: Dollars,
    /// What was made, reasoning among it.
    pub output: Dollars,
    /// What is charged by the call rather than by the token.
    pub fees: Dollars,
    /// What reading from the cache would have cost beyond that without it.
    pub cache_savings: Dollars,
    /// Whether something was used for which the table has no price of its own, and the one for text was taken.
    pub is_approximate: bool,
}

/// The price of a model, however its provider writes its name: with a date or a version, with the vendor before it.
///
/// `provider` is OpenTelemetry's `gen_ai.provider.name`. Where that is somebody who passes calls on at the vendor's price, or
/// whose interface others speak too, the vendor's price is given.
pub fn of(provider: &str, model: &str) -> Option<&'static Price> {
    table::bundled(provider, model)
}

impl Price {
    /// What a call costs, in US dollars.
    pub fn cost(&self, usage: &Usage) -> f64 {
        self.components(usage).total().to_f64()
    }

    /// What a call costs at the common level of service, and of what that is made.
    pub fn components(&self, usage: &Usage) -> Cost {
        // A long input makes everything dearer, not only what is beyond the threshold.
        let rates = match self.above {
            Some((threshold, rates)) if usage.input_tokens > threshold => rates,
            _ => self.base,
        };
        let (read, written) = (
            usage.cache_read_input_tokens,
            usage.cache_creation_input_tokens,
        );
        let for_an_hour = usage.cache_creation_1h_input_tokens.min(written);
        let fresh = usage
            .input_tokens
            .saturating_sub(read.saturating_add(written));
        let read_rate = rates.cache_read.unwrap_or(rates.input);
        let written_rate = rates.cache_creation.unwrap_or(rates.input);
        let hour_rate = rates.cache_creation_1h.unwrap_or(written_rate);
        let has_media = usage.audio_input_tokens > 0
            || usage.image_output_tokens > 0
            || usage.audio_output_tokens > 0;
        let lacks = |tokens: u64, rate: Option<u64>| tokens > 0 && rate.is_none();
        Cost {
            input: amount(fresh, rates.input),
            cache_read: amount(read, read_rate),
            cache_creation: amount(written - for_an_hour, written_rate)
                + amount(for_an_hour, hour_rate),
            output: amount(usage.output_tokens, rates.output),
            fees: Dollars::default(),
            cache_savings: amount(read, rates.input.saturating_sub(read_rate)),
            is_approximate: has_media
                || lacks(read, rates.cache_read)
                || lacks(written, rates.cache_creation)
                || lacks(for_an_hour, rates.cache_creation_1h),
        }
    }

    /// What a call costs at a level of service as the answer states it, such as `batch`, `flex` or `default`; nothing where
    /// the price of that level is not known.
    pub fn components_at(&self, provider: &str, tier: Option<&str>, usage: &Usage) -> Option<Cost> {
        let percent = tier::percent(name::provider(provider), tier)?;
        let mut cost = self.components(usage);
        for part in [
            &mut cost.input,
            &mut cost.cache_read,
            &mut cost.cache_creation,
            &mut cost.output,
            &mut cost.cache_savings,
        ] {
            *part = Dollars::from_picodollars(part.picodollars() / 100 * percent);
        }
        match tier::search_fee(name::provider(provider)) {
            Some(fee) => cost.fees = amount(usage.web_searches, fee),
            None => cost.is_approximate |= usage.web_searches > 0,
        }
        Some(cost)
    }
}

impl Cost {
    /// All in all.
    pub fn total(&self) -> Dollars {
        let parts = [
            self.input,
            self.cache_read,
            self.cache_creation,
            self.output,
            self.fees,
        ];
        parts.into_iter().sum()
    }
}

fn amount(count: u64, rate: u64) -> Dollars {
    Dollars::from_picodollars(count.saturating_mul(rate))
}

#[cfg(test)]
mod tests;
