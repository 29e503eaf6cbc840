//! `elasticsearch`: documents through the bulk API of Elasticsearch, one a span, log record or group of data points.
//!
//! Limits: a request has at most five million bytes before compression; profiles are not taken. What an index can't hold
//! (points that are not finite, histograms whose buckets don't fit their bounds, bodies that are no map in mode `bodymap`)
//! is left out, counted and told. Configuration, indices and documents are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/elasticsearchexporter);
//! the modes `ecs`, `none` and `raw` are its older forms.
//!
//! | answer | then |
//! |---|---|
//! | nobody answers | the next endpoint is tried, at once; the silent one is left alone for a while |
//! | 413 | the batch is halved |
//! | 429, 502, 503, 504 or one of `retry_on_status`, for the request or a document | it is sent again |
//! | 409 for a document | it is there already |
//! | anything else | it is refused for good |
//!
//! What is sent again is what was refused, not the whole request; a span is sent again with the documents of its events.
//! Where the Collector gives up after two retries, the pipeline goes on for five minutes (`retry_on_failure`).

mod answer;
mod bulk;
mod config;
mod documents;
mod ecs;
mod endpoints;
mod metrics;
mod otel;
mod route;

use fanlight_config::blocks;
use fanlight_config::{ComponentId, ConfigError, Node};
use fanlight_net::http::HttpClient;
use fanlight_net::status::Advice;
use fanlight_otlp::{Batch, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Destination, ExportSettings, Exporter, ExporterConfig, ExporterKind,
    Outcome,
};
use futures::future::BoxFuture;
use http::HeaderValue;
use http::header::{AUTHORIZATION, CONTENT_TYPE};

use self::answer::Answers;
use self::config::{Mode, PATH};
use self::documents::Rules;
use self::endpoints::Endpoints;
use crate::pieces::deliver;
use crate::target::{Target, peers};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "elasticsearch",
    aliases: &[],
    about: "Elasticsearch, through its bulk API.",
    sample: "endpoints: [https://elasticsearch:9200]\nuser: elastic\npassword: changeme",
    decode,
};

/// How much of an answer is read: one status for each document of a request.
const LONGEST_ANSWER: usize = 32 << 20;

/// What the user can do when Elasticsearch refuses.
const ADVICE: Advice = Advice {
    backend: "Elasticsearch",
    credentials: "check the credentials: user and password, or api_key, which must be allowed to create documents",
    not_found: "is this the address of Elasticsearch itself, not of Kibana or an APM server?",
    tls: "set tls.ca_file to the certificate that Elasticsearch made at its first start, http_ca.crt",
};

/// A checked configuration.
#[derive(Clone, Debug)]
struct Elasticsearch {
    client: blocks::HttpClient,
    settings: ExportSettings,
    targets: Vec<Target>,
    /// The value of `Authorization`, from user and password or an API key.
    authorization: Option<fanlight_config::Secret>,
    rules: Rules,
    answers: Answers,
}

fn decode(node: &Node) -> Result<Box<dyn ExporterConfig>, ConfigError> {
    Ok(Box::new(config::decode(node)?))
}

impl ExporterConfig for Elasticsearch {
    fn signals(&self) -> SignalSet {
        match self.rules.mode {
            Mode::Bodymap => SignalSet::of(&[Signal::Logs]),
            _ => SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs]),
        }
    }

    fn settings(&self) -> ExportSettings {
        self.settings.clone()
    }

    fn destination(&self) -> Destination {
        let shown = |target: &Target| target.shown.trim_end_matches(PATH).to_owned();
        let places: Vec<String> = self.targets.iter().map(shown).collect();
        Destination {
            text: format!("{} (bulk, mode {})", places.join(", "), self.rules.mode),
            peers: peers(&self.targets),
        }
    }

    fn extensions(&self) -> Vec<ComponentId> {
        self.client.extensions()
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Exporter>, BuildError> {
        let urls: Vec<_> = self
            .targets
            .iter()
            .map(|target| target.url.clone())
            .collect();
        let mut client = HttpClient::new(&self.client, blocks::Compression::Gzip, &urls, context)?
            .with_longest_answer(LONGEST_ANSWER)
            .with_advice(ADVICE);
        if let Some(authorization) = &self.authorization {
            client = client.with_secret(AUTHORIZATION, authorization.expose())?;
        }
        Ok(Box::new(BulkExporter {
            endpoints: Endpoints::new(client, urls),
            rules: self.rules.clone(),
            answers: self.answers.clone(),
        }))
    }
}

struct BulkExporter {
    endpoints: Endpoints,
    rules: Rules,
    answers: Answers,
}

impl Exporter for BulkExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        let (pieces, left_out) = match documents::of_batch(batch, &self.rules) {
            Ok(bulk) => bulk.finish(),
            Err(error) => {
                let why = format!("the batch can't be read: {error}");
                return Box::pin(std::future::ready(Outcome::Rejected { why }));
            }
        };
        Box::pin(async move {
            deliver(batch, &pieces, left_out, |piece| {
                answer::send(&self.endpoints, &self.answers, piece)
            })
            .await
        })
    }
}

/// The header of every bulk request.
fn content_type() -> (http::HeaderName, HeaderValue) {
    (
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    )
}
