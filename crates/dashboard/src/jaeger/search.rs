//! Finding traces.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use fanlight_config::duration;
use fanlight_store::{AttributeFilter, TimeRange, Trace, TraceFilter};
use serde::Deserialize;
use serde_json::Value;

use super::{Problem, span, trace_id, uncounted};
use crate::router::App;

/// How many traces are answered when nobody says; as Jaeger.
const DEFAULT_LIMIT: u32 = 100;

/// How many pages of traces are looked through for those whose errors are the service's.
const MOST_PAGES: u32 = 20;

/// What is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Wanted {
    service: Option<String>,
    operation: Option<String>,
    /// Microseconds since 1970.
    start: Option<u64>,
    end: Option<u64>,
    /// As `1.5s`.
    min_duration: Option<String>,
    max_duration: Option<String>,
    limit: Option<u32>,
    /// A JSON object of texts.
    tags: Option<String>,
    /// `key:value`.
    tag: Vec<String>,
    #[serde(rename = "traceID")]
    trace_id: Vec<String>,
}

/// Traces that match, newest first; or those with the given ids.
pub(super) async fn traces(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Problem> {
    let wanted: Wanted = serde_html_form::from_str(&query.unwrap_or_default())
        .map_err(|error| Problem::bad(error.to_string()))?;
    let mut found = Vec::new();
    if wanted.trace_id.is_empty() {
        return Ok(uncounted(&search(&app, wanted.filter()?).await?));
    }
    for id in &wanted.trace_id {
        let trace = app.store.trace(trace_id(id)?).await?;
        found.extend(trace.map(|trace| span::trace(&trace)));
    }
    Ok(uncounted(&found))
}

/// The newest traces that pass. To Jaeger, `error=true` is about a span of the service, and to the store about the trace.
async fn search(app: &App, mut filter: TraceFilter) -> Result<Vec<Value>, Problem> {
    let limit = filter.limit as usize;
    let mut found = Vec::new();
    for _ in 0..MOST_PAGES {
        let page = app.store.traces(filter.clone()).await?;
        for summary in page.items {
            let trace = app.store.trace(summary.trace_id).await?;
            let trace = trace.filter(|trace| !filter.errors_only || has_error(trace, &filter));
            found.extend(trace.map(|trace| span::trace(&trace)));
            if found.len() == limit {
                return Ok(found);
            }
        }
        filter.cursor = page.next_cursor;
        if filter.cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

/// Whether a span that is searched for failed.
fn has_error(trace: &Trace, filter: &TraceFilter) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|w| w == value);
    trace.spans.iter().any(|span| {
        span.status.code == "ERROR"
            && is(&filter.service, &span.service)
            && is(&filter.operation, &span.name)
    })
}

impl Wanted {
    fn filter(self) -> Result<TraceFilter, Problem> {
        let service =
            given(self.service).ok_or_else(|| Problem::bad("parameter 'service' is required"))?;
        let mut tags = tags(self.tags.as_deref(), &self.tag)?;
        let errors_only = tags.get("error").is_some_and(|value| value == "true");
        if errors_only {
            tags.remove("error");
        }
        Ok(TraceFilter {
            limit: self
                .limit
                .filter(|limit| *limit > 0)
                .unwrap_or(DEFAULT_LIMIT),
            time: TimeRange {
                from: self.start.map(|start| start.saturating_mul(1000)),
                to: self
                    .end
                    .map(|end| end.saturating_add(1).saturating_mul(1000)),
            },
            service: Some(service),
            operation: given(self.operation).filter(|operation| operation != "all"),
            attributes: tags
                .into_iter()
                .map(|(key, value)| AttributeFilter { key, value })
                .collect(),
            errors_only,
            min_duration_nano: nanoseconds("minDuration", self.min_duration)?.unwrap_or(0),
            max_duration_nano: nanoseconds("maxDuration", self.max_duration)?,
            ..TraceFilter::default()
        })
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// The tags of both spellings.
fn tags(json: Option<&str>, pairs: &[String]) -> Result<BTreeMap<String, String>, Problem> {
    let mut tags = BTreeMap::new();
    if let Some(json) = json.filter(|json| !json.is_empty()) {
        let values: BTreeMap<String, Value> = serde_json::from_str(json).map_err(|error| {
            Problem::bad(format!(
                "malformed 'tags' parameter, expecting a JSON object: {error}"
            ))
        })?;
        for (key, value) in values {
            let text = match value {
                Value::String(text) => text,
                value => value.to_string(),
            };
            tags.insert(key, text);
        }
    }
    for pair in pairs {
        let (key, value) = pair.split_once(':').ok_or_else(|| {
            Problem::bad(format!(
                "malformed 'tag' parameter, expecting key:value, received: {pair}"
            ))
        })?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

fn nanoseconds(name: &str, text: Option<String>) -> Result<Option<u64>, Problem> {
    let Some(text) = given(text) else {
        return Ok(None);
    };
    let duration = duration::parse(&text)
        .map_err(|error| Problem::bad(format!("could not parse {name}: {error}")))?;
    Ok(Some(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}
