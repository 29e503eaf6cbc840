//! Saved views of the dashboard.

use serde::Serialize;

/// A view that somebody saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SavedView {
    /// Its id.
    pub id: String,
    /// What somebody called it.
    pub name: String,
    /// The page that it is of, such as `traces`.
    pub page: String,
    /// The page's query string.
    pub query: String,
}

/// A view to be saved. One of the same name and page is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewView {
    /// What somebody called it.
    pub name: String,
    /// The page that it is of, such as `traces`.
    pub page: String,
    /// The page's query string.
    pub query: String,
}
