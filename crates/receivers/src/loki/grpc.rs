//! `logproto.Pusher/Push`.

use bytes::Bytes;
use fanlight_formats::loki::PUSH_METHOD;
use fanlight_net::grpc::Service;
use fanlight_net::intake::Held;
use fanlight_net::status::Failure;
use fanlight_otlp::Signal;
use futures::future::BoxFuture;
use http::HeaderMap;

use super::records::{self, Body, Times};
use crate::door::Queues;

/// Takes pushes over gRPC.
pub(super) struct Pusher {
    pub(super) queues: Queues,
    pub(super) max_bytes: usize,
    pub(super) times: Times,
}

impl Service for Pusher {
    fn serves(&self, method: &str) -> bool {
        method == PUSH_METHOD && self.queues.inlet.accepts(Signal::Logs)
    }

    fn call<'a>(
        &'a self,
        _: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            let (cost, times, most) = (message.bytes.len(), self.times, self.max_bytes);
            let read = move |bytes| records::read(Body::Protobuf(bytes), times, most);
            let offered = self.queues.offer(message, headers, "grpc", cost, read);
            offered.await?;
            // `PushResponse` has no fields.
            Ok(Bytes::new())
        })
    }
}
