//! `/api/traces/export`.

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fanlight_store::{LlmFilter, LlmPage, TimeRange};
use serde::Deserialize;
use serde_json::Value;

use super::{row, time};
use crate::api::ApiError;
use crate::router::App;

/// How many calls are answered unless more are asked for, and at most.
const CALLS: usize = 1_000;
const MAX_CALLS: usize = 10_000;

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    limit: Option<usize>,
    format: Option<String>,
    model: Option<String>,
    date_from: Option<String>,
    date_to: Option<String>,
}

/// Calls of models, newest first, as one array or as a line for each.
pub(super) async fn export(
    State(app): State<App>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let range = TimeRange {
        from: given(wanted.date_from).as_deref().map(time).transpose()?,
        to: given(wanted.date_to).as_deref().map(time).transpose()?,
    };
    let filter = LlmFilter {
        time: range,
        model: given(wanted.model),
        ..LlmFilter::default()
    };
    let limit = wanted.limit.unwrap_or(CALLS).min(MAX_CALLS);
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor = None;
    while rows.len() < limit {
        let page = LlmPage {
            filter: filter.clone(),
            limit: u32::try_from(limit - rows.len()).unwrap_or(u32::MAX),
            cursor,
            ..LlmPage::default()
        };
        let page = app.store.llm_calls(page).await?;
        rows.extend(page.items.iter().map(row));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let (content_type, ending, body) = match wanted.format.as_deref().unwrap_or("json") {
        "json" => ("application/json", "json", Value::Array(rows).to_string()),
        "jsonl" => {
            let lines = rows.iter().map(|row| format!("{row}\n"));
            ("application/x-ndjson", "jsonl", lines.collect())
        }
        other => {
            return Err(ApiError::bad(format!("format {other:?} is not known"))
                .hint("there are json and jsonl"));
        }
    };
    let disposition = format!("attachment; filename=\"fanlight-calls.{ending}\"");
    let headers = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from(body)).into_response())
}
