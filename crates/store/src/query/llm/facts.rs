//! Going through the facts of calls, newest first.

use fanlight_genai::Kind;
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::{QueryError, TimeRange};
use super::calls::LlmKinds;
use super::search::Search;
use crate::llm::{Columns, Dimension, Facts, Flags, INDEXED, PART_NS, counts, part_of};
use crate::readers::{Partition, View};

/// So many calls, or more, are not looked up one by one when all of them are wanted.
const FEW: i64 = 4_000;

/// The calls of a range of time.
pub(crate) const OF_TIME: &str = "SELECT start_ns, call, facts FROM llm_facts WHERE start_ns >= ?1 AND start_ns < ?2 ORDER BY start_ns DESC, call DESC";

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
    /// Only those with this anywhere in their span, so in all that was asked and answered; of calls that are known from log
    /// records, in what lists show of them. ASCII letters match in either case.
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
    search: Option<Search>,
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
        let range = [filter.time.first_ns(), filter.time.end_ns()];
        let search = (filter.text.as_deref())
            .filter(|text| !text.is_empty())
            .map(|text| Search::prepare(connection, text, range))
            .transpose()?;
        Ok(Some(Matcher {
            filter,
            names,
            search,
            min_cost: min_cost as u64,
        }))
    }

    /// Whether a call of this kind, with these flags, duration and cost, may pass.
    fn may_pass(&self, kind: Kind, flags: Flags, duration_ns: u64, cost: u64) -> bool {
        let is_kind = match self.filter.kinds {
            LlmKinds::Models => counts(kind, flags),
            LlmKinds::All => true,
            LlmKinds::Only(wanted) => kind == wanted,
        };
        is_kind
            && (!self.filter.errors_only || flags.has(Flags::ERROR))
            && duration_ns >= self.filter.min_duration_nano
            && cost >= self.min_cost
    }

    fn passes(&self, connection: &Connection, facts: &Facts) -> Result<bool, QueryError> {
        if !self.may_pass(facts.kind, facts.flags, facts.duration_ns, facts.cost) {
            return Ok(false);
        }
        for (dimension, name) in &self.names {
            if !facts.names(*dimension).any(|of| of == *name) {
                return Ok(false);
            }
        }
        match &self.search {
            Some(search) => search.finds(connection, facts),
            None => Ok(true),
        }
    }

    /// The name by which calls are looked up one by one, which is faster than going through all of them if only few have it, or
    /// if the newest that have it are all that is wanted.
    fn index(
        &self,
        connection: &Connection,
        way: Way,
    ) -> Result<Option<(Dimension, i64)>, QueryError> {
        let mut indexed = self.names.iter().copied();
        let Some((dimension, name)) = indexed.find(|(of, _)| INDEXED.contains(of)) else {
            return Ok(None);
        };
        let has_others = self.names.len() > 1
            || self.filter.errors_only
            || self.filter.min_duration_nano > 0
            || self.min_cost > 0
            || self.search.is_some();
        if way == Way::First && !has_others {
            return Ok(Some((dimension, name)));
        }
        let mut count = connection.prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM llm_index WHERE dimension = ?1 AND name = ?2 AND start_ns >= ?3 AND start_ns < ?4
             LIMIT ?5)",
        )?;
        let [from, to] = self.range();
        let found: i64 =
            count.query_one([dimension as i64, name, from, to, FEW], |row| row.get(0))?;
        Ok(Some((dimension, name)).filter(|_| found < FEW))
    }

    /// From when on, and before when.
    fn range(&self) -> [i64; 2] {
        [self.filter.time.first_ns(), self.filter.time.end_ns()]
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
    let [from, to] = matcher.range();
    if let Some((dimension, name)) = matcher.index(connection, way)? {
        let mut find = connection.prepare_cached(
            "SELECT start_ns, call, facts FROM llm_index CROSS JOIN llm_facts USING (start_ns, call)
             WHERE dimension = ?3 AND name = ?4 AND start_ns >= ?1 AND start_ns < ?2
             ORDER BY start_ns DESC, call DESC",
        )?;
        let rows = find.query([from, to, dimension as i64, name])?;
        return by_rows(connection, &matcher, rows, wants_more).map(drop);
    }
    let mut parts = connection.prepare_cached(
        "SELECT part, columns FROM llm_parts WHERE part BETWEEN ?1 AND ?2 ORDER BY part DESC",
    )?;
    let mut parts = parts.query([part_of(from), part_of(to)])?;
    while let Some(row) = parts.next()? {
        let columns = row.get_ref(1)?.as_blob_or_null();
        let columns = columns.map_err(rusqlite::Error::from)?;
        let goes_on = match columns.map(Columns::read) {
            Some(Ok(columns)) => by_columns(connection, &matcher, &columns, wants_more)?,
            // They were not made yet.
            _ => {
                let start = row.get::<_, i64>(0)?.saturating_mul(PART_NS);
                let end = start.saturating_add(PART_NS);
                let mut find = connection.prepare_cached(OF_TIME)?;
                let rows = find.query([start.max(from), end.min(to)])?;
                by_rows(connection, &matcher, rows, wants_more)?
            }
        };
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// Goes through calls that were looked up; false when nothing more is wanted.
fn by_rows(
    connection: &Connection,
    matcher: &Matcher<'_>,
    mut rows: rusqlite::Rows<'_>,
    wants_more: &mut dyn FnMut(Facts) -> Result<bool, QueryError>,
) -> Result<bool, QueryError> {
    while let Some(row) = rows.next()? {
        let facts = facts(row)?;
        if matcher.passes(connection, &facts)? && !wants_more(facts)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Goes through the calls of a part; false when nothing more is wanted.
fn by_columns(
    connection: &Connection,
    matcher: &Matcher<'_>,
    columns: &Columns<'_>,
    wants_more: &mut dyn FnMut(Facts) -> Result<bool, QueryError>,
) -> Result<bool, QueryError> {
    let [from, to] = matcher.range();
    for place in 0..columns.len() {
        let (kind, flags, duration_ns, cost) = columns.outline(place);
        if !(from..to).contains(&columns.start_ns(place))
            || !matcher.may_pass(kind, flags, duration_ns, cost)
        {
            continue;
        }
        let facts = columns.facts(place);
        if matcher.passes(connection, &facts)? && !wants_more(facts)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The facts of a row of start, number and bytes.
pub(crate) fn facts(row: &Row<'_>) -> Result<Facts, QueryError> {
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
