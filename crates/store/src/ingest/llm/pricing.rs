//! What calls cost.

use fanlight_genai::{LlmCall, price};

use crate::llm::{CostParts, Details, Facts, Flags};

/// What a call costs: what was reported, else by the list of prices.
pub(super) fn price_call(call: &LlmCall, facts: &mut Facts, details: &mut Details) {
    let prices = price::Prices::default();
    let by_list = match call.reported_cost {
        None => prices.of_call(call),
        Some(_) => prices.of_call(&of_price(call)),
    };
    let listed = by_list.as_ref().and_then(|cost| cost.components);
    facts.savings = listed.map_or(0, |cost| cost.cache_savings.picodollars());
    let total = match (call.reported_cost, &by_list) {
        (Some(reported), _) => reported.total.picodollars(),
        (None, Some(cost)) => cost.total.picodollars(),
        (None, None) => return,
    };
    facts.cost = total;
    facts.flags.set(Flags::PRICED, true);
    // The proxy computes by the same list; saying so is not reporting.
    let agrees = by_list
        .as_ref()
        .is_some_and(|cost| cost.total.picodollars().abs_diff(total) <= 1_000);
    let is_list = call.reported_cost.is_none() || agrees && facts.flags.has(Flags::PROXY);
    facts.flags.set(Flags::REPORTED, !is_list);
    details.parts = Some(match (is_list, listed, call.reported_cost) {
        (true, Some(cost), _) => CostParts {
            input: Some(cost.input.picodollars()),
            output: Some(cost.output.picodollars()),
            cache_read: Some(cost.cache_read.picodollars()),
            cache_write: Some(cost.cache_creation.picodollars()),
            fees: Some(cost.fees.picodollars()),
            table: by_list.and_then(|cost| cost.table),
            is_approximate: cost.is_approximate,
        },
        (_, _, reported) => CostParts {
            input: reported
                .and_then(|cost| cost.input)
                .map(|cost| cost.picodollars()),
            output: reported
                .and_then(|cost| cost.output)
                .map(|cost| cost.picodollars()),
            ..CostParts::default()
        },
    });
}

/// What its price depends on, without what was reported.
fn of_price(call: &LlmCall) -> LlmCall {
    let mut copy = LlmCall::default();
    copy.kind = call.kind;
    copy.counts = call.counts;
    copy.provider.clone_from(&call.provider);
    copy.request_model.clone_from(&call.request_model);
    copy.response_model.clone_from(&call.response_model);
    copy.service_tier.clone_from(&call.service_tier);
    copy.usage = call.usage;
    copy
}
