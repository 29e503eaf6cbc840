//! What the log records of a list have in common.

use serde::Serialize;

/// The values that log records have, with how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogFacets {
    /// Services.
    pub services: Vec<FacetValue>,
    /// Severities, as OTLP names them: `ERROR`, `WARN2`; `UNSPECIFIED` for none.
    pub severities: Vec<FacetValue>,
    /// Instrumentation scopes.
    pub scopes: Vec<FacetValue>,
    /// Attributes, the most frequent first.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub attributes: Vec<AttributeFacet>,
    /// Whether only the newest records that match were counted, because there are more.
    pub sampled: bool,
}

/// A value and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FacetValue {
    /// The value as text.
    pub value: String,
    /// How many records have it.
    pub count: u64,
}

/// An attribute's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AttributeFacet {
    /// The key.
    pub key: String,
    /// The most frequent values.
    pub values: Vec<FacetValue>,
}
