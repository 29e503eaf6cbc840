//! `splunk_hec`: log records, data points and spans as events of Splunk's HTTP Event Collector.
//!
//! Limits: a request has at most `max_content_length_*` bytes before compression, an event `max_event_size`; what is larger,
//! log records without a body and exponential histograms are left out, counted and told. Profiles are not taken. Scopes, event
//! names, units and exemplars have no place in an event. Configuration, defaults and events are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/splunkhecexporter).
//!
//! One request holds events of one token: the resource attribute `com.splunk.hec.access_token` replaces the configured one.
//! 408, 429 and 5xx are sent again, `Retry-After` is honoured; other refusals are final, but for 413, which the pipeline
//! answers with less at once.
//! [Answers](https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector).

mod config;
mod event;
mod heartbeat;
mod logs;
mod metrics;
mod requests;
mod spans;

use fanlight_config::{ComponentId, ConfigError, Node, blocks};
use fanlight_net::http::HttpClient;
use fanlight_net::status::Advice;
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Uri};

use self::config::Rules;
use self::heartbeat::{Heartbeat, Pulse};
use self::requests::{Request, Requests};
use crate::answers;
use crate::delivery::Delivery;
use crate::pieces::deliver;
use crate::target::Target;

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "splunk_hec",
    aliases: &[],
    about: "Splunk's HTTP Event Collector.",
    sample: "token: 00000000-0000-0000-0000-000000000000\nendpoint: https://splunk:8088/services/collector\nsource: otel\nsourcetype: otel",
    decode,
};

/// Log records of this scope are profiles, which Splunk tells by a header.
const PROFILING: &str = "otel.profiling";

/// What the user can do when Splunk refuses.
const ADVICE: Advice = Advice {
    backend: "Splunk",
    credentials: "check the credentials: the token of this input, that it is enabled, and that it may write to the index",
    not_found: "the path is /services/collector; is this the port of the HTTP Event Collector, 8088, not of Splunk's pages or management?",
    tls: "Splunk makes its own certificate: set tls.ca_file to its cacert.pem",
};

/// A checked configuration.
#[derive(Clone, Debug)]
struct SplunkHec {
    client: blocks::HttpClient,
    delivery: Delivery,
    token: fanlight_config::Secret,
    target: Target,
    app: (String, Option<String>),
    heartbeat: Pulse,
    rules: Rules,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    Ok(Box::new(config::decode(node)?))
}

impl ExporterConfig for SplunkHec {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs])
    }

    fn settings(&self) -> ExportSettings {
        let timeout = self.client.timeout.unwrap_or(config::TIMEOUT);
        self.delivery.settings(timeout)
    }

    fn destination(&self) -> Destination {
        self.target.destination("Splunk HEC")
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let gzip = blocks::Compression::Gzip;
        let (app, version) = &self.app;
        let agent_version = context.user_agent.split('/').next_back();
        let version = version.as_deref().or(agent_version).unwrap_or_default();
        let url = self.target.url.clone();
        let client = HttpClient::new(&self.client, gzip, std::slice::from_ref(&url), context)?
            .with_advice(ADVICE)
            .with_secret(AUTHORIZATION, &format!("Splunk {}", self.token.expose()))?
            .with_secret(HeaderName::from_static("__splunk_app_name"), app)?
            .with_secret(HeaderName::from_static("__splunk_app_version"), version)?;
        let client = std::sync::Arc::new(client);
        Ok(Box::new(HecExporter {
            heartbeat: Heartbeat::start(&self.heartbeat, client.clone(), &url, version),
            client,
            url,
            rules: self.rules.clone(),
        }))
    }
}

struct HecExporter {
    client: std::sync::Arc<HttpClient>,
    url: Uri,
    rules: Rules,
    /// Ends with the exporter.
    heartbeat: Option<Heartbeat>,
}

impl Exporter for HecExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let (pieces, left_out) = match requests_of(batch, &self.rules) {
            Ok(requests) => requests.finish(),
            Err(error) => {
                let why = format!("the batch can't be read: {error}");
                return Box::pin(std::future::ready(Outcome::Rejected { why }));
            }
        };
        Box::pin(async move {
            deliver(batch, &pieces, left_out, |piece| async {
                piece.sent(self.post(&piece.request).await)
            })
            .await
        })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.stop();
        }
        Box::pin(std::future::ready(()))
    }
}

impl HecExporter {
    async fn post(&self, events: &Request) -> Outcome {
        let token = events.token.as_deref();
        let mut request = http::Request::new(events.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if events.is_profiling {
            let name = HeaderName::from_static("x-splunk-instrumentation-library");
            headers.insert(name, HeaderValue::from_static(PROFILING));
        }
        if let Some(token) = token {
            let Ok(mut value) = HeaderValue::from_str(&format!("Splunk {token}")) else {
                let why = "com.splunk.hec.access_token of a resource is no token".to_owned();
                return Outcome::Rejected { why };
            };
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let outcome = match self.client.send(request).await {
            Ok(answer) if answer.status.is_success() => Outcome::Delivered,
            Ok(answer) => answers::outcome(&self.client, &self.url, &answer),
            Err(outcome) => outcome,
        };
        // The configured token is out of the server's words already; a resource's own is not.
        match token {
            Some(token) if !token.is_empty() => {
                outcome.told(|why| why.replace(token, "[REDACTED]"))
            }
            _ => outcome,
        }
    }
}

/// The requests that a batch becomes.
fn requests_of(batch: &Batch, rules: &Rules) -> Result<Requests, DecodeError> {
    let limit = match batch.signal() {
        Signal::Traces => rules.max_traces,
        Signal::Metrics => rules.max_metrics,
        Signal::Logs | Signal::Profiles => rules.max_logs,
    };
    let mut requests = Requests::new(limit, rules.max_event);
    match batch.signal() {
        Signal::Logs => logs::write(batch, rules, &mut requests)?,
        Signal::Traces => spans::write(batch, rules, &mut requests)?,
        Signal::Metrics => metrics::write(batch, rules, &mut requests)?,
        Signal::Profiles => {}
    }
    Ok(requests)
}
