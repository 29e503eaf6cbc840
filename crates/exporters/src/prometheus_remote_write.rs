//! `prometheusremotewrite` (`prometheus_remote_write`): Prometheus, Mimir, Thanos, VictoriaMetrics and all that take remote
//! write, versions [1.0](https://prometheus.io/docs/specs/prw/remote_write_spec/) and
//! [2.0](https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/).
//!
//! Limits and promises:
//! - Samples of a series arrive in order: one batch at a time leaves the queue, each series is in one request of it, and what
//!   a backend wants again is sent again before the next batch.
//! - Deltas become cumulative before they are sent; the state is in memory, so counting begins anew with a restart.
//! - 429, 408 and 5xx are tried again, with the server's `Retry-After`; only the requests of a batch that were not taken.
//! - A backend of version 2.0 that answers 415, or success without saying what it has written, gets version 1.0 from then on.
//! - What Prometheus can't hold (exponential histograms of a scale below -4, points without a value or a time, two values
//!   of one series at one time) is left out and counted; it would cost the whole request.
//! - A request that version 1.0 refuses for one bad sample is sent again in parts, until the bad ones stand alone.
//! - Exponential histograms become native histograms; minimum and maximum are lost, as Prometheus has none.
//!
//! Configuration and defaults are those of the [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/prometheusremotewriteexporter),
//! except: `sending_queue` is there too (with `storage` in place of `wal`), and its `num_consumers` is always 1, since
//! parallel batches would overtake each other; `num_consumers` of `remote_write_queue` bounds the requests of one batch.

mod config;
mod request;
mod series;
mod sift;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fanlight_formats::prometheus::{VERSION_HEADER, WRITTEN_HEADERS};
use fanlight_net::compress::Workers;
use fanlight_net::http::{Answer, HttpClient};
use fanlight_otlp::Batch;
use fanlight_pipeline::{Exporter, ExporterKind, Outcome, Prepared};
use futures::future::BoxFuture;
use futures::stream;
use futures::{FutureExt as _, StreamExt as _};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};

use self::request::{Shape, Version, WriteRequest, requests};
use self::series::translate;
use crate::answers;
use crate::pieces::{LeftOut, Piece, Sent, settle};
use crate::prometheus_model::LabelSettings;
use crate::temporality::{Converter, STALE, Temporality};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "prometheusremotewrite",
    aliases: &["prometheus_remote_write"],
    about: "Prometheus, Mimir, Thanos, VictoriaMetrics and all that take Prometheus remote write.",
    sample: "endpoint: http://prometheus:9090/api/v1/write",
    decode: config::decode,
};

/// Where servers take remote write, for who is told that there is nothing.
const WHERE: &str = "Prometheus takes remote write at /api/v1/write when it runs with --web.enable-remote-write-receiver, Mimir at /api/v1/push";

/// How metrics become series.
#[derive(Clone, Debug)]
struct Translation {
    labels: LabelSettings,
    target_info: bool,
}

struct RemoteWriteExporter {
    client: HttpClient,
    url: Uri,
    translation: Arc<Translation>,
    without_target_info: Arc<Translation>,
    cumulative: Converter,
    shape: Shape,
    /// How many requests of a batch are in flight.
    at_once: usize,
    forwarded: Vec<HeaderName>,
    workers: Workers,
    /// Whether the backend has shown that it does not know version 2.0.
    only_version_1: AtomicBool,
}

impl RemoteWriteExporter {
    fn new(
        client: HttpClient,
        url: Uri,
        translation: Translation,
        shape: Shape,
        at_once: usize,
        forwarded: Vec<HeaderName>,
    ) -> RemoteWriteExporter {
        RemoteWriteExporter {
            client,
            url,
            without_target_info: Arc::new(Translation {
                target_info: false,
                ..translation.clone()
            }),
            translation: Arc::new(translation),
            cumulative: Converter::new(Temporality::Cumulative, STALE),
            shape,
            at_once,
            forwarded,
            workers: Workers::default(),
            only_version_1: AtomicBool::new(false),
        }
    }
}

impl Exporter for RemoteWriteExporter {
    fn prepare(&self, batch: Batch) -> Prepared {
        self.cumulative.convert(batch)
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let version = self.version();
            let outcome = self.attempt(batch, version).await;
            match version == self.version() {
                true => outcome,
                // The backend has just been found out: nothing of the batch was stored.
                false => self.attempt(batch, self.version()).await,
            }
        })
    }
}

impl RemoteWriteExporter {
    fn version(&self) -> Version {
        match self.only_version_1.load(Ordering::Relaxed) {
            true => Version::V1,
            false => self.shape.version,
        }
    }

    async fn attempt(&self, batch: &Batch, version: Version) -> Outcome {
        let Some((pieces, left_out)) = self.make(batch, version, &self.translation).await else {
            let why = "the batch could not be translated, which is a bug".to_owned();
            return Outcome::Rejected { why };
        };
        let headers = self.headers(batch, version);
        self.deliver(batch, &pieces, left_out, &headers, version)
            .await
    }

    /// The requests that a batch becomes, and what it can't.
    async fn make(
        &self,
        batch: &Batch,
        version: Version,
        translation: &Arc<Translation>,
    ) -> Option<(Vec<Piece<WriteRequest>>, LeftOut)> {
        let (owned, translation) = (batch.clone(), Arc::clone(translation));
        let shape = Shape {
            version,
            ..self.shape
        };
        let made = self.workers.run(batch.bytes().len(), move || {
            let all = translate(&owned, &translation);
            (requests(&all, shape), all.left_out)
        });
        made.await.ok()
    }

