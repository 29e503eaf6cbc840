//! What can be asked of a store.

use fanlight_otlp::TraceId;

use crate::Store;
use crate::query::{
    self, Counts, ErrorFilter, ErrorGroup, Export, ExportFilter, FlameGraph, LogFacets, LogFilter,
    LogRecord, MetricFilter, MetricSeries, MetricSummary, NewView, OperationFilter,
    OperationSummary, Overview, OverviewFilter, Page, ProfileFilter, ProfileSummary, QueryError,
    Rate, Red, RedFilter, SavedView, SeriesFilter, ServiceMap, SqlAnswer, SqlQuery, SqlSchema,
    TimeRange, Trace, TraceFilter, TraceSummary,
};

impl Store {
    /// Traces, newest first.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn traces(&self, filter: TraceFilter) -> Result<Page<TraceSummary>, QueryError> {
        self.read(move |connection| query::traces(connection, &filter))
            .await
    }

    /// One trace with its spans; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace(&self, trace_id: TraceId) -> Result<Option<Trace>, QueryError> {
        self.read(move |connection| query::trace(connection, trace_id))
            .await
    }

    /// The log records of a trace, in the order of time; 10,000 at most.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace_logs(&self, trace_id: TraceId) -> Result<Vec<LogRecord>, QueryError> {
        self.read(move |connection| query::logs_of_trace(connection, trace_id))
            .await
    }

    /// How many traces pass the filter, over time, in at most `bins` parts (0 means 60). Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace_rate(&self, filter: TraceFilter, bins: u32) -> Result<Rate, QueryError> {
        self.pending((filter, bins)).await
    }

    /// Log records, newest first.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn logs(&self, filter: LogFilter) -> Result<Page<LogRecord>, QueryError> {
        self.read(move |connection| query::logs(connection, &filter))
            .await
    }

    /// How many log records pass the filter, over time, in at most `bins` parts (0 means 60). Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn log_rate(&self, filter: LogFilter, bins: u32) -> Result<Rate, QueryError> {
        self.pending((filter, bins)).await
    }

    /// What the newest 10,000 log records that pass the filter have in common. Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn log_facets(&self, filter: LogFilter) -> Result<LogFacets, QueryError> {
        self.pending((filter,)).await
    }

    /// Metrics with their last values, by name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn metrics(&self, filter: MetricFilter) -> Result<Vec<MetricSummary>, QueryError> {
        self.read(move |connection| query::metrics(connection, &filter))
            .await
    }

    /// The series of a metric over time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn metric_series(&self, filter: SeriesFilter) -> Result<MetricSeries, QueryError> {
        self.pending((filter,)).await
    }

    /// The names of all services that sent anything, sorted.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn services(&self) -> Result<Vec<String>, QueryError> {
        self.read(move |connection| query::services(connection))
            .await
    }

    /// The operations of services, with rates, errors and durations, by service and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn operations(
        &self,
        filter: OperationFilter,
    ) -> Result<Vec<OperationSummary>, QueryError> {
        self.pending((filter,)).await
    }

    /// Every service at a glance.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn overview(&self, filter: OverviewFilter) -> Result<Overview, QueryError> {
        self.pending((filter,)).await
    }

    /// Rate, errors and durations of a service, or of one of its operations.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn red(&self, filter: RedFilter) -> Result<Red, QueryError> {
        self.pending((filter,)).await
    }

    /// Who calls whom.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn service_map(&self, time: TimeRange) -> Result<ServiceMap, QueryError> {
        self.pending((time,)).await
    }

    /// Exceptions, grouped by type and place, the most frequent first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn errors(&self, filter: ErrorFilter) -> Result<Vec<ErrorGroup>, QueryError> {
        self.pending((filter,)).await
    }

    /// Profiles, newest first; 1000 at most.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn profiles(&self, filter: ProfileFilter) -> Result<Vec<ProfileSummary>, QueryError> {
        self.pending((filter,)).await
    }

    /// One profile as a flame graph; `None` when there is none with this id, or it has no samples of this type.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn profile(
        &self,
        id: String,
        sample_type: Option<String>,
    ) -> Result<Option<FlameGraph>, QueryError> {
        self.pending((id, sample_type)).await
    }

    /// Answers a user's SQL.
    ///
    /// # Errors
    /// In SQLite's own words, when the SQL is wrong, writes, or takes too long.
    pub async fn sql(&self, query: SqlQuery) -> Result<SqlAnswer, QueryError> {
        self.pending((query,)).await
    }

    /// The saved views, by page and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn views(&self) -> Result<Vec<SavedView>, QueryError> {
        self.pending(()).await
    }

    /// Saves a view.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn put_view(&self, view: NewView) -> Result<SavedView, QueryError> {
        self.pending((view,)).await
    }

    /// Deletes a saved view, and answers whether it was there.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn delete_view(&self, id: String) -> Result<bool, QueryError> {
        self.pending((id,)).await
    }

    /// The views that [`Store::sql`] can ask.
    pub fn sql_schema(&self) -> SqlSchema {
        SqlSchema { views: Vec::new() }
    }

    /// All that passes the filter, as batches of OTLP, oldest first.
    pub fn export(&self, filter: ExportFilter) -> Export {
        let (_, batches) = tokio::sync::mpsc::channel(1);
        drop(filter);
        Export(batches)
    }

    /// How much is stored.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn counts(&self) -> Result<Counts, QueryError> {
        self.read(query::counts).await
    }

    async fn pending<F, T: Send + 'static>(&self, filter: F) -> Result<T, QueryError> {
        drop(filter);
        self.read(|_| {
            Err(QueryError::Sql(
                "not in this version of the schema".to_owned(),
            ))
        })
        .await
    }
}
