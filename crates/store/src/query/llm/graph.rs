//! The steps of agents as a graph.

use std::collections::HashMap;

use fanlight_genai::Kind;
use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::json::as_text;
use super::super::{QueryError, TimeRange};
use super::calls::{LlmKinds, texts};
use super::facts::{LlmFilter, Way, visit};
use super::runs::{Run, Step, run_of};
use super::stored::{Recordings, call_of};
use crate::readers::View;

/// How many traces an agent's graph is made of, at most: the newest.
const MAX_RUNS: usize = 50;
/// The most failures that are answered.
const MAX_FAILURES: usize = 100;
/// How many rounds make a loop, and how many steps a round has at most.
const ROUNDS: usize = 3;
const LONGEST_LOOP: usize = 4;

/// Of what a graph is wanted.
#[derive(Clone, Debug)]
pub enum GraphFilter {
    /// Of everything in a trace.
    Trace(TraceId),
    /// Of an agent's newest runs.
    Agent {
        /// Its name.
        name: String,
        /// When they started.
        time: TimeRange,
    },
}

/// Steps, and how they follow each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentGraph {
    /// Steps of the same kind and name are one node.
    pub nodes: Vec<GraphNode>,
    /// From an agent to its first step, and from each step to the next one.
    pub edges: Vec<GraphEdge>,
    /// Steps that came again and again, most often first.
    pub loops: Vec<GraphLoop>,
    /// What failed, in the order of time.
    pub failures: Vec<GraphFailure>,
    /// Whether something was left out because there is too much.
    pub truncated: bool,
}

/// Steps of the same kind and name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    /// By which edges know it.
    pub id: String,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmKind))]
    pub kind: Kind,
    /// The agent, the tool, the model.
    pub name: String,
    /// How often.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took, all in all, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_nano: u64,
    /// What it cost, in US dollars; none where that is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
}

/// A step that follows another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphEdge {
    /// The node before.
    pub from: String,
    /// The node behind.
    pub to: String,
    /// How often.
    pub count: u64,
    /// How often the step behind failed.
    pub errors: u64,
}

/// Steps that were repeated at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphLoop {
    /// The nodes of one round, in order.
    pub nodes: Vec<String>,
    /// How many rounds there were, at most, in one go.
    pub count: u64,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphFailure {
    /// Its node.
    pub node_id: String,
    /// Its trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// Its span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// What went wrong.
    pub message: String,
}

/// The graph of what is wanted; empty when there is nothing.
pub(crate) fn graph(view: &View, wanted: &GraphFilter) -> Result<AgentGraph, QueryError> {
    let mut drawing = Drawing::default();
    match wanted {
        GraphFilter::Trace(trace_id) => drawing.add(view, &run_of(view, *trace_id)?, None)?,
        GraphFilter::Agent { name, time } => {
            for trace_id in traces_of(view, name, *time, &mut drawing.graph.truncated)? {
                drawing.add(view, &run_of(view, trace_id)?, Some(name))?;
            }
        }
    }
    Ok(drawing.finish())
}

/// The traces of an agent's newest steps.
fn traces_of(
    view: &View,
    name: &str,
    time: TimeRange,
    truncated: &mut bool,
) -> Result<Vec<TraceId>, QueryError> {
    let filter = LlmFilter {
        time,
        agent: Some(name.to_owned()),
        kinds: LlmKinds::All,
        ..LlmFilter::default()
    };
    let mut traces = Vec::new();
    for partition in &view.partitions {
        visit(partition, &filter, Way::First, &mut |facts| {
            let texts = texts(&partition.connection, facts.call)?.ok_or(QueryError::Closed)?;
            if !traces.contains(&texts.trace_id) {
                if traces.len() == MAX_RUNS {
                    *truncated = true;
                    return Ok(false);
                }
                traces.push(texts.trace_id);
            }
            Ok(true)
        })?;
    }
    Ok(traces)
}

/// What is drawn so far.
#[derive(Default)]
struct Drawing {
    graph: AgentGraph,
    nodes: HashMap<String, usize>,
    edges: HashMap<(String, String), usize>,
    loops: HashMap<Vec<String>, u64>,
    recordings: Recordings,
    failures: Vec<(i64, GraphFailure)>,
}

impl Drawing {
    /// Adds the steps of a trace; of an agent's, those that it or something below it made.
    fn add(&mut self, view: &View, run: &Run, agent: Option<&str>) -> Result<(), QueryError> {
        self.graph.truncated |= run.truncated;
        let is_wanted = run.within(agent);
        for (place, step) in run.steps.iter().enumerate() {
            if is_wanted.get(place) != Some(&true) {
                continue;
            }
            self.add_node(step);
            if step.is_error {
                self.add_failure(view, step)?;
            }
        }
        for siblings in run.siblings(&is_wanted) {
            self.add_edges(run, &siblings);
            let ids: Vec<&str> = siblings
                .iter()
                .filter_map(|place| run.steps.get(*place).map(|step| step.node.as_str()))
                .collect();
            for (pattern, rounds) in repeated(&ids) {
                let pattern = pattern.iter().map(|id| (*id).to_owned()).collect();
                let most = self.loops.entry(pattern).or_default();
                *most = rounds.max(*most);
            }
        }
        Ok(())
    }

