//! The list of calls.

use std::collections::{BTreeMap, HashMap};

use fanlight_genai::{Counts, Dollars, Kind};
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;

use super::super::json::{as_text, as_text_or_null, id};
use super::super::shared::Shared;
use super::super::{Cursor, MAX_LIMIT, Page, QueryError, page};
use super::facts::{LlmFilter, Way, facts_of, visit};
use crate::llm::{Details, Facts, Flags};
use crate::partition::log_id;
use crate::readers::{Partition, View};

/// Which calls are listed, in which order.
#[derive(Clone, Debug, Default)]
pub struct LlmPage {
    /// Which calls are wanted.
    pub filter: LlmFilter,
    /// In which order.
    pub sort: LlmSort,
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// The order of a list of calls; the largest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlmSort {
    /// By their starts.
    #[default]
    Newest,
    /// By what they cost.
    Cost,
    /// By how long they took.
    Duration,
    /// By their tokens, read and made.
    Tokens,
}

/// Which kinds are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LlmKinds {
    /// Calls of models that state their own usage.
    #[default]
    Models,
    /// Everything, tools and agents among it, and what only sums up or repeats others.
    All,
    /// Only this one.
    Only(Kind),
}

/// One call in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmCallRow {
    /// The trace's id; of a log record without one, a made up one.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The span's id; of a log record, a made up one.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// The span's parent.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub parent_span_id: Option<SpanId>,
    /// The span's name, or the log record's event.
    pub name: String,
    /// The service that made the call.
    pub service: String,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmKind))]
    pub kind: Kind,
    /// `own` where it is among what is summed up; `aggregate` where others state the same usage.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmCounts))]
    pub counts: Counts,
    /// What was done, in the recorder's words.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub operation: Option<String>,
    /// Whose interface was called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub provider: Option<String>,
    /// The model that was asked for.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub request_model: Option<String>,
    /// The model that answered.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub response_model: Option<String>,
    /// Start, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long it took, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// How long until the first piece of a streamed answer, in nanoseconds.
    #[serde(serialize_with = "as_text_or_null")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, required))]
    pub time_to_first_chunk_nano: Option<u64>,
    /// Whether the answer was streamed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub streaming: Option<bool>,
    /// Tokens that were read, those of caches among them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input_tokens: Option<u64>,
    /// Tokens that were made, those of reasoning among them.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output_tokens: Option<u64>,
    /// Of the tokens that were read: from a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_read_tokens: Option<u64>,
    /// Of the tokens that were read: to a cache.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cache_write_tokens: Option<u64>,
    /// Of the tokens that were made: of reasoning.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reasoning_tokens: Option<u64>,
    /// What it cost, in US dollars; none where that is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// Who says so.
    #[cfg_attr(feature = "openapi", schema(required, value_type = Option<crate::query::schema::LlmCostSource>))]
    pub cost_source: Option<&'static str>,
    /// `ok` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmStatus))]
    pub status: &'static str,
    /// What kind of error it ended with.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error_type: Option<String>,
    /// Why the model stopped.
    pub finish_reasons: Vec<String>,
    /// The user's session.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub session_id: Option<String>,
    /// The conversation of which it is a turn.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub conversation_id: Option<String>,
    /// Who asked.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub user_id: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The agent that called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub agent: Option<String>,
    /// The beginning of what was asked last.
    pub input_preview: String,
    /// The beginning of the answer, or the tools that it calls.
    pub output_preview: String,
    /// How many tools the answer calls.
    pub tool_calls: u64,
    /// Whether it is known from a log record, so that there is no span.
    pub from_log: bool,
}

impl LlmSort {
    /// The number by which it sorts.
    fn key(self, facts: &Facts) -> i64 {
        let number = match self {
            LlmSort::Newest => return facts.start_ns,
            LlmSort::Cost => facts.cost,
            LlmSort::Duration => facts.duration_ns,
            LlmSort::Tokens => facts.tokens(),
        };
        i64::try_from(number).unwrap_or(i64::MAX)
    }
}

