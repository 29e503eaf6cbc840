//! What can be asked, and the answers, which serialize as the dashboard's JSON.
//!
//! Names are OTLP/JSON's: camel case, ids in lower-case hexadecimal, 64-bit times as decimal text, attributes as lists of
//! `{"key", "value": {"stringValue": ...}}`. Lists are paged by key, so that what arrives meanwhile shifts nothing.

mod errors;
mod export;
mod facets;
mod filter;
mod json;
mod llm;
mod logs;
mod matching;
mod metrics;
mod profiles;
mod rate;
pub(crate) mod scan;
#[cfg(feature = "openapi")]
mod schema;
mod series;
mod services;
pub(crate) mod shared;
mod spans;
mod sql;
mod streams;
mod traces;
mod views;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use fanlight_otlp::DecodeError;
use serde::Serialize;

use crate::block::BlockError;
use crate::ingest::IngestError;
use crate::readers::View;

pub(crate) use errors::errors;
pub use errors::{ErrorFilter, ErrorGroup};
pub(crate) use export::export;
pub use export::{Export, ExportFilter};
pub(crate) use facets::log_facets;
pub use facets::{AttributeFacet, FacetValue, LogFacets};
pub(crate) use filter::Bins;
pub use filter::{AttributeFilter, TimeRange};
pub(crate) use json::any_value_text;
pub use json::{Json, Resource, Scope};
pub use llm::{
    AgentGraph, CallCost, CostBy, CostFilter, CostGroup, CostTotals, Exchange, ExchangeHeader,
    ExchangeRequest, ExchangeResponse, GraphEdge, GraphFailure, GraphFilter, GraphLoop, GraphNode,
    LlmAgent, LlmCallRow, LlmConversation, LlmCost, LlmDetail, LlmFacets, LlmFilter, LlmKinds,
    LlmPage, LlmSession, LlmSort, LlmTurn, SessionFilter, SessionKind, TopPrompt,
};
pub(crate) use llm::{OF_TIME as LLM_FACTS_OF_TIME, facts as llm_facts, log_batch, span_batch};
pub(crate) use llm::{
    agents as llm_agents, call as llm_call, calls as llm_calls, calls_by_id as llm_calls_by_id,
    cost as llm_cost, facets as llm_facets, graph as llm_graph, session as llm_session,
    sessions as llm_sessions,
};
pub use logs::{LogFilter, LogRecord};
pub(crate) use logs::{log_rate, logs, logs_of_trace, logs_since};
pub(crate) use metrics::metrics;
pub use metrics::{MetricFilter, MetricSummary};
pub use profiles::{FlameGraph, FlameNode, ProfileFilter, ProfileSummary};
pub(crate) use profiles::{profile, profiles};
pub use rate::{Rate, RateBin};
pub(crate) use series::metric_series;
pub use series::points::{Measured, MetricPoint, Spread};
pub use series::{Aggregation, Exemplar, Heatmap, MetricSeries, Series, SeriesFilter};
pub use services::{
    OperationFilter, OperationSummary, Overview, OverviewFilter, Red, RedFilter, ServiceEdge,
    ServiceMap, ServiceNode, ServiceRed,
};
pub(crate) use services::{operations, overview, red, service_map};
pub(crate) use spans::trace;
pub use spans::{Span, SpanEvent, SpanLink, SpanStatus, Trace};
pub use sql::{SqlAnswer, SqlColumn, SqlQuery, SqlSchema, SqlView};
pub(crate) use sql::{sql, sql_schema};
pub(crate) use streams::metric_streams;
pub use streams::{MetricStream, MetricStreams};
pub use traces::{TraceFilter, TraceSummary};
pub(crate) use traces::{trace_rate, traces, traces_by_id};
pub use views::{NewView, SavedView};
pub(crate) use views::{delete_view, put_view, views};

/// The most that a page holds.
pub(crate) const MAX_LIMIT: u32 = 1000;

/// Why a question was not answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The cursor is none that an answer gave.
    #[error("{0:?} is not a cursor; take it from the `nextCursor` of an answer")]
    Cursor(String),
    /// A user's SQL is wrong, writes, or takes too long; in SQLite's own words.
    #[error("{0}")]
    Sql(String),
    /// SQLite can't answer.
    #[error("reading the database failed")]
    Database(#[from] rusqlite::Error),
    /// A block can't be read.
    #[error("a stored block can't be read: {0}")]
    Block(String),
    /// What is stored can't be read.
    #[error("a stored message can't be read")]
    Decode(#[from] DecodeError),
    /// What is stored can't be shown.
    #[error("a stored message can't be shown as JSON")]
    Json(#[from] serde_json::Error),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl From<BlockError> for QueryError {
    fn from(error: BlockError) -> QueryError {
        QueryError::Block(error.to_string())
    }
}

impl From<IngestError> for QueryError {
    fn from(error: IngestError) -> QueryError {
        match error {
            IngestError::Database(error) => QueryError::Database(error),
            IngestError::Decode(error) => QueryError::Decode(error),
            other => QueryError::Block(other.to_string()),
        }
    }
}

/// A part of a list, newest first.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next_cursor: Option<String>,
}

/// How much is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Spans.
    pub spans: u64,
    /// Log records.
    pub logs: u64,
    /// Metric points.
    pub points: u64,
    /// Profiles.
    pub profiles: u64,
}

/// A place in a list that is sorted by time and id, both falling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) time_ns: i64,
    pub(crate) id: i64,
}

impl Cursor {
    const START: Cursor = Cursor {
        time_ns: i64::MAX,
        id: i64::MAX,
    };

    fn read(text: Option<&str>) -> Result<Cursor, QueryError> {
        text.map_or(Ok(Cursor::START), |text| {
            text.parse()
                .map_err(|()| QueryError::Cursor(text.to_owned()))
        })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time_ns, self.id)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Cursor, ()> {
        let (time_ns, id) = text.split_once('.').ok_or(())?;
        Ok(Cursor {
            time_ns: time_ns.parse().map_err(drop)?,
            id: id.parse().map_err(drop)?,
        })
    }
}

/// Makes a page of at most `limit` out of one more than that, if there are so many.
fn page<T>(mut rows: Vec<(Cursor, T)>, limit: u32) -> Page<T> {
    let limit = limit as usize;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows
        .last()
        .filter(|_| has_more)
        .map(|(cursor, _)| cursor.to_string());
    Page {
        items: rows.into_iter().map(|(_, item)| item).collect(),
        next_cursor,
    }
}

/// The names of all services that sent anything, sorted.
pub(crate) fn services(view: &View) -> Result<Vec<String>, QueryError> {
    let mut names = BTreeSet::new();
    for partition in &view.partitions {
        let mut find = partition.connection.prepare_cached(
            "SELECT text FROM names WHERE id IN (SELECT service FROM resources)
             OR id IN (SELECT service FROM profiles)",
        )?;
        for name in find.query_map([], |row| row.get(0))? {
            names.insert(name?);
        }
    }
    Ok(names.into_iter().collect())
}

/// How much is stored.
pub(crate) fn counts(view: &View) -> Result<Counts, QueryError> {
    let mut counts = Counts::default();
    for partition in &view.partitions {
        let mut find = partition
            .connection
            .prepare_cached("SELECT spans, logs, points, profiles FROM totals")?;
        let found = find.query_one([], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, i64>(3)?])
        })?;
        let [spans, logs, points, profiles] = found.map(i64::cast_unsigned);
        counts.spans += spans;
        counts.logs += logs;
        counts.points += points;
        counts.profiles += profiles;
    }
    Ok(counts)
}
