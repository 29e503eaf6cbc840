//! Calls of language models as rows.

use std::collections::HashMap;

use rusqlite::types::Value as Cell;

use super::super::QueryError;
use super::super::llm::{CallTexts, Recordings, call_texts, cost_source};
use super::super::shared::Shared;
use super::rows::{iso_time, object};
use crate::llm::{Facts, Flags};
use crate::readers::Partition;

/// How many calls are read at a time, by their numbers.
const TOGETHER: i64 = 256;

/// The list of what is read at a time. Numbers have no holes, but begin with 1.
pub(super) const LIST: &str =
    "SELECT id / 256, max(id) % 256, 0 FROM llm_calls GROUP BY id / 256 ORDER BY 1 DESC";

/// Calls that were read together.
pub(super) struct CallRows {
    facts: Vec<Option<Facts>>,
    /// The texts that were asked for.
    texts: HashMap<usize, CallTexts>,
    first: i64,
    recordings: Recordings,
}

impl CallRows {
    pub(super) fn read(partition: &Partition, number: i64) -> Result<CallRows, QueryError> {
        let first = number * TOGETHER;
        let mut rows = CallRows {
            facts: vec![None; TOGETHER as usize],
            texts: HashMap::new(),
            first,
            recordings: Recordings::default(),
        };
        let mut find = partition.connection.prepare_cached(
            "SELECT llm_calls.start_ns, id, facts FROM llm_calls
             CROSS JOIN llm_facts ON llm_facts.start_ns = llm_calls.start_ns AND call = id WHERE id >= ?1 AND id < ?2",
        )?;
        let mut found = find.query([first, first + TOGETHER])?;
        while let Some(row) = found.next()? {
            let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
            let facts = Facts::read(row.get(0)?, row.get(1)?, bytes)?;
            let place = usize::try_from(facts.call - first).unwrap_or(usize::MAX);
            if let Some(place) = rows.facts.get_mut(place) {
                *place = Some(facts);
            }
        }
        Ok(rows)
    }

    /// A column of a call.
    pub(super) fn value(
        &mut self,
        partition: &Partition,
        shared: &mut Shared,
        column: &str,
        place: usize,
    ) -> Result<Cell, QueryError> {
        let connection = &partition.connection;
        let Some(Some(facts)) = self.facts.get(place) else {
            return Ok(Cell::Null);
        };
        let mut name = |id: i64| -> Result<Cell, QueryError> {
            match id {
                0 => Ok(Cell::Null),
                id => Ok(Cell::Text(shared.name(connection, id)?.to_owned())),
            }
        };
        let has = |flag| facts.flags.has(flag);
        let used = |count: u64| if_some(has(Flags::USAGE).then_some(count), integer);
        Ok(match column {
            "counts" => Cell::Integer(i64::from(facts.counts())),
            "service" => name(facts.service)?,
            "provider" => name(facts.provider)?,
            "request_model" => name(facts.request_model)?,
            "response_model" => name(facts.response_model)?,
            "session_id" => name(facts.session)?,
            "user_id" => name(facts.user)?,
            "agent" => name(facts.agent)?,
            "kind" => kind(facts)?,
            "status" => Cell::Text(if facts.is_error() { "ERROR" } else { "OK" }.to_owned()),
            "start_time" => Cell::Text(iso_time(facts.start_ns)),
            "start_time_ns" => Cell::Integer(facts.start_ns),
            "duration_ms" => Cell::Real(facts.duration_ns as f64 / 1e6),
            "input_tokens" => used(facts.input),
            "output_tokens" => used(facts.output),
            "cache_read_tokens" => used(facts.cache_read),
            "cache_write_tokens" => used(facts.cache_write),
            "reasoning_tokens" => used(facts.reasoning),
            "cost" => if_some(has(Flags::PRICED).then_some(facts.cost), dollars),
            "cache_savings" => if_some(has(Flags::PRICED).then_some(facts.savings), dollars),
            "cost_source" => source(facts),
            "from_log" => Cell::Integer(i64::from(has(Flags::LOG))),
            "tags" => {
                let mut tags = Vec::with_capacity(facts.tags.len());
                for tag in &facts.tags {
                    if let Cell::Text(text) = name(*tag)? {
                        tags.push(text);
                    }
                }
                Cell::Text(serde_json::to_string(&tags)?)
            }
            "conversation_id" => match name(facts.session)? {
                session if self.texts(partition, place)?.details.conversation.is_none() => session,
                _ => self.text(partition, column, place)?,
            },
            _ => self.text(partition, column, place)?,
        })
    }

