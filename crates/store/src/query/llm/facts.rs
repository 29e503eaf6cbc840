//! Going through the facts of calls, newest first.

use rusqlite::{Connection, OptionalExtension, Row};

use super::super::{QueryError, TimeRange};
use super::calls::LlmKinds;
use crate::block::Needle;
use crate::llm::{Dimension, Facts};
use crate::readers::{Partition, View};

/// Which calls are wanted. The default is all calls of models.
#[derive(Clone, Debug, Default)]
pub struct LlmFilter {
    /// When they started.
    pub time: TimeRange,
    /// Only of this service.
    pub service: Option<String>,
    /// Only of this provider.
    pub provider: Option<String>,
    /// Only of this model, asked for or answering.
    pub model: Option<String>,
    /// Only of this session or conversation.
    pub session: Option<String>,
    /// Only of this user.
    pub user: Option<String>,
    /// Only with this tag, exactly.
    pub tag: Option<String>,
    /// Only of this agent.
    pub agent: Option<String>,
    /// Only of these kinds.
    pub kinds: LlmKinds,
    /// Only those that failed.
    pub errors_only: bool,
    /// Only those with this in their name, or in what was asked or answered as far as lists show it; ASCII letters match in
    /// either case.
    pub text: Option<String>,
    /// Only those that took at least so long, in nanoseconds.
    pub min_duration_nano: u64,
    /// Only those that cost at least so much, in US dollars.
    pub min_cost: Option<f64>,
}

/// A filter, prepared for a partition.
struct Matcher<'f> {
    filter: &'f LlmFilter,
    /// Dimensions and the names that calls must have there.
    names: Vec<(Dimension, i64)>,
    needle: Option<Needle>,
    min_cost: u64,
}

/// How calls are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Most of those that pass will be looked at.
    All,
    /// It ends early, once enough were found.
    First,
}

impl LlmFilter {
    fn names(&self) -> [(Dimension, Option<&str>); 7] {
        // Those first that few calls have in common.
        [
            (Dimension::Session, self.session.as_deref()),
            (Dimension::User, self.user.as_deref()),
            (Dimension::Tag, self.tag.as_deref()),
            (Dimension::Agent, self.agent.as_deref()),
            (Dimension::Model, self.model.as_deref()),
            (Dimension::Provider, self.provider.as_deref()),
            (Dimension::Service, self.service.as_deref()),
        ]
    }
}

impl<'f> Matcher<'f> {
    /// Nothing when no call of the partition can pass.
    fn prepare(
        connection: &Connection,
        filter: &'f LlmFilter,
    ) -> Result<Option<Matcher<'f>>, QueryError> {
        let mut names = Vec::new();
        for (dimension, text) in filter.names() {
            let Some(text) = text else { continue };
            match name_id(connection, text)? {
                Some(id) => names.push((dimension, id)),
                None => return Ok(None),
            }
        }
        let min_cost = filter.min_cost.unwrap_or_default().max(0.0) * 1e12;
        Ok(Some(Matcher {
            filter,
            names,
            needle: filter.text.as_deref().map(Needle::new),
            min_cost: min_cost as u64,
        }))
    }

    fn passes(&self, connection: &Connection, facts: &Facts) -> Result<bool, QueryError> {
        let is_kind = match self.filter.kinds {
            LlmKinds::Models => facts.counts(),
            LlmKinds::All => true,
            LlmKinds::Only(kind) => facts.kind == kind,
        };
        if !is_kind
            || self.filter.errors_only && !facts.is_error()
            || facts.duration_ns < self.filter.min_duration_nano
            || facts.cost < self.min_cost
        {
            return Ok(false);
        }
        for (dimension, name) in &self.names {
            if !facts.names(*dimension).any(|of| of == *name) {
                return Ok(false);
            }
        }
        let Some(needle) = &self.needle else {
            return Ok(true);
        };
        let mut find = connection.prepare_cached("SELECT details FROM llm_calls WHERE id = ?")?;
        let mut rows = find.query([facts.call])?;
        let Some(row) = rows.next()? else {
            return Ok(false);
        };
        Ok(needle.is_in(row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?))
    }
}

