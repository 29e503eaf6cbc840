//! Spans, and the merging of those that come twice.

use fanlight_otlp::view::SpanView;
use rusqlite::params;

use super::summaries::SpanFacts;
use super::{Ingest, IngestError};
use crate::intern::ResourceId;
use crate::wire::copy_fields;

pub(super) const INSERT: &str = "INSERT INTO spans
    (trace, span_id, parent_id, start_ns, end_ns, kind, status, name, resource, scope, message)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

const REPLACE: &str = "UPDATE spans SET parent_id = ?3, start_ns = ?4, end_ns = ?5, kind = ?6, status = ?7, name = ?8,
    resource = ?9, scope = ?10, message = ?11 WHERE trace = ?1 AND span_id = ?2";

/// `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

impl Ingest<'_> {
    /// Writes a span; false when it has no trace id or span id, and so can't be found again.
    ///
    /// A span that is there already is replaced, unless the one that is there ends later: exporters repeat themselves
    /// when an answer got lost, and some send a span when it starts and again when it ends.
    pub(super) fn span(
        &mut self,
        resource: ResourceId,
        scope: i64,
        bytes: &[u8],
    ) -> Result<bool, IngestError> {
        let view = SpanView::read(bytes)?;
        if view.trace_id.is_zero() || view.span_id.is_zero() {
            return Ok(false);
        }
        self.message.clear();
        copy_fields(bytes, &mut self.message, |number| {
            !matches!(number, 1 | 2 | 4..=8)
        })?;
        let name = self.interner.name(view.name)?;
        let trace = self
            .summaries
            .find(self.transaction, view.trace_id, &mut self.next.trace)?;
        let span_id = &view.span_id.0[..];
        let parent = Some(&view.parent_span_id.0[..]).filter(|_| !view.parent_span_id.is_zero());
        let start_ns = view.start_time_unix_nano.cast_signed();
        let end_ns = view.end_time_unix_nano.cast_signed();
        let values = params![
            trace.id,
            span_id,
            parent,
            start_ns,
            end_ns,
            view.kind,
            view.status.code,
            name,
            resource.id,
            scope,
            self.message
        ];
        let facts = SpanFacts {
            start_ns,
            end_ns: end_ns.max(start_ns),
            is_root: parent.is_none(),
            name,
            service: resource.service,
        };
        let mut added = (1, i64::from(view.status.code == ERROR));
        if self.insert_span.execute(values)? == 0 {
            let mut find = self.transaction.prepare_cached(
                "SELECT end_ns, status FROM spans WHERE trace = ? AND span_id = ?",
            )?;
            let (stored_end, stored_status): (i64, i32) = find
                .query_row(params![trace.id, span_id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if stored_end > end_ns {
                return Ok(true);
            }
            self.transaction.prepare_cached(REPLACE)?.execute(values)?;
            added = (0, added.1 - i64::from(stored_status == ERROR));
        }
        trace.add(&facts, added.0, added.1);
        Ok(true)
    }
}
