//! Datadog's intakes, strict: what they refuse or change, this refuses.
//!
//! Published: [metrics](https://docs.datadoghq.com/api/latest/metrics/#submit-metrics),
//! [logs](https://docs.datadoghq.com/api/latest/logs/#send-logs). Traces and statistics are as the Agent's
//! [writers](https://github.com/DataDog/datadog-agent/tree/main/pkg/trace/writer) send them, within the limits of its
//! [normalizer](https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/agent/normalizer.go).

mod message_pack;

use fanlight_formats::datadog::{
    AgentPayload, DdSketch, MetricPayload, MetricSeries, Sketch, SketchPayload, Span, TraceChunk,
};
use fanlight_net::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use prost::Message as _;
use serde_json::{Value, json};

use crate::Recorded;

/// What a good request holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// `/api/v0.2/traces`.
    Traces(AgentPayload),
    /// `/api/v0.2/stats`; summaries are replaced by how many values they have.
    Stats(Value),
    /// `/api/v2/series`.
    Series(MetricPayload),
    /// `/api/beta/sketches`.
    Sketches(SketchPayload),
    /// `/api/v2/logs`.
    Logs(Vec<Value>),
}

/// Where a request may go: its path, the content type, and the most bytes as sent and as decompressed.
const INTAKES: [(&str, &str, usize, usize); 5] = [
    (
        "/api/v0.2/traces",
        "application/x-protobuf",
        3_200_000,
        3_200_000,
    ),
    (
        "/api/v0.2/stats",
        "application/msgpack",
        3_200_000,
        3_200_000,
    ),
    (
        "/api/v2/series",
        "application/x-protobuf",
        512_000,
        5_242_880,
    ),
    (
        "/api/beta/sketches",
        "application/x-protobuf",
        512_000,
        5_242_880,
    ),
    ("/api/v2/logs", "application/json", 5_000_000, 5_000_000),
];

/// The answer to a request with this API key.
pub fn answer(key: &str, request: &Recorded) -> Response<Body> {
    let given = request.header("dd-api-key");
    if given.is_empty() {
        return errors(StatusCode::UNAUTHORIZED, "Unauthorized");
    }
    if given != key {
        return errors(StatusCode::FORBIDDEN, "Forbidden");
    }
    match read(request) {
        Ok(_) => body(StatusCode::ACCEPTED, &json!({"errors": []})),
        Err((status, why)) => errors(status, &why),
    }
}

fn errors(status: StatusCode, why: &str) -> Response<Body> {
    body(status, &json!({"errors": [why]}))
}

fn body(status: StatusCode, content: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(content.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

/// What a request holds.
///
/// # Errors
/// The status and the words with which the intake refuses it.
pub fn read(request: &Recorded) -> Result<Payload, (StatusCode, String)> {
    let intake = INTAKES.iter().find(|(path, ..)| *path == request.path);
    let Some((path, content_type, most_sent, most)) = intake else {
        return Err((StatusCode::NOT_FOUND, "Not Found".to_owned()));
    };
    if request.header("content-type") != *content_type {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Unsupported media type".to_owned(),
        ));
    }
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    let too_large = || (StatusCode::PAYLOAD_TOO_LARGE, "Payload too big".to_owned());
    if request.body.len() > *most_sent {
        return Err(too_large());
    }
    let body = request.plain().map_err(bad)?;
    if body.len() > *most {
        return Err(too_large());
    }
    let payload = match *path {
        "/api/v0.2/traces" => traces(&body),
        "/api/v0.2/stats" => stats(&body),
        "/api/v2/series" => series(&body),
        "/api/beta/sketches" => sketches(&body),
        _ => logs(&body),
    };
    payload.map_err(bad)
}

fn traces(body: &[u8]) -> Result<Payload, String> {
    let payload = AgentPayload::decode(body).map_err(|error| error.to_string())?;
    require(!payload.tracer_payloads.is_empty(), "there are no traces")?;
    for tracer in &payload.tracer_payloads {
        require(!tracer.chunks.is_empty(), "a source without traces")?;
        tracer.chunks.iter().try_for_each(chunk)?;
    }
    Ok(Payload::Traces(payload))
}

fn chunk(chunk: &TraceChunk) -> Result<(), String> {
    let Some(first) = chunk.spans.first() else {
        return Err("a chunk without spans".to_owned());
    };
    let high = first.meta.get("_dd.p.tid").map_or("", String::as_str);
    require(
        high.len() == 16 && high.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "_dd.p.tid has 16 hexadecimal digits",
    )?;
    let same = chunk
        .spans
        .iter()
        .all(|span| span.trace_id == first.trace_id);
    require(same, "a chunk has spans of one trace")?;
    chunk.spans.iter().try_for_each(span)
}

