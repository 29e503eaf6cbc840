//! What calls have in common.

use serde::Serialize;

use super::super::{FacetValue, QueryError};
use super::facts::LlmFilter;
use crate::readers::View;

/// The values that calls have, with how often; the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LlmFacets {
    /// Providers.
    pub providers: Vec<FacetValue>,
    /// Models: those that answered, else those that were asked for.
    pub models: Vec<FacetValue>,
    /// Services.
    pub services: Vec<FacetValue>,
    /// Sessions.
    pub sessions: Vec<FacetValue>,
    /// Users.
    pub users: Vec<FacetValue>,
    /// Tags.
    pub tags: Vec<FacetValue>,
    /// Agents.
    pub agents: Vec<FacetValue>,
    /// Whether only the newest calls that match were counted, because there are more.
    pub sampled: bool,
}

/// What the calls that pass have in common.
pub(crate) fn facets(view: &View, filter: &LlmFilter) -> Result<LlmFacets, QueryError> {
    let _ = (view, filter);
    Ok(LlmFacets::default())
}
