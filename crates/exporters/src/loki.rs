//! `loki`: logs to Grafana Loki, over its push API or its OTLP endpoint.
//!
//! The endpoint's path says which. `.../loki/api/v1/push` is the push API, as the Collector's exporter of this name spoke it:
//! records become lines of streams, whose labels come from defaults and from the hint attributes `loki.attribute.labels`,
//! `loki.resource.labels`, `loki.format` (json, logfmt or raw) and `loki.tenant`
//! ([configuration](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.130.0/exporter/lokiexporter)).
//! `.../otlp` is [Loki's own OTLP](https://grafana.com/docs/loki/latest/send-data/otel/), which is what Grafana advises: the
//! body is the line, and attributes are structured metadata. `otlp_http` with `endpoint: http://loki:3100/otlp` sends the
//! same; this exporter splits large requests, knows Loki's answers and names attributes whose key Loki would refuse.
//!
//! Loki's limits on lines (256 KiB by default) are the server's to set, so long lines are sent; what Loki answers is told and
//! counted.

mod answer;
mod labels;
mod line;
mod logfmt;
mod push;

use std::time::{Duration, SystemTime};

use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node};
use fanlight_net::http::HttpClient;
use fanlight_otlp::edit::{Verdict, rewrite};
use fanlight_otlp::view::{Attributes, OwnedValue};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Prepared,
};
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde::Deserialize;

use crate::delivery::Delivery;
use crate::pieces::{self, LeftOut, Piece, deliver};
use crate::target::Target;
use labels::DefaultLabels;
use push::Push;

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "loki",
    aliases: &[],
    about: "Grafana Loki: logs over its push API, or over its OTLP endpoint.",
    sample: "endpoint: http://loki:3100/loki/api/v1/push\ndefault_labels_enabled:\n  exporter: false\n  job: true",
    decode,
};

/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// An endpoint as it may be written.
const EXAMPLE: &str = "http://loki:3100/loki/api/v1/push";
/// The tenant's header.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");
/// How large an OTLP request becomes, in bytes; Loki makes more of it.
const MOST_OTLP_BYTES: usize = 1 << 20;

/// A checked configuration.
#[derive(Clone, Debug)]
struct Loki {
    client: blocks::HttpClient,
    delivery: Delivery,
    labels: DefaultLabels,
    protocol: Protocol,
    target: Target,
}

/// Keys of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    /// The labels that nobody has to ask for. Default: all four.
    default_labels_enabled: DefaultLabels,
}

/// What the endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Push,
    Otlp,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let below = |endpoint: &Endpoint| match endpoint.path().ends_with("/otlp") {
        true => "/v1/logs",
        false => "",
    };
    let target = Target::of_client(node, &client, EXAMPLE, below)?;
    let protocol = match target.url.path() {
        "/" => {
            let error = node.error_at("endpoint", "the endpoint has no path");
            return Err(error.hint("add /loki/api/v1/push, or /otlp for Loki's OTLP endpoint"));
        }
        path if path.ends_with("/otlp/v1/logs") => Protocol::Otlp,
        _ => Protocol::Push,
    };
    Ok(Box::new(Loki {
        labels: keys.default_labels_enabled,
        delivery,
        protocol,
        target,
        client,
    }))
}

impl Protocol {
    /// The client's compression, where the configuration names none. A push is in a snappy block already.
    const fn compression(self) -> Compression {
        match self {
            Protocol::Push => Compression::None,
            Protocol::Otlp => Compression::Gzip,
        }
    }
}

impl ExporterConfig for Loki {
    fn signals(&self) -> SignalSet {
        [Signal::Logs].into_iter().collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        let how = match self.protocol {
            Protocol::Push => "Loki push",
            Protocol::Otlp => "Loki OTLP",
        };
        self.target.destination(how)
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let url = self.target.url.clone();
        let urls = std::slice::from_ref(&url);
        let client = HttpClient::new(&self.client, self.protocol.compression(), urls, context)?;
        Ok(Box::new(LokiExporter {
            client,
            url,
            labels: self.labels,
            protocol: self.protocol,
        }))
    }
}

struct LokiExporter {
    client: HttpClient,
    url: Uri,
    labels: DefaultLabels,
    protocol: Protocol,
}

impl Exporter for LokiExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        Prepared::from(match self.protocol {
            Protocol::Push => batch,
            Protocol::Otlp => with_every_key_named(batch),
        })
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let prepared = match self.protocol {
                Protocol::Push => push::pieces(batch, self.labels, now()),
                Protocol::Otlp => Ok((otlp_pieces(batch), LeftOut::default())),
            };
            let (pieces, left_out) = match prepared {
                Ok(prepared) => prepared,
                Err(error) => {
                    let why = format!("not readable as logs: {error}");
                    return Outcome::Rejected { why };
                }
            };
            deliver(batch, &pieces, left_out, |piece| async {
                piece.sent(self.post(&piece.request).await)
            })
            .await
        })
    }
}

impl LokiExporter {
    async fn post(&self, push: &Push) -> Outcome {
        let mut request = Request::new(push.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        if let Some(tenant) = &push.tenant {
            headers.insert(TENANT, tenant.clone());
        }
        match self.client.send(request).await {
            Ok(answer) => answer::outcome(&self.client, &self.url, answer),
            Err(outcome) => outcome,
        }
    }
}

/// Loki's OTLP endpoint refuses a whole request for one attribute whose key has neither a letter nor a digit of ASCII; such
/// a key gets `key_` in front.
fn with_every_key_named(batch: Batch) -> Batch {
    if matches!(has_unnamed_key(&batch), Ok(false)) {
        return batch;
    }
    let renamed = rewrite(batch.clone(), |element| {
        if let Some(attributes) = element.attributes()? {
            let mut unnamed = Vec::new();
            for pair in attributes.iter() {
                let (key, value) = pair?;
                if is_unnamed(key) {
                    unnamed.push((key.to_owned(), OwnedValue::from(value)));
                }
            }
            for (key, value) in unnamed {
                attributes.remove(&key);
                attributes.set(&format!("key_{key}"), value.view());
            }
        }
        Ok(Verdict::Keep)
    });
    // A batch was validated when it came in. What Loki says of it is better than nothing.
    renamed.unwrap_or(batch)
}

fn is_unnamed(key: &str) -> bool {
    !key.contains(|character: char| character.is_ascii_alphanumeric())
}

fn has_unnamed_key(batch: &Batch) -> Result<bool, DecodeError> {
    let unnamed = |attributes: Attributes<'_>| {
        let mut keys = attributes.iter();
        keys.any(|pair| pair.is_ok_and(|(key, _)| is_unnamed(key)))
    };
    for resource in batch.resources() {
        let resource = resource?;
        if unnamed(resource.attributes) {
            return Ok(true);
        }
        for scope in resource.scopes() {
            let scope = scope?;
            if unnamed(scope.attributes) {
                return Ok(true);
            }
            for log in scope.logs() {
                if unnamed(log?.attributes) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// A batch as OTLP requests that are not too large.
fn otlp_pieces(batch: &Batch) -> Vec<Piece<Push>> {
    let pieces = pieces::of_bytes(batch, MOST_OTLP_BYTES).into_iter();
    let piece = pieces.map(|piece| Piece {
        request: Push {
            tenant: None,
            body: piece.request.bytes().clone(),
        },
        items: piece.items,
    });
    piece.collect()
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
