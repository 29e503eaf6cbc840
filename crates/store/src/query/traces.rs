//! The list of traces.

use std::collections::{BTreeMap, HashSet};

use fanlight_otlp::TraceId;
use rusqlite::{Connection, OptionalExtension, Rows};
use serde::Serialize;

use super::json::{as_text, id};
use super::matching::Condition;
use super::rate::Rate;
use super::scan::Scan;
use super::{AttributeFilter, Cursor, MAX_LIMIT, Page, QueryError, TimeRange, page};
use crate::block::Reader;
use crate::readers::View;

/// Which traces are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct TraceFilter {
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
    /// When they started.
    pub time: TimeRange,
    /// Only those in which this service took part. Where spans are described as well (operation, name, text, attributes),
    /// one span of this service must be all that.
    pub service: Option<String>,
    /// Only those with a span of this name.
    pub operation: Option<String>,
    /// Only those with a span that has this in its name; ASCII letters match in either case.
    pub name: Option<String>,
    /// Only those with a span that has this in its name, an attribute's value, an event or its status message; ASCII
    /// letters match in either case.
    pub text: Option<String>,
    /// Only those with a span that has all of these.
    pub attributes: Vec<AttributeFilter>,
    /// Only those that have a span with status error.
    pub errors_only: bool,
    /// Only those that took at least so long, in nanoseconds.
    pub min_duration_nano: u64,
    /// Only those that took at most so long, in nanoseconds.
    pub max_duration_nano: Option<u64>,
}

/// One trace in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TraceSummary {
    /// Its id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The root span's name, or the earliest span's while there is no root.
    pub root_name: String,
    /// The service of that span.
    pub root_service: String,
    /// When the first span started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_time_unix_nano: u64,
    /// From the first start to the last end, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// How many spans there are so far.
    pub span_count: u64,
    /// How many of them have status error.
    pub error_count: u64,
    /// The services that took part, sorted.
    pub services: Vec<String>,
    /// Whether the root span has arrived.
    pub has_root: bool,
    /// That span's attribute `logfire.msg`: its name with the values filled in.
    pub root_message: Option<String>,
}

impl TraceFilter {
    fn condition(&self) -> Condition {
        Condition {
            service: self.service.clone(),
            operation: self.operation.clone(),
            name: self.name.clone(),
            text: self.text.clone(),
            attributes: self.attributes.clone(),
        }
    }

    /// The conditions that a row can be asked; a trace that goes on in another partition may meet them only as a whole.
    fn of_rows(&self) -> String {
        let mut sql = format!(
            "start_ns >= {} AND start_ns < {}",
            self.time.first_ns(),
            self.time.end_ns()
        );
        if self.errors_only {
            sql.push_str(" AND errors > 0");
        }
        if self.min_duration_nano > 0 {
            let min = i64::try_from(self.min_duration_nano).unwrap_or(i64::MAX);
            sql.push_str(&format!(" AND end_ns - start_ns >= {min}"));
        }
        sql
    }

    fn passes(&self, summary: &TraceSummary) -> bool {
        self.time
            .contains(summary.start_time_unix_nano.cast_signed())
            && (!self.errors_only || summary.error_count > 0)
            && summary.duration_nano >= self.min_duration_nano
            && self
                .max_duration_nano
                .is_none_or(|max| summary.duration_nano <= max)
    }
}

/// The place of a trace in the list. Traces that start at once are told apart by their ids; both halves count, since the
/// first is zero where ids of 64 bits were made longer, and in different ways, since both may be the same.
fn place(trace_id: TraceId, start_ns: i64) -> Cursor {
    const SPREAD: i64 = 6_364_136_223_846_793_005;
    let halves = trace_id.0.as_chunks::<8>().0.iter();
    Cursor {
        time_ns: start_ns,
        id: halves.fold(0, |id: i64, half| {
            id.wrapping_mul(SPREAD)
                .wrapping_add(i64::from_be_bytes(*half))
        }),
    }
}

/// Gathers the newest traces that pass.
struct Gathering<'v, 'f> {
    view: &'v View,
    filter: &'f TraceFilter,
    before: Cursor,
    limit: usize,
    seen: HashSet<TraceId>,
    found: BTreeMap<Cursor, TraceSummary>,
}

impl Gathering<'_, '_> {
    /// Whether nothing that is not later than this can get among the newest any more.
    fn is_done(&self, bound_ns: i64) -> bool {
        let last = self.found.keys().rev().nth(self.limit);
        last.is_some_and(|place| place.time_ns > bound_ns)
    }

