//! `azuremonitor`: [Azure Monitor's Application Insights](https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete).
//!
//! Spans become requests, dependencies and exceptions, log records messages, data points metrics. A request is one envelope
//! a line, at most `maxbatchsize` and 1 MiB. Nothing is acknowledged before Azure has taken it; of a request that was taken
//! in part only what may be taken later is sent again. Configuration and mapping are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/azuremonitorexporter),
//! which answers before it sends and leaves spans of functions out.

mod answer;
mod connection;
mod envelope;
mod log;
mod metric;
mod span;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fanlight_config::blocks::{self, Compression};
use fanlight_config::{ComponentId, ConfigError, Node, Secret};
use fanlight_net::http::{Answer, HttpClient};
use fanlight_net::status::{Advice, retry_after};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use http::header::LOCATION;
use http::{HeaderValue, Uri};
use serde::Deserialize;

use self::answer::{TrackAnswer, is_transient, redirect};
use self::connection::{Connection, DEFAULT_ENDPOINT, VARIABLE};
use self::envelope::{Common, Track};
use crate::answers::advised;
use crate::delivery::Delivery;
use crate::pieces::{LeftOut, Piece, Sent, deliver};
use crate::target::Target;

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "azuremonitor",
    aliases: &["azure_monitor"],
    about: "Azure Monitor's Application Insights.",
    sample: "connection_string: InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
    decode,
};

/// Where telemetry is taken, under the endpoint.
const PATH: &str = "/v2.1/track";
const ADVICE: Advice = Advice {
    backend: "Azure Monitor",
    credentials: "is this the connection string of an Application Insights resource that takes keys?",
    not_found: "is the IngestionEndpoint that of the connection string in Azure's portal?",
    tls: "",
};
/// How long one attempt may take, where the configuration says nothing.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request's body may be before compression, in bytes.
const LONGEST_BODY: usize = 1 << 20;
/// How many redirects one attempt follows.
const MOST_REDIRECTS: usize = 3;

/// Keys of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct Keys {
    /// What Azure's portal shows. Default: none; `APPLICATIONINSIGHTS_CONNECTION_STRING` goes before it.
    connection_string: Secret,
    /// The key alone, with `endpoint`. Default: none.
    instrumentation_key: Secret,
    /// How many telemetry items a request has at most. Default: 1024.
    maxbatchsize: usize,
    /// Accepted, no effect: nothing is held back here; `sending_queue.batch` joins batches. Default: 10s.
    #[serde(with = "fanlight_config::duration")]
    maxbatchinterval: Duration,
    /// Events of spans that are no exceptions are sent, too, as messages. Default: false.
    spaneventsenabled: bool,
    /// Log records with the attributes of an exception are sent as one. Default: false.
    exception_events_enabled: bool,
    /// Log records that are marked as custom events are sent as such. Default: false.
    custom_events_enabled: bool,
    /// Accepted, no effect: the queue is emptied within the hub's own time at its end. Default: 1s.
    #[serde(with = "fanlight_config::duration")]
    shutdown_timeout: Duration,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            connection_string: Secret::default(),
            instrumentation_key: Secret::default(),
            maxbatchsize: 1024,
            maxbatchinterval: Duration::from_secs(10),
            spaneventsenabled: false,
            exception_events_enabled: false,
            custom_events_enabled: false,
            shutdown_timeout: Duration::from_secs(1),
        }
    }
}

/// A checked configuration.
#[derive(Clone, Debug)]
struct AzureMonitor {
    keys: Keys,
    delivery: Delivery,
    client: blocks::HttpClient,
    connection: Connection,
    target: Target,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    // The one variable that Azure itself defines to win over any configuration.
    let environment = std::env::var(VARIABLE).unwrap_or_default();
    read(node, &environment).map(|config| Box::new(config) as Box<dyn ExporterConfig>)
}

fn read(node: &Node, environment: &str) -> Result<AzureMonitor, ConfigError> {
    let (keys, delivery, client) = node.decode_three::<Keys, Delivery, blocks::HttpClient>()?;
    if keys.maxbatchsize == 0 {
        return Err(node.error_at("maxbatchsize", "a request has at least one item"));
    }
    let string = match environment {
        "" => keys.connection_string.expose(),
        environment => environment,
    };
    let key = keys.instrumentation_key.expose();
    let connection = Connection::new(string, key, client.endpoint.as_ref());
    let connection = connection.map_err(|error| {
        node.error_at("connection_string", error.to_string()).hint(
            "copy the connection string from the overview of the Application Insights resource",
        )
    })?;
    let target = Target::new(&connection.endpoint, client.tls.insecure, PATH)
        .map_err(|error| error.at(node, "endpoint", DEFAULT_ENDPOINT))?;
    Ok(AzureMonitor {
        keys,
        delivery,
        client,
        connection,
        target,
    })
}

