//! Log records.

use fanlight_otlp::view::LogView;

use super::exceptions::Exception;
use super::{Ingest, IngestError};
use crate::block::{Content, LogItem};
use crate::intern::ResourceId;

impl<'b> Ingest<'_, 'b> {
    pub(super) fn log(
        &mut self,
        resource: ResourceId,
        scope: (i64, &str),
        bytes: &'b [u8],
    ) -> Result<(), IngestError> {
        let view = LogView::read(bytes)?;
        let (time_ns, observed_ns) = (
            view.time_unix_nano.cast_signed(),
            view.observed_time_unix_nano.cast_signed(),
        );
        let sort_ns = [time_ns, observed_ns]
            .into_iter()
            .find(|time| *time != 0)
            .unwrap_or(self.now_ns);
        if view.attributes.get("exception.type")?.is_some() {
            let place = match view.event_name.is_empty() {
                true => scope.1,
                false => view.event_name,
            };
            let exception = Exception {
                service: resource.service,
                time_ns: sort_ns,
                trace_id: view.trace_id,
                place,
            };
            exception.note(self.transaction, &view.attributes)?;
        }
        if super::llm::may_be_logged(scope.1, &view) {
            let source = self.sources.len().saturating_sub(1);
            self.logged.push((self.logs.len(), source, view));
        }
        self.logs.push(LogItem {
            sort_ns,
            time_ns,
            observed_ns,
            severity: view.severity_number,
            trace_id: view.trace_id,
            span_id: view.span_id,
            resource: resource.id,
            scope: scope.0,
            content: Content::Message(bytes),
        });
        self.added.logs += 1;
        Ok(())
    }
}
