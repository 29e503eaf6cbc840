//! Spans, and the merging of those that come twice.

use fanlight_otlp::view::{SpanView, Value};
use rusqlite::{Transaction, params};

use super::exceptions::Exception;
use super::recent::{Known, SpanFacts, TraceState};
use super::{Ingest, IngestError};
use crate::block::{Content, SpanBlock, SpanItem};
use crate::intern::ResourceId;
use crate::rollup::{Counted, MINUTE, Rollups};

/// `STATUS_CODE_ERROR`.
pub(crate) const ERROR: i32 = 2;

/// The attribute that says what a span is about, in a sentence.
const MESSAGE: &str = "logfire.msg";

/// A span that waits for the end of the transaction.
pub(super) struct Pending<'b> {
    pub(super) item: SpanItem<'b>,
    /// Its message.
    pub(super) bytes: &'b [u8],
    /// Another version of it came in the same transaction.
    pub(super) is_superseded: bool,
    /// What sent it: its place among the sources.
    pub(super) source: usize,
    /// Whether it may tell of a call of a language model, by a name.
    pub(super) is_known: bool,
}

impl<'b> Ingest<'_, 'b> {
    /// Takes a span; false when it has no trace id or span id, and so can't be found again.
    ///
    /// A span that is there already is replaced, unless the one that is there ends later: exporters repeat themselves
    /// when an answer got lost, and some send a span when it starts and again when it ends.
    pub(super) fn span(
        &mut self,
        resource: ResourceId,
        scope: i64,
        bytes: &'b [u8],
    ) -> Result<bool, IngestError> {
        let view = SpanView::read(bytes)?;
        if view.trace_id.is_zero() || view.span_id.is_zero() {
            return Ok(false);
        }
        let name = self.interner.name(view.name)?;
        let start_ns = view.start_time_unix_nano.cast_signed();
        let known = Known {
            id: view.span_id,
            parent: view.parent_span_id,
            start_ns,
            end_ns: view.end_time_unix_nano.cast_signed(),
            service: resource.service,
            is_error: view.status.code == ERROR,
            pending: Some((self.commit, self.spans.len())),
        };
        let state = self.recent.find(self.transaction, view.trace_id)?;
        let mut meeting = Meeting {
            transaction: self.transaction,
            rollups: self.rollups,
            spans: &mut self.spans,
            commit: self.commit,
        };
        let Some(added) = meeting.meet(state, &view, known, name)? else {
            return Ok(true);
        };
        let facts = SpanFacts {
            start_ns,
            end_ns: known.end_ns.max(start_ns),
            is_root: view.parent_span_id.is_zero(),
            name,
            service: resource.service,
        };
        if state.add(&facts, added.0, added.1) {
            let message = text(view.attributes.get(MESSAGE)?);
            state.set_message(message.map(str::to_owned));
        }
        self.added.spans += added.0;
        self.spans.push(Pending {
            item: SpanItem {
                trace_id: view.trace_id,
                span_id: view.span_id,
                parent: view.parent_span_id,
                start_ns,
                end_ns: known.end_ns,
                kind: view.kind,
                status: view.status.code,
                name,
                name_text: view.name,
                resource: resource.id,
                scope,
                content: Content::Message(bytes),
            },
            bytes,
            is_superseded: false,
            source: self.sources.len().saturating_sub(1),
            is_known: self.sources.last().is_some_and(|source| source.is_known)
                || fanlight_genai::spans::is_known_name(view.name),
        });
        Ok(true)
    }
}

/// What changes when a span meets those of its trace.
struct Meeting<'m, 't, 'b> {
    transaction: &'t Transaction<'t>,
    rollups: &'m mut Rollups,
    spans: &'m mut Vec<Pending<'b>>,
    commit: u64,
}

impl Meeting<'_, '_, '_> {
    /// Compares a span with what is known of its trace. Answers what it adds to the counts of spans and errors, or
    /// nothing when the version that is there stays.
    fn meet(
        &mut self,
        state: &mut TraceState,
        view: &SpanView<'_>,
        span: Known,
        name: i64,
    ) -> Result<Option<(i64, i64)>, IngestError> {
        let (mut added, mut was_finished) = ((1, i64::from(span.is_error)), false);
        if let Some(other) = state.known(span.id) {
            if other.end_ns > span.end_ns {
                return Ok(None);
            }
            added = (0, added.1 - i64::from(other.is_error));
            was_finished = other.is_finished();
            let old = std::mem::replace(other, span);
            match old.pending {
                Some((commit, place)) if commit == self.commit => {
                    if let Some(pending) = self.spans.get_mut(place) {
                        pending.is_superseded = true;
                    }
                }
                _ => supersede(self.transaction, &state.blocks, view)?,
            }
        } else {
            let (rollups, transaction) = (&mut *self.rollups, self.transaction);
            // Children that came before their parent.
            state.remember(span, &mut |parent, child| {
                let is_call = parent.service != child.service && child.service != 0;
                match is_call && child.is_finished() {
                    true => rollups.call(transaction, parent.service, &counted(child, 0)),
                    false => Ok(()),
                }
            })?;
        }
        if span.is_finished() && !was_finished {
            self.count(state, view, &span, name)?;
        }
        Ok(Some(added))
    }

    /// Counts a span that has ended.
    fn count(
        &mut self,
        state: &mut TraceState,
        view: &SpanView<'_>,
        span: &Known,
        name: i64,
    ) -> Result<(), IngestError> {
        let counted = counted(span, name);
        self.rollups.span(self.transaction, &counted)?;
        let caller = state.service_of(span.parent).unwrap_or(0);
        if caller != 0 && caller != span.service {
            self.rollups.call(self.transaction, caller, &counted)?;
        }
        for event in view.events() {
            let event = event?;
            if event.name == "exception" {
                let exception = Exception {
                    service: span.service,
                    time_ns: event.time_unix_nano.cast_signed(),
                    trace_id: view.trace_id,
                    place: view.name,
                };
                exception.note(self.transaction, &event.attributes)?;
            }
        }
        Ok(())
    }
}

/// Marks the versions of a span that are in blocks.
fn supersede(
    transaction: &Transaction<'_>,
    blocks: &[i64],
    view: &SpanView<'_>,
) -> Result<(), IngestError> {
    for id in blocks {
        let mut find = transaction.prepare_cached("SELECT data FROM span_data WHERE id = ?")?;
        let data: Vec<u8> = find.query_one([id], |row| row.get(0))?;
        let block = SpanBlock::read(&data)?;
        for place in block.places_of(view.trace_id) {
            if block.ids(place).1 == view.span_id {
                let mut mark =
                    transaction.prepare_cached("INSERT OR IGNORE INTO superseded VALUES (?, ?)")?;
                mark.execute(params![id, place as i64])?;
            }
        }
    }
    Ok(())
}

fn counted(span: &Known, name: i64) -> Counted {
    Counted {
        minute: span.start_ns.div_euclid(MINUTE),
        service: span.service,
        name,
        duration_ns: span.end_ns.saturating_sub(span.start_ns),
        is_error: span.is_error,
    }
}

/// The text of an attribute that is one.
pub(super) fn text<'v>(value: Option<Value<'v>>) -> Option<&'v str> {
    value.and_then(|value| value.as_str())
}
