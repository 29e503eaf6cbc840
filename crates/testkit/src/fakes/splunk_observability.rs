//! Splunk Observability Cloud's ingest, strict: what it refuses, this refuses as it does.
//!
//! [API](https://dev.splunk.com/observability/reference/api/ingest_data/latest),
//! [limits](https://dev.splunk.com/observability/docs/datamodel/ingest#Criteria-for-metric-and-dimension-names-and-values).

use fanlight_formats::jaeger;
use fanlight_formats::signalfx::{
    DataPoint, DataPointUploadMessage, Dimension, EventUploadMessage, PostSpansRequest,
};
use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_otlp::{Batch, Signal};
use http::{Response, StatusCode};
use prost::Message as _;

use crate::Recorded;

/// What a good request holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// `/v2/trace`.
    Spans(PostSpansRequest),
    /// `/v2/datapoint`.
    DataPoints(DataPointUploadMessage),
    /// `/v2/datapoint/otlp`.
    OtlpMetrics(Batch),
    /// `/v2/event`.
    Events(EventUploadMessage),
}

/// The answer to a request; every token of the list has ingest scope.
pub fn answer(tokens: &[&str], request: &Recorded) -> Response<Body> {
    if !tokens.contains(&request.header("x-sf-token")) {
        return text(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    match read(request) {
        Ok(_) => text(StatusCode::OK, "\"OK\""),
        Err((status, why)) => text(status, why),
    }
}

/// What a request holds.
///
/// # Errors
/// The status and the words with which the ingest refuses it.
pub fn read(request: &Recorded) -> Result<Payload, (StatusCode, String)> {
    const PROTOBUF: &str = "application/x-protobuf";
    let expected = match request.path.as_str() {
        "/v2/trace" | "/v2/datapoint" | "/v2/event" => PROTOBUF,
        "/v2/datapoint/otlp" => "application/x-protobuf;format=otlp",
        path => return Err((StatusCode::NOT_FOUND, format!("no {path} here"))),
    };
    if request.header("content-type") != expected {
        let why = format!(
            "Content-Type {} is not supported",
            request.header("content-type")
        );
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let body = request.plain().map_err(bad)?;
    let payload = match request.path.as_str() {
        "/v2/trace" => PostSpansRequest::decode(&*body).map(Payload::Spans),
        "/v2/datapoint" => DataPointUploadMessage::decode(&*body).map(Payload::DataPoints),
        "/v2/event" => EventUploadMessage::decode(&*body).map(Payload::Events),
        _ => {
            let batch = Batch::decode(Signal::Metrics, body.into());
            return batch
                .map(Payload::OtlpMetrics)
                .map_err(|error| bad(error.to_string()));
        }
    };
    let payload = payload.map_err(|error| bad(error.to_string()))?;
    check(&payload).map_err(bad)?;
    Ok(payload)
}

fn check(payload: &Payload) -> Result<(), String> {
    match payload {
        Payload::OtlpMetrics(_) => Ok(()),
        Payload::DataPoints(message) => message.datapoints.iter().try_for_each(point),
        Payload::Events(message) => message.events.iter().try_for_each(|event| {
            require(!event.event_type.is_empty(), "an event needs a type")?;
            require(event.category.is_some(), "an event needs a category")
        }),
        Payload::Spans(request) => {
            let mut spans = request.batches.iter().flat_map(|batch| &batch.spans);
            require(
                request.batches.iter().all(|batch| batch.process.is_some()),
                "a batch needs a process",
            )?;
            spans.try_for_each(span)
        }
    }
}

fn point(point: &DataPoint) -> Result<(), String> {
    let name = point.metric.chars().count();
    require(
        (1..=256).contains(&name),
        "metric name longer than 256 characters",
    )?;
    require(
        point.dimensions.len() <= 36,
        "number of dimensions is larger than 36",
    )?;
    let value = &point.value;
    require(
        value.int_value.is_some() != value.double_value.is_some(),
        "a point has one value",
    )?;
    require(
        value.double_value.is_none_or(f64::is_finite),
        "a value is a finite number",
    )?;
    require(point.timestamp.is_some(), "a point needs a timestamp")?;
    point.dimensions.iter().try_for_each(dimension)
}

fn dimension(dimension: &Dimension) -> Result<(), String> {
    let key = dimension.key.chars().count();
    require(
        (1..=128).contains(&key),
        "dimension name longer than 128 characters",
    )?;
    require(
        dimension.value.chars().count() <= 256,
        "dimension value longer than 256 characters",
    )?;
    let fits = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    require(
        dimension.key.chars().all(fits),
        "a dimension name has letters, digits, underscores and hyphens",
    )?;
    require(
        dimension.key != "com_splunk_signalfx_access_token"
            && dimension.key != "com.splunk.signalfx.access_token",
        "a token among the dimensions",
    )
}

fn span(span: &jaeger::Span) -> Result<(), String> {
    let is_id = |id: &[u8], length| id.len() == length && id.iter().any(|byte| *byte != 0);
    require(is_id(&span.trace_id, 16), "a span needs a trace id")?;
    require(is_id(&span.span_id, 8), "a span needs an id")?;
    require(
        span.start_time.is_some() && span.duration.is_some(),
        "a span needs its times",
    )?;
    span.references.iter().try_for_each(|reference| {
        let whole = is_id(&reference.trace_id, 16) && is_id(&reference.span_id, 8);
        require(whole, "a reference needs ids")
    })
}

fn require(fits: bool, why: &str) -> Result<(), String> {
    match fits {
        true => Ok(()),
        false => Err(why.to_owned()),
    }
}