/// Calls, in the order that is wanted.
pub(crate) fn calls(view: &View, wanted: &LlmPage) -> Result<Page<LlmCallRow>, QueryError> {
    let limit = match wanted.limit {
        0 => MAX_LIMIT,
        limit => limit.min(MAX_LIMIT),
    };
    let before = Cursor::read(wanted.cursor.as_deref())?;
    let mut filter = wanted.filter.clone();
    let is_by_time = wanted.sort == LlmSort::Newest;
    if is_by_time && before != Cursor::START {
        let end = before.time_ns.cast_unsigned().saturating_add(1);
        filter.time.to = Some(filter.time.to.map_or(end, |to| to.min(end)));
    }
    let way = if is_by_time { Way::First } else { Way::All };
    let mut found: BTreeMap<Cursor, (usize, Facts)> = BTreeMap::new();
    for (number, partition) in view.partitions.iter().enumerate() {
        visit(partition, &filter, way, &mut |facts| {
            let place = Cursor {
                time_ns: wanted.sort.key(&facts),
                id: log_id(partition.id, facts.call),
            };
            if place >= before {
                return Ok(true);
            }
            let is_full = found.len() > limit as usize;
            if is_full
                && found
                    .first_key_value()
                    .is_some_and(|(last, _)| *last > place)
            {
                // By time, what comes behind it comes too late, too.
                return Ok(!is_by_time);
            }
            found.insert(place, (number, facts));
            if is_full {
                found.pop_first();
            }
            Ok(true)
        })?;
    }
    let mut shared: HashMap<usize, Shared> = HashMap::new();
    let mut rows = Vec::with_capacity(found.len());
    for (place, (number, facts)) in found.into_iter().rev() {
        let partition = view.partitions.get(number).ok_or(QueryError::Closed)?;
        let shared = shared.entry(number).or_default();
        let texts = texts(&partition.connection, facts.call)?.ok_or(QueryError::Closed)?;
        rows.push((place, row(&partition.connection, shared, &facts, texts)?));
    }
    Ok(page(rows, limit))
}

/// Of the calls with these ids, those that count, as far as they are still there; newest first.
pub(crate) fn calls_by_id(
    view: &View,
    ids: &[(TraceId, SpanId)],
) -> Result<Vec<LlmCallRow>, QueryError> {
    let mut rows = Vec::with_capacity(ids.len());
    for (trace_id, span_id) in ids {
        let found = find(view, *trace_id, *span_id)?;
        if let Some((partition, facts, texts)) = found.filter(|(_, facts, _)| facts.counts()) {
            let connection = &partition.connection;
            rows.push(row(connection, &mut Shared::default(), &facts, texts)?);
        }
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.start_nano));
    Ok(rows)
}

/// What a call has beside its facts.
pub(in super::super) struct Texts {
    pub(in super::super) trace_id: TraceId,
    pub(in super::super) span_id: SpanId,
    pub(in super::super) parent: Option<SpanId>,
    pub(in super::super) log: Option<i64>,
    pub(in super::super) details: Details,
}

/// The newest recording of a call.
pub(super) fn find(
    view: &View,
    trace_id: TraceId,
    span_id: SpanId,
) -> Result<Option<(&Partition, Facts, Texts)>, QueryError> {
    for partition in &view.partitions {
        let connection = &partition.connection;
        let mut find = connection.prepare_cached(
            "SELECT id, start_ns FROM llm_calls WHERE trace_id = ? AND span_id = ?",
        )?;
        let ids = (&trace_id.0[..], &span_id.0[..]);
        let found: Option<(i64, i64)> = find
            .query_row(ids, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, start_ns)) = found else {
            continue;
        };
        let facts = facts_of(connection, start_ns, id)?;
        if let (Some(facts), Some(texts)) = (facts, texts(connection, id)?) {
            return Ok(Some((partition, facts, texts)));
        }
    }
    Ok(None)
}

