//! `prometheus`: an endpoint that Prometheus scrapes.
//!
//! Limits and promises:
//! - It holds the newest point of each series and forgets what got no point for `metric_expiration`. At most `max_series`
//!   series are held; points of further ones are refused and counted.
//! - Deltas become cumulative; the state is in memory, so counting begins anew with a restart.
//! - A name has one type. Points of a metric that has another one are refused and counted, until the older has expired.
//! - What a scraper asks for by `Accept` is what it gets: text 0.0.4, OpenMetrics 1.0 (where `enable_open_metrics` is set), or
//!   protobuf, delimited. Exponential histograms are native histograms in protobuf; text has their count and sum only.
//! - Names that need UTF-8 are quoted for scrapers that say `escaping=allow-utf-8`; others get underscores.
//!
//! Configuration and defaults are those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/prometheusexporter),
//! and `max_series`. Formats: [exposition formats](https://prometheus.io/docs/instrumenting/exposition_formats/),
//! [OpenMetrics](https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md).

mod accept;
mod config;
mod protobuf;
mod registry;
mod text;

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fanlight_net::compress::{Compressor, Encoding, Workers};
use fanlight_net::http::{Drain, Handler, Server, text as text_response};
use fanlight_net::{Body, auth};
use fanlight_otlp::Batch;
use fanlight_pipeline::{Exporter, ExporterKind, Outcome, Prepared, ServerAuth, Stop, Stopper};
use futures::future::BoxFuture;
use http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::accept::Format;
use self::registry::Registry;
use crate::temporality::{Converter, STALE, Temporality};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "prometheus",
    aliases: &[],
    about: "An endpoint that Prometheus scrapes: /metrics.",
    sample: "endpoint: 127.0.0.1:8889",
    decode: config::decode,
};

/// Where the metrics are.
const PATH: &str = "/metrics";
/// How long a scrape may still run when the hub stops.
const DRAIN: Drain = Drain(Duration::from_secs(2));

struct PrometheusExporter {
    registry: Arc<Mutex<Registry>>,
    cumulative: Converter,
    workers: Workers,
    stopper: Stopper,
    serving: StdMutex<Option<JoinHandle<()>>>,
}

/// Answers scrapes.
struct Scrapes {
    registry: Arc<Mutex<Registry>>,
    auth: Option<Arc<dyn ServerAuth>>,
    open_metrics: bool,
    compressor: Compressor,
    workers: Workers,
}

impl PrometheusExporter {
    /// Serves from now on, until it is dropped or told to finish.
    fn serve(
        registry: Registry,
        server: Server,
        auth: Option<Arc<dyn ServerAuth>>,
        open_metrics: bool,
    ) -> PrometheusExporter {
        let registry = Arc::new(Mutex::new(registry));
        let workers = Workers::default();
        let scrapes = Scrapes {
            registry: registry.clone(),
            auth,
            open_metrics,
            compressor: Compressor::new(Encoding::Gzip, None),
            workers: workers.clone(),
        };
        let (stopper, stop) = Stop::new();
        let serving = tokio::spawn(async move {
            let address = server.address();
            tracing::info!(%address, path = PATH, "metrics are served for Prometheus");
            let served = server.with_drain(DRAIN).serve(Arc::new(scrapes), stop);
            if let Err(error) = served.await {
                tracing::error!(%address, %error, "metrics are not served any more");
            }
        });
        PrometheusExporter {
            registry,
            cumulative: Converter::new(Temporality::Cumulative, STALE),
            workers,
            stopper,
            serving: StdMutex::new(Some(serving)),
        }
    }
}

impl Exporter for PrometheusExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        self.cumulative.convert(batch)
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let mut registry = Arc::clone(&self.registry).lock_owned().await;
            let (owned, items) = (batch.clone(), batch.items() as u64);
            let size = batch.bytes().len();
            let stored = self
                .workers
                .run(size, move || registry.store(&owned, Instant::now()));
            let Ok(left_out) = stored.await else {
                let why = "the batch could not be stored, which is a bug".to_owned();
                return Outcome::Rejected { why };
            };
            match left_out.items {
                0 => Outcome::Delivered,
                rejected if rejected >= items => Outcome::Rejected { why: left_out.why },
                rejected => Outcome::Partial {
                    rejected,
                    why: left_out.why,
                },
            }
        })
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        self.stopper.stop();
        let serving = self
            .serving
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Box::pin(async move {
            if let Some(serving) = serving {
                // A task that panicked has said so.
                drop(serving.await);
            }
        })
    }
}

impl Drop for PrometheusExporter {
    fn drop(&mut self) {
        self.stopper.stop();
    }
}

impl Handler for Scrapes {
    fn handle(&self, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            let (head, _) = request.into_parts();
            if let Err(missing) = auth::check(self.auth.as_ref(), &head.headers) {
                let mut response = text_response(StatusCode::UNAUTHORIZED, missing.message);
                if let Some(challenge) = missing.challenge {
                    let value = HeaderValue::from_static(challenge);
                    response
                        .headers_mut()
                        .insert(http::header::WWW_AUTHENTICATE, value);
                }
                return response;
            }
            if head.uri.path() != PATH {
                return text_response(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
            }
            if !matches!(head.method, Method::GET | Method::HEAD) {
                let mut response = text_response(StatusCode::METHOD_NOT_ALLOWED, "use GET\n");
                response
                    .headers_mut()
                    .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
                return response;
            }
            self.scrape(&head.headers).await
        })
    }
}

impl Scrapes {
    async fn scrape(&self, headers: &HeaderMap) -> Response<Body> {
        let format = accept::negotiate(header(headers, ACCEPT.as_str()), self.open_metrics);
        let mut registry = Arc::clone(&self.registry).lock_owned().await;
        let size = registry.len().saturating_mul(128);
        let render = self.workers.run(size, move || {
            registry.forget(Instant::now());
            render(&registry, format)
        });
        let Ok(body) = render.await else {
            return text_response(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping\n");
        };
        let gzip = accepts_gzip(header(headers, ACCEPT_ENCODING.as_str()));
        let compressed = match gzip {
            true => self.compressor.compress(body.clone()).await.ok(),
            false => None,
        };
        let is_compressed = compressed.is_some();
        let mut response = Response::new(Body::from(compressed.unwrap_or(body)));
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        );
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if is_compressed {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn render(registry: &Registry, format: Format) -> Bytes {
    match format {
        Format::Protobuf { utf8 } => protobuf::render(registry, utf8).into(),
        Format::Text { utf8 } => text::render(registry, false, utf8).into(),
        Format::OpenMetrics { utf8, .. } => text::render(registry, true, utf8).into(),
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = quality.trim().trim_start_matches("q=").parse() == Ok(0.0);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
