//! Calls of language models: `/api/llm/...`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use fanlight_store::{
    AgentGraph, CostBy, CostFilter, GraphFilter, LlmAgent, LlmCallRow, LlmConversation, LlmCost,
    LlmDetail, LlmFacets, LlmFilter, LlmKinds, LlmPage, LlmSession, LlmSort, SessionFilter,
    TimeRange,
};
use serde::de::IntoDeserializer as _;
use serde::de::value::{Error as NoKind, StrDeserializer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{Bins, OfService, Paging, Range, given};
use super::{ApiError, Parameters, trace_id};
use crate::router::App;

/// Which calls are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct CallParameters {
    /// Only of this service.
    service: Option<String>,
    /// Only of this provider.
    provider: Option<String>,
    /// Only of this model, asked for or answering.
    model: Option<String>,
    /// Only of this session or conversation.
    session: Option<String>,
    /// Only of this user.
    user: Option<String>,
    /// Only with this tag, exactly.
    tag: Option<String>,
    /// Only of this agent.
    agent: Option<String>,
    /// Only of this kind, such as `embedding` or `tool`; `all` for everything. Default: calls of models that state their own
    /// usage, which is what sums are made of.
    kind: Option<String>,
    /// Only those that failed.
    errors: bool,
    /// Only those with this anywhere in their span, so in all that was asked and answered.
    q: Option<String>,
    /// Only those that took at least so long.
    min_duration_ms: Option<f64>,
    /// Only those that cost at least so much, in US dollars.
    min_cost: Option<f64>,
}

/// In which order calls are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct SortParameters {
    /// The newest, dearest, longest or largest first.
    #[param(inline)]
    sort: Sort,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    #[default]
    Newest,
    Cost,
    Duration,
    Tokens,
}

/// By what costs are grouped.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct ByParameters {
    /// By what. Default: by model.
    #[param(inline)]
    by: By,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    #[default]
    Model,
    Provider,
    Service,
    User,
    Session,
    Tag,
    Agent,
}

/// Which sessions are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct SessionParameters {
    /// Only those with this in their id or their first question.
    q: Option<String>,
    /// Only those of this user.
    user: Option<String>,
    /// Only those in which this service called.
    service: Option<String>,
}

/// Of what a graph is wanted: one of both.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct GraphParameters {
    /// Everything in this trace.
    trace: Option<String>,
    /// The newest runs of this agent.
    agent: Option<String>,
}

/// Answer of `GET /api/llm/calls`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LlmCallPage {
    /// In the order that was wanted.
    calls: Vec<LlmCallRow>,
    /// Where the next page begins; none on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Answer of `GET /api/llm/sessions`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LlmSessionPage {
    /// Those with the newest calls first.
    sessions: Vec<LlmSession>,
    /// Where the next page begins; none on the last.
    #[schema(required)]
    next_cursor: Option<String>,
}

/// Answer of `GET /api/llm/agents`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LlmAgentList {
    /// Those with the most runs first.
    agents: Vec<LlmAgent>,
}

impl CallParameters {
    /// The filter that they mean.
    pub(super) fn filter(self, time: TimeRange) -> Result<LlmFilter, ApiError> {
        Ok(LlmFilter {
            time,
            service: given(self.service),
            provider: given(self.provider),
            model: given(self.model),
            session: given(self.session),
            user: given(self.user),
            tag: given(self.tag),
            agent: given(self.agent),
            kinds: given(self.kind)
                .as_deref()
                .map_or(Ok(LlmKinds::Models), kinds)?,
            errors_only: self.errors,
            text: given(self.q),
            // A float turns into an integer by saturating, so a negative number means none.
            min_duration_nano: (self.min_duration_ms.unwrap_or_default() * 1e6) as u64,
            min_cost: self.min_cost,
        })
    }
}

fn kinds(text: &str) -> Result<LlmKinds, ApiError> {
    if text == "all" {
        return Ok(LlmKinds::All);
    }
    let text: StrDeserializer<'_, NoKind> = text.into_deserializer();
    fanlight_genai::Kind::deserialize(text)
        .map(LlmKinds::Only)
        .map_err(|error| ApiError::bad(format!("kind: {error}")).hint("or `all`"))
}

