//! `logproto.Pusher/Push`.

use bytes::Bytes;
use fanlight_formats::loki::PUSH_METHOD;
use fanlight_net::grpc::Service;
use fanlight_net::intake::{Held, Intake};
use fanlight_net::status::Failure;
use fanlight_otlp::Signal;
use fanlight_pipeline::Inlet;
use futures::future::BoxFuture;
use http::HeaderMap;

use super::records::{self, Body, Times};
use crate::origin::origin;

/// Takes pushes over gRPC.
pub(super) struct Pusher {
    pub(super) inlet: Inlet,
    pub(super) intake: Intake,
    pub(super) include_metadata: bool,
    pub(super) max_bytes: usize,
    pub(super) times: Times,
}

impl Service for Pusher {
    fn serves(&self, method: &str) -> bool {
        method == PUSH_METHOD && self.inlet.accepts(Signal::Logs)
    }

    fn call<'a>(
        &'a self,
        _: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            let (bytes, times, most) = (message.bytes.clone(), self.times, self.max_bytes);
            let batch = self
                .intake
                .run(bytes.len(), move || {
                    records::read(Body::Protobuf(bytes), times, most)
                })
                .await??
                .with_origin(origin(self.include_metadata, headers));
            if batch.items() > 0 {
                self.inlet.offer(batch, "grpc").await?;
            }
            // The body counts against the memory budget until its batch is in the queues' books.
            drop(message);
            // `PushResponse` has no fields.
            Ok(Bytes::new())
        })
    }
}
