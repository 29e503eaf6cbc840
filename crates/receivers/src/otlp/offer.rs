//! The part of a request's way that HTTP and gRPC share: decode, offer, answer.

use bytes::Bytes;
use fanlight_net::intake::Held;
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_otlp::{Batch, Signal, json, response};
use http::HeaderMap;

use crate::door::Queues;

/// Checks a body, hands it in, and makes the answer: an `Export*ServiceResponse` in the request's format.
pub(super) async fn offer(
    queues: &Queues,
    signal: Signal,
    format: BodyFormat,
    headers: &HeaderMap,
    body: Held,
    transport: &'static str,
) -> Result<Bytes, Failure> {
    let is_json = format == BodyFormat::Json;
    // JSON takes about ten times as long as protobuf, which is only walked over.
    let cost = body.bytes.len() / if is_json { 1 } else { 10 };
    let decode = move |bytes| decode(signal, bytes, format);
    let accepted = queues.offer(body, headers, transport, cost, decode).await?;
    Ok(Bytes::from(response::encode(
        signal,
        accepted.rejected_items,
        &accepted.message,
        is_json,
    )))
}

fn decode(signal: Signal, body: Bytes, format: BodyFormat) -> Result<Batch, Failure> {
    match format {
        BodyFormat::Protobuf => Batch::decode(signal, body).map_err(|error| {
            Failure::bad_request(format!(
                "the body is not a valid OTLP request for {signal}: {error}"
            ))
        }),
        BodyFormat::Json => json::read(signal, &body).map_err(|error| {
            Failure::bad_request(format!(
                "the body is not valid OTLP/JSON for {signal}: {error}"
            ))
        }),
    }
}
