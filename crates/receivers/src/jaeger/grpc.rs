//! Spans over gRPC, from Jaeger's agents and collectors.

use bytes::Bytes;
use fanlight_formats::jaeger::{POST_SPANS, PostSpansRequest};
use fanlight_net::grpc::Service;
use fanlight_net::intake::Held;
use fanlight_net::status::Failure;
use fanlight_otlp::Batch;
use futures::future::BoxFuture;
use http::HeaderMap;
use prost::Message as _;

use super::otlp;
use crate::door::Queues;

/// `jaeger.api_v2.CollectorService`.
pub(super) struct Collector(pub(super) Queues);

impl Service for Collector {
    fn serves(&self, method: &str) -> bool {
        method == POST_SPANS
    }

    fn call<'a>(
        &'a self,
        _: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            let cost = message.bytes.len();
            let offered = self.0.offer(message, headers, "grpc", cost, decode);
            offered.await?;
            // An empty message: `PostSpansResponse` has no field.
            Ok(Bytes::new())
        })
    }
}

fn decode(message: Bytes) -> Result<Batch, Failure> {
    let request = PostSpansRequest::decode(message).map_err(|error| {
        Failure::bad_request(format!("the message is no PostSpansRequest: {error}"))
    })?;
    otlp::batch(request.batch.unwrap_or_default())
        .map_err(|invalid| Failure::bad_request(invalid.to_string()))
}
