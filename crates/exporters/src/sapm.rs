//! `sapm`: traces to Splunk Observability Cloud in its own protocol, which is batches of Jaeger's spans over HTTP.
//!
//! Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.111.0/exporter/sapmexporter),
//! which the Collector has dropped in favour of OTLP at `/v2/trace/otlp`. How spans are mapped is that of its
//! [translator](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/translator/jaeger).
//! Spans without ids are left out and counted: Splunk refuses the request that holds one.

mod spans;

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression, NotSupported};
use fanlight_config::{ComponentId, ConfigError, Node, Secret};
use fanlight_net::http::HttpClient;
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use http::Uri;
use prost::Message as _;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::delivery::Delivery;
use crate::pieces::{LeftOut, Piece, deliver};
use crate::splunk_ingest::{self, Head, PROTOBUF, TOKEN};
use crate::target::{Target, usual_path};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "sapm",
    aliases: &[],
    about: "Traces to Splunk Observability Cloud in its own protocol (SAPM).",
    sample: "access_token: abc\nendpoint: https://ingest.us1.signalfx.com/v2/trace",
    decode,
};

/// The client's compression, where the configuration names none.
const COMPRESSION: Compression = Compression::Gzip;
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Where traces go, at an endpoint that names no path.
const PATH: &str = "/v2/trace";
/// An endpoint as it may be written.
const EXAMPLE: &str = "https://ingest.us1.signalfx.com/v2/trace, with your realm";

/// Keys besides those of the client.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// The access token; a resource's own comes first. Default: none.
    access_token: Secret,
    /// Whether a resource may bring a token of its own, in `com.splunk.signalfx.access_token`. Default: true.
    access_token_passthrough: bool,
    /// Send requests as they are. Default: false.
    disable_compression: bool,
    /// Accepted, no effect: `sending_queue.num_consumers` says how many requests are under way. Default: 8.
    num_workers: u32,
    /// How many idle connections are kept. Default: 100.
    max_connections: u64,
    /// Accepted, no effect.
    log_detailed_response: IgnoredAny,
    /// Not supported; the Collector's exporter has lost it too.
    correlation: NotSupported,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            access_token: Secret::default(),
            access_token_passthrough: true,
            disable_compression: false,
            num_workers: 8,
            max_connections: 100,
            log_detailed_response: IgnoredAny,
            correlation: NotSupported,
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
struct Sapm {
    keys: Keys,
    delivery: Delivery,
    client: blocks::HttpClient,
    target: Target,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, mut client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let target = Target::of_client(node, &client, EXAMPLE, usual_path(PATH))?;
    client.max_idle_conns = keys.max_connections;
    if keys.disable_compression {
        client.compression = Some(Compression::None);
    }
    Ok(Box::new(Sapm {
        keys,
        delivery,
        client,
        target,
    }))
}

impl ExporterConfig for Sapm {
    fn signals(&self) -> SignalSet {
        [Signal::Traces].into_iter().collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        self.target.destination("sapm")
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let url = self.target.url.clone();
        let urls = std::slice::from_ref(&url);
        let mut client = HttpClient::new(&self.client, COMPRESSION, urls, context)?;
        let token = self.keys.access_token.expose();
        if !token.is_empty() {
            client = client.with_secret(TOKEN, token)?;
        }
        Ok(Box::new(SapmExporter {
            client,
            url,
            passthrough: self.keys.access_token_passthrough,
        }))
    }
}

struct SapmExporter {
    client: HttpClient,
    url: Uri,
    passthrough: bool,
}

/// Spans of one access token, and their request.
struct Request {
    token: Option<String>,
    body: Bytes,
}

impl Exporter for SapmExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let (pieces, left_out) = match self.pieces(batch) {
                Ok(pieces) => pieces,
                Err(error) => {
                    return Outcome::Rejected {
                        why: format!("the batch can't be read: {error}"),
                    };
                }
            };
            deliver(batch, &pieces, left_out, |piece| async move {
                let head = Head {
                    url: &self.url,
                    content_type: PROTOBUF,
                    token: piece.request.token.as_deref(),
                };
                let body = piece.request.body.clone();
                piece.sent(splunk_ingest::post(&self.client, head, body).await)
            })
            .await
        })
    }
}

impl SapmExporter {
    /// One request for each access token, in the order in which they appear.
    fn pieces(&self, batch: &Batch) -> Result<(Vec<Piece<Request>>, LeftOut), DecodeError> {
        let mut groups: Vec<(Option<&str>, spans::Group)> = Vec::new();
        let mut left_out = LeftOut::default();
        let mut number = 0;
        for resource in batch.resources() {
            let resource = resource?;
            let token = splunk_ingest::token(&resource, self.passthrough)?;
            let found = groups.iter().position(|(known, _)| *known == token);
            let index = found.unwrap_or_else(|| {
                groups.push((token, spans::Group::default()));
                groups.len() - 1
            });
            if let Some((_, group)) = groups.get_mut(index) {
                group.add(&resource, &mut number, &mut left_out)?;
            }
        }
        let piece = |(token, group): (Option<&str>, spans::Group)| Piece {
            request: Request {
                token: token.map(str::to_owned),
                body: group.request.encode_to_vec().into(),
            },
            items: group.items,
        };
        let pieces = groups
            .into_iter()
            .filter(|(_, group)| !group.items.is_empty());
        Ok((pieces.map(piece).collect(), left_out))
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::{exporter_config, node};

    use super::*;

    #[test]
    fn defaults_are_the_collectors() {
        let keys = Keys::default();
        assert!(keys.access_token_passthrough && !keys.disable_compression);
        assert_eq!((keys.num_workers, keys.max_connections), (8, 100));
        let config = exporter_config(&KIND, "endpoint: https://ingest.us1.signalfx.com");
        assert_eq!(config.settings().timeout, Duration::from_secs(5));
        assert_eq!(
            config.destination().text,
            "https://ingest.us1.signalfx.com/v2/trace (sapm)"
        );
        let own = exporter_config(&KIND, "endpoint: http://collector:7276/v2/trace");
        assert_eq!(
            own.destination().text,
            "http://collector:7276/v2/trace (sapm)"
        );
    }

    #[test]
    fn an_endpoint_is_needed_and_correlation_refused() {
        let error = decode(&node("access_token: abc")).unwrap_err();
        assert_eq!(error.message, "there is no endpoint to send to");
        let error = decode(&node(
            "{endpoint: 'https://x/', correlation: {enabled: true}}",
        ));
        assert!(
            error
                .unwrap_err()
                .message
                .contains("known but not supported")
        );
    }
}
