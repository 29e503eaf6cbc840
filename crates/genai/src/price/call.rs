//! What a whole call cost.

use serde::{Deserialize, Serialize};

use super::{Cost, Price, Prices, TABLE_VERSION, table};
use crate::{Counts, Dollars, LlmCall};

/// Vendors whose models bear names that nobody else gives; they are known where nobody says who was called.
const KNOWN_BY_MODEL: [&str; 5] = ["anthropic", "openai", "gcp.gemini", "x_ai", "cohere"];

/// What a call cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallCost {
    /// All in all.
    pub total: Dollars,
    /// Who says so.
    pub source: CostSource,
    /// Of what it is made, where it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<Cost>,
    /// By which table, where it was computed; `own` is one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// Who says what a call cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CostSource {
    /// The provider, or who recorded the call.
    Reported,
    /// A table of prices.
    Computed,
}

impl Prices {
    /// What a call cost: what its provider says, else what the tables do. Nothing for a call that only sums up others, for an
    /// unknown model, and where nobody said what was used.
    pub fn of_call(&self, call: &LlmCall) -> Option<CallCost> {
        if call.counts == Counts::Aggregate {
            return None;
        }
        if let Some(reported) = call.reported_cost {
            return Some(CallCost {
                total: reported.total,
                source: CostSource::Reported,
                components: None,
                table: None,
            });
        }
        let usage = call.usage?;
        let models = [&call.response_model, &call.request_model];
        let found = models
            .into_iter()
            .flatten()
            .find_map(|model| self.find(call.provider.as_deref(), model));
        let (provider, price, table) = found?;
        let cost = price.components_at(provider, call.service_tier.as_deref(), &usage)?;
        Some(CallCost {
            total: cost.total(),
            source: CostSource::Computed,
            components: Some(cost),
            table: Some(table.to_owned()),
        })
    }

    /// The price of a model, whose provider need not be known if the vendor is plain from the name.
    fn find<'p>(
        &'p self,
        provider: Option<&'p str>,
        model: &str,
    ) -> Option<(&'p str, &'p Price, &'static str)> {
        let of = |provider: &'p str| {
            let own = self
                .of_own(provider, model)
                .map(|price| (provider, price, "own"));
            own.or_else(|| Some((provider, table::bundled(provider, model)?, TABLE_VERSION)))
        };
        match provider {
            Some(provider) => of(provider),
            None => KNOWN_BY_MODEL
                .into_iter()
                .find(|vendor| self.is_vendors(vendor, model))
                .and_then(of),
        }
    }

    /// Whether a vendor itself has a model of this name.
    fn is_vendors(&self, vendor: &str, model: &str) -> bool {
        self.of_own(vendor, model).is_some() || table::is_vendors(vendor, model)
    }
}