/// The id of a name, if the partition has it.
pub(super) fn name_id(connection: &Connection, text: &str) -> Result<Option<i64>, QueryError> {
    let mut find = connection.prepare_cached("SELECT id FROM names WHERE text = ?")?;
    Ok(find.query_row([text], |row| row.get(0)).optional()?)
}

/// Goes through the calls of a partition that pass, newest first, until nothing more is wanted.
pub(super) fn visit(
    partition: &Partition,
    filter: &LlmFilter,
    way: Way,
    wants_more: &mut dyn FnMut(Facts) -> Result<bool, QueryError>,
) -> Result<(), QueryError> {
    let connection = &partition.connection;
    let Some(matcher) = Matcher::prepare(connection, filter)? else {
        return Ok(());
    };
    // Looking calls up one by one is dearer than going through all, unless there are few of them.
    let is_few = |dimension: Dimension| {
        way == Way::First
            || !matches!(
                dimension,
                Dimension::Model | Dimension::Provider | Dimension::Service
            )
    };
    let index = matcher
        .names
        .first()
        .filter(|(dimension, _)| is_few(*dimension));
    let range = [filter.time.first_ns(), filter.time.end_ns()];
    match index {
        Some((dimension, name)) => {
            let mut find = connection.prepare_cached(
                "SELECT start_ns, call, facts FROM llm_index CROSS JOIN llm_facts USING (start_ns, call)
                 WHERE dimension = ?3 AND name = ?4 AND start_ns >= ?1 AND start_ns < ?2
                 ORDER BY start_ns DESC, call DESC",
            )?;
            let parameters = [range[0], range[1], *dimension as i64, *name];
            go_through(connection, &matcher, find.query(parameters)?, wants_more)
        }
        None => {
            let mut find = connection.prepare_cached(
                "SELECT start_ns, call, facts FROM llm_facts WHERE start_ns >= ?1 AND start_ns < ?2
                 ORDER BY start_ns DESC, call DESC",
            )?;
            go_through(connection, &matcher, find.query(range)?, wants_more)
        }
    }
}

fn go_through(
    connection: &Connection,
    matcher: &Matcher<'_>,
    mut rows: rusqlite::Rows<'_>,
    wants_more: &mut dyn FnMut(Facts) -> Result<bool, QueryError>,
) -> Result<(), QueryError> {
    while let Some(row) = rows.next()? {
        let facts = facts(row)?;
        if matcher.passes(connection, &facts)? && !wants_more(facts)? {
            break;
        }
    }
    Ok(())
}

/// The facts of a row of start, number and bytes.
pub(super) fn facts(row: &Row<'_>) -> Result<Facts, QueryError> {
    let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Facts::read(row.get(0)?, row.get(1)?, bytes)?)
}

/// The facts of a call.
pub(super) fn facts_of(
    connection: &Connection,
    start_ns: i64,
    call: i64,
) -> Result<Option<Facts>, QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT start_ns, call, facts FROM llm_facts WHERE start_ns = ? AND call = ?",
    )?;
    let mut rows = find.query([start_ns, call])?;
    rows.next()?.map(facts).transpose()
}

/// When the first and the last call started.
pub(super) fn bounds(view: &View) -> Result<Option<(i64, i64)>, QueryError> {
    let mut bounds: Option<(i64, i64)> = None;
    for partition in &view.partitions {
        let mut find = partition.connection.prepare_cached(
            "SELECT (SELECT min(start_ns) FROM llm_facts), (SELECT max(start_ns) FROM llm_facts)",
        )?;
        let found: (Option<i64>, Option<i64>) =
            find.query_one([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let (Some(first), Some(last)) = found {
            bounds = Some(bounds.map_or((first, last), |(a, b)| (a.min(first), b.max(last))));
        }
    }
    Ok(bounds)
}

/// The texts of names that were counted, or summed up, by id.
pub(super) fn by_text<T>(
    connection: &Connection,
    by_id: impl IntoIterator<Item = (i64, T)>,
    mut take: impl FnMut(Option<String>, T),
) -> Result<(), QueryError> {
    let mut find = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
    for (id, value) in by_id {
        let text = match id {
            0 => None,
            id => Some(find.query_one([id], |row| row.get(0))?),
        };
        take(text, value);
    }
    Ok(())
}