fn span(span: &Span) -> Result<(), String> {
    require(span.trace_id != 0 && span.span_id != 0, "a span needs ids")?;
    require(
        span.start > 0 && span.duration >= 0,
        "a span needs its times",
    )?;
    let name = &span.name;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let fits = |c: char| c.is_ascii_alphanumeric() || "._".contains(c);
    require(
        name.len() <= 100 && begins && name.chars().all(fits),
        "a span's name would be normalized",
    )?;
    let service = &span.service;
    let fits = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || ":./-_".contains(c);
    require(
        (1..=100).contains(&service.len()) && service.chars().all(fits),
        "a span's service would be normalized",
    )?;
    require(
        (1..=5000).contains(&span.resource.len()),
        "a span's resource has up to 5000 bytes",
    )?;
    require(
        (1..=100).contains(&span.r#type.len()),
        "a span's type has up to 100 bytes",
    )?;
    // An ellipsis of three may follow.
    let fits = span
        .meta
        .iter()
        .all(|(key, value)| key.len() <= 203 && value.len() <= 25_003);
    require(fits, "a tag would be truncated")?;
    let finite = span.metrics.values().all(|value| value.is_finite());
    require(finite, "a metric is a finite number")
}

fn stats(body: &[u8]) -> Result<Payload, String> {
    let mut payload = message_pack::read(body)?;
    let buckets = payload["Stats"]
        .as_array_mut()
        .ok_or("there are no statistics")?
        .iter_mut()
        .filter_map(|client| client["Stats"].as_array_mut())
        .flatten();
    for bucket in buckets {
        require(
            bucket["Duration"] == json!(10_000_000_000_u64),
            "a bucket has ten seconds",
        )?;
        require(
            bucket["Start"]
                .as_u64()
                .is_some_and(|start| start % 10_000_000_000 == 0),
            "a bucket starts at whole ten seconds",
        )?;
        for group in bucket["Stats"].as_array_mut().into_iter().flatten() {
            for summary in ["OkSummary", "ErrorSummary"] {
                let bytes: Vec<u8> = serde_json::from_value(group[summary].take())
                    .map_err(|error| format!("{summary}: {error}"))?;
                let sketch = DdSketch::decode(&*bytes).map_err(|error| error.to_string())?;
                let store = sketch.positive_values.unwrap_or_default();
                let values: f64 = store.contiguous_bin_counts.iter().sum();
                group[summary] = json!(values + sketch.zero_count);
            }
            let hits = group["Hits"].as_f64();
            let counted = group["OkSummary"]
                .as_f64()
                .zip(group["ErrorSummary"].as_f64());
            require(
                hits == counted.map(|(ok, error)| ok + error),
                "hits are what the summaries count",
            )?;
        }
    }
    Ok(Payload::Stats(payload))
}

fn series(body: &[u8]) -> Result<Payload, String> {
    let payload = MetricPayload::decode(body).map_err(|error| error.to_string())?;
    require(!payload.series.is_empty(), "there is no series")?;
    payload
        .series
        .iter()
        .try_for_each(|series: &MetricSeries| {
            metric(&series.metric, &series.tags)?;
            require((1..=3).contains(&series.r#type), "a series needs a type")?;
            let finite = series.points.iter().all(|point| point.value.is_finite());
            require(
                !series.points.is_empty() && finite,
                "a series needs points that are finite",
            )
        })?;
    Ok(Payload::Series(payload))
}

fn sketches(body: &[u8]) -> Result<Payload, String> {
    let payload = SketchPayload::decode(body).map_err(|error| error.to_string())?;
    require(payload.metadata.is_some(), "metadata is missing")?;
    payload.sketches.iter().try_for_each(|sketch: &Sketch| {
        metric(&sketch.metric, &sketch.tags)?;
        sketch.dogsketches.iter().try_for_each(|one| {
            let values: u64 = one.n.iter().map(|count| u64::from(*count)).sum();
            require(
                one.k.len() == one.n.len() && one.k.is_sorted(),
                "keys rise, each with a count",
            )?;
            require(
                values == one.cnt.unsigned_abs(),
                "the bins have as many values as the sketch",
            )?;
            let finite = [one.min, one.max, one.avg, one.sum]
                .iter()
                .all(|value| value.is_finite());
            require(finite && one.min <= one.max, "a sketch has finite bounds")
        })
    })?;
    Ok(Payload::Sketches(payload))
}

fn metric(name: &str, tags: &[String]) -> Result<(), String> {
    require(
        (1..=200).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_alphabetic()),
        "a metric's name begins with a letter and has up to 200 characters",
    )?;
    require(tags.iter().all(|tag| !tag.is_empty()), "a tag is empty")
}

fn logs(body: &[u8]) -> Result<Payload, String> {
    let logs: Vec<Value> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    require(
        (1..=1000).contains(&logs.len()),
        "a request has up to 1000 logs",
    )?;
    for log in &logs {
        require(log["message"].is_string(), "a log needs a message")?;
        for key in ["ddtags", "ddsource", "hostname", "service"] {
            let fits = log[key].is_string() || log.get(key).is_none();
            require(fits, "ddtags, ddsource, hostname and service are texts")?;
        }
    }
    Ok(Payload::Logs(logs))
}

fn require(fits: bool, why: &str) -> Result<(), String> {
    match fits {
        true => Ok(()),
        false => Err(why.to_owned()),
    }
}