    fn add_node(&mut self, step: &Step) {
        let next = self.graph.nodes.len();
        let place = *self.nodes.entry(step.node.clone()).or_insert(next);
        if place == next {
            self.graph.nodes.push(GraphNode {
                id: step.node.clone(),
                kind: step.kind,
                name: step.name.clone(),
                count: 0,
                errors: 0,
                total_nano: 0,
                cost: None,
            });
        }
        if let Some(node) = self.graph.nodes.get_mut(place) {
            node.count += 1;
            node.errors += u64::from(step.is_error);
            node.total_nano += step.end_ns.abs_diff(step.start_ns);
            if let Some(cost) = step.cost {
                node.cost = Some(node.cost.unwrap_or_default() + cost);
            }
        }
    }

    /// An edge to each step: from the last one beside it that had ended, else from what it is within.
    fn add_edges(&mut self, run: &Run, siblings: &[usize]) {
        let steps = || siblings.iter().filter_map(|place| run.steps.get(*place));
        for (place, step) in steps().enumerate() {
            let earlier = steps()
                .take(place)
                .filter(|other| other.end_ns <= step.start_ns);
            let before = earlier.max_by_key(|other| other.end_ns);
            let parent = || step.parent.and_then(|parent| run.steps.get(parent));
            let before = before.or_else(parent);
            let Some(before) = before.filter(|before| self.nodes.contains_key(&before.node)) else {
                continue;
            };
            let next = self.graph.edges.len();
            let key = (before.node.clone(), step.node.clone());
            let place = *self.edges.entry(key).or_insert(next);
            if place == next {
                self.graph.edges.push(GraphEdge {
                    from: before.node.clone(),
                    to: step.node.clone(),
                    count: 0,
                    errors: 0,
                });
            }
            if let Some(edge) = self.graph.edges.get_mut(place) {
                edge.count += 1;
                edge.errors += u64::from(step.is_error);
            }
        }
    }

    fn add_failure(&mut self, view: &View, step: &Step) -> Result<(), QueryError> {
        if self.failures.len() >= MAX_FAILURES {
            self.graph.truncated = true;
            return Ok(());
        }
        let partition = view
            .partitions
            .get(step.partition)
            .ok_or(QueryError::Closed)?;
        let batch = self
            .recordings
            .span(partition, step.trace_id, step.span_id)?;
        let call = batch.map(|batch| call_of(&batch)).transpose()?.flatten();
        let message = call.map(|(_, message)| message).unwrap_or_default();
        let failure = GraphFailure {
            node_id: step.node.clone(),
            trace_id: step.trace_id,
            span_id: step.span_id,
            message: match message.is_empty() {
                true => step.error_type.clone().unwrap_or_default(),
                false => message,
            },
        };
        self.failures.push((step.start_ns, failure));
        Ok(())
    }

    fn finish(mut self) -> AgentGraph {
        let loops = self.loops.into_iter();
        self.graph.loops = loops
            .map(|(nodes, count)| GraphLoop { nodes, count })
            .collect();
        self.graph
            .loops
            .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.nodes.cmp(&b.nodes)));
        self.failures.sort_by_key(|(start_ns, _)| *start_ns);
        self.graph.failures = self
            .failures
            .into_iter()
            .map(|(_, failure)| failure)
            .collect();
        self.graph
    }
}

/// Patterns of one to four steps that come three times or more at once, and how often.
fn repeated<'s>(ids: &[&'s str]) -> Vec<(Vec<&'s str>, u64)> {
    let mut found = Vec::new();
    let mut rest = ids;
    while !rest.is_empty() {
        let rounds = |length: usize| {
            let pattern = rest.get(..length).unwrap_or_default();
            let rounds = rest
                .chunks_exact(length)
                .take_while(|chunk| *chunk == pattern);
            rounds.count()
        };
        let lengths = 1..=LONGEST_LOOP.min(rest.len());
        let best = lengths
            .map(|length| (rounds(length), length))
            .find(|(rounds, _)| *rounds >= ROUNDS);
        let taken = match best {
            Some((rounds, length)) => {
                found.push((
                    rest.get(..length).unwrap_or_default().to_vec(),
                    rounds as u64,
                ));
                rounds * length
            }
            None => 1,
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_rounds_are_a_loop() {
        assert_eq!(repeated(&["a", "b", "a", "b"]), []);
        assert_eq!(
            repeated(&["x", "a", "b", "a", "b", "a", "b", "c", "c", "c", "c"]),
            [(vec!["a", "b"], 3), (vec!["c"], 4)]
        );
        assert_eq!(repeated(&[]), []);
    }
}
