//! The row of each trace, kept in memory while its spans arrive and written once per commit.

use std::collections::HashMap;

use fanlight_otlp::TraceId;
use rusqlite::{OptionalExtension, Transaction, params};

/// How many traces are remembered before the memory starts over.
const REMEMBERED: usize = 32_768;

/// The traces that were touched lately.
#[derive(Debug, Default)]
pub(crate) struct Summaries {
    traces: HashMap<TraceId, Summary>,
    /// Those that have to be written.
    changed: Vec<TraceId>,
}

/// A trace's row.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) id: i64,
    start_ns: i64,
    end_ns: i64,
    spans: i64,
    errors: i64,
    head: Head,
    /// The services that are in the database, and behind them those that are not yet.
    services: Vec<i64>,
    services_stored: usize,
    is_stored: bool,
    is_changed: bool,
}

/// The span that a trace is called after.
#[derive(Clone, Copy, Debug)]
struct Head {
    is_root: bool,
    start_ns: i64,
    name: i64,
    service: i64,
}

/// What a summary takes from a span. The end is no earlier than the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanFacts {
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) is_root: bool,
    pub(crate) name: i64,
    pub(crate) service: i64,
}

impl Summaries {
    /// The trace's row, which is about to change; a new trace takes the next id.
    pub(crate) fn find(
        &mut self,
        transaction: &Transaction<'_>,
        trace_id: TraceId,
        next_id: &mut i64,
    ) -> rusqlite::Result<&mut Summary> {
        let summary = match self.traces.entry(trace_id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let stored = Summary::load(transaction, trace_id)?;
                let summary = stored.unwrap_or_else(|| {
                    *next_id += 1;
                    Summary::new(*next_id - 1)
                });
                entry.insert(summary)
            }
        };
        if !summary.is_changed {
            summary.is_changed = true;
            self.changed.push(trace_id);
        }
        Ok(summary)
    }

    /// Writes what has changed, and answers the row ids.
    pub(crate) fn write(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<Vec<i64>> {
        let mut written = Vec::with_capacity(self.changed.len());
        for trace_id in self.changed.drain(..) {
            if let Some(summary) = self.traces.get_mut(&trace_id) {
                summary.write(transaction, trace_id)?;
                written.push(summary.id);
            }
        }
        if self.traces.len() > REMEMBERED {
            self.traces.clear();
        }
        Ok(written)
    }
}

impl Summary {
    fn new(id: i64) -> Summary {
        let head = Head {
            is_root: false,
            start_ns: i64::MAX,
            name: 0,
            service: 0,
        };
        Summary {
            id,
            start_ns: i64::MAX,
            end_ns: i64::MIN,
            spans: 0,
            errors: 0,
            head,
            services: Vec::new(),
            services_stored: 0,
            is_stored: false,
            is_changed: false,
        }
    }

    fn load(transaction: &Transaction<'_>, trace_id: TraceId) -> rusqlite::Result<Option<Summary>> {
        let mut find = transaction.prepare_cached(
            "SELECT id, start_ns, end_ns, spans, errors, has_root, head_start_ns, head_name, head_service
             FROM traces WHERE trace_id = ?",
        )?;
        let found = find.query_row([&trace_id.0[..]], |row| {
            let head = Head {
                is_root: row.get(5)?,
                start_ns: row.get(6)?,
                name: row.get(7)?,
                service: row.get(8)?,
            };
            Ok(Summary {
                start_ns: row.get(1)?,
                end_ns: row.get(2)?,
                spans: row.get(3)?,
                errors: row.get(4)?,
                head,
                is_stored: true,
                ..Summary::new(row.get(0)?)
            })
        });
        let Some(mut summary) = found.optional()? else {
            return Ok(None);
        };
        let mut services =
            transaction.prepare_cached("SELECT service FROM trace_services WHERE trace = ?")?;
        summary.services = services
            .query_map([summary.id], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        summary.services_stored = summary.services.len();
        Ok(Some(summary))
    }

    /// Takes a span in. `spans` and `errors` are what it adds to the counts.
    pub(crate) fn add(&mut self, span: &SpanFacts, spans: i64, errors: i64) {
        self.start_ns = self.start_ns.min(span.start_ns);
        self.end_ns = self.end_ns.max(span.end_ns);
        self.spans += spans;
        self.errors += errors;
        let head = self.head;
        if (span.is_root, head.start_ns) >= (head.is_root, span.start_ns) {
            self.head = Head {
                is_root: span.is_root,
                start_ns: span.start_ns,
                name: span.name,
                service: span.service,
            };
        }
        if !self.services.contains(&span.service) {
            self.services.push(span.service);
        }
    }

    fn write(&mut self, transaction: &Transaction<'_>, trace_id: TraceId) -> rusqlite::Result<()> {
        let Head {
            is_root,
            start_ns,
            name,
            service,
        } = self.head;
        if self.is_stored {
            let mut update = transaction.prepare_cached(
                "UPDATE traces SET start_ns = ?, end_ns = ?, spans = ?, errors = ?, has_root = ?, head_start_ns = ?,
                 head_name = ?, head_service = ? WHERE id = ?",
            )?;
            update.execute(params![
                self.start_ns,
                self.end_ns,
                self.spans,
                self.errors,
                is_root,
                start_ns,
                name,
                service,
                self.id
            ])?;
        } else {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO traces (id, trace_id, start_ns, end_ns, spans, errors, has_root, head_start_ns, head_name,
                 head_service) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            insert.execute(params![
                self.id,
                &trace_id.0[..],
                self.start_ns,
                self.end_ns,
                self.spans,
                self.errors,
                is_root,
                start_ns,
                name,
                service
            ])?;
        }
        for service in self.services.iter().skip(self.services_stored) {
            let mut insert = transaction
                .prepare_cached("INSERT INTO trace_services (trace, service) VALUES (?, ?)")?;
            insert.execute(params![self.id, service])?;
        }
        self.services_stored = self.services.len();
        self.is_stored = true;
        self.is_changed = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ns: i64, is_root: bool, name: i64) -> SpanFacts {
        SpanFacts {
            start_ns,
            end_ns: start_ns + 10,
            is_root,
            name,
            service: name,
        }
    }

    #[test]
    fn a_root_that_arrives_last_becomes_the_head() {
        let mut summary = Summary::new(1);
        summary.add(&span(20, false, 2), 1, 0);
        summary.add(&span(10, false, 1), 1, 1);
        assert_eq!((summary.head.name, summary.head.is_root), (1, false));
        summary.add(&span(15, true, 3), 1, 0);
        summary.add(&span(5, false, 4), 1, 0);
        assert_eq!((summary.head.name, summary.head.is_root), (3, true));
        assert_eq!(
            (
                summary.start_ns,
                summary.end_ns,
                summary.spans,
                summary.errors
            ),
            (5, 30, 4, 1)
        );
    }

    #[test]
    fn the_earliest_of_several_roots_is_the_head_whatever_the_order() {
        for order in [[10, 20], [20, 10]] {
            let mut summary = Summary::new(1);
            order
                .iter()
                .for_each(|start| summary.add(&span(*start, true, *start), 1, 0));
            assert_eq!(summary.head.name, 10);
        }
    }
}
