//! `/api/sql`: questions of users in SQL.

use axum::Json;
use axum::extract::State;
use fanlight_store::{SqlAnswer, SqlQuery, SqlSchema};
use serde::Deserialize;
use utoipa::ToSchema;

use super::ApiError;
use super::body::Body;
use crate::router::App;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// One statement that only reads.
    sql: String,
    /// How many rows to answer at most. Default: 10,000.
    #[serde(default)]
    limit: u32,
}

/// Answers a question in SQL. What is wrong with it is said in SQLite's own words.
#[utoipa::path(
    post, path = "/sql", request_body = Question,
    responses((status = OK, body = SqlAnswer), ApiError)
)]
pub(super) async fn ask(
    State(app): State<App>,
    Body(question): Body<Question>,
) -> Result<Json<SqlAnswer>, ApiError> {
    let query = SqlQuery {
        sql: question.sql,
        limit: question.limit,
    };
    Ok(Json(app.store.sql(query).await?))
}

/// The views that can be asked, with their columns.
#[utoipa::path(get, path = "/sql/schema", responses((status = OK, body = SqlSchema), ApiError))]
pub(super) async fn schema(State(app): State<App>) -> Json<SqlSchema> {
    Json(app.store.sql_schema())
}