impl ExporterConfig for AzureMonitor {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs])
    }

    fn settings(&self) -> ExportSettings {
        self.delivery
            .settings(self.client.timeout.unwrap_or(TIMEOUT))
    }

    fn destination(&self) -> Destination {
        let endpoint = self.target.shown.trim_end_matches(PATH);
        Destination {
            text: format!("{endpoint} (Azure Monitor)"),
            peers: vec![self.target.peer.clone()],
        }
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let url = self.target.url.clone();
        let urls = std::slice::from_ref(&url);
        Ok(Box::new(AzureExporter {
            client: HttpClient::new(&self.client, Compression::Gzip, urls, context)?
                .with_advice(ADVICE),
            url: Mutex::new(url),
            instrumentation_key: self.connection.instrumentation_key.clone(),
            keys: self.keys.clone(),
        }))
    }
}

struct AzureExporter {
    client: HttpClient,
    /// Where to send; a redirect changes it for good.
    url: Mutex<Uri>,
    instrumentation_key: String,
    keys: Keys,
}

impl Exporter for AzureExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut left_out = LeftOut::default();
            let track = match self.track(batch, &mut left_out) {
                Ok(track) => track,
                Err(error) => {
                    return Outcome::Rejected {
                        why: error.to_string(),
                    };
                }
            };
            let pieces = self.requests(track);
            deliver(batch, &pieces, left_out, |piece| self.put(piece)).await
        })
    }
}

impl AzureExporter {
    /// The envelopes of a batch.
    fn track(&self, batch: &Batch, left_out: &mut LeftOut) -> Result<Track, DecodeError> {
        let mut track = Track::default();
        let kinds = log::Kinds {
            custom_events: self.keys.custom_events_enabled,
            exceptions: self.keys.exception_events_enabled,
        };
        let mut items = 0..;
        let mut next = || items.next().unwrap_or_default();
        for resource in batch.resources() {
            let resource = resource?;
            for scope in resource.scopes() {
                let scope = scope?;
                let common = Common {
                    instrumentation_key: &self.instrumentation_key,
                    resource: &resource,
                    scope: &scope,
                };
                for span in scope.spans() {
                    let all_events = self.keys.spaneventsenabled;
                    span::write(&mut track, &common, &span?, next(), all_events)?;
                }
                for record in scope.logs() {
                    log::write(&mut track, &common, &record?, next(), kinds);
                }
                for metric in scope.metrics() {
                    let metric = metric?;
                    for point in metric.points() {
                        let written = metric::write(&mut track, &common, &metric, &point?, next());
                        if let Err(no_value) = written {
                            left_out.items += 1;
                            left_out.why = no_value.to_string();
                        }
                    }
                }
            }
        }
        if track.too_long > 0 {
            left_out.items += track.too_long;
            left_out.why = "Azure Monitor takes no item of more than 64 KB".to_owned();
        }
        Ok(track)
    }

    /// Envelopes as requests.
    fn requests(&self, track: Track) -> Vec<Piece<Bytes>> {
        let bytes = Bytes::from(track.bytes);
        let mut pieces = Vec::new();
        let mut waiting = track.envelopes.as_slice();
        let mut start = 0;
        while !waiting.is_empty() {
            let fit = waiting
                .iter()
                .take(self.keys.maxbatchsize)
                .take_while(|envelope| envelope.end - start <= LONGEST_BODY)
                .count();
            let (now, later) = waiting.split_at(fit.max(1));
            let end = now.last().map_or(start, |envelope| envelope.end);
            pieces.push(Piece {
                request: bytes.slice(start..end),
                items: now.iter().map(|envelope| envelope.item).collect(),
            });
            (waiting, start) = (later, end);
        }
        pieces
    }