    fn texts(&mut self, partition: &Partition, place: usize) -> Result<&CallTexts, QueryError> {
        match self.texts.entry(place) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let call = self.first + place as i64;
                let texts = call_texts(&partition.connection, call)?.ok_or(QueryError::Closed)?;
                Ok(entry.insert(texts))
            }
        }
    }

    /// A column that is in the texts of a call, or in its recording.
    fn text(
        &mut self,
        partition: &Partition,
        column: &str,
        place: usize,
    ) -> Result<Cell, QueryError> {
        if column == "attributes" {
            self.texts(partition, place)?;
            let Some(texts) = self.texts.get(&place) else {
                return Ok(Cell::Null);
            };
            let attributes = self
                .recordings
                .attributes(partition, texts, &mut |attributes| object(attributes))?;
            return Ok(attributes.map_or(Cell::Null, Cell::Text));
        }
        let texts = self.texts(partition, place)?;
        let details = &texts.details;
        let text = |text: &Option<String>| text.clone().map_or(Cell::Null, Cell::Text);
        let part = |amount: Option<u64>| if_some(amount, dollars);
        let parts = details.parts.as_ref();
        Ok(match column {
            "trace_id" => Cell::Text(texts.trace_id.to_string()),
            "span_id" => Cell::Text(texts.span_id.to_string()),
            "parent_span_id" => if_some(texts.parent, |id| Cell::Text(id.to_string())),
            "name" => Cell::Text(details.name.clone()),
            "operation" => text(&details.operation),
            "error_type" => text(&details.error_type),
            "conversation_id" => text(&details.conversation),
            "finish_reasons" => Cell::Text(serde_json::to_string(&details.finish_reasons)?),
            "input_preview" => Cell::Text(details.input.clone()),
            "output_preview" => Cell::Text(details.output.clone()),
            "tool_calls" => integer(details.tool_calls),
            "streaming" => if_some(details.streaming, |truth| Cell::Integer(i64::from(truth))),
            "time_to_first_chunk_ms" => {
                if_some(details.first_chunk_ns, |time| Cell::Real(time as f64 / 1e6))
            }
            "cost_input" => part(parts.and_then(|parts| parts.input)),
            "cost_output" => part(parts.and_then(|parts| parts.output)),
            "cost_cache_read" => part(parts.and_then(|parts| parts.cache_read)),
            "cost_cache_write" => part(parts.and_then(|parts| parts.cache_write)),
            _ => Cell::Null,
        })
    }
}

fn kind(facts: &Facts) -> Result<Cell, QueryError> {
    Ok(match serde_json::to_value(facts.kind)? {
        serde_json::Value::String(kind) => Cell::Text(kind),
        _ => Cell::Null,
    })
}

fn source(facts: &Facts) -> Cell {
    let is_known = facts.flags.has(Flags::PRICED);
    if_some(is_known.then(|| cost_source(facts)), |source| {
        Cell::Text(source.to_owned())
    })
}

fn if_some<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
    value.map_or(Cell::Null, cell)
}

fn integer(count: u64) -> Cell {
    Cell::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// US dollars.
fn dollars(picodollars: u64) -> Cell {
    Cell::Real(fanlight_genai::Dollars::from_picodollars(picodollars).to_f64())
}
