//! The traces whose spans are arriving: the row of each, written once per commit, and the spans that are known of it.
//!
//! A span that comes again is found out here, or in the blocks of its trace in the open partition. One that comes again
//! after its partition was closed and its trace forgotten is stored again: a trace shows the version that ends later, but
//! its counts have both.

use fanlight_otlp::{SpanId, TraceId};
use foldhash::HashMap;
use rusqlite::{OptionalExtension, Transaction, params};

use super::IngestError;
use crate::block::{Reader, SpanBlock, put_varint};

/// How many traces, and spans of them, are remembered at least. Twice as many are at most.
const TRACES: usize = 20_000;
const SPANS: usize = 200_000;

/// A trace with more spans than this gets an index of them.
const FEW: usize = 32;

/// The traces that were touched lately: those that were since the last turn, and those that were before it.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    current: HashMap<TraceId, TraceState>,
    previous: HashMap<TraceId, TraceState>,
    spans: usize,
    /// Those that have to be written.
    changed: Vec<TraceId>,
}

/// A trace's row in the open partition, and its spans.
#[derive(Debug)]
pub(crate) struct TraceState {
    /// 0 while it has no row.
    pub(crate) id: i64,
    start_ns: i64,
    end_ns: i64,
    spans: i64,
    errors: i64,
    head: Head,
    services: Vec<i64>,
    pub(crate) blocks: Vec<i64>,
    is_changed: bool,
    known: Vec<Known>,
    /// Where each span is among the known, once there are many.
    index: HashMap<SpanId, usize>,
    /// Spans whose parent is not known yet, by the parent.
    orphans: HashMap<SpanId, Vec<usize>>,
}

/// The span that a trace is called after.
#[derive(Clone, Debug)]
struct Head {
    is_root: bool,
    start_ns: i64,
    name: i64,
    service: i64,
    message: Option<String>,
}

/// What is remembered of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) id: SpanId,
    pub(crate) parent: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    /// 0 when it is not known, because the span came in another partition.
    pub(crate) service: i64,
    pub(crate) is_error: bool,
    /// Where it waits to be written, and in which commit.
    pub(crate) pending: Option<(u64, usize)>,
}

impl Known {
    /// Whether it has ended; some exporters send spans when they start, and again when they end.
    pub(crate) const fn is_finished(&self) -> bool {
        self.end_ns != 0 && self.end_ns >= self.start_ns
    }
}

/// What a trace takes from a span besides [`Known`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanFacts {
    pub(crate) start_ns: i64,
    /// No earlier than the start.
    pub(crate) end_ns: i64,
    pub(crate) is_root: bool,
    pub(crate) name: i64,
    pub(crate) service: i64,
}

impl Recent {
    /// The trace, which is about to change.
    pub(crate) fn find(
        &mut self,
        transaction: &Transaction<'_>,
        trace_id: TraceId,
    ) -> Result<&mut TraceState, IngestError> {
        let state = match self.current.entry(trace_id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let state = match self.previous.remove(&trace_id) {
                    Some(state) => state,
                    None => TraceState::load(transaction, trace_id)?,
                };
                self.spans += state.known.len();
                entry.insert(state)
            }
        };
        if !state.is_changed {
            state.is_changed = true;
            self.changed.push(trace_id);
        }
        self.spans += 1;
        Ok(state)
    }

    /// Notes the block that has spans of a trace.
    pub(crate) fn add_block(&mut self, trace_id: TraceId, block: i64) {
        if let Some(state) = self.current.get_mut(&trace_id) {
            state.blocks.push(block);
        }
    }

    /// The trace has other blocks now.
    pub(crate) fn replace_blocks(&mut self, trace_id: TraceId, blocks: &[i64]) {
        for map in [&mut self.current, &mut self.previous] {
            if let Some(state) = map.get_mut(&trace_id) {
                state.blocks = blocks.to_vec();
            }
        }
    }

    /// Writes what has changed, and answers which traces those are and how long the longest takes.
    pub(crate) fn write(
        &mut self,
        transaction: &Transaction<'_>,
        next_id: &mut i64,
    ) -> rusqlite::Result<(Vec<TraceId>, i64)> {
        let mut longest = 0;
        for trace_id in &self.changed {
            if let Some(state) = self.current.get_mut(trace_id) {
                state.write(transaction, *trace_id, next_id)?;
                longest = longest.max(state.end_ns.saturating_sub(state.start_ns));
            }
        }
        let changed = std::mem::take(&mut self.changed);
        if self.current.len() > TRACES || self.spans > SPANS {
            self.previous = std::mem::take(&mut self.current);
            self.spans = 0;
        }
        Ok((changed, longest))
    }

    /// Keeps what is known of spans, so that those that come again are still found out; rows and ids are another
    /// partition's now.
    pub(crate) fn begin_partition(&mut self) {
        for state in self.current.values_mut().chain(self.previous.values_mut()) {
            let known = std::mem::take(&mut state.known);
            let index = std::mem::take(&mut state.index);
            *state = TraceState {
                known,
                index,
                ..TraceState::new()
            };
            for known in &mut state.known {
                (known.service, known.pending) = (0, None);
            }
        }
    }
}

