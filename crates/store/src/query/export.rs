//! Telemetry on its way out, as it came in.

use fanlight_otlp::Batch;
use tokio::sync::mpsc;

use super::{LogFilter, MetricFilter, QueryError, TimeRange, TraceFilter};

/// What is to be exported. Limits and cursors of the filters do not count: all that passes is exported.
#[derive(Clone, Debug)]
pub enum ExportFilter {
    /// Whole traces.
    Traces(TraceFilter),
    /// Log records.
    Logs(LogFilter),
    /// Metric points that were measured in a range of time.
    Metrics(MetricFilter, TimeRange),
}

/// Batches of OTLP, one after the other. Dropping it ends the export.
#[derive(Debug)]
pub struct Export(pub(crate) mpsc::Receiver<Result<Batch, QueryError>>);

impl Export {
    /// The next batch; `None` when everything was exported.
    ///
    /// # Errors
    /// When the database can't be read; nothing comes after that.
    pub async fn next(&mut self) -> Option<Result<Batch, QueryError>> {
        self.0.recv().await
    }
}
