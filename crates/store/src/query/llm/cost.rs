//! What calls cost, over time and by what they have in common.

use std::collections::HashMap;

use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::json::as_text;
use super::super::rate::DEFAULT_BINS;
use super::super::{Bins, QueryError};
use super::calls::{dollars, texts};
use super::facts::{LlmFilter, Way, bounds, by_text, visit};
use crate::histogram::Histogram;
use crate::llm::{Facts, Flags};
use crate::readers::View;

/// The most groups that are answered.
const GROUPS: usize = 50;
/// The most questions that are answered.
const PROMPTS: usize = 20;
/// Bins are whole seconds.
const SECOND: i64 = 1_000_000_000;

/// Which costs are wanted.
#[derive(Clone, Debug, Default)]
pub struct CostFilter {
    /// Of which calls.
    pub filter: LlmFilter,
    /// By what they are grouped.
    pub by: CostBy,
    /// In how many parts the time is divided, at most; 0 means 60.
    pub bins: u32,
}

/// By what costs are grouped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CostBy {
    /// The model that answered, else the one that was asked for.
    #[default]
    Model,
    /// The provider.
    Provider,
    /// The service.
    Service,
    /// The user.
    User,
    /// The session.
    Session,
    /// Tags; a call with several counts for each.
    Tag,
    /// The agent.
    Agent,
}

/// What calls cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmCost {
    /// Where the first bin begins, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long a bin is, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_nano: u64,
    /// All calls together.
    pub totals: CostTotals,
    /// Groups, the dearest first; 50 at most.
    pub groups: Vec<CostGroup>,
    /// What was asked, the dearest first; 20 at most.
    pub top_prompts: Vec<TopPrompt>,
}

/// Sums over calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostTotals {
    /// How many calls.
    pub calls: u64,
    /// How many of them failed.
    pub errors: u64,
    /// Tokens that were read, those of caches among them.
    pub input_tokens: u64,
    /// Tokens that were made, those of reasoning among them.
    pub output_tokens: u64,
    /// Of the tokens that were read: from caches.
    pub cache_read_tokens: u64,
    /// Of the tokens that were read: to caches.
    pub cache_write_tokens: u64,
    /// Of the tokens that were made: of reasoning.
    pub reasoning_tokens: u64,
    /// What those calls cost whose cost is known, in US dollars.
    pub cost: f64,
    /// Calls whose cost is not known.
    pub unpriced_calls: u64,
    /// What reading from caches saved, in US dollars.
    pub cache_savings: f64,
    /// How long a call took on average, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub average_nano: u64,
    /// The duration that half of the calls do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// The duration that 95 % of the calls do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
}

/// Calls that have something in common.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CostGroup {
    /// What; none for calls that do not say.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub value: Option<String>,
    /// Their sums.
    #[serde(flatten)]
    pub totals: CostTotals,
    /// What they cost in each bin, in US dollars.
    pub costs: Vec<f64>,
    /// Their tokens in each bin, read and made.
    pub tokens: Vec<u64>,
}

/// Calls that begin with the same question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TopPrompt {
    /// The beginning of what was asked last.
    pub prompt: String,
    /// How many calls.
    pub count: u64,
    /// What they cost, in US dollars.
    pub cost: f64,
    /// Their tokens, read and made.
    pub tokens: u64,
    /// The dearest of them: its trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub example_trace_id: TraceId,
    /// And its span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub example_span_id: SpanId,
}

/// Sums while they are made.
#[derive(Clone, Debug, Default)]
struct Sums {
    totals: CostTotals,
    /// In 10⁻¹² dollars.
    cost: u64,
    savings: u64,
    duration_ns: u64,
    durations: Histogram,
    /// Bin, cost and tokens. There may be several for a bin; the many groups of few calls have few of them.
    bins: Vec<(usize, u64, u64)>,
}

