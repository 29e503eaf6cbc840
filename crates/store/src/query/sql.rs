//! SQL of users: read-only, over views that stay the same from version to version.

use serde::Serialize;

/// A question in SQL.
#[derive(Clone, Debug, Default)]
pub struct SqlQuery {
    /// One statement that only reads.
    pub sql: String,
    /// The most rows to answer; 0 and more than 100,000 mean 10,000.
    pub limit: u32,
}

/// The answer to a question in SQL.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SqlResult))]
#[serde(rename_all = "camelCase")]
pub struct SqlAnswer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows: text, numbers and nulls; blobs as lower-case hexadecimal.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Vec<crate::query::schema::SqlValue>>))]
    pub rows: Vec<Vec<serde_json::Value>>,
    /// Whether there are more rows than could be answered.
    pub truncated: bool,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

/// What can be asked in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlSchema {
    /// The views.
    pub views: Vec<SqlView>,
}

/// A view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlView {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub description: &'static str,
    /// Its columns.
    #[cfg_attr(feature = "openapi", schema(inline))]
    pub columns: Vec<SqlColumn>,
}

/// A column of a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SqlColumn {
    /// Its name.
    pub name: &'static str,
    /// `TEXT`, `INTEGER` or `REAL`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it holds.
    pub description: &'static str,
}