    /// Sends the requests, some at once. After one that is to be sent again no further one is started.
    async fn deliver(
        &self,
        batch: &Batch,
        pieces: &[Piece<WriteRequest>],
        left_out: LeftOut,
        headers: &HeaderMap,
        version: Version,
    ) -> Outcome {
        let paused = AtomicBool::new(false);
        let start = |piece| {
            self.send_unless(&paused, batch, piece, headers, version)
                .boxed()
        };
        let sending: Vec<BoxFuture<'_, Sent>> = pieces.iter().map(start).collect();
        let sent: Vec<Sent> = stream::iter(sending).buffered(self.at_once).collect().await;
        settle(batch, left_out, sent)
    }

    async fn send_unless(
        &self,
        paused: &AtomicBool,
        batch: &Batch,
        piece: &Piece<WriteRequest>,
        headers: &HeaderMap,
        version: Version,
    ) -> Sent {
        if paused.load(Ordering::Relaxed) {
            return piece.waiting();
        }
        let sent = match self.try_piece(piece, headers, version).await {
            Ok(sent) => sent,
            Err(why) if version == Version::V1 && piece.items.len() > 1 => {
                self.sift(batch, piece, headers, why).await
            }
            Err(why) => piece.sent(Outcome::Rejected { why }),
        };
        if !sent.is_settled() {
            paused.store(true, Ordering::Relaxed);
        }
        sent
    }

    /// Sends one request.
    ///
    /// # Errors
    /// Why it was refused whole, where that may be for the sake of a few samples.
    async fn try_piece(
        &self,
        piece: &Piece<WriteRequest>,
        headers: &HeaderMap,
        version: Version,
    ) -> Result<Sent, String> {
        let mut request = Request::new(piece.request.body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        *request.headers_mut() = headers.clone();
        let answer = match self.client.send(request).await {
            Ok(answer) => answer,
            Err(outcome) => return Ok(piece.sent(outcome)),
        };
        if version == Version::V2 && !knows_version_2(&answer) {
            self.fall_back(answer.status);
            return Ok(piece.sent(Outcome::Retry {
                after: None,
                why: String::new(),
            }));
        }
        let may_be_few = answer.status == StatusCode::BAD_REQUEST;
        match self.outcome(piece, &answer, version) {
            Outcome::Rejected { why } if may_be_few => Err(why),
            outcome => Ok(piece.sent(outcome)),
        }
    }

    /// What an answer means: some servers of version 2.0 take a part of a request and refuse the rest for good.
    fn outcome(&self, piece: &Piece<WriteRequest>, answer: &Answer, version: Version) -> Outcome {
        let missing = match version {
            Version::V1 => None,
            Version::V2 => missing(&piece.request, &answer.headers),
        };
        let items = piece.items.len() as u64;
        if answer.status.is_success() {
            return match missing {
                None | Some(0) => Outcome::Delivered,
                Some(missing) => Outcome::Partial {
                    rejected: missing.min(items),
                    why: format!(
                        "the backend has not written {missing} of the samples and histograms that it answered success to"
                    ),
                },
            };
        }
        let outcome = answers::outcome(&self.client, &self.url, answer);
        let outcome = match answer.status {
            StatusCode::NOT_FOUND => answers::advised(outcome, WHERE),
            _ => outcome,
        };
        match (outcome, missing) {
            (Outcome::Rejected { why }, Some(missing)) if missing < items => Outcome::Partial {
                rejected: missing,
                why,
            },
            (outcome, _) => outcome,
        }
    }

    fn fall_back(&self, status: StatusCode) {
        if !self.only_version_1.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                url = %self.url.path(), %status,
                "the backend does not know remote write 2.0; it gets version 1.0 from now on"
            );
        }
    }

    fn headers(&self, batch: &Batch, version: Version) -> HeaderMap {
        let (content_type, number) = match version {
            Version::V1 => ("application/x-protobuf", "0.1.0"),
            Version::V2 => (
                "application/x-protobuf;proto=io.prometheus.write.v2.Request",
                "2.0.0",
            ),
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("snappy"));
        headers.insert(VERSION_HEADER, HeaderValue::from_static(number));
        let metadata = batch.origin().map_or(&[][..], |origin| &origin.metadata);
        for name in &self.forwarded {
            let values = metadata.iter().filter(|(key, _)| key == name.as_str());
            for mut value in values.filter_map(|(_, value)| HeaderValue::from_str(value).ok()) {
                value.set_sensitive(true);
                headers.append(name, value);
            }
        }
        headers
    }
}

/// Servers of version 1.0 either refuse the media type, or find an empty request and say nothing about what they wrote.
fn knows_version_2(answer: &Answer) -> bool {
    let tells = WRITTEN_HEADERS
        .iter()
        .any(|name| answer.headers.contains_key(*name));
    answer.status != StatusCode::UNSUPPORTED_MEDIA_TYPE && (tells || !answer.status.is_success())
}

/// How many samples and histograms of a request were not written, where the server says so. Exemplars are not items.
fn missing(request: &WriteRequest, headers: &HeaderMap) -> Option<u64> {
    let [samples, histograms, _] = WRITTEN_HEADERS.map(|name| {
        let text = headers.get(name)?.to_str().ok()?;
        text.trim().parse::<u64>().ok()
    });
    let written = match (samples, histograms) {
        (None, None) => return None,
        (samples, histograms) => samples.unwrap_or(0).saturating_add(histograms.unwrap_or(0)),
    };
    let [samples, histograms, _] = request.sent;
    Some((samples + histograms).saturating_sub(written))
}