/// Calls of language models.
#[utoipa::path(
    get, path = "/llm/calls", params(Range, Paging, SortParameters, CallParameters),
    responses((status = OK, body = LlmCallPage), ApiError)
)]
pub(super) async fn calls(
    State(app): State<App>,
    Parameters((range, paging, sort, wanted)): Parameters<(
        Range,
        Paging,
        SortParameters,
        CallParameters,
    )>,
) -> Result<Json<LlmCallPage>, ApiError> {
    let wanted = LlmPage {
        filter: wanted.filter(range.time())?,
        sort: match sort.sort {
            Sort::Newest => LlmSort::Newest,
            Sort::Cost => LlmSort::Cost,
            Sort::Duration => LlmSort::Duration,
            Sort::Tokens => LlmSort::Tokens,
        },
        limit: paging.limit(),
        cursor: paging.cursor(),
    };
    let page = app.store.llm_calls(wanted).await?;
    Ok(Json(LlmCallPage {
        calls: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// What the newest 100,000 calls that match have in common.
#[utoipa::path(
    get, path = "/llm/facets", params(Range, CallParameters),
    responses((status = OK, body = LlmFacets), ApiError)
)]
pub(super) async fn facets(
    State(app): State<App>,
    Parameters((range, wanted)): Parameters<(Range, CallParameters)>,
) -> Result<Json<LlmFacets>, ApiError> {
    let filter = wanted.filter(range.time())?;
    Ok(Json(app.store.llm_facets(filter).await?))
}

/// One call, whole.
#[utoipa::path(
    get, path = "/llm/calls/{traceId}/{spanId}",
    params(
        ("traceId" = String, Path, description = "32 hexadecimal digits"),
        ("spanId" = String, Path, description = "16 hexadecimal digits"),
    ),
    responses((status = OK, body = LlmDetail), ApiError)
)]
pub(super) async fn call(
    State(app): State<App>,
    Path((trace, span)): Path<(String, String)>,
) -> Result<Json<LlmDetail>, ApiError> {
    let trace = trace_id(&trace)?;
    let span = span
        .parse()
        .map_err(|error| ApiError::bad(format!("{span:?} is not a span id: {error}")))?;
    let call = app.store.llm_call(trace, span).await?;
    call.map(Json).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            format!("there is no call {span} in trace {trace}"),
        )
        .hint("it may not have arrived yet, or it was deleted because it was old")
    })
}

/// What calls cost, over time and by what they have in common.
#[utoipa::path(
    get, path = "/llm/cost", params(Range, Bins, ByParameters, CallParameters),
    responses((status = OK, body = LlmCost), ApiError)
)]
pub(super) async fn cost(
    State(app): State<App>,
    Parameters((range, bins, by, wanted)): Parameters<(Range, Bins, ByParameters, CallParameters)>,
) -> Result<Json<LlmCost>, ApiError> {
    let filter = CostFilter {
        filter: wanted.filter(range.time())?,
        by: match by.by {
            By::Model => CostBy::Model,
            By::Provider => CostBy::Provider,
            By::Service => CostBy::Service,
            By::User => CostBy::User,
            By::Session => CostBy::Session,
            By::Tag => CostBy::Tag,
            By::Agent => CostBy::Agent,
        },
        bins: bins.count(),
    };
    Ok(Json(app.store.llm_cost(filter).await?))
}

/// Sessions: calls that belong together, across traces.
#[utoipa::path(
    get, path = "/llm/sessions", params(Range, Paging, SessionParameters),
    responses((status = OK, body = LlmSessionPage), ApiError)
)]
pub(super) async fn sessions(
    State(app): State<App>,
    Parameters((range, paging, wanted)): Parameters<(Range, Paging, SessionParameters)>,
) -> Result<Json<LlmSessionPage>, ApiError> {
    let filter = SessionFilter {
        time: range.time(),
        text: given(wanted.q),
        user: given(wanted.user),
        service: given(wanted.service),
        limit: paging.limit(),
        cursor: paging.cursor(),
    };
    let page = app.store.llm_sessions(filter).await?;
    Ok(Json(LlmSessionPage {
        sessions: page.items,
        next_cursor: page.next_cursor,
    }))
}

/// A session, turn by turn.
#[utoipa::path(
    get, path = "/llm/sessions/{id}", params(("id" = String, Path, description = "of a session or a conversation")),
    responses((status = OK, body = LlmConversation), ApiError)
)]
pub(super) async fn session(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<LlmConversation>, ApiError> {
    let session = app.store.llm_session(id.clone()).await?;
    session.map(Json).ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, format!("there is no session {id:?}"))
            .hint("it may not have arrived yet, or it was deleted because it was old")
    })
}

/// Agents, and what their runs come to.
#[utoipa::path(
    get, path = "/llm/agents", params(Range, OfService),
    responses((status = OK, body = LlmAgentList), ApiError)
)]
pub(super) async fn agents(
    State(app): State<App>,
    Parameters((range, of)): Parameters<(Range, OfService)>,
) -> Result<Json<LlmAgentList>, ApiError> {
    let agents = app.store.llm_agents(range.time(), of.name()).await?;
    Ok(Json(LlmAgentList { agents }))
}

/// The steps of a trace, or of an agent's newest runs, as a graph.
#[utoipa::path(
    get, path = "/llm/graph", params(Range, GraphParameters),
    responses((status = OK, body = AgentGraph), ApiError)
)]
pub(super) async fn graph(
    State(app): State<App>,
    Parameters((range, wanted)): Parameters<(Range, GraphParameters)>,
) -> Result<Json<AgentGraph>, ApiError> {
    let filter = match (given(wanted.trace), given(wanted.agent)) {
        (Some(trace), None) => GraphFilter::Trace(trace_id(&trace)?),
        (None, Some(name)) => GraphFilter::Agent {
            name,
            time: range.time(),
        },
        _ => {
            return Err(ApiError::bad("a graph is of a trace or of an agent")
                .hint("give `trace` or `agent`"));
        }
    };
    Ok(Json(app.store.llm_graph(filter).await?))
}