    async fn put(&self, piece: &Piece<Bytes>) -> Sent {
        for _ in 0..=MOST_REDIRECTS {
            let url = self.lock_url().clone();
            let content_type = HeaderValue::from_static("application/x-json-stream");
            let body = piece.request.clone();
            let answer = match self.client.post(&url, content_type, body).await {
                Ok(answer) => answer,
                Err(outcome) => return piece.sent(outcome),
            };
            if !matches!(answer.status.as_u16(), 307 | 308) {
                return self.settle(piece, &url, &answer);
            }
            let location = answer.headers.get(LOCATION);
            let location = location.and_then(|value| value.to_str().ok());
            match location.and_then(|location| redirect(&url, location)) {
                Some(target) => *self.lock_url() = target,
                None => return piece.sent(self.refused(&url, &answer)),
            }
        }
        piece.sent(Outcome::Retry {
            after: None,
            why: format!("Azure Monitor redirected more than {MOST_REDIRECTS} times"),
        })
    }

    fn lock_url(&self) -> std::sync::MutexGuard<'_, Uri> {
        self.url.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, piece: &Piece<Bytes>, url: &Uri, answer: &Answer) -> Sent {
        let status = answer.status.as_u16();
        if matches!(status, 200 | 206) {
            // An answer that can't be read is one of success all the same.
            let track = serde_json::from_slice(&answer.body).unwrap_or_default();
            return taken(piece, &track, answer);
        }
        let after = retry_after(&answer.headers, SystemTime::now());
        match self.refused(url, answer) {
            Outcome::Rejected { why } if is_transient(status) || after.is_some() => {
                piece.sent(Outcome::Retry { after, why })
            }
            outcome => piece.sent(outcome),
        }
    }

    fn refused(&self, url: &Uri, answer: &Answer) -> Outcome {
        let outcome = self.client.outcome(url, answer);
        match answer.status.as_u16() {
            307 | 308 => advised(
                outcome,
                "telemetry follows redirects within Azure's own domains only",
            ),
            400 => advised(outcome, ADVICE.credentials),
            439 => advised(outcome, "the daily cap of the resource is reached"),
            _ => outcome,
        }
    }
}

/// What the answer says of single envelopes. An item counts once, however many of its envelopes were refused.
fn taken(piece: &Piece<Bytes>, track: &TrackAnswer, answer: &Answer) -> Sent {
    let (mut again, mut refused, mut why) = (Vec::new(), Vec::new(), String::new());
    for error in &track.errors {
        let Some(item) = error.index.and_then(|index| piece.items.get(index)) else {
            continue;
        };
        why = format!(
            "Azure Monitor did not take an item: {} {}",
            error.status_code, error.message
        );
        match is_transient(error.status_code) {
            true => again.push(*item),
            false => refused.push(*item),
        }
    }
    refused.retain(|item| !again.contains(item));
    refused.sort_unstable();
    refused.dedup();
    let rejected = refused.len() as u64;
    match again.is_empty() {
        true => Sent::Settled { rejected, why },
        false => Sent::Again {
            items: again,
            rejected,
            after: retry_after(&answer.headers, SystemTime::now()),
            why,
        },
    }
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::node;

    use super::*;

    #[test]
    fn defaults_are_the_collectors() {
        let config = read(&node("connection_string: InstrumentationKey=k"), "").unwrap();
        assert_eq!(config.keys.maxbatchsize, 1024);
        assert_eq!(config.keys.maxbatchinterval, Duration::from_secs(10));
        assert!(!config.keys.spaneventsenabled && !config.keys.custom_events_enabled);
        assert_eq!(
            config.destination().text,
            "https://dc.services.visualstudio.com (Azure Monitor)"
        );
    }

    #[test]
    fn the_environment_goes_before_the_configuration() {
        let node = node("connection_string: InstrumentationKey=configured");
        let environment = "InstrumentationKey=environment;IngestionEndpoint=https://host.example";
        let config = read(&node, environment).unwrap();
        assert_eq!(config.connection.instrumentation_key, "environment");
        assert_eq!(
            config.destination().text,
            "https://host.example (Azure Monitor)"
        );
    }

    #[test]
    fn a_missing_connection_says_where_to_get_one() {
        let error = read(&node("spaneventsenabled: true"), "").unwrap_err();
        assert!(error.to_string().contains("there is no connection string"));
        let debugged = format!(
            "{:?}",
            read(&node("instrumentation_key: hush\nendpoint: https://h"), "")
        );
        assert!(!debugged.contains("hush"), "{debugged}");
    }
}
