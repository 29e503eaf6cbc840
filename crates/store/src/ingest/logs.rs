//! Log records.

use fanlight_otlp::view::{LogView, Value};
use rusqlite::params;

use super::{Ingest, IngestError};
use crate::intern::ResourceId;
use crate::query::any_value_text;
use crate::wire::copy_fields;

const INSERT: &str =
    "INSERT INTO logs (id, sort_ns, severity, trace_id, span_id, resource, scope, body, message)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

impl Ingest<'_> {
    pub(super) fn log(
        &mut self,
        resource: ResourceId,
        scope: i64,
        bytes: &[u8],
    ) -> Result<(), IngestError> {
        let view = LogView::read(bytes)?;
        let is_text = matches!(view.body, Value::Str(_));
        self.message.clear();
        copy_fields(bytes, &mut self.message, |number| match number {
            2 | 9 | 10 => false,
            5 => !is_text,
            _ => true,
        })?;
        let body = any_value_text(view.body)?;
        let times = [view.time_unix_nano, view.observed_time_unix_nano];
        let sort_ns = times
            .into_iter()
            .find(|time| *time != 0)
            .map_or(self.now_ns, u64::cast_signed);
        let trace_id = Some(&view.trace_id.0[..]).filter(|_| !view.trace_id.is_zero());
        let span_id = Some(&view.span_id.0[..]).filter(|_| !view.span_id.is_zero());
        self.transaction.prepare_cached(INSERT)?.execute(params![
            self.next.log,
            sort_ns,
            view.severity_number,
            trace_id,
            span_id,
            resource.id,
            scope,
            body,
            self.message
        ])?;
        self.next.log += 1;
        Ok(())
    }
}
