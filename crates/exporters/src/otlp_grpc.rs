//! `otlp_grpc` (`otlp`): any backend that speaks OTLP over gRPC.
//!
//! A batch leaves as the bytes that came in; nothing is decoded. Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlpexporter).

use std::time::Duration;

use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_net::grpc::{GrpcClient, target};
use fanlight_net::status::Advice;
use fanlight_otlp::{Batch, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Peer,
};
use futures::future::BoxFuture;
use serde::Deserialize;

use crate::fit::Wishes;
use crate::otlp::{Fitted, OVER_GRPC, Shared, accepted};

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
    wishes: Wishes,
    advice: Advice,
}

/// What is known of a backend beyond that it speaks OTLP over gRPC: a preset is lowered to this.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The signals that it takes.
    pub(crate) signals: SignalSet,
    /// What to tell when it refuses.
    pub(crate) advice: Advice,
    /// What batches must look like.
    pub(crate) wishes: Wishes,
}

/// Keys of its own.
#[derive(Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Keys {
    /// How long one attempt may take; zero means forever. Default: 5s.
    #[serde(with = "fanlight_config::duration")]
    pub(crate) timeout: Duration,
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
    let known = Known {
        signals: SignalSet::ALL,
        advice: OVER_GRPC,
        wishes: Wishes::default(),
    };
    lowered(node, client, shared, keys.timeout, known)
}

/// The configuration of an exporter to a backend of which something is known.
pub(crate) fn lowered(
    node: &Node,
    client: blocks::GrpcClient,
    shared: Shared,
    timeout: Duration,
    known: Known,
) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let wishes = shared.wishes(known.wishes);
    let signals = shared.signals(node, known.signals, &wishes)?;
    let (peer, uses_tls) = target(&client).map_err(|why| node.error_at("endpoint", why))?;
    Ok(Box::new(OtlpGrpc {
        client,
        shared,
        timeout,
        signals,
        peer,
        uses_tls,
        wishes,
        advice: known.advice,
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
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let client = GrpcClient::new(&self.client, COMPRESSION, context)?;
        let client = client.with_advice(self.advice);
        Ok(Box::new(Fitted::new(&self.wishes, GrpcExporter { client })))
    }
}

struct GrpcExporter {
    client: GrpcClient,
}

impl Exporter for GrpcExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let method = batch.signal().info().grpc_method;
            match self.client.call(method, batch.bytes().clone()).await {
                Ok(answer) => accepted(batch.signal(), &answer, false),
                Err(error) => self.client.outcome(error),
            }
        })
    }
}
