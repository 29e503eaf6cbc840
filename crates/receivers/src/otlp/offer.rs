//! The part of a request's way that HTTP and gRPC share: decode, offer, answer.

use std::sync::Arc;

use bytes::Bytes;
use fanlight_net::intake::{Held, Intake};
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_otlp::{Batch, Origin, Signal, json, response};
use fanlight_pipeline::Inlet;

/// Checks a body, hands it in, and makes the answer: an `Export*ServiceResponse` in the request's format.
///
/// Dropping it may leave the batch accepted or not; the sender has no answer then and will send again.
pub(super) async fn offer(
    inlet: &Inlet,
    intake: &Intake,
    signal: Signal,
    body: Held,
    format: BodyFormat,
    origin: Option<Arc<Origin>>,
    transport: &'static str,
) -> Result<Bytes, Failure> {
    let bytes = body.bytes.clone();
    // JSON takes about ten times as long as protobuf, which is only walked over.
    let cost = if format == BodyFormat::Json {
        bytes.len()
    } else {
        bytes.len() / 10
    };
    let batch = intake
        .run(cost, move || decode(signal, bytes, format))
        .await??
        .with_origin(origin);
    let accepted = inlet.offer(batch, transport).await?;
    // The body counts against the memory budget until its batch is in the queues' books.
    drop(body);
    let is_json = format == BodyFormat::Json;
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
