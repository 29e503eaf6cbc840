//! Calls of language models: lists, sums, sessions, agents.
//!
//! What is summed up are calls of models that state their own usage; see `ingest::llm` for which those are.

mod agents;
mod calls;
mod cost;
mod detail;
mod facets;
mod facts;
mod graph;
mod runs;
mod search;
mod sessions;
mod stored;
mod turns;

pub use agents::LlmAgent;
pub(super) use calls::{Texts as CallTexts, source as cost_source, texts as call_texts};
pub(super) use stored::Recordings;
pub(crate) use stored::{log_batch, span_batch};

pub(crate) use agents::agents;
pub use calls::{LlmCallRow, LlmKinds, LlmPage, LlmSort};
pub(crate) use calls::{calls, calls_by_id};
pub(crate) use cost::cost;
pub use cost::{CostBy, CostFilter, CostGroup, CostTotals, LlmCost, TopPrompt};
pub(crate) use detail::call;
pub use detail::{
    CallCost, Exchange, ExchangeHeader, ExchangeRequest, ExchangeResponse, LlmDetail,
};
pub use facets::LlmFacets;
pub(crate) use facets::facets;
pub use facts::LlmFilter;
pub(crate) use facts::{OF_TIME, facts};
pub(crate) use graph::graph;
pub use graph::{AgentGraph, GraphEdge, GraphFailure, GraphFilter, GraphLoop, GraphNode};
pub(crate) use sessions::sessions;
pub use sessions::{LlmConversation, LlmSession, LlmTurn, SessionFilter, SessionKind};
pub(crate) use turns::session;
