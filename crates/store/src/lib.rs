//! The embedded telemetry store: one SQLite file, one writer with group commit, readers that never block it.
//!
//! ```text
//! StoreExporter --> writer thread --commit--> fanlight.db --> readers --> queries
//!                                 \--touched--> Live (what is new, for pages that are open)
//! ```
//! A batch counts as stored once the commit that holds it is done; a process that is killed loses nothing that was
//! reported as stored. A power cut may lose the last commits (`synchronous = NORMAL`), never the file.
//! Traces, metrics and logs are kept; profiles are not taken yet.

mod ask;
mod config;
mod exporter;
mod ingest;
mod intern;
mod live;
mod open;
mod options;
mod query;
mod readers;
mod retention;
mod store;
mod wire;
mod writer;

pub use config::{KIND, StoreConfig};
pub use exporter::StoreExporter;
pub use live::{Live, LiveUpdate};
pub use open::OpenError;
pub use options::{Clock, StoreOptions};
pub use query::{
    Aggregation, AttributeFacet, AttributeFilter, Counts, ErrorFilter, ErrorGroup, Exemplar,
    Export, ExportFilter, FacetValue, FlameGraph, FlameNode, Heatmap, Json, LogFacets, LogFilter,
    LogRecord, MetricFilter, MetricSeries, MetricSummary, NewView, OperationFilter,
    OperationSummary, Overview, OverviewFilter, Page, ProfileFilter, ProfileSummary, QueryError,
    Rate, RateBin, Red, RedFilter, Resource, SavedView, Scope, Series, SeriesFilter, ServiceEdge,
    ServiceMap, ServiceNode, ServiceRed, Span, SpanEvent, SpanLink, SpanStatus, SqlAnswer,
    SqlColumn, SqlQuery, SqlSchema, SqlView, TimeRange, Trace, TraceFilter, TraceSummary,
};
pub use store::{Store, WriteError};