impl TraceState {
    fn new() -> TraceState {
        TraceState {
            id: 0,
            start_ns: i64::MAX,
            end_ns: i64::MIN,
            spans: 0,
            errors: 0,
            head: Head {
                is_root: false,
                start_ns: i64::MAX,
                name: 0,
                service: 0,
                message: None,
            },
            services: Vec::new(),
            blocks: Vec::new(),
            is_changed: false,
            known: Vec::new(),
            index: HashMap::default(),
            orphans: HashMap::default(),
        }
    }

    fn load(transaction: &Transaction<'_>, trace_id: TraceId) -> Result<TraceState, IngestError> {
        let mut find = transaction.prepare_cached(
            "SELECT id, start_ns, end_ns, spans, errors, has_root, head_start_ns, head_name, head_service, head_message,
                 services, blocks
             FROM traces WHERE trace_id = ?",
        )?;
        let found = find.query_row([&trace_id.0[..]], |row| {
            let state = TraceState {
                id: row.get(0)?,
                start_ns: row.get(1)?,
                end_ns: row.get(2)?,
                spans: row.get(3)?,
                errors: row.get(4)?,
                head: Head {
                    is_root: row.get(5)?,
                    start_ns: row.get(6)?,
                    name: row.get(7)?,
                    service: row.get(8)?,
                    message: row.get(9)?,
                },
                ..TraceState::new()
            };
            Ok((
                state,
                row.get::<_, Vec<u8>>(10)?,
                row.get::<_, Vec<u8>>(11)?,
            ))
        });
        let Some((mut state, services, blocks)) = found.optional()? else {
            return Ok(TraceState::new());
        };
        state.services = Reader::new(&services).ids()?;
        state.blocks = Reader::new(&blocks).ids()?;
        for block in state.blocks.clone() {
            state.load_spans(transaction, trace_id, block)?;
        }
        Ok(state)
    }

    /// Learns about the spans that are in a block.
    fn load_spans(
        &mut self,
        transaction: &Transaction<'_>,
        trace_id: TraceId,
        block: i64,
    ) -> Result<(), IngestError> {
        let mut find = transaction.prepare_cached("SELECT data FROM span_data WHERE id = ?")?;
        let data: Vec<u8> = find.query_one([block], |row| row.get(0))?;
        let mut service =
            transaction.prepare_cached("SELECT service FROM resources WHERE id = ?")?;
        let block = SpanBlock::read(&data)?;
        let at = |column: &[i64], place: usize| column.get(place).copied().unwrap_or_default();
        for place in block.places_of(trace_id) {
            let (_, id, parent) = block.ids(place);
            let known = Known {
                id,
                parent,
                start_ns: at(&block.starts, place),
                end_ns: at(&block.ends, place),
                service: service.query_one([at(&block.resources, place)], |row| row.get(0))?,
                is_error: at(&block.statuses, place) == i64::from(super::spans::ERROR),
                pending: None,
            };
            match self.known(id) {
                Some(other) if other.end_ns > known.end_ns => {}
                Some(other) => *other = known,
                None => self.remember(known, &mut |_, _| Ok::<_, IngestError>(()))?,
            }
        }
        Ok(())
    }

    /// A span that came already.
    pub(crate) fn known(&mut self, id: SpanId) -> Option<&mut Known> {
        match self.index.is_empty() {
            true => self.known.iter_mut().find(|known| known.id == id),
            false => self.known.get_mut(*self.index.get(&id)?),
        }
    }

    /// The service of a span that came already.
    pub(crate) fn service_of(&mut self, id: SpanId) -> Option<i64> {
        self.known(id).map(|known| known.service)
    }

    /// Takes a span in that is not known yet, and calls back with those that waited for it as their parent.
    pub(crate) fn remember<E>(
        &mut self,
        span: Known,
        child: &mut dyn FnMut(&Known, &Known) -> Result<(), E>,
    ) -> Result<(), E> {
        let place = self.known.len();
        if let Some(children) = self.orphans.remove(&span.id) {
            for known in children.iter().filter_map(|place| self.known.get(*place)) {
                child(&span, known)?;
            }
        }
        if !span.parent.is_zero() && self.known(span.parent).is_none() {
            self.orphans.entry(span.parent).or_default().push(place);
        }
        self.known.push(span);
        if place == FEW {
            let ids = self.known.iter().map(|known| known.id);
            self.index = ids.zip(0..).collect();
        } else if place > FEW {
            self.index.insert(span.id, place);
        }
        Ok(())
    }