    fn offer(&mut self, trace_id: TraceId) -> Result<(), QueryError> {
        if !self.seen.insert(trace_id) {
            return Ok(());
        }
        let Some(summary) = summary(self.view, trace_id)? else {
            return Ok(());
        };
        let place = place(trace_id, summary.start_time_unix_nano.cast_signed());
        if place < self.before && self.filter.passes(&summary) {
            self.found.insert(place, summary);
            if self.found.len() > self.limit + 1 {
                self.found.pop_first();
            }
        }
        Ok(())
    }

    /// Goes through the traces by their starts.
    fn go_through_rows(&mut self) -> Result<(), QueryError> {
        let sql = format!(
            "SELECT trace_id, start_ns FROM traces WHERE {} AND start_ns <= ? ORDER BY start_ns DESC",
            self.filter.of_rows()
        );
        let view = self.view;
        let mut statements = Vec::new();
        for partition in &view.partitions {
            statements.push(partition.connection.prepare(&sql)?);
        }
        let mut sources = Vec::new();
        for statement in &mut statements {
            sources.push(statement.query([self.before.time_ns])?);
        }
        // The next of each partition; the latest of them is taken.
        let mut next = BTreeMap::new();
        for (number, rows) in sources.iter_mut().enumerate() {
            if let Some((start_ns, trace_id)) = row(rows)? {
                next.insert((start_ns, number), trace_id);
            }
        }
        while let Some(((start_ns, number), trace_id)) = next.pop_last() {
            if self.is_done(start_ns) {
                break;
            }
            self.offer(trace_id)?;
            if let Some(rows) = sources.get_mut(number)
                && let Some((start_ns, trace_id)) = row(rows)?
            {
                next.insert((start_ns, number), trace_id);
            }
        }
        Ok(())
    }

    /// Goes through the blocks whose spans may pass. No trace starts after one of its spans.
    fn go_through_blocks(&mut self, condition: &Condition) -> Result<(), QueryError> {
        let to = match self.before == Cursor::START {
            true => self.filter.time.to,
            false => Some(self.before.time_ns.cast_unsigned().saturating_add(1)),
        };
        let time = TimeRange {
            from: self.filter.time.from,
            to,
        };
        let scan = Scan::spans(self.view, condition, time, true)?;
        for candidate in &scan.candidates {
            if self.is_done(candidate.max_ns) {
                break;
            }
            let Some((block, mut places)) = scan.read_spans(*candidate)? else {
                continue;
            };
            // The latest first, so that the bound falls fast.
            places.sort_by_key(|place| std::cmp::Reverse(block.starts.get(*place).copied()));
            for place in places {
                if self.is_done(block.starts.get(place).copied().unwrap_or(i64::MIN)) {
                    break;
                }
                self.offer(block.ids(place).0)?;
            }
        }
        Ok(())
    }
}

fn row(rows: &mut Rows<'_>) -> Result<Option<(i64, TraceId)>, QueryError> {
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let bytes = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(Some((row.get(1)?, TraceId(id(bytes)))))
}

pub(crate) fn traces(view: &View, filter: &TraceFilter) -> Result<Page<TraceSummary>, QueryError> {
    let limit = if filter.limit == 0 {
        MAX_LIMIT
    } else {
        filter.limit.min(MAX_LIMIT)
    };
    let mut gathering = Gathering {
        view,
        filter,
        before: Cursor::read(filter.cursor.as_deref())?,
        limit: limit as usize,
        seen: HashSet::new(),
        found: BTreeMap::new(),
    };
    let condition = filter.condition();
    match condition.is_empty() {
        true => gathering.go_through_rows()?,
        false => gathering.go_through_blocks(&condition)?,
    }
    Ok(page(gathering.found.into_iter().rev().collect(), limit))
}

/// The traces with these ids, as far as they are still there.
pub(crate) fn traces_by_id(view: &View, ids: &[TraceId]) -> Result<Vec<TraceSummary>, QueryError> {
    let mut found = Vec::with_capacity(ids.len());
    for trace_id in ids {
        found.extend(summary(view, *trace_id)?);
    }
    found.sort_by_key(|trace| std::cmp::Reverse(trace.start_time_unix_nano));
    Ok(found)
}

/// A trace, joined from all partitions that have something of it.
fn summary(view: &View, trace_id: TraceId) -> Result<Option<TraceSummary>, QueryError> {
    let mut whole: Option<(TraceSummary, i64)> = None;
    for partition in &view.partitions {
        let Some((part, head_ns)) = part(&partition.connection, trace_id)? else {
            continue;
        };
        whole = Some(match whole {
            None => (part, head_ns),
            Some((other, other_ns)) => joined(other, other_ns, part, head_ns),
        });
    }
    Ok(whole.map(|(mut summary, _)| {
        summary.services.sort_unstable();
        summary.services.dedup();
        summary
    }))
}

