//! `/api/import`: OTLP/JSON into the store, streamed.

mod documents;

use std::collections::HashMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use fanlight_otlp::{Batch, Signal, json};
use fanlight_store::WriteError;
use futures::StreamExt as _;
use serde::Serialize;
use serde::de::IgnoredAny;
use utoipa::ToSchema;

use super::ApiError;
use crate::router::App;
use documents::Documents;

/// How many items were taken.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Imported {
    /// Spans.
    traces: u64,
    /// Log records.
    logs: u64,
    /// Metric points.
    metrics: u64,
    /// Profiles.
    profiles: u64,
}

/// The keys of requests, as OTLP/JSON and as protobuf spell them.
const KEYS: [(Signal, [&str; 2]); 4] = [
    (Signal::Traces, ["resourceSpans", "resource_spans"]),
    (Signal::Metrics, ["resourceMetrics", "resource_metrics"]),
    (Signal::Logs, ["resourceLogs", "resource_logs"]),
    (Signal::Profiles, ["resourceProfiles", "resource_profiles"]),
];

/// Takes OTLP/JSON requests, one after the other: a document, or one on each line. What was taken before an error stays.
#[utoipa::path(
    post, path = "/import",
    request_body(content((Object = "application/json"), (String = "application/x-ndjson"))),
    responses((status = OK, body = Imported), ApiError)
)]
pub(super) async fn take(State(app): State<App>, body: Body) -> Result<Json<Imported>, ApiError> {
    let mut imported = Imported::default();
    let mut documents = Documents::default();
    let mut chunks = body.into_data_stream();
    let mut number = 0_u32;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| ApiError::bad(format!("the body broke off: {error}")))?;
        documents.push(&chunk).map_err(ApiError::bad)?;
        while let Some(document) = documents.next() {
            number += 1;
            for batch in read(&document).map_err(|error| wrong(number, &error))? {
                let left_out = app.store.write(&batch).await?;
                imported.count(&batch, left_out);
            }
        }
    }
    documents.finish().map_err(ApiError::bad)?;
    Ok(Json(imported))
}

/// The batches of a document: usually one.
fn read(document: &[u8]) -> Result<Vec<Batch>, String> {
    let keys: HashMap<String, IgnoredAny> =
        serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let signals = KEYS
        .iter()
        .filter(|(_, names)| names.iter().any(|name| keys.contains_key(*name)));
    let batches: Vec<Batch> = signals
        .map(|(signal, _)| json::read(*signal, document).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    if batches.is_empty() {
        return Err(
            "it is no OTLP/JSON: it has no resourceSpans, resourceMetrics, resourceLogs or resourceProfiles"
                .to_owned(),
        );
    }
    Ok(batches)
}

fn wrong(number: u32, error: &str) -> ApiError {
    ApiError::bad(format!("document {number} can't be read: {error}"))
}

impl Imported {
    fn count(&mut self, batch: &Batch, left_out: u64) {
        let taken = (batch.items() as u64).saturating_sub(left_out);
        let total = match batch.signal() {
            Signal::Traces => &mut self.traces,
            Signal::Metrics => &mut self.metrics,
            Signal::Logs => &mut self.logs,
            Signal::Profiles => &mut self.profiles,
        };
        *total += taken;
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> ApiError {
        let status = match error {
            WriteError::Unfit(_) => StatusCode::BAD_REQUEST,
            WriteError::Full(_) => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        ApiError::new(status, error.to_string())
    }
}