impl Sums {
    /// Adds a call. Those of one bin should come one after the other.
    fn add(&mut self, facts: &Facts, bin: Option<usize>) {
        let totals = &mut self.totals;
        totals.calls += 1;
        totals.errors += u64::from(facts.is_error());
        totals.input_tokens += facts.input;
        totals.output_tokens += facts.output;
        totals.cache_read_tokens += facts.cache_read;
        totals.cache_write_tokens += facts.cache_write;
        totals.reasoning_tokens += facts.reasoning;
        totals.unpriced_calls += u64::from(!facts.flags.has(Flags::PRICED));
        self.cost = self.cost.saturating_add(facts.cost);
        self.savings = self.savings.saturating_add(facts.savings);
        self.duration_ns = self.duration_ns.saturating_add(facts.duration_ns);
        self.durations
            .add(i64::try_from(facts.duration_ns).unwrap_or(i64::MAX));
        let Some(bin) = bin else { return };
        match self.bins.last_mut().filter(|(last, ..)| *last == bin) {
            Some((_, cost, tokens)) => {
                *cost = cost.saturating_add(facts.cost);
                *tokens += facts.tokens();
            }
            None => self.bins.push((bin, facts.cost, facts.tokens())),
        }
    }

    /// Adds what others come to, except by bin.
    fn merge(&mut self, other: &Sums) {
        let (totals, others) = (&mut self.totals, &other.totals);
        totals.calls += others.calls;
        totals.errors += others.errors;
        totals.input_tokens += others.input_tokens;
        totals.output_tokens += others.output_tokens;
        totals.cache_read_tokens += others.cache_read_tokens;
        totals.cache_write_tokens += others.cache_write_tokens;
        totals.reasoning_tokens += others.reasoning_tokens;
        totals.unpriced_calls += others.unpriced_calls;
        self.cost = self.cost.saturating_add(other.cost);
        self.savings = self.savings.saturating_add(other.savings);
        self.duration_ns = self.duration_ns.saturating_add(other.duration_ns);
        self.durations.merge(&other.durations);
    }

    /// Costs and tokens of each bin.
    fn by_bin(&self, bins: usize) -> (Vec<f64>, Vec<u64>) {
        let (mut costs, mut all) = (vec![0_u64; bins], vec![0; bins]);
        for (bin, cost, tokens) in &self.bins {
            if let (Some(sum), Some(count)) = (costs.get_mut(*bin), all.get_mut(*bin)) {
                *sum = sum.saturating_add(*cost);
                *count += tokens;
            }
        }
        (costs.into_iter().map(dollars).collect(), all)
    }

    fn totals(&self) -> CostTotals {
        CostTotals {
            cost: dollars(self.cost),
            cache_savings: dollars(self.savings),
            average_nano: self.duration_ns.checked_div(self.totals.calls).unwrap_or(0),
            p50_nano: self.durations.quantile(0.5),
            p95_nano: self.durations.quantile(0.95),
            ..self.totals.clone()
        }
    }
}

/// Questions of one beginning, in one partition.
#[derive(Clone, Copy, Debug, Default)]
struct Prompt {
    count: u64,
    cost: u64,
    tokens: u64,
    /// The dearest call, and what it cost.
    call: i64,
    dearest: u64,
}

type ByNumber<K, T> = foldhash::HashMap<K, T>;

/// Questions by their hashes, each with the place of the partition that has the dearest call.
type Prompts = ByNumber<u64, (Prompt, usize)>;

