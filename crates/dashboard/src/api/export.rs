//! `/api/export`: everything that passes a filter, as OTLP/JSON, streamed.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use fanlight_otlp::json;
use fanlight_store::{Export, ExportFilter};
use futures::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::ApiError;
use super::logs::LogParameters;
use super::metrics::MetricParameters;
use super::parameters::{Range, read};
use super::signal::{ItemParameters, OfSignal, SignalName, signal};
use super::traces::TraceParameters;
use crate::router::App;

/// How an export is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct FormatParameters {
    /// `otlp` is one document; `jsonl` has a request on each line.
    #[param(inline)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Otlp,
    Jsonl,
}

/// Everything that passes the filters of a list, as OTLP/JSON. An answer that breaks off is not complete.
#[utoipa::path(
    get, path = "/export", params(OfSignal, FormatParameters, Range, ItemParameters),
    responses(
        (status = OK, content((Object = "application/json"), (String = "application/x-ndjson"))),
        ApiError
    )
)]
pub(super) async fn stream(
    State(app): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let query = query.unwrap_or_default();
    let signal = signal(&query)?;
    let (format, filter) = filter(signal, &query)?;
    let (name, list) = match signal {
        SignalName::Traces => ("traces", "resourceSpans"),
        SignalName::Logs => ("logs", "resourceLogs"),
        SignalName::Metrics => ("metrics", "resourceMetrics"),
    };
    let requests = requests(app.store.export(filter));
    let (content_type, ending, body) = match format {
        Format::Jsonl => {
            let lines = requests.map(|request| request.map(line));
            ("application/x-ndjson", "jsonl", Body::from_stream(lines))
        }
        Format::Otlp => {
            let document = document(list, requests);
            ("application/json", "json", Body::from_stream(document))
        }
    };
    let disposition = format!("attachment; filename=\"fanlight-{name}.{ending}\"");
    let headers = [
        (CONTENT_TYPE, content_type.to_owned()),
        (CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, body).into_response())
}

fn filter(signal: SignalName, query: &str) -> Result<(Format, ExportFilter), ApiError> {
    type With<T> = (OfSignal, FormatParameters, Range, T);
    Ok(match signal {
        SignalName::Traces => {
            let (_, format, range, wanted) = read::<With<TraceParameters>>(query)?;
            let filter = wanted.filter(range.time())?;
            (format.format, ExportFilter::Traces(filter))
        }
        SignalName::Logs => {
            let (_, format, range, wanted) = read::<With<LogParameters>>(query)?;
            let filter = wanted.filter(range.time())?;
            (format.format, ExportFilter::Logs(filter))
        }
        SignalName::Metrics => {
            let (_, format, range, wanted) = read::<With<MetricParameters>>(query)?;
            let filter = ExportFilter::Metrics(wanted.filter(), range.time());
            (format.format, filter)
        }
    })
}

/// Why an export broke off. The connection is closed then, so that nobody takes what came for the whole.
type BrokenOff = Box<dyn std::error::Error + Send + Sync>;

/// Each batch as an OTLP/JSON request.
fn requests(export: Export) -> impl Stream<Item = Result<Vec<u8>, BrokenOff>> {
    stream::unfold(export, |mut export| async move {
        let batch = export.next().await?;
        let request = batch
            .map_err(BrokenOff::from)
            .and_then(|batch| json::to_vec(&batch).map_err(BrokenOff::from));
        if let Err(error) = &request {
            tracing::error!(error = %error, "an export broke off");
        }
        Some((request, export))
    })
}

fn line(mut request: Vec<u8>) -> Bytes {
    request.push(b'\n');
    request.into()
}

/// All requests as one: their lists joined.
fn document(
    list: &'static str,
    requests: impl Stream<Item = Result<Vec<u8>, BrokenOff>> + Send + 'static,
) -> impl Stream<Item = Result<Bytes, BrokenOff>> + Send + 'static {
    let start = format!("{{\"{list}\":[");
    let opening = start.clone();
    let mut is_first = true;
    let items = requests.filter_map(move |request| {
        let items = request.map(|request| {
            let items = items_of(&request, &opening)?;
            let comma: &[u8] = if is_first { b"" } else { b"," };
            is_first = false;
            Some(Bytes::from([comma, items].concat()))
        });
        std::future::ready(items.transpose())
    });
    let whole = |text: String| stream::once(async { Ok::<_, Infallible>(Bytes::from(text)) });
    let whole = |text| whole(text).map(|text| text.map_err(|never| match never {}));
    whole(start).chain(items).chain(whole("]}\n".to_owned()))
}

/// What stands in the list of a request; none where it is empty.
fn items_of<'a>(request: &'a [u8], opening: &str) -> Option<&'a [u8]> {
    let items = request
        .strip_prefix(opening.as_bytes())?
        .strip_suffix(b"]}")?;
    Some(items).filter(|items| !items.is_empty())
}