/// The texts of a call.
pub(in super::super) fn texts(
    connection: &Connection,
    call: i64,
) -> Result<Option<Texts>, QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT trace_id, span_id, parent, log, details FROM llm_calls WHERE id = ?",
    )?;
    let mut rows = find.query([call])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let blob = |column| -> rusqlite::Result<&[u8]> { Ok(row.get_ref(column)?.as_blob()?) };
    let parent = row
        .get_ref(2)?
        .as_blob_or_null()
        .map_err(rusqlite::Error::from)?;
    let details = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Some(Texts {
        trace_id: TraceId(id(blob(0)?)),
        span_id: SpanId(id(blob(1)?)),
        parent: parent.map(|bytes| SpanId(id(bytes))),
        log: row.get(3)?,
        details: serde_json::from_str(details)?,
    }))
}

/// A call as lists show it.
pub(super) fn row(
    connection: &Connection,
    shared: &mut Shared,
    facts: &Facts,
    texts: Texts,
) -> Result<LlmCallRow, QueryError> {
    let mut name = |id: i64| -> Result<Option<String>, QueryError> {
        match id {
            0 => Ok(None),
            id => Ok(Some(shared.name(connection, id)?.to_owned())),
        }
    };
    let has = |flag| facts.flags.has(flag);
    let used = |count: u64| has(Flags::USAGE).then_some(count);
    let counts = has(Flags::OWN) && !has(Flags::REPEATED);
    let details = texts.details;
    Ok(LlmCallRow {
        trace_id: texts.trace_id,
        span_id: texts.span_id,
        parent_span_id: texts.parent,
        name: details.name,
        service: name(facts.service)?.unwrap_or_default(),
        kind: facts.kind,
        counts: if counts {
            Counts::Own
        } else {
            Counts::Aggregate
        },
        operation: details.operation,
        provider: name(facts.provider)?,
        request_model: name(facts.request_model)?,
        response_model: name(facts.response_model)?,
        start_nano: facts.start_ns.cast_unsigned(),
        duration_nano: facts.duration_ns,
        time_to_first_chunk_nano: details.first_chunk_ns,
        streaming: details.streaming,
        input_tokens: used(facts.input),
        output_tokens: used(facts.output),
        cache_read_tokens: used(facts.cache_read),
        cache_write_tokens: used(facts.cache_write),
        reasoning_tokens: used(facts.reasoning),
        cost: cost_of(facts),
        cost_source: has(Flags::PRICED).then(|| source(facts)),
        status: status(facts),
        error_type: details.error_type,
        finish_reasons: details.finish_reasons,
        session_id: name(facts.session)?,
        conversation_id: details.conversation,
        user_id: name(facts.user)?,
        tags: (facts.tags.iter())
            .filter_map(|tag| name(*tag).transpose())
            .collect::<Result<_, _>>()?,
        agent: name(facts.agent)?,
        input_preview: details.input,
        output_preview: details.output,
        tool_calls: details.tool_calls,
        from_log: has(Flags::LOG),
    })
}

/// What a call cost, in US dollars, where that is known.
pub(super) fn cost_of(facts: &Facts) -> Option<f64> {
    let is_known = facts.flags.has(Flags::PRICED);
    is_known.then(|| dollars(facts.cost))
}

/// US dollars.
pub(super) fn dollars(picodollars: u64) -> f64 {
    Dollars::from_picodollars(picodollars).to_f64()
}

/// Who says what it cost.
pub(in super::super) fn source(facts: &Facts) -> &'static str {
    match facts.flags.has(Flags::REPORTED) {
        true => "reported",
        false => "list",
    }
}

/// How it ended.
pub(super) fn status(facts: &Facts) -> &'static str {
    if facts.is_error() { "error" } else { "ok" }
}
