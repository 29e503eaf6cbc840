//! `/api/live`: what arrives, as server-sent events.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use fanlight_store::{Live, LiveUpdate};
use futures::stream::{Stream, StreamExt, unfold};
use serde::Serialize;

use super::ApiError;
use crate::router::App;

/// What arrives, as server-sent events `traces`, `logs`, `llmCalls` and `reset`, until the page or the hub goes.
#[utoipa::path(get, path = "/live", responses((status = OK, body = String, content_type = "text/event-stream"), ApiError))]
pub(super) async fn stream(
    State(app): State<App>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let updates = unfold(app.store.live(), |mut live| async move {
        next(&mut live).await.map(|event| (event, live))
    });
    Sse::new(updates.map(Ok).take_until(app.closing)).keep_alive(KeepAlive::default())
}

/// The next event; the stream ends when there will be none, and the browser connects again.
async fn next(live: &mut Live) -> Option<Event> {
    match live.next().await {
        Ok(Some(LiveUpdate::Traces(traces))) => {
            event("traces", BTreeMap::from([("traces", traces)]))
        }
        Ok(Some(LiveUpdate::Logs(logs))) => event("logs", BTreeMap::from([("logs", logs)])),
        Ok(Some(LiveUpdate::LlmCalls(calls))) => {
            event("llmCalls", BTreeMap::from([("llmCalls", calls)]))
        }
        Ok(Some(LiveUpdate::Reset)) => event("reset", BTreeMap::<&str, ()>::new()),
        Ok(None) => None,
        Err(error) => {
            tracing::error!(error = %error, "reading what is new failed");
            None
        }
    }
}

fn event(name: &str, data: impl Serialize) -> Option<Event> {
    Event::default().event(name).json_data(data).ok()
}