    /// Takes a span into the row. `spans` and `errors` are what it adds to the counts. True when it is the head now.
    pub(crate) fn add(&mut self, span: &SpanFacts, spans: i64, errors: i64) -> bool {
        self.start_ns = self.start_ns.min(span.start_ns);
        self.end_ns = self.end_ns.max(span.end_ns);
        self.spans += spans;
        self.errors += errors;
        if !self.services.contains(&span.service) {
            self.services.push(span.service);
        }
        let head = &self.head;
        // The earliest of the roots, or the earliest of all while there is no root.
        let is_head = match (span.is_root, head.is_root) {
            (true, false) => true,
            (false, true) => false,
            _ => span.start_ns <= head.start_ns,
        };
        if is_head {
            self.head = Head {
                is_root: span.is_root,
                start_ns: span.start_ns,
                name: span.name,
                service: span.service,
                message: None,
            };
        }
        is_head
    }

    /// The head's message.
    pub(crate) fn set_message(&mut self, message: Option<String>) {
        self.head.message = message;
    }

    fn write(
        &mut self,
        transaction: &Transaction<'_>,
        trace_id: TraceId,
        next_id: &mut i64,
    ) -> rusqlite::Result<()> {
        let (services, blocks) = (ids(&self.services), ids(&self.blocks));
        let is_new = self.id == 0;
        if is_new {
            self.id = *next_id;
            *next_id += 1;
        }
        let head = &self.head;
        let values = params![
            self.id,
            self.start_ns,
            self.end_ns,
            self.spans,
            self.errors,
            head.is_root,
            head.start_ns,
            head.name,
            head.service,
            head.message,
            services,
            blocks
        ];
        if is_new {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO traces (id, start_ns, end_ns, spans, errors, has_root, head_start_ns, head_name,
                 head_service, head_message, services, blocks, trace_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            let id = params![&trace_id.0[..]];
            let all: Vec<&dyn rusqlite::ToSql> = values.iter().chain(id).copied().collect();
            insert.execute(all.as_slice())?;
        } else {
            let mut update = transaction.prepare_cached(
                "UPDATE traces SET start_ns = ?2, end_ns = ?3, spans = ?4, errors = ?5, has_root = ?6,
                 head_start_ns = ?7, head_name = ?8, head_service = ?9, head_message = ?10, services = ?11,
                 blocks = ?12 WHERE id = ?1",
            )?;
            update.execute(values)?;
        }
        self.is_changed = false;
        Ok(())
    }
}

/// A list of ids as a column has it.
pub(crate) fn ids(list: &[i64]) -> Vec<u8> {
    let mut out = Vec::new();
    for id in list {
        put_varint(&mut out, id.cast_unsigned());
    }
    out
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
        let mut state = TraceState::new();
        state.add(&span(20, false, 2), 1, 0);
        state.add(&span(10, false, 1), 1, 1);
        assert_eq!((state.head.name, state.head.is_root), (1, false));
        assert!(state.add(&span(15, true, 3), 1, 0));
        assert!(!state.add(&span(5, false, 4), 1, 0));
        assert_eq!((state.head.name, state.head.is_root), (3, true));
        assert_eq!(
            (state.start_ns, state.end_ns, state.spans, state.errors),
            (5, 30, 4, 1)
        );
    }

    #[test]
    fn the_earliest_of_several_roots_is_the_head_whatever_the_order() {
        for order in [[10, 20], [20, 10]] {
            let mut state = TraceState::new();
            order.iter().for_each(|start| {
                state.add(&span(*start, true, *start), 1, 0);
            });
            assert_eq!(state.head.name, 10);
        }
    }

    #[test]
    fn children_meet_their_parent_whoever_comes_first() {
        let known = |id: u8, parent: u8| Known {
            id: SpanId([id; 8]),
            parent: SpanId([parent; 8]),
            start_ns: 1,
            end_ns: 2,
            service: i64::from(id),
            is_error: false,
            pending: None,
        };
        let mut state = TraceState::new();
        let mut met = Vec::new();
        let ids = (1..=100).rev().map(|id| known(id, id / 2));
        for span in ids {
            let mut child = |parent: &Known, child: &Known| {
                met.push((parent.service, child.service));
                Ok::<_, ()>(())
            };
            state.remember(span, &mut child).unwrap();
        }
        assert_eq!(met.len(), 99);
        assert!(met.iter().all(|(parent, child)| child / 2 == *parent));
        assert_eq!(state.service_of(SpanId([77; 8])), Some(77));
    }
}
