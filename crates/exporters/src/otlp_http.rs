//! `otlp_http` (`otlphttp`): any backend that speaks OTLP over HTTP.
//!
//! With `encoding: proto` a batch leaves as the bytes that came in; nothing is decoded. Configuration and defaults are
//! those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter).

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node};
use fanlight_net::http::HttpClient;
use fanlight_net::status::{Advice, BodyFormat};
use fanlight_otlp::{Batch, Signal, SignalSet, json};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use http::Uri;
use serde::Deserialize;

use crate::fit::Wishes;
use crate::otlp::{Fitted, OVER_HTTP, Shared, accepted};
use crate::target::{Target, peers};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "otlp_http",
    aliases: &["otlphttp"],
    about: "Any backend that speaks OTLP over HTTP.",
    sample: "endpoint: https://cloud.langfuse.com/api/public/otel\nheaders:\n  Authorization: Basic cGstbGYtMTpzay1sZi0x",
    decode,
};

/// The client's compression, where the configuration names none.
const COMPRESSION: Compression = Compression::Gzip;
/// An endpoint as it may be written.
const EXAMPLE: &str = "https://host:4318";
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A checked configuration.
#[derive(Clone, Debug)]
struct OtlpHttp {
    client: blocks::HttpClient,
    shared: Shared,
    format: BodyFormat,
    signals: SignalSet,
    /// Where each signal goes; none for a signal that it does not take.
    targets: [Option<Target>; 4],
    wishes: Wishes,
    advice: Advice,
}

/// What is known of a backend beyond that it speaks OTLP over HTTP: a preset is lowered to this.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// The signals that it takes.
    pub(crate) signals: SignalSet,
    /// What to tell when it refuses.
    pub(crate) advice: Advice,
    /// What batches must look like.
    pub(crate) wishes: Wishes,
    /// Where signals go that do not go to the endpoint: whole URLs.
    pub(crate) targets: [Option<Endpoint>; 4],
    /// What is put behind the endpoint for signals that do not go to the usual path.
    pub(crate) paths: [Option<&'static str>; 4],
    /// How bodies are written.
    pub(crate) format: BodyFormat,
}

impl Default for Known {
    fn default() -> Known {
        Known {
            signals: SignalSet::ALL,
            advice: OVER_HTTP,
            wishes: Wishes::default(),
            targets: [const { None }; 4],
            paths: [None; 4],
            format: BodyFormat::Protobuf,
        }
    }
}

/// Keys of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Keys {
    /// The whole URL for traces. Default: `endpoint` and `/v1/traces`.
    traces_endpoint: Option<Endpoint>,
    /// The whole URL for metrics. Default: `endpoint` and `/v1/metrics`.
    metrics_endpoint: Option<Endpoint>,
    /// The whole URL for logs. Default: `endpoint` and `/v1/logs`.
    logs_endpoint: Option<Endpoint>,
    /// The whole URL for profiles. Default: `endpoint` and `/v1development/profiles`.
    profiles_endpoint: Option<Endpoint>,
    /// Default: proto.
    encoding: Encoding,
}

/// How bodies are written.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Proto,
    Json,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, shared, client) = node.decode_three::<Keys, Shared, blocks::HttpClient>()?;
    let known = Known {
        targets: [
            keys.traces_endpoint,
            keys.metrics_endpoint,
            keys.logs_endpoint,
            keys.profiles_endpoint,
        ],
        format: match keys.encoding {
            Encoding::Proto => BodyFormat::Protobuf,
            Encoding::Json => BodyFormat::Json,
        },
        ..Known::default()
    };
    lowered(node, client, shared, known)
}