/// What one partition has of a trace, and when its head starts.
fn part(
    connection: &Connection,
    trace_id: TraceId,
) -> Result<Option<(TraceSummary, i64)>, QueryError> {
    let mut find = connection.prepare_cached(
        "SELECT start_ns, end_ns, spans, errors, has_root, head.text, service.text, head_message, head_start_ns, services
         FROM traces CROSS JOIN names AS head ON head.id = head_name
             CROSS JOIN names AS service ON service.id = head_service
         WHERE trace_id = ?",
    )?;
    let found = find.query_row([&trace_id.0[..]], |row| {
        let (start_ns, end_ns): (i64, i64) = (row.get(0)?, row.get(1)?);
        let summary = TraceSummary {
            trace_id,
            root_name: row.get(5)?,
            root_service: row.get(6)?,
            start_time_unix_nano: start_ns.cast_unsigned(),
            duration_nano: end_ns.saturating_sub(start_ns).cast_unsigned(),
            span_count: row.get::<_, i64>(2)?.max(0).cast_unsigned(),
            error_count: row.get::<_, i64>(3)?.max(0).cast_unsigned(),
            services: Vec::new(),
            has_root: row.get(4)?,
            root_message: row.get(7)?,
        };
        Ok((summary, row.get(8)?, row.get::<_, Vec<u8>>(9)?))
    });
    let Some((mut summary, head_ns, services)) = found.optional()? else {
        return Ok(None);
    };
    let mut find = connection.prepare_cached("SELECT text FROM names WHERE id = ?")?;
    for id in Reader::new(&services).ids()? {
        summary
            .services
            .push(find.query_one([id], |row| row.get(0))?);
    }
    Ok(Some((summary, head_ns)))
}

fn joined(a: TraceSummary, a_ns: i64, b: TraceSummary, b_ns: i64) -> (TraceSummary, i64) {
    let b_leads = (b.has_root, std::cmp::Reverse(b_ns)) > (a.has_root, std::cmp::Reverse(a_ns));
    let (mut lead, lead_ns, other) = match b_leads {
        true => (b, b_ns, a),
        false => (a, a_ns, b),
    };
    let end = |trace: &TraceSummary| {
        trace
            .start_time_unix_nano
            .saturating_add(trace.duration_nano)
    };
    let last = end(&lead).max(end(&other));
    lead.start_time_unix_nano = lead.start_time_unix_nano.min(other.start_time_unix_nano);
    lead.duration_nano = last.saturating_sub(lead.start_time_unix_nano);
    lead.span_count += other.span_count;
    lead.error_count += other.error_count;
    lead.services.extend(other.services);
    (lead, lead_ns)
}

/// How many traces pass, over time. One that goes on in another partition is counted where it began.
pub(crate) fn trace_rate(view: &View, filter: &TraceFilter, bins: u32) -> Result<Rate, QueryError> {
    let mut starts = Vec::new();
    let condition = filter.condition();
    if condition.is_empty() {
        let max = filter
            .max_duration_nano
            .map_or(i64::MAX, |max| i64::try_from(max).unwrap_or(i64::MAX));
        let sql = format!(
            "SELECT start_ns, errors > 0 FROM traces WHERE {} AND end_ns - start_ns <= {max}",
            filter.of_rows()
        );
        for partition in &view.partitions {
            let mut find = partition.connection.prepare_cached(&sql)?;
            for row in find.query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?, 0))
            })? {
                starts.push(row?);
            }
        }
    } else {
        let (mut seen, scan) = (
            HashSet::new(),
            Scan::spans(view, &condition, filter.time, true)?,
        );
        for candidate in &scan.candidates {
            let Some((block, places)) = scan.read_spans(*candidate)? else {
                continue;
            };
            let connection = &scan.partition(*candidate)?.connection;
            let mut find = connection.prepare_cached(
                "SELECT start_ns, end_ns, errors > 0 FROM traces WHERE trace_id = ?",
            )?;
            for place in places {
                let trace_id = block.ids(place).0;
                if !seen.insert(trace_id) {
                    continue;
                }
                let (start, end, failed): (i64, i64, bool) = find
                    .query_one([&trace_id.0[..]], |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                    })?;
                let duration = end.saturating_sub(start).cast_unsigned();
                if filter.time.contains(start)
                    && (!filter.errors_only || failed)
                    && duration >= filter.min_duration_nano
                    && filter.max_duration_nano.is_none_or(|max| duration <= max)
                {
                    starts.push((start, failed, 0));
                }
            }
        }
    }
    Ok(Rate::of(filter.time, bins, false, &starts))
}
