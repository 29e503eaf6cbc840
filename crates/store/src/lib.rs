//! The embedded telemetry store: partitions by time, each a SQLite file; one writer with group commit, readers that never
//! block it.
//!
//! ```text
//! StoreExporter --> writer thread --commit--> fanlight.db.000007 --> readers --> queries
//!                        |    \--touched--> Live (what is new, for pages that are open)
//!                        \--> closes a partition, begins another, deletes the oldest
//! ```
//! A batch counts as stored once the commit that holds it is done; a process that is killed loses nothing that was
//! reported as stored. A power cut may lose the last commits (`synchronous = NORMAL`), never the file.
//!
//! Spans and log records are kept in compressed blocks (`block`), with filters that tell which blocks are worth reading;
//! spans are counted by the minute as they come (`rollup`), so that overviews need not look at them. Everything of a
//! partition is in its file, so that deleting old telemetry is deleting files, and damage costs one of them.
//!
//! Calls of language models are told from other spans by the keys in a block's dictionary, which costs next to nothing, and
//! kept beside them as rows (`llm`): read into one form, priced, indexed by what they have in common. Sums over many are read
//! from columns (`parts`), which are made of the rows when there is time, and dropped when a row changes.

mod ask;
mod block;
mod config;
mod derive;
mod exporter;
mod histogram;
mod ingest;
mod intern;
mod live;
mod llm;
mod migrate;
mod open;
mod options;
mod partition;
mod parts;
mod query;
mod readers;
mod rollup;
mod store;
mod wire;
mod writer;

pub use config::{KIND, StoreConfig};
pub use exporter::StoreExporter;
pub use live::{Live, LiveUpdate};
pub use open::OpenError;
pub use options::{Clock, StoreOptions};
pub use query::{
    AgentGraph, Aggregation, AttributeFacet, AttributeFilter, CallCost, CostBy, CostFilter,
    CostGroup, CostTotals, Counts, ErrorFilter, ErrorGroup, Exchange, ExchangeHeader,
    ExchangeRequest, ExchangeResponse, Exemplar, Export, ExportFilter, FacetValue, FlameGraph,
    FlameNode, GraphEdge, GraphFailure, GraphFilter, GraphLoop, GraphNode, Heatmap, Json, LlmAgent,
    LlmCallRow, LlmConversation, LlmCost, LlmDetail, LlmFacets, LlmFilter, LlmKinds, LlmPage,
    LlmSession, LlmSort, LlmTurn, LogFacets, LogFilter, LogRecord, Measured, MetricFilter,
    MetricPoint, MetricSeries, MetricStream, MetricStreams, MetricSummary, NewView,
    OperationFilter, OperationSummary, Overview, OverviewFilter, Page, ProfileFilter,
    ProfileSummary, QueryError, Rate, RateBin, Red, RedFilter, Resource, SavedView, Scope, Series,
    SeriesFilter, ServiceEdge, ServiceMap, ServiceNode, ServiceRed, SessionFilter, SessionKind,
    Span, SpanEvent, SpanLink, SpanStatus, Spread, SqlAnswer, SqlColumn, SqlQuery, SqlSchema,
    SqlView, TimeRange, TopPrompt, Trace, TraceFilter, TraceSummary,
};
pub use store::{Store, WriteError};
