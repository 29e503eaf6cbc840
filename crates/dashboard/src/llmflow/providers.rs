//! `/api/health/providers`: how the last call of each provider went. Nothing is sent to anybody, and no key is needed.

use axum::Json;
use axum::extract::State;
use fanlight_store::{LlmFilter, LlmPage};
use serde_json::{Map, Value, json};

use super::milliseconds;
use crate::api::ApiError;
use crate::router::App;

/// The providers that are always named: as LLMFlow calls them, and as calls do.
const PROVIDERS: [(&str, &str); 5] = [
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("gemini", "gcp.gemini"),
    ("groq", "groq"),
    ("ollama", "ollama"),
];

/// What is known of each provider.
pub(super) async fn show(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let seen = app.store.llm_facets(LlmFilter::default()).await?.providers;
    let mut names: Vec<(String, String)> = PROVIDERS
        .iter()
        .map(|(theirs, ours)| ((*theirs).to_owned(), (*ours).to_owned()))
        .collect();
    for provider in seen {
        if !names.iter().any(|(_, name)| *name == provider.value) {
            names.push((provider.value.clone(), provider.value));
        }
    }
    let mut providers = Map::new();
    let (mut well, mut all) = (0, 0);
    for (name, provider) in names {
        let wanted = LlmPage {
            filter: LlmFilter {
                provider: Some(provider),
                ..LlmFilter::default()
            },
            limit: 1,
            ..LlmPage::default()
        };
        let last = app.store.llm_calls(wanted).await?.items.into_iter().next();
        let health = match last {
            None => json!({ "status": "unconfigured", "message": "no call was seen" }),
            Some(call) => {
                all += 1;
                well += u32::from(call.status == "ok");
                json!({
                    "status": call.status,
                    "latency_ms": milliseconds(call.duration_nano),
                    "message": call.error_type,
                    "timestamp": milliseconds(call.start_nano),
                })
            }
        };
        providers.insert(name, health);
    }
    let summary = format!("{well}/{all} providers healthy");
    Ok(Json(json!({ "summary": summary, "providers": providers })))
}
