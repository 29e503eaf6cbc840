//! `otlp_http` (`otlphttp`): any backend that speaks OTLP over HTTP.
//!
//! With `encoding: proto` a batch leaves as the bytes that came in; nothing is decoded. Configuration and defaults are
//! those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter).

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node, Scheme};
use fanlight_net::http::HttpClient;
use fanlight_net::status::{Advice, BodyFormat};
use fanlight_otlp::{Batch, Signal, SignalSet, json};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Peer, Prepared,
};
use futures::future::BoxFuture;
use http::{StatusCode, Uri};
use serde::Deserialize;

use crate::fit::{Fit, Wishes};
use crate::otlp::{Answered, Attempt, OVER_HTTP, Shared, accepted, send_within};

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

#[derive(Clone, Debug)]
struct Target {
    url: Uri,
    peer: Peer,
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
        let insecure = client.tls.insecure;
        *target = match (own, &client.endpoint) {
            (Some(own), _) => Some(
                Target::new(own, insecure, "")
                    .map_err(|why| node.error_at(&key_of(signal), why))?,
            ),
            (None, Some(base)) => Some(
                Target::new(base, insecure, path.unwrap_or(signal.info().http_path))
                    .map_err(|why| node.error_at("endpoint", why))?,
            ),
            (None, None) => None,
        };
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

fn key_of(signal: Signal) -> String {
    format!("{signal}_endpoint")
}

impl Target {
    fn new(endpoint: &Endpoint, insecure: bool, path: &str) -> Result<Target, String> {
        if matches!(endpoint.scheme(), Scheme::Unix | Scheme::Dns) {
            return Err("an OTLP/HTTP endpoint is a URL such as https://host:4318".to_owned());
        }
        let tls = endpoint
            .uses_tls(insecure)
            .map_err(|error| error.to_string())?;
        let url = endpoint
            .url(tls, path)
            .parse()
            .map_err(|error| format!("the endpoint is not a URL: {error}"))?;
        let peer = Peer {
            host: endpoint.host().to_owned(),
            port: endpoint.port_or_default(tls),
        };
        Ok(Target { url, peer })
    }
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
        let mut peers: Vec<Peer> = Vec::new();
        for target in self.targets.iter().flatten() {
            if !peers.contains(&target.peer) {
                peers.push(target.peer.clone());
            }
        }
        Destination {
            text: format!("{} ({format}, {compression})", self.place()),
            peers,
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
        let urls = self
            .targets
            .clone()
            .map(|target| target.map(|target| target.url));
        let known: Vec<Uri> = urls.iter().flatten().cloned().collect();
        let client = HttpClient::new(&self.client, COMPRESSION, &known, context)?;
        Ok(Box::new(HttpExporter {
            client: client.with_advice(self.advice),
            urls,
            format: self.format,
            request_bytes: self.wishes.limits.request_bytes,
            fit: Fit::new(self.wishes.clone()),
        }))
    }
}

impl OtlpHttp {
    /// The base where there is one, else the URLs; never a query, which may hold a key.
    fn place(&self) -> String {
        let shown = |endpoint: &Endpoint| {
            let tls = endpoint.uses_tls(self.client.tls.insecure).unwrap_or(true);
            let url = endpoint.url(tls, "");
            url.split_once('?')
                .map_or(url.clone(), |(front, _)| front.to_owned())
        };
        if let Some(endpoint) = &self.client.endpoint {
            return shown(endpoint);
        }
        let url = |target: &Target| {
            format!(
                "{}://{}{}",
                target.url.scheme_str().unwrap_or("http"),
                target.peer.host,
                target.url.path()
            )
        };
        let urls: Vec<String> = self.targets.iter().flatten().map(url).collect();
        urls.join(", ")
    }
}

struct HttpExporter {
    client: HttpClient,
    urls: [Option<Uri>; 4],
    format: BodyFormat,
    request_bytes: usize,
    fit: Fit,
}

impl Exporter for HttpExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        self.fit.prepare(batch)
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(send_within(batch, self.request_bytes, self))
    }
}

impl Attempt for HttpExporter {
    fn attempt<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Answered> {
        Box::pin(async move {
            let signal = batch.signal();
            let Some(Some(url)) = self.urls.get(signal as usize) else {
                let why = format!("there is no endpoint for {signal}");
                return Answered::With(Outcome::Rejected { why });
            };
            let body = match self.body(batch) {
                Ok(body) => body,
                Err(why) => return Answered::With(Outcome::Rejected { why }),
            };
            let content_type = self.format.content_type();
            match self.client.post(url, content_type, body).await {
                Ok(answer) if answer.status.is_success() => {
                    let is_json = self.format == BodyFormat::Json;
                    Answered::With(accepted(signal, &answer.body, is_json))
                }
                Ok(answer) if answer.status == StatusCode::PAYLOAD_TOO_LARGE => {
                    Answered::TooLarge(self.client.outcome(url, &answer))
                }
                Ok(answer) => Answered::With(self.client.outcome(url, &answer)),
                Err(outcome) => Answered::With(outcome),
            }
        })
    }
}

impl HttpExporter {
    fn body(&self, batch: &Batch) -> Result<Bytes, String> {
        match self.format {
            BodyFormat::Protobuf => Ok(batch.bytes().clone()),
            BodyFormat::Json => json::to_vec(batch)
                .map(Bytes::from)
                .map_err(|error| format!("not valid as JSON: {error}")),
        }
    }
}
