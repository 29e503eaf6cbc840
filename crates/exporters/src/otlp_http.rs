//! `otlp_http` (`otlphttp`): any backend that speaks OTLP over HTTP.
//!
//! With `encoding: proto` a batch leaves as the bytes that came in; nothing is decoded. Configuration and defaults are
//! those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/otlphttpexporter).

use std::time::Duration;

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Endpoint, Node, Scheme};
use fanlight_net::http::HttpClient;
use fanlight_net::status::BodyFormat;
use fanlight_otlp::{Batch, Signal, SignalSet, json};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Peer,
};
use futures::future::BoxFuture;
use http::Uri;
use serde::Deserialize;

use crate::otlp::{Shared, accepted};

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
    let wanted = shared.signals(node)?;
    let own = [
        &keys.traces_endpoint,
        &keys.metrics_endpoint,
        &keys.logs_endpoint,
        &keys.profiles_endpoint,
    ];
    let mut targets = [const { None }; 4];
    for ((signal, own), target) in Signal::ALL.into_iter().zip(own).zip(&mut targets) {
        if !wanted.contains(signal) {
            continue;
        }
        let insecure = client.tls.insecure;
        *target = match (own, &client.endpoint) {
            (Some(own), _) => Some(
                Target::new(own, insecure, "")
                    .map_err(|why| node.error_at(&key_of(signal), why))?,
            ),
            (None, Some(base)) => Some(
                Target::new(base, insecure, signal.info().http_path)
                    .map_err(|why| node.error_at("endpoint", why))?,
            ),
            (None, None) => None,
        };
    }
    let signals: SignalSet = Signal::ALL
        .into_iter()
        .zip(&targets)
        .filter(|(_, target)| target.is_some())
        .map(|(signal, _)| signal)
        .collect();
    if signals.is_empty() || (shared.signals.is_some() && signals != wanted) {
        let error = node.error_at("endpoint", "there is no endpoint to send to");
        return Err(error.hint("write endpoint: https://host:4318, or a whole URL such as traces_endpoint: https://host:4318/v1/traces"));
    }
    let format = match keys.encoding {
        Encoding::Proto => BodyFormat::Protobuf,
        Encoding::Json => BodyFormat::Json,
    };
    Ok(Box::new(OtlpHttp {
        client,
        shared,
        format,
        signals,
        targets,
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
            client,
            urls,
            format: self.format,
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
}

impl Exporter for HttpExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let signal = batch.signal();
            let Some(Some(url)) = self.urls.get(signal as usize) else {
                return Outcome::Rejected {
                    why: format!("there is no endpoint for {signal}"),
                };
            };
            let body = match self.body(batch) {
                Ok(body) => body,
                Err(why) => return Outcome::Rejected { why },
            };
            match self
                .client
                .post(url, self.format.content_type(), body)
                .await
            {
                Ok(answer) if answer.status.is_success() => {
                    accepted(signal, &answer.body, self.format == BodyFormat::Json)
                }
                Ok(answer) => self.client.outcome(url, &answer),
                Err(outcome) => outcome,
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
