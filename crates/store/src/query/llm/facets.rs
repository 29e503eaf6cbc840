//! What calls have in common.

use std::collections::HashMap;

use serde::Serialize;

use super::super::{FacetValue, QueryError};
use super::facts::{LlmFilter, Way, by_text, visit};
use crate::llm::{DIMENSIONS, Dimension};
use crate::readers::View;

/// How many calls are counted.
const SAMPLE: usize = 100_000;
/// How many values of each kind are answered.
const VALUES: usize = 50;

/// The values that calls have, with how often; the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LlmFacets {
    /// Providers.
    pub providers: Vec<FacetValue>,
    /// Models: those that answered, else those that were asked for.
    pub models: Vec<FacetValue>,
    /// Services.
    pub services: Vec<FacetValue>,
    /// Sessions.
    pub sessions: Vec<FacetValue>,
    /// Users.
    pub users: Vec<FacetValue>,
    /// Tags.
    pub tags: Vec<FacetValue>,
    /// Agents.
    pub agents: Vec<FacetValue>,
    /// Whether only the newest calls that match were counted, because there are more.
    pub sampled: bool,
}

/// What the newest calls that pass have in common.
pub(crate) fn facets(view: &View, filter: &LlmFilter) -> Result<LlmFacets, QueryError> {
    let mut counts: [HashMap<String, u64>; DIMENSIONS.len()] = Default::default();
    let mut left = SAMPLE;
    for partition in &view.partitions {
        let mut by_id: [foldhash::HashMap<i64, u64>; DIMENSIONS.len()] = Default::default();
        visit(partition, filter, Way::All, &mut |facts| {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            for (dimension, counts) in DIMENSIONS.iter().zip(&mut by_id) {
                let names = facts.names(*dimension);
                let names = names.filter(|name| {
                    // A model that was asked for is another name of the one that answered.
                    *dimension != Dimension::Model || *name == facts.model()
                });
                names.for_each(|name| *counts.entry(name).or_default() += 1);
            }
            Ok(true)
        })?;
        for (by_id, counts) in by_id.into_iter().zip(&mut counts) {
            by_text(&partition.connection, by_id, |text, count| {
                *counts.entry(text.unwrap_or_default()).or_default() += count;
            })?;
        }
    }
    let mut facets = counts.map(most_frequent).into_iter();
    let mut next = || facets.next().unwrap_or_default();
    Ok(LlmFacets {
        services: next(),
        providers: next(),
        models: next(),
        sessions: next(),
        users: next(),
        tags: next(),
        agents: next(),
        sampled: left == 0,
    })
}

fn most_frequent(counts: HashMap<String, u64>) -> Vec<FacetValue> {
    let mut values: Vec<FacetValue> = counts
        .into_iter()
        .map(|(value, count)| FacetValue { value, count })
        .collect();
    values.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    values.truncate(VALUES);
    values
}
