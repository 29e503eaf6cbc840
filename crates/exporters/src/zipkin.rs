//! `zipkin`: traces for a Zipkin server and whatever takes its v2 API, as JSON or protobuf.
//!
//! Limits: Zipkin keeps texts only, in microseconds, and no span without ids. Such a span is left out and counted; the rest
//! of its batch is sent. Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/zipkinexporter);
//! the mapping is that of [OpenTelemetry's specification](https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/)
//! as the Collector writes it, so that what it reads back is the same.
//!
//! Two things differ from the Collector, for the better: a request that Zipkin refuses (4xx) is not sent again for ever, and
//! the tags of one scope do not show up on the spans of the next.

mod json;
mod proto;
mod span;

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_net::http::HttpClient;
use fanlight_net::status::Advice;
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Prepared,
};
use futures::future::BoxFuture;
use http::{HeaderValue, Uri};
use serde::Deserialize;

use crate::answers;
use crate::delivery::Delivery;
use crate::target::{Target, usual_path};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "zipkin",
    aliases: &[],
    about: "Zipkin and what takes its v2 API: traces as JSON or protobuf.",
    sample: "endpoint: http://localhost:9411/api/v2/spans",
    decode,
};

/// The client's compression, where the configuration names none.
const COMPRESSION: Compression = Compression::None;
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Where Zipkin takes spans, for an endpoint without a path.
const PATH: &str = "/api/v2/spans";
/// An endpoint as it may be written.
const EXAMPLE: &str = "http://localhost:9411/api/v2/spans";
/// Why spans are left out.
const WITHOUT_IDS: &str =
    "Zipkin takes no span without a trace id and a span id; set them where the spans are made";
/// What to do about an answer.
const ADVICE: Advice = Advice {
    not_found: "Zipkin takes spans at /api/v2/spans; is the endpoint the whole URL?",
    ..Advice::GENERAL
};

/// A checked configuration.
#[derive(Clone, Debug)]
struct Zipkin {
    client: blocks::HttpClient,
    delivery: Delivery,
    keys: Keys,
    target: Target,
}

/// Keys of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// How bodies are written. Default: json.
    format: Format,
    /// The service of spans whose resource names none. Default: `<missing service name>`.
    default_service_name: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Proto,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            format: Format::Json,
            default_service_name: "<missing service name>".to_owned(),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery, client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    let target = Target::of_client(node, &client, EXAMPLE, usual_path(PATH))?;
    Ok(Box::new(Zipkin {
        client,
        delivery,
        keys,
        target,
    }))
}

impl ExporterConfig for Zipkin {
    fn signals(&self) -> SignalSet {
        [Signal::Traces].into_iter().collect()
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        let format = match self.keys.format {
            Format::Json => "json",
            Format::Proto => "proto",
        };
        self.target.destination(&format!("zipkin {format}"))
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let url = self.target.url.clone();
        let urls = std::slice::from_ref(&url);
        Ok(Box::new(ZipkinExporter {
            client: HttpClient::new(&self.client, COMPRESSION, urls, context)?.with_advice(ADVICE),
            url,
            keys: self.keys.clone(),
        }))
    }
}

struct ZipkinExporter {
    client: HttpClient,
    url: Uri,
    keys: Keys,
}

impl Exporter for ZipkinExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        match span::with_ids(&batch) {
            // What can't be read is found out by sending it.
            Err(_) => Prepared::from(batch),
            Ok(valid) if valid.iter().all(|valid| *valid) => Prepared::from(batch),
            Ok(valid) => Prepared {
                dropped: valid.iter().filter(|valid| !**valid).count() as u64,
                why: WITHOUT_IDS.to_owned(),
                ..Prepared::from(
                    batch.select(|number| valid.get(number).is_none_or(|valid| *valid)),
                )
            },
        }
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let body = match self.body(batch) {
                Ok(body) => body,
                Err(error) => {
                    return Outcome::Rejected {
                        why: format!("the batch can't be read: {error}"),
                    };
                }
            };
            let content_type = match self.keys.format {
                Format::Json => HeaderValue::from_static("application/json"),
                Format::Proto => HeaderValue::from_static("application/x-protobuf"),
            };
            match self.client.post(&self.url, content_type, body).await {
                Ok(answer) if answer.status.is_success() => Outcome::Delivered,
                // Zipkin answers 500 when its storage is away, which passes.
                Ok(answer) => answers::outcome(&self.client, &self.url, &answer),
                Err(outcome) => outcome,
            }
        })
    }
}

impl ZipkinExporter {
    fn body(&self, batch: &Batch) -> Result<Bytes, DecodeError> {
        let service = &self.keys.default_service_name;
        match self.keys.format {
            Format::Json => json::write(batch, service),
            Format::Proto => proto::write(batch, service),
        }
    }
}
