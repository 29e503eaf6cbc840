//! `otlp_grpc` (`otlp`): any backend that speaks OTLP over gRPC.
//!
//! A batch leaves as the bytes that came in; nothing is decoded. Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter).

use std::time::Duration;

use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_net::grpc::{GrpcClient, target};
use fanlight_otlp::{Batch, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Peer,
};
use futures::future::BoxFuture;
use serde::Deserialize;

use crate::otlp::{Shared, accepted};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "otlp_grpc",
    aliases: &["otlp"],
    about: "Any backend that speaks OTLP over gRPC.",
    sample: "endpoint: jaeger:4317\ntls:\n  insecure: true",
    decode,
};

/// The client's compression, where the configuration names none.
const COMPRESSION: Compression = Compression::Gzip;

/// A checked configuration.
#[derive(Clone, Debug)]
struct OtlpGrpc {
    client: blocks::GrpcClient,
    shared: Shared,
    timeout: Duration,
    signals: SignalSet,
    peer: Peer,
    uses_tls: bool,
}

/// Keys of its own.
#[derive(Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// How long one attempt may take; zero means forever. Default: 5s.
    #[serde(with = "fanlight_config::duration")]
    timeout: Duration,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            timeout: Duration::from_secs(5),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, shared, client) = node.decode_three::<Keys, Shared, blocks::GrpcClient>()?;
    let signals = shared.signals(node)?;
    let (peer, uses_tls) = target(&client).map_err(|why| node.error_at("endpoint", why))?;
    Ok(Box::new(OtlpGrpc {
        client,
        shared,
        timeout: keys.timeout,
        signals,
        peer,
        uses_tls,
    }))
}

impl ExporterConfig for OtlpGrpc {
    fn signals(&self) -> SignalSet {
        self.signals
    }

    fn settings(&self) -> ExportSettings {
        self.shared.settings(self.timeout)
    }

    fn destination(&self) -> Destination {
        let security = if self.uses_tls { "TLS" } else { "plain text" };
        let compression = self.client.compression.unwrap_or(COMPRESSION);
        let authority = self
            .client
            .endpoint
            .as_ref()
            .map(|endpoint| endpoint.authority())
            .unwrap_or_default();
        Destination {
            text: format!("{authority} (gRPC, {security}, {compression})"),
            peers: vec![self.peer.clone()],
        }
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client
            .auth
            .iter()
            .map(|auth| auth.authenticator.clone())
            .collect()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        Ok(Box::new(GrpcExporter(GrpcClient::new(
            &self.client,
            COMPRESSION,
            context,
        )?)))
    }
}

struct GrpcExporter(GrpcClient);

impl Exporter for GrpcExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self
                .0
                .call(batch.signal().info().grpc_method, batch.bytes().clone())
                .await
            {
                Ok(answer) => accepted(batch.signal(), &answer, false),
                Err(error) => self.0.outcome(error),
            }
        })
    }
}
