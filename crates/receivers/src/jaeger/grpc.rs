//! Spans over gRPC, from Jaeger's agents and collectors.

use bytes::Bytes;
use fanlight_formats::jaeger::{POST_SPANS, PostSpansRequest};
use fanlight_net::grpc::Service;
use fanlight_net::intake::{Held, Intake};
use fanlight_net::status::Failure;
use fanlight_otlp::Batch;
use fanlight_pipeline::Inlet;
use futures::future::BoxFuture;
use http::HeaderMap;
use prost::Message as _;

use super::otlp;
use crate::origin::origin;

/// `jaeger.api_v2.CollectorService`.
pub(super) struct Collector {
    pub(super) inlet: Inlet,
    pub(super) intake: Intake,
    pub(super) include_metadata: bool,
}

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
            let bytes = message.bytes.clone();
            let batch = self
                .intake
                .run(bytes.len(), move || decode(bytes))
                .await??;
            let batch = batch.with_origin(origin(self.include_metadata, headers));
            self.inlet.offer(batch, "grpc").await?;
            // The body counts against the memory budget until its batch is in the queues' books.
            drop(message);
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
