//! OTLP over gRPC.

use bytes::Bytes;
use fanlight_net::grpc::Service;
use fanlight_net::intake::{Held, Intake};
use fanlight_net::status::{BodyFormat, Failure};
use fanlight_otlp::Signal;
use fanlight_pipeline::Inlet;
use futures::future::BoxFuture;
use http::HeaderMap;

use super::offer::offer;
use crate::origin::origin;

/// The `Export` methods of every signal that a pipeline takes.
pub(super) struct ExportService {
    pub(super) inlet: Inlet,
    pub(super) intake: Intake,
    pub(super) include_metadata: bool,
}

impl Service for ExportService {
    fn serves(&self, method: &str) -> bool {
        Signal::from_grpc_method(method).is_some_and(|signal| self.inlet.accepts(signal))
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
            let origin = origin(self.include_metadata, headers);
            offer(
                &self.inlet,
                &self.intake,
                signal,
                message,
                BodyFormat::Protobuf,
                origin,
                "grpc",
            )
            .await
        })
    }
}
