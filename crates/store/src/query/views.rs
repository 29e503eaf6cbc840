//! Saved views of the dashboard.

use rusqlite::{Connection, OptionalExtension, params};
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

/// The saved views, by page and name.
pub(crate) fn views(catalogue: &Connection) -> rusqlite::Result<Vec<SavedView>> {
    let sql = "SELECT id, name, page, query FROM views ORDER BY page, name";
    catalogue
        .prepare_cached(sql)?
        .query_map([], saved)?
        .collect()
}

/// Saves a view in the place of one of the same page and name, if there is one.
pub(crate) fn put_view(catalogue: &Connection, view: &NewView) -> rusqlite::Result<SavedView> {
    let mut put = catalogue.prepare_cached(
        "INSERT INTO views (name, page, query) VALUES (?1, ?2, ?3)
         ON CONFLICT (page, name) DO UPDATE SET query = excluded.query RETURNING id, name, page, query",
    )?;
    put.query_one(params![view.name, view.page, view.query], saved)
}

/// Deletes a view, and answers whether it was there.
pub(crate) fn delete_view(catalogue: &Connection, id: &str) -> rusqlite::Result<bool> {
    let mut delete =
        catalogue.prepare_cached("DELETE FROM views WHERE id = CAST(? AS INTEGER) RETURNING id")?;
    let deleted = delete
        .query_row([id], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(deleted.is_some())
}

fn saved(row: &rusqlite::Row<'_>) -> rusqlite::Result<SavedView> {
    Ok(SavedView {
        id: row.get::<_, i64>(0)?.to_string(),
        name: row.get(1)?,
        page: row.get(2)?,
        query: row.get(3)?,
    })
}
