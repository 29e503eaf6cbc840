//! Profiles: the list, and one of them as a flame graph.

use serde::Serialize;

use super::TimeRange;
use super::json::as_text;

/// Which profiles are wanted. The default is the newest 1000.
#[derive(Clone, Debug, Default)]
pub struct ProfileFilter {
    /// When they began.
    pub time: TimeRange,
    /// Only those of this service.
    pub service: Option<String>,
}

/// One profile in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Profile))]
#[serde(rename_all = "camelCase")]
pub struct ProfileSummary {
    /// Its id in this store.
    pub id: String,
    /// The service that was profiled.
    pub service: String,
    /// When it began, in nanoseconds since 1970.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub time_unix_nano: u64,
    /// How long it took.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub duration_nano: u64,
    /// What was counted, such as `cpu`.
    pub sample_type: String,
    /// The unit of the counts.
    pub unit: String,
    /// How many samples it has.
    pub sample_count: u64,
}

/// A profile as a flame graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ProfileTree))]
pub struct FlameGraph {
    /// The unit of the values.
    pub unit: String,
    /// The root, which stands for all samples.
    pub root: FlameNode,
}

/// A function that was called from its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlameNode {
    /// The function's name.
    pub name: String,
    /// Its file.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub file: Option<String>,
    /// The line.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub line: Option<i64>,
    /// What was counted in the function itself.
    #[serde(rename = "self", serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub own: i64,
    /// What was counted in it and what it called.
    #[serde(serialize_with = "as_text")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total: i64,
    /// What it called, the greatest first.
    #[cfg_attr(feature = "openapi", schema(no_recursion))]
    pub children: Vec<FlameNode>,
}