/// What the calls that pass cost.
pub(crate) fn cost(view: &View, wanted: &CostFilter) -> Result<LlmCost, QueryError> {
    let bins = match wanted.bins {
        0 => DEFAULT_BINS,
        bins => bins,
    };
    let bins = Bins::of(wanted.filter.time, bounds(view)?, bins, SECOND);
    let mut groups: HashMap<Option<String>, Sums> = HashMap::new();
    let mut tagged = Sums::default();
    let mut prompts = Prompts::default();
    for (number, partition) in view.partitions.iter().enumerate() {
        let mut by_id: ByNumber<i64, Sums> = HashMap::default();
        visit(partition, &wanted.filter, Way::All, &mut |facts| {
            let bin = bins.index(facts.start_ns);
            let mut add = |name| by_id.entry(name).or_default().add(&facts, bin);
            match wanted.by {
                CostBy::Model => add(facts.model()),
                CostBy::Provider => add(facts.provider),
                CostBy::Service => add(facts.service),
                CostBy::User => add(facts.user),
                CostBy::Session => add(facts.session),
                CostBy::Agent => add(facts.agent),
                CostBy::Tag if facts.tags.is_empty() => add(0),
                CostBy::Tag => facts.tags.iter().for_each(|tag| add(*tag)),
            }
            if wanted.by == CostBy::Tag {
                tagged.add(&facts, None);
            }
            if facts.prompt != 0 {
                note_prompt(&mut prompts, &facts, number);
            }
            Ok(true)
        })?;
        by_text(&partition.connection, by_id, |text, sums| {
            let group = groups.entry(text).or_default();
            group.merge(&sums);
            group.bins.extend(sums.bins);
        })?;
    }
    // A call with several tags is in several groups.
    let totals = match wanted.by {
        CostBy::Tag => tagged,
        _ => groups.values().fold(Sums::default(), |mut all, sums| {
            all.merge(sums);
            all
        }),
    };
    Ok(LlmCost {
        start_nano: bins.start.cast_unsigned(),
        step_nano: bins.step.cast_unsigned(),
        totals: totals.totals(),
        groups: dearest(groups, bins.count),
        top_prompts: top_prompts(view, prompts)?,
    })
}

fn note_prompt(prompts: &mut Prompts, facts: &Facts, partition: usize) {
    let (prompt, of) = prompts
        .entry(facts.prompt)
        .or_insert((Prompt::default(), partition));
    prompt.count += 1;
    prompt.cost = prompt.cost.saturating_add(facts.cost);
    prompt.tokens += facts.tokens();
    if prompt.call == 0 || facts.cost > prompt.dearest {
        prompt.call = facts.call;
        prompt.dearest = facts.cost;
        *of = partition;
    }
}

fn dearest(groups: HashMap<Option<String>, Sums>, bins: usize) -> Vec<CostGroup> {
    let mut groups: Vec<(Option<String>, Sums)> = groups.into_iter().collect();
    groups.sort_unstable_by(|(a, a_sums), (b, b_sums)| {
        let rank = |sums: &Sums| (sums.cost, sums.totals.calls);
        rank(b_sums).cmp(&rank(a_sums)).then_with(|| a.cmp(b))
    });
    groups.truncate(GROUPS);
    let group = |(value, sums): (Option<String>, Sums)| {
        let (costs, tokens) = sums.by_bin(bins);
        CostGroup {
            value,
            totals: sums.totals(),
            costs,
            tokens,
        }
    };
    groups.into_iter().map(group).collect()
}

fn top_prompts(view: &View, prompts: Prompts) -> Result<Vec<TopPrompt>, QueryError> {
    let mut prompts: Vec<(Prompt, usize)> = prompts.into_values().collect();
    let rank = |(prompt, of): &(Prompt, usize)| {
        std::cmp::Reverse((prompt.cost, prompt.tokens, prompt.count, *of, prompt.call))
    };
    if prompts.len() > PROMPTS {
        prompts.select_nth_unstable_by_key(PROMPTS, rank);
        prompts.truncate(PROMPTS);
    }
    prompts.sort_unstable_by_key(rank);
    let mut top = Vec::with_capacity(prompts.len());
    for (prompt, number) in prompts {
        let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
        let texts = texts(&partition.connection, prompt.call)?.ok_or(QueryError::Closed)?;
        top.push(TopPrompt {
            prompt: texts.details.input,
            count: prompt.count,
            cost: dollars(prompt.cost),
            tokens: prompt.tokens,
            example_trace_id: texts.trace_id,
            example_span_id: texts.span_id,
        });
    }
    Ok(top)
}