/// The configuration of an exporter to a backend of which something is known.
pub(crate) fn lowered(
    node: &Node,
    client: blocks::HttpClient,
    shared: Shared,
    known: Known,
) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let wishes = shared.wishes(known.wishes);
    let wanted = shared.signals(node, known.signals, &wishes)?;
    let mut targets = [const { None }; 4];
    let places = known.targets.iter().zip(known.paths);
    for ((signal, (own, path)), target) in Signal::ALL.into_iter().zip(places).zip(&mut targets) {
        let is_needed = match (signal, wishes.logs_as_spans) {
            (Signal::Logs, true) => false,
            (Signal::Traces, true) => wanted.contains(signal) || wanted.contains(Signal::Logs),
            _ => wanted.contains(signal),
        };
        if !is_needed {
            continue;
        }
        let usual = path.unwrap_or(signal.info().http_path);
        let (key, endpoint, path) = match (own, &client.endpoint) {
            (Some(own), _) => (format!("{signal}_endpoint"), own, ""),
            (None, Some(base)) => ("endpoint".to_owned(), base, usual),
            (None, None) => continue,
        };
        let made = Target::new(endpoint, client.tls.insecure, path);
        *target = Some(made.map_err(|error| error.at(node, &key, EXAMPLE))?);
    }
    let reached = Signal::ALL
        .into_iter()
        .zip(&targets)
        .filter(|(_, target)| target.is_some());
    let mut signals: SignalSet = reached.map(|(signal, _)| signal).collect();
    if wishes.logs_as_spans && signals.contains(Signal::Traces) {
        signals = signals.with(Signal::Logs);
    }
    signals = signals.and(wanted);
    if signals.is_empty() || (shared.signals.is_some() && signals != wanted) {
        let error = node.error_at("endpoint", "there is no endpoint to send to");
        return Err(error.hint("write endpoint: https://host:4318, or a whole URL such as traces_endpoint: https://host:4318/v1/traces"));
    }
    Ok(Box::new(OtlpHttp {
        client,
        shared,
        format: known.format,
        signals,
        targets,
        wishes,
        advice: known.advice,
    }))
}

impl ExporterConfig for OtlpHttp {
    fn signals(&self) -> SignalSet {
        self.signals
    }

    fn settings(&self) -> ExportSettings {
        self.shared.settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        let format = match self.format {
            BodyFormat::Protobuf => "http/protobuf",
            BodyFormat::Json => "http/json",
        };
        let compression = self.client.compression.unwrap_or(COMPRESSION);
        Destination {
            text: format!("{} ({format}, {compression})", self.place()),
            peers: peers(self.targets.iter().flatten()),
        }
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let urls = self
            .targets
            .clone()
            .map(|target| target.map(|target| target.url));
        let known: Vec<Uri> = urls.iter().flatten().cloned().collect();
        let client = HttpClient::new(&self.client, COMPRESSION, &known, context)?;
        let exporter = OtlpHttpExporter {
            client: client.with_advice(self.advice),
            urls,
            format: self.format,
        };
        Ok(Box::new(Fitted::new(&self.wishes, exporter)))
    }
}

impl OtlpHttp {
    /// The base where there is one, else the URLs.
    fn place(&self) -> String {
        let base = self.client.endpoint.as_ref();
        let base = base.and_then(|base| Target::new(base, self.client.tls.insecure, "").ok());
        if let Some(base) = base {
            return base.shown;
        }
        let targets = self.targets.iter().flatten();
        let urls: Vec<&str> = targets.map(|target| target.shown.as_str()).collect();
        urls.join(", ")
    }
}

struct OtlpHttpExporter {
    client: HttpClient,
    urls: [Option<Uri>; 4],
    format: BodyFormat,
}

impl Exporter for OtlpHttpExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let signal = batch.signal();
            let Some(Some(url)) = self.urls.get(signal as usize) else {
                let why = format!("there is no endpoint for {signal}");
                return Outcome::Rejected { why };
            };
            let body = match self.body(batch) {
                Ok(body) => body,
                Err(why) => return Outcome::Rejected { why },
            };
            let content_type = self.format.content_type();
            match self.client.post(url, content_type, body).await {
                Ok(answer) if answer.status.is_success() => {
                    let is_json = self.format == BodyFormat::Json;
                    accepted(signal, &answer.body, is_json)
                }
                Ok(answer) => self.client.outcome(url, &answer),
                Err(outcome) => outcome,
            }
        })
    }
}

impl OtlpHttpExporter {
    fn body(&self, batch: &Batch) -> Result<Bytes, String> {
        match self.format {
            BodyFormat::Protobuf => Ok(batch.bytes().clone()),
            BodyFormat::Json => json::to_vec(batch)
                .map(Bytes::from)
                .map_err(|error| format!("not valid as JSON: {error}")),
        }
    }
}
