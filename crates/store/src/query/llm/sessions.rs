//! Sessions: calls that belong together, across traces.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use fanlight_genai::Message;
use fanlight_otlp::{SpanId, TraceId};
use rusqlite::Connection;
use serde::Serialize;

use super::super::json::as_text;
use super::super::{Cursor, MAX_LIMIT, Page, QueryError, TimeRange, page};
use super::calls::{dollars, texts};
use super::facts::{LlmFilter, Way, by_text, visit};
use crate::block::Needle;
use crate::intern::content_hash;
use crate::llm::{Facts, Flags};
use crate::readers::View;

/// Which sessions are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only those with a call in this range.
    pub time: TimeRange,
    /// Only those with this in their id or their first question; ASCII letters match in either case.
    pub text: Option<String>,
    /// Only those of this user.
    pub user: Option<String>,
    /// Only those in which this service called.
    pub service: Option<String>,
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// What holds a session together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SessionKind {
    /// An id of a session.
    #[default]
    Session,
    /// An id of a conversation; nobody stated a session.
    Conversation,
}

/// Calls that belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmSession {
    /// Its id.
    pub id: String,
    /// What the id is one of.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub kind: SessionKind,
    /// When its first call started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub first_nano: u64,
    /// When its last call ended, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// How many calls of models.
    pub calls: u64,
    /// In how many traces.
    pub traces: u64,
    /// How many of the calls failed.
    pub errors: u64,
    /// Tokens that were read, those of caches among them.
    pub input_tokens: u64,
    /// Tokens that were made, those of reasoning among them.
    pub output_tokens: u64,
    /// What those calls cost whose cost is known, in US dollars; none where none is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// Calls whose cost is not known.
    pub unpriced_calls: u64,
    /// The models that answered.
    pub models: Vec<String>,
    /// The services that called.
    pub services: Vec<String>,
    /// Who asked.
    pub users: Vec<String>,
    /// The agents that called.
    pub agents: Vec<String>,
    /// The beginning of the first question.
    pub preview: String,
}

/// A session, turn by turn.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmConversation {
    /// The whole of it.
    pub session: LlmSession,
    /// Its calls of models, in the order of time.
    pub turns: Vec<LlmTurn>,
    /// Whether there are more turns than could be answered.
    pub truncated: bool,
}

/// A call within a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmTurn {
    /// The trace's id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The span's id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// Start, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long it took, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// The model that answered, else the one that was asked for.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub model: Option<String>,
    /// The service that called.
    pub service: String,
    /// The agent that called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub agent: Option<String>,
    /// `ok` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmStatus))]
    pub status: &'static str,
    /// What kind of error it ended with.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error_type: Option<String>,
    /// Tokens that were read.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input_tokens: Option<u64>,
    /// Tokens that were made.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output_tokens: Option<u64>,
    /// What it cost, in US dollars.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// What it added to what had been said before in the session.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::LlmMessage>))]
    pub new_messages: Vec<Message>,
    /// What the model answered.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::LlmMessage>))]
    pub output_messages: Vec<Message>,
}

/// Sessions, those with the newest calls first.
pub(crate) fn sessions(
    view: &View,
    wanted: &SessionFilter,
) -> Result<Page<LlmSession>, QueryError> {
    let limit = match wanted.limit {
        0 => MAX_LIMIT,
        limit => limit.min(MAX_LIMIT),
    };
    let before = Cursor::read(wanted.cursor.as_deref())?;
    let filter = LlmFilter {
        time: wanted.time,
        user: wanted.user.clone(),
        service: wanted.service.clone(),
        ..LlmFilter::default()
    };
    let mut from_cursor = filter.clone();
    if before != Cursor::START {
        let end = before.time_ns.cast_unsigned().saturating_add(1);
        from_cursor.time.to = Some(wanted.time.to.map_or(end, |to| to.min(end)));
    }
    let needle = wanted.text.as_deref().map(Needle::new);
    let mut seen: HashSet<String> = HashSet::new();
    let mut found: BTreeMap<Cursor, LlmSession> = BTreeMap::new();
    for partition in &view.partitions {
        let mut ids = HashSet::new();
        visit(partition, &from_cursor, Way::First, &mut |facts| {
            // No session that is first met here is newer than this call.
            let last = found.first_key_value().map(|(place, _)| place.time_ns);
            let is_full = found.len() > limit as usize;
            if is_full && last.is_some_and(|last| facts.start_ns < last) {
                return Ok(false);
            }
            if facts.session == 0 || !ids.insert(facts.session) {
                return Ok(true);
            }
            let id = name_of(&partition.connection, facts.session)?;
            if !seen.insert(id.clone()) {
                return Ok(true);
            }
            let place = Cursor {
                time_ns: newest(view, &filter, &id)?.unwrap_or(facts.start_ns),
                id: content_hash(id.as_bytes()),
            };
            if place >= before {
                return Ok(true);
            }
            let Some(session) = summary(view, wanted.time, &id)? else {
                return Ok(true);
            };
            let is_in = |text: &str| {
                needle
                    .as_ref()
                    .is_none_or(|needle| needle.is_in(text.as_bytes()))
            };
            if is_in(&id) || is_in(&session.preview) {
                found.insert(place, session);
                if found.len() > limit as usize + 1 {
                    found.pop_first();
                }
            }
            Ok(true)
        })?;
    }
    Ok(page(found.into_iter().rev().collect(), limit))
}

