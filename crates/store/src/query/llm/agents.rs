//! Agents, and what their runs come to.

use std::collections::{HashMap, HashSet};

use fanlight_genai::Kind;
use fanlight_otlp::TraceId;
use rusqlite::Connection;
use serde::Serialize;

use super::super::json::{as_text, as_texts};
use super::super::{QueryError, TimeRange};
use super::calls::{LlmKinds, dollars, texts};
use super::facts::{LlmFilter, Way, visit};
use crate::histogram::Histogram;
use crate::llm::{Facts, Flags};
use crate::readers::{Partition, View};

/// The most steps that are looked at.
const MAX_STEPS: usize = 200_000;
/// How many traces are named as examples.
const EXAMPLES: usize = 5;

/// An agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmAgent {
    /// Its name.
    pub name: String,
    /// The service that it runs in.
    pub service: String,
    /// How often it ran.
    pub runs: u64,
    /// How many of its runs failed.
    pub errors: u64,
    /// How many calls of models it made.
    pub calls: u64,
    /// How many tools it ran.
    pub tool_calls: u64,
    /// What those calls cost whose cost is known, in US dollars; none where none is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// The duration that half of its runs do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p50_nano: u64,
    /// The duration that 95 % of its runs do not exceed, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub p95_nano: u64,
    /// When its last run, or its last call, started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// Traces of its newest runs, failed ones first.
    #[serde(serialize_with = "as_texts")]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub example_trace_ids: Vec<TraceId>,
}

/// A step, as far as agents are concerned.
struct Step {
    trace: u64,
    start_ns: i64,
    end_ns: i64,
    kind: Kind,
    /// Service and agent, by their texts' places.
    of: (usize, Option<usize>),
    counts: bool,
    is_error: bool,
    cost: Option<u64>,
    /// The partition's place in the view, and the call's number.
    place: (usize, i64),
}

/// An agent while its steps are gathered.
#[derive(Default)]
struct Gathered {
    agent: LlmAgent,
    cost: u64,
    durations: Histogram,
    traces: HashSet<u64>,
    /// Its runs: whether each failed, when it started, and where it is.
    runs: Vec<(bool, i64, (usize, i64))>,
}

/// Agents, those with the most runs first. Over many steps, of the newest 200,000.
pub(crate) fn agents(
    view: &View,
    time: TimeRange,
    service: Option<&str>,
) -> Result<Vec<LlmAgent>, QueryError> {
    let filter = LlmFilter {
        time,
        service: service.map(str::to_owned),
        kinds: LlmKinds::All,
        ..LlmFilter::default()
    };
    let mut texts = Texts::default();
    let mut steps = Vec::new();
    for (number, partition) in view.partitions.iter().enumerate() {
        visit(partition, &filter, Way::All, &mut |facts| {
            if facts.kind != Kind::Prompt {
                steps.push(texts.step(number, partition, &facts)?);
            }
            Ok(steps.len() < MAX_STEPS)
        })?;
    }
    steps.sort_unstable_by_key(|step| (step.trace, step.start_ns, std::cmp::Reverse(step.end_ns)));
    let mut gathered: HashMap<(usize, usize), Gathered> = HashMap::new();
    for trace in steps.chunk_by(|a, b| a.trace == b.trace) {
        gather(trace, &mut gathered);
    }
    let mut agents = Vec::with_capacity(gathered.len());
    for ((service, name), mut one) in gathered {
        one.agent.name = texts.text(name);
        one.agent.service = texts.text(service);
        agents.push(finish(view, one)?);
    }
    agents.sort_unstable_by(|a, b| {
        let name = |agent: &LlmAgent| (agent.name.clone(), agent.service.clone());
        (b.runs, b.calls)
            .cmp(&(a.runs, a.calls))
            .then_with(|| name(a).cmp(&name(b)))
    });
    Ok(agents)
}

