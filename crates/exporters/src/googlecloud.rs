//! `googlecloud`: Cloud Trace, Cloud Logging and Cloud Monitoring of [Google Cloud](https://cloud.google.com/products/operations),
//! over gRPC.
//!
//! Each project's items go in calls of their own: `gcp.project.id` of the resource names it, else `project`, else the
//! credentials. What Google would refuse or cut off is fitted here and counted in the fields that Google has for it. A call
//! that is refused in part loses only the items that Google names. Credentials are looked for at the first call, so that
//! the hub starts without them. Configuration and mapping are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/googlecloudexporter).

mod access;
mod answer;
mod calls;
mod config;
mod logs;
mod metrics;
mod resource;
mod traces;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ConfigError, Node, Secret};
use fanlight_net::grpc::GrpcClient;
use fanlight_otlp::{Batch, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome, Peer, Prepared,
};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue};

use self::access::Access;
use self::calls::{Call, Calls};
use self::config::{Keys, Service};
use crate::delivery::Delivery;
use crate::pieces::{Piece, Sent, deliver};
use crate::temporality::{Converter, STALE, Temporality};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "googlecloud",
    aliases: &["gcp"],
    about: "Google Cloud: Trace, Logging, Monitoring.",
    sample: "project: my-project\nlog:\n  default_log_name: opentelemetry",
    decode,
};

/// Says whose quota a call counts against. [Source](https://cloud.google.com/apis/docs/system-parameters).
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

/// A checked configuration.
#[derive(Clone, Debug)]
struct GoogleCloud {
    keys: Keys,
    delivery: Delivery,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    let (keys, delivery) = node.decode_both::<Keys, Delivery>()?;
    keys.check(node)?;
    Ok(Box::new(GoogleCloud { keys, delivery }))
}

impl ExporterConfig for GoogleCloud {
    fn signals(&self) -> SignalSet {
        config::SERVICES
            .iter()
            .fold(SignalSet::NONE, |signals, service| {
                signals.with(service.signal)
            })
    }

    fn settings(&self) -> ExportSettings {
        self.delivery.settings(self.keys.timeout)
    }

    fn destination(&self) -> Destination {
        let places = config::SERVICES.iter().map(|service| {
            let (host, port, _) = self.keys.place(service);
            Peer { host, port }
        });
        let project = match self.keys.project.as_str() {
            "" => "the project of the credentials",
            project => project,
        };
        Destination {
            text: format!("Google Cloud, {project} (gRPC)"),
            peers: places.collect(),
        }
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let clients = config::SERVICES
            .iter()
            .map(|service| self.client(service, context));
        let (_, version) = context.user_agent.split_once('/').unwrap_or_default();
        Ok(Box::new(GoogleCloudExporter {
            clients: clients.collect::<Result<_, _>>()?,
            access: Access::new(&self.keys),
            agent: format!("fanlight {version}"),
            converter: Converter::new(Temporality::Cumulative, STALE),
            begun_unix_nano: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_nanos() as u64),
            keys: self.keys.clone(),
        }))
    }
}

impl GoogleCloud {
    fn client(
        &self,
        service: &'static Service,
        context: &BuildContext<'_>,
    ) -> Result<Client, BuildError> {
        let (host, port, encrypted) = self.keys.place(service);
        let scheme = if encrypted { "https" } else { "http" };
        let host = match host.contains(':') {
            true => format!("[{host}]"),
            false => host,
        };
        let endpoint = format!("{scheme}://{host}:{port}").parse();
        let mut block = blocks::GrpcClient {
            endpoint: Some(endpoint.map_err(|error| BuildError::new(format!("{error}")))?),
            compression: self.keys.client(service.signal).compression,
            ..blocks::GrpcClient::default()
        };
        if !self.keys.user_agent.is_empty() {
            let (_, version) = context.user_agent.split_once('/').unwrap_or_default();
            let agent = self.keys.user_agent.replace("{{version}}", version);
            block.headers.insert("user-agent", Secret::new(agent));
        }
        let client = GrpcClient::new(&block, Compression::None, context)?;
        Ok(Client {
            service,
            grpc: client.with_advice(service.advice),
            with_credentials: encrypted || self.keys.credentials_file.is_some(),
        })
    }
}

struct Client {
    service: &'static Service,
    grpc: GrpcClient,
    with_credentials: bool,
}

struct GoogleCloudExporter {
    clients: Vec<Client>,
    access: Access,
    /// What Cloud Trace shows as the sender.
    agent: String,
    /// Cloud Monitoring takes no deltas of metrics that users define.
    converter: Converter,
    begun_unix_nano: u64,
    keys: Keys,
}

impl Exporter for GoogleCloudExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        self.converter.convert(batch)
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let signal = batch.signal();
            let client = self
                .clients
                .iter()
                .find(|client| client.service.signal == signal);
            let Some(client) = client else {
                let why = format!("Google Cloud takes no {signal}");
                return Outcome::Rejected { why };
            };
            let mut headers = HeaderMap::new();
            let mut project = self.keys.project.clone();
            if client.with_credentials || project.is_empty() {
                match self.access.headers_and_project().await {
                    Ok((found, of_credentials)) => {
                        if client.with_credentials {
                            headers = found;
                        }
                        if project.is_empty() {
                            project = of_credentials;
                        }
                    }
                    Err(error) => {
                        let why = error.to_string();
                        return Outcome::Retry { after: None, why };
                    }
                }
            }
            let calls = match self.calls(batch, &project) {
                Ok(calls) => calls,
                Err(error) => {
                    let why = error.to_string();
                    return Outcome::Rejected { why };
                }
            };
            let send = |piece| self.call(client, &headers, piece);
            deliver(batch, &calls.pieces, calls.left_out, send).await
        })
    }
}

impl GoogleCloudExporter {
    fn calls(&self, batch: &Batch, project: &str) -> Result<Calls, fanlight_otlp::DecodeError> {
        match batch.signal() {
            Signal::Traces => traces::calls(batch, project, &self.keys.trace, &self.agent),
            Signal::Logs => logs::calls(batch, project, &self.keys.log),
            Signal::Metrics => {
                metrics::calls(batch, project, &self.keys.metric, self.begun_unix_nano)
            }
            Signal::Profiles => Ok(Calls::new(0, |_, _| {})),
        }
    }

    async fn call(&self, client: &Client, headers: &HeaderMap, piece: &Piece<Call>) -> Sent {
        let mut headers = headers.clone();
        if self.keys.destination_project_quota
            && let Ok(project) = HeaderValue::from_str(&piece.request.project)
        {
            headers.insert(QUOTA_PROJECT, project);
        }
        let message = Bytes::from(piece.request.message.clone());
        let answer = client
            .grpc
            .call_with(client.service.method, message, &headers)
            .await;
        match answer {
            Ok(_) => piece.sent(Outcome::Delivered),
            Err(error) => answer::sent(&client.grpc, client.service.signal, piece, error),
        }
    }
}

/// The Collector's default, which is that of Google's own libraries.
const TIMEOUT: Duration = Duration::from_secs(12);

#[cfg(test)]
mod tests;
