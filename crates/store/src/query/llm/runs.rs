//! The steps of a trace, each within the step that it belongs to.

use std::collections::HashMap;

use fanlight_genai::Kind;
use fanlight_otlp::{SpanId, TraceId};

use super::super::QueryError;
use super::super::scan::span_block;
use super::super::shared::Shared;
use super::calls::{cost_of, texts};
use super::facts::facts_of;
use super::stored::blocks_of;
use crate::llm::Flags;
use crate::readers::View;

/// The most steps of a trace that are looked at.
const MAX_STEPS: usize = 5_000;

/// How far up a step's owner is looked for.
const MAX_DEPTH: usize = 64;

/// The steps of a trace, in the order of time.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) steps: Vec<Step>,
    pub(super) truncated: bool,
}

/// A step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    /// The partition's place in the view.
    pub(super) partition: usize,
    pub(super) kind: Kind,
    /// By which steps of the same kind and name are known.
    pub(super) node: String,
    pub(super) name: String,
    pub(super) agent: Option<String>,
    pub(super) start_ns: i64,
    pub(super) end_ns: i64,
    pub(super) is_error: bool,
    pub(super) error_type: Option<String>,
    pub(super) cost: Option<f64>,
    /// The place of the step that it is within.
    pub(super) parent: Option<usize>,
}

/// The steps of a trace. What another recording stands for is left out, and so are prompts.
pub(super) fn run_of(view: &View, trace_id: TraceId) -> Result<Run, QueryError> {
    let mut run = Run::default();
    for (number, partition) in view.partitions.iter().enumerate() {
        let connection = &partition.connection;
        let mut shared = Shared::default();
        let mut find =
            connection.prepare_cached("SELECT id, start_ns FROM llm_calls WHERE trace_id = ?")?;
        let calls: Vec<(i64, i64)> = find
            .query_map([&trace_id.0[..]], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (call, start_ns) in calls {
            if run.steps.len() >= MAX_STEPS {
                run.truncated = true;
                break;
            }
            let Some(facts) = facts_of(connection, start_ns, call)? else {
                continue;
            };
            let is_left_out = matches!(facts.kind, Kind::Prompt | Kind::Other);
            if is_left_out || facts.flags.has(Flags::REPEATED) {
                continue;
            }
            let texts = texts(connection, call)?.ok_or(QueryError::Closed)?;
            let mut text = |id: i64| -> Result<Option<String>, QueryError> {
                match id {
                    0 => Ok(None),
                    id => Ok(Some(shared.name(connection, id)?.to_owned())),
                }
            };
            let (model, agent) = (text(facts.model())?, text(facts.agent)?);
            let name = match facts.kind {
                Kind::Agent => agent.clone(),
                Kind::Tool => texts.details.tool,
                Kind::Llm | Kind::Embedding | Kind::Image | Kind::Audio => model,
                _ => None,
            };
            let name = name.unwrap_or(texts.details.name);
            let kind = serde_json::to_value(facts.kind)?;
            run.steps.push(Step {
                trace_id,
                span_id: texts.span_id,
                partition: number,
                kind: facts.kind,
                node: format!("{}:{name}", kind.as_str().unwrap_or_default()),
                name,
                agent,
                start_ns,
                end_ns: facts.end_ns(),
                is_error: facts.is_error(),
                error_type: texts.details.error_type,
                cost: facts.counts().then(|| cost_of(&facts)).flatten(),
                parent: None,
            });
        }
    }
    run.steps
        .sort_by_key(|step| (step.start_ns, std::cmp::Reverse(step.end_ns), step.span_id));
    run.steps.dedup_by_key(|step| step.span_id);
    run.find_parents(&parents(view, trace_id)?);
    Ok(run)
}

/// The parents of a trace's spans.
fn parents(view: &View, trace_id: TraceId) -> Result<HashMap<SpanId, SpanId>, QueryError> {
    let mut parents = HashMap::new();
    for partition in &view.partitions {
        for id in blocks_of(&partition.connection, trace_id)? {
            let block = span_block(&partition.connection, id)?;
            for place in block.places_of(trace_id) {
                let (_, span_id, parent) = block.ids(place);
                parents.insert(span_id, parent);
            }
        }
    }
    Ok(parents)
}

impl Run {
    /// The nearest step above each, through spans that are none.
    fn find_parents(&mut self, parents: &HashMap<SpanId, SpanId>) {
        let places: HashMap<SpanId, usize> = (self.steps.iter().enumerate())
            .map(|(place, step)| (step.span_id, place))
            .collect();
        for step in &mut self.steps {
            let above = |id: &SpanId| parents.get(id).copied();
            let ancestors = std::iter::successors(above(&step.span_id), above);
            step.parent = ancestors
                .take(MAX_DEPTH)
                .find_map(|id| places.get(&id).copied());
        }
    }

    /// Which steps an agent made, or something below it; all of them where nobody asks for one.
    pub(super) fn within(&self, agent: Option<&str>) -> Vec<bool> {
        let Some(agent) = agent else {
            return vec![true; self.steps.len()];
        };
        let is_named = |step: &Step| step.agent.as_deref() == Some(agent);
        let above = |place: &usize| self.steps.get(*place).and_then(|step| step.parent);
        (0..self.steps.len())
            .map(|place| {
                let mut line = std::iter::successors(Some(place), above).take(MAX_DEPTH);
                line.any(|place| self.steps.get(place).is_some_and(is_named))
            })
            .collect()
    }

    /// The steps that are within the same one, in the order of time.
    pub(super) fn siblings(&self, is_wanted: &[bool]) -> Vec<Vec<usize>> {
        let mut families: HashMap<Option<usize>, Vec<usize>> = HashMap::new();
        for (place, step) in self.steps.iter().enumerate() {
            if is_wanted.get(place) != Some(&true) {
                continue;
            }
            let parent = step
                .parent
                .filter(|parent| is_wanted.get(*parent) == Some(&true));
            families.entry(parent).or_default().push(place);
        }
        let mut families: Vec<Vec<usize>> = families.into_values().collect();
        families.sort();
        families
    }
}