/// Adds the steps of a trace to the agents that made them: the one that a step names, else the innermost one that was running.
fn gather(steps: &[Step], gathered: &mut HashMap<(usize, usize), Gathered>) {
    let mut running: Vec<(i64, (usize, usize))> = Vec::new();
    for step in steps {
        running.retain(|(end_ns, _)| *end_ns >= step.end_ns);
        let named = step.of.1.map(|agent| (step.of.0, agent));
        let Some(of) = named.or(running.last().map(|(_, agent)| *agent)) else {
            continue;
        };
        let one = gathered.entry(of).or_default();
        one.traces.insert(step.trace);
        one.agent.last_nano = one.agent.last_nano.max(step.start_ns.cast_unsigned());
        match step.kind {
            Kind::Agent => {
                running.push((step.end_ns, of));
                one.agent.errors += u64::from(step.is_error);
                one.durations.add(step.end_ns - step.start_ns);
                one.runs.push((step.is_error, step.start_ns, step.place));
            }
            Kind::Tool => one.agent.tool_calls += 1,
            _ if step.counts => {
                one.agent.calls += 1;
                if let Some(cost) = step.cost {
                    one.cost = one.cost.saturating_add(cost);
                    one.agent.cost = Some(dollars(one.cost));
                }
                if one.runs.is_empty() {
                    one.runs.push((step.is_error, step.start_ns, step.place));
                }
            }
            _ => {}
        }
    }
}

fn finish(view: &View, mut one: Gathered) -> Result<LlmAgent, QueryError> {
    let is_recorded = one.durations != Histogram::default();
    one.agent.runs = match is_recorded {
        true => one.runs.len(),
        // Its calls name it, and nobody recorded its runs.
        false => one.traces.len(),
    } as u64;
    one.agent.p50_nano = one.durations.quantile(0.5);
    one.agent.p95_nano = one.durations.quantile(0.95);
    one.runs.sort_unstable_by_key(|run| std::cmp::Reverse(*run));
    for (_, _, (number, call)) in one.runs {
        let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
        let trace_id = texts(&partition.connection, call)?.map(|texts| texts.trace_id);
        let examples = &mut one.agent.example_trace_ids;
        examples.extend(trace_id.filter(|trace_id| !examples.contains(trace_id)));
        if examples.len() == EXAMPLES {
            break;
        }
    }
    Ok(one.agent)
}

/// The names of services and agents, the same over all partitions.
#[derive(Default)]
struct Texts {
    numbers: HashMap<String, usize>,
    all: Vec<String>,
    known: HashMap<(usize, i64), usize>,
}

impl Texts {
    fn number(
        &mut self,
        partition: usize,
        connection: &Connection,
        id: i64,
    ) -> Result<usize, QueryError> {
        if let Some(number) = self.known.get(&(partition, id)) {
            return Ok(*number);
        }
        let mut find = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
        let text: String = find.query_one([id], |row| row.get(0))?;
        let next = self.all.len();
        let number = *self.numbers.entry(text.clone()).or_insert(next);
        if number == next {
            self.all.push(text);
        }
        self.known.insert((partition, id), number);
        Ok(number)
    }

    fn text(&self, number: usize) -> String {
        self.all.get(number).cloned().unwrap_or_default()
    }

    fn step(
        &mut self,
        number: usize,
        partition: &Partition,
        facts: &Facts,
    ) -> Result<Step, QueryError> {
        let connection = &partition.connection;
        let service = self.number(number, connection, facts.service)?;
        let agent = match facts.agent {
            0 => None,
            agent => Some(self.number(number, connection, agent)?),
        };
        Ok(Step {
            trace: facts.trace,
            start_ns: facts.start_ns,
            end_ns: facts.end_ns(),
            kind: facts.kind,
            of: (service, agent),
            counts: facts.counts(),
            is_error: facts.is_error(),
            cost: facts.flags.has(Flags::PRICED).then_some(facts.cost),
            place: (number, facts.call),
        })
    }
}
