//! What can be asked of a store.

use fanlight_otlp::{SpanId, TraceId};
use tokio::sync::mpsc;

use crate::Store;
use crate::query::{
    self, AgentGraph, CostFilter, Counts, ErrorFilter, ErrorGroup, Export, ExportFilter,
    FlameGraph, GraphFilter, LlmAgent, LlmCallRow, LlmConversation, LlmCost, LlmDetail, LlmFacets,
    LlmFilter, LlmPage, LlmSession, LogFacets, LogFilter, LogRecord, MetricFilter, MetricSeries,
    MetricSummary, NewView, OperationFilter, OperationSummary, Overview, OverviewFilter, Page,
    ProfileFilter, ProfileSummary, QueryError, Rate, Red, RedFilter, SavedView, SeriesFilter,
    ServiceMap, SessionFilter, SqlAnswer, SqlQuery, SqlSchema, TimeRange, Trace, TraceFilter,
    TraceSummary,
};

/// How many batches of an export wait for whoever takes them.
const BATCHES_AHEAD: usize = 4;

impl Store {
    /// Traces, newest first.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn traces(&self, filter: TraceFilter) -> Result<Page<TraceSummary>, QueryError> {
        self.read(move |view| query::traces(view, &filter)).await
    }

    /// One trace with its spans; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace(&self, trace_id: TraceId) -> Result<Option<Trace>, QueryError> {
        self.read(move |view| query::trace(view, trace_id)).await
    }

    /// The log records of a trace, in the order of time; 10,000 at most.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace_logs(&self, trace_id: TraceId) -> Result<Vec<LogRecord>, QueryError> {
        self.read(move |view| query::logs_of_trace(view, trace_id))
            .await
    }

    /// How many traces pass the filter, over time, in at most `bins` parts (0 means 60). Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn trace_rate(&self, filter: TraceFilter, bins: u32) -> Result<Rate, QueryError> {
        self.read(move |view| query::trace_rate(view, &filter, bins))
            .await
    }

    /// Log records, newest first.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn logs(&self, filter: LogFilter) -> Result<Page<LogRecord>, QueryError> {
        self.read(move |view| query::logs(view, &filter)).await
    }

    /// How many log records pass the filter, over time, in at most `bins` parts (0 means 60). Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn log_rate(&self, filter: LogFilter, bins: u32) -> Result<Rate, QueryError> {
        self.read(move |view| query::log_rate(view, &filter, bins))
            .await
    }

    /// What the newest 10,000 log records that pass the filter have in common. Limit and cursor do not count.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn log_facets(&self, filter: LogFilter) -> Result<LogFacets, QueryError> {
        self.read(move |view| query::log_facets(view, &filter))
            .await
    }

    /// Metrics with their last values, by name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn metrics(&self, filter: MetricFilter) -> Result<Vec<MetricSummary>, QueryError> {
        self.read(move |view| query::metrics(view, &filter)).await
    }

    /// The series of a metric over time.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn metric_series(&self, filter: SeriesFilter) -> Result<MetricSeries, QueryError> {
        self.read(move |view| query::metric_series(view, &filter))
            .await
    }

    /// The names of all services that sent anything, sorted.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn services(&self) -> Result<Vec<String>, QueryError> {
        self.read(query::services).await
    }

    /// The operations of services, with rates, errors and durations, by service and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn operations(
        &self,
        filter: OperationFilter,
    ) -> Result<Vec<OperationSummary>, QueryError> {
        self.read(move |view| query::operations(view, &filter))
            .await
    }

    /// Every service at a glance.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn overview(&self, filter: OverviewFilter) -> Result<Overview, QueryError> {
        self.read(move |view| query::overview(view, &filter)).await
    }

    /// Rate, errors and durations of a service, or of one of its operations.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn red(&self, filter: RedFilter) -> Result<Red, QueryError> {
        self.read(move |view| query::red(view, &filter)).await
    }

    /// Who calls whom.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn service_map(&self, time: TimeRange) -> Result<ServiceMap, QueryError> {
        self.read(move |view| query::service_map(view, time)).await
    }

    /// Exceptions, grouped by type and place, the most frequent first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn errors(&self, filter: ErrorFilter) -> Result<Vec<ErrorGroup>, QueryError> {
        self.read(move |view| query::errors(view, &filter)).await
    }

    /// Profiles, newest first; 1000 at most.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn profiles(&self, filter: ProfileFilter) -> Result<Vec<ProfileSummary>, QueryError> {
        self.read(move |view| query::profiles(view, &filter)).await
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
        self.read(move |view| query::profile(view, &id, sample_type.as_deref()))
            .await
    }

    /// Calls of language models.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn llm_calls(&self, wanted: LlmPage) -> Result<Page<LlmCallRow>, QueryError> {
        self.read(move |view| query::llm_calls(view, &wanted)).await
    }

    /// What the newest 100,000 calls that pass the filter have in common.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_facets(&self, filter: LlmFilter) -> Result<LlmFacets, QueryError> {
        self.read(move |view| query::llm_facets(view, &filter))
            .await
    }

    /// One call, whole; `None` when there is none with these ids.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_call(
        &self,
        trace_id: TraceId,
        span_id: SpanId,
    ) -> Result<Option<LlmDetail>, QueryError> {
        self.read(move |view| query::llm_call(view, trace_id, span_id))
            .await
    }

    /// What calls cost.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_cost(&self, filter: CostFilter) -> Result<LlmCost, QueryError> {
        self.read(move |view| query::llm_cost(view, &filter)).await
    }

    /// Sessions, those with the newest calls first.
    ///
    /// # Errors
    /// When the cursor is none, or the database can't be read.
    pub async fn llm_sessions(
        &self,
        filter: SessionFilter,
    ) -> Result<Page<LlmSession>, QueryError> {
        self.read(move |view| query::llm_sessions(view, &filter))
            .await
    }

    /// A session, turn by turn; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_session(&self, id: String) -> Result<Option<LlmConversation>, QueryError> {
        self.read(move |view| query::llm_session(view, &id)).await
    }

    /// Agents, those with the most runs first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_agents(
        &self,
        time: TimeRange,
        service: Option<String>,
    ) -> Result<Vec<LlmAgent>, QueryError> {
        self.read(move |view| query::llm_agents(view, time, service.as_deref()))
            .await
    }

    /// The steps of a trace, or of an agent's newest runs, as a graph.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn llm_graph(&self, filter: GraphFilter) -> Result<AgentGraph, QueryError> {
        self.read(move |view| query::llm_graph(view, &filter)).await
    }

    /// Answers a user's SQL.
    ///
    /// # Errors
    /// In SQLite's own words, when the SQL is wrong, writes, or takes too long.
    pub async fn sql(&self, query: SqlQuery) -> Result<SqlAnswer, QueryError> {
        self.read_with(move |view| query::sql(view, &query)).await
    }

    /// The saved views, by page and name.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn views(&self) -> Result<Vec<SavedView>, QueryError> {
        self.catalogue(|catalogue| query::views(catalogue)).await
    }

    /// Saves a view.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn put_view(&self, view: NewView) -> Result<SavedView, QueryError> {
        self.catalogue(move |catalogue| query::put_view(catalogue, &view))
            .await
    }

    /// Deletes a saved view, and answers whether it was there.
    ///
    /// # Errors
    /// When the database can't be written.
    pub async fn delete_view(&self, id: String) -> Result<bool, QueryError> {
        self.catalogue(move |catalogue| query::delete_view(catalogue, &id))
            .await
    }

    /// The views that [`Store::sql`] can ask.
    pub fn sql_schema(&self) -> SqlSchema {
        query::sql_schema()
    }

    /// All that passes the filter, as batches of OTLP, roughly newest first. It must be called within a tokio runtime.
    pub fn export(&self, filter: ExportFilter) -> Export {
        let (batches, export) = mpsc::channel(BATCHES_AHEAD);
        let store = self.clone();
        tokio::spawn(async move {
            let out = batches.clone();
            let done = store.read(move |view| query::export(view, &filter, &out));
            if let Err(error) = done.await {
                // Whoever wanted it may have gone.
                let _ = batches.send(Err(error)).await;
            }
        });
        Export(export)
    }

    /// How much is stored.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn counts(&self) -> Result<Counts, QueryError> {
        self.read(query::counts).await
    }
}
