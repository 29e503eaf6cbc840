//! `/api/stats`, `/api/models`.

use axum::Json;
use axum::extract::State;
use fanlight_store::{CostBy, CostFilter, CostGroup, LlmCost};
use serde_json::{Value, json};

use super::milliseconds;
use crate::api::ApiError;
use crate::router::App;

async fn cost(app: &App, by: CostBy) -> Result<LlmCost, ApiError> {
    let wanted = CostFilter {
        by,
        bins: 1,
        ..CostFilter::default()
    };
    Ok(app.store.llm_cost(wanted).await?)
}

fn name(group: &CostGroup) -> &str {
    group.value.as_deref().unwrap_or("unknown")
}

/// Sums over all calls.
pub(super) async fn stats(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let cost = cost(&app, CostBy::Model).await?;
    let totals = &cost.totals;
    let models: Vec<Value> = (cost.groups.iter())
        .map(|group| {
            let totals = &group.totals;
            json!({
                "model": name(group), "count": totals.calls,
                "tokens": totals.input_tokens + totals.output_tokens, "cost": totals.cost,
            })
        })
        .collect();
    Ok(Json(json!({
        "total_requests": totals.calls,
        "total_tokens": totals.input_tokens + totals.output_tokens,
        "prompt_tokens": totals.input_tokens,
        "completion_tokens": totals.output_tokens,
        "total_cost": totals.cost,
        "unpriced_requests": totals.unpriced_calls,
        "avg_duration": milliseconds(totals.average_nano),
        "error_count": totals.errors,
        "models": models,
    })))
}

/// Sums by model.
pub(super) async fn models(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let cost = cost(&app, CostBy::Model).await?;
    let models = cost.groups.iter().map(|group| {
        let totals = &group.totals;
        json!({
            "model": name(group),
            "request_count": totals.calls,
            "total_tokens": totals.input_tokens + totals.output_tokens,
            "prompt_tokens": totals.input_tokens,
            "completion_tokens": totals.output_tokens,
            "total_cost": totals.cost,
            "avg_latency": milliseconds(totals.average_nano),
        })
    });
    Ok(Json(models.collect()))
}
