//! OTLP over gRPC.

use bytes::Bytes;
use fanlight_net::grpc::Service;
use fanlight_net::intake::Held;
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_otlp::Signal;
use futures::future::BoxFuture;
use http::HeaderMap;

use super::offer::offer;
use crate::door::Queues;

/// The `Export` methods of every signal that a pipeline takes.
pub(super) struct ExportService(pub(super) Queues);

impl Service for ExportService {
    fn serves(&self, method: &str) -> bool {
        Signal::from_grpc_method(method).is_some_and(|signal| self.0.inlet.accepts(signal))
    }

    fn call<'a>(
        &'a self,
        method: &'a str,
        headers: &'a HeaderMap,
        message: Held,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            let signal = Signal::from_grpc_method(method)
                .ok_or_else(|| Failure::not_found("no such method"))?;
            let format = BodyFormat::Protobuf;
            offer(&self.0, signal, format, headers, message, "grpc").await
        })
    }
}