/// When the newest call of a session that passes started.
fn newest(view: &View, filter: &LlmFilter, id: &str) -> Result<Option<i64>, QueryError> {
    let filter = LlmFilter {
        session: Some(id.to_owned()),
        ..filter.clone()
    };
    let mut newest = None;
    for partition in &view.partitions {
        visit(partition, &filter, Way::First, &mut |facts| {
            newest = newest.max(Some(facts.start_ns));
            Ok(false)
        })?;
    }
    Ok(newest)
}

fn name_of(connection: &Connection, id: i64) -> Result<String, QueryError> {
    let mut find = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
    Ok(find.query_one([id], |row| row.get(0))?)
}

impl LlmSession {
    /// Adds a call, as far as no names are needed.
    fn add(&mut self, facts: &Facts) {
        self.calls += 1;
        self.errors += u64::from(facts.is_error());
        self.input_tokens += facts.input;
        self.output_tokens += facts.output;
        self.unpriced_calls += u64::from(!facts.flags.has(Flags::PRICED));
        if !facts.flags.has(Flags::CONVERSATION) {
            self.kind = SessionKind::Session;
        }
        self.first_nano = self.first_nano.min(facts.start_ns.cast_unsigned());
        self.last_nano = self.last_nano.max(facts.end_ns().cast_unsigned());
    }
}

/// A session's calls of models, put together; `None` when it has none.
pub(super) fn summary(
    view: &View,
    time: TimeRange,
    id: &str,
) -> Result<Option<LlmSession>, QueryError> {
    let filter = LlmFilter {
        time,
        session: Some(id.to_owned()),
        ..LlmFilter::default()
    };
    let mut session = LlmSession {
        id: id.to_owned(),
        kind: SessionKind::Conversation,
        first_nano: u64::MAX,
        ..LlmSession::default()
    };
    let (mut cost, mut first) = (0_u64, None);
    let mut traces = HashSet::new();
    let mut names: [BTreeSet<String>; 4] = Default::default();
    for partition in &view.partitions {
        let mut ids: [BTreeMap<i64, ()>; 4] = Default::default();
        visit(partition, &filter, Way::All, &mut |facts| {
            session.add(&facts);
            cost = cost.saturating_add(facts.cost);
            traces.insert(facts.trace);
            if facts.start_ns.cast_unsigned() == session.first_nano {
                first = Some((&partition.connection, facts.call));
            }
            let of = [facts.model(), facts.service, facts.user, facts.agent];
            for (ids, name) in ids.iter_mut().zip(of) {
                if name != 0 {
                    ids.insert(name, ());
                }
            }
            Ok(true)
        })?;
        for (ids, names) in ids.into_iter().zip(&mut names) {
            by_text(&partition.connection, ids, |text, ()| names.extend(text))?;
        }
    }
    let Some((connection, call)) = first else {
        return Ok(None);
    };
    session.preview =
        texts(connection, call)?.map_or_else(String::new, |texts| texts.details.input);
    session.traces = traces.len() as u64;
    session.cost = (session.unpriced_calls < session.calls).then(|| dollars(cost));
    let [models, services, users, agents] = names.map(|names| names.into_iter().collect());
    Ok(Some(LlmSession {
        models,
        services,
        users,
        agents,
        ..session
    }))
}
