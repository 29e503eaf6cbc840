//! `signalfx`: metrics as SignalFx data points, and log records that are SignalFx events, to Splunk Observability Cloud.
//!
//! | OTLP | SignalFx |
//! |---|---|
//! | gauge, sum that may fall | gauge |
//! | sum, delta / cumulative | counter / cumulative counter |
//! | histogram | `_count`, `_sum`, `_min`, `_max`, and `_bucket` with `le`; or OTLP (`send_otlp_histograms`) |
//! | exponential histogram | `_count`, `_sum`, `_min`, `_max` (the Collector drops it) |
//! | summary | `_count`, `_sum`, and `_quantile` with `quantile` |
//! | log record with `com.splunk.signalfx.event_category` | event; other records are for `splunk_hec`, and are counted as refused |
//!
//! Limits are [Splunk's](https://dev.splunk.com/observability/docs/datamodel/ingest): names of 256 characters, 36 dimensions
//! (a point past these is left out and counted, as are NaN and infinity), keys of 128 characters and values of 256 (a
//! dimension past these is left out). Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/signalfxexporter),
//! with its excluded metrics. Not here: the host metrics that it derives for old dashboards (`cpu.utilization` and the
//! like; `disable_default_translation_rules: false` is refused), dimension updates (`sync_host_metadata`) and the
//! correlation of traces with hosts.

mod config;
mod events;
mod filter;
mod points;

use bytes::Bytes;
use fanlight_net::http::HttpClient;
use fanlight_otlp::{Batch, DecodeError, Signal};
use fanlight_pipeline::{Exporter, ExporterKind, Outcome};
use futures::future::BoxFuture;
use http::{HeaderValue, Uri};

use self::points::Mapping;
use crate::pieces::{LeftOut, Piece, deliver};
use crate::splunk_ingest::{self, Head, PROTOBUF};

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "signalfx",
    aliases: &[],
    about: "Metrics and events to Splunk Observability Cloud in SignalFx's protocol.",
    sample: "access_token: abc\nrealm: us1",
    decode: config::decode,
};

/// The content type of histograms that go as OTLP.
const OTLP: HeaderValue = HeaderValue::from_static("application/x-protobuf;format=otlp");

struct SignalFxExporter {
    client: HttpClient,
    urls: Urls,
    passthrough: bool,
    mapping: Mapping,
}

/// Where each kind of request goes.
#[derive(Clone, Debug)]
struct Urls {
    datapoint: Uri,
    otlp: Uri,
    event: Uri,
}

/// What a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    DataPoints,
    OtlpHistograms,
    Events,
}

/// Items of one access token, and their request.
struct Request {
    content: Content,
    token: Option<String>,
    body: Bytes,
}

/// What a batch becomes.
type Pieces = (Vec<Piece<Request>>, LeftOut);

impl Exporter for SignalFxExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match self.pieces(batch) {
                // Records that are no events are no fault of the destination, which is not even asked.
                Ok((pieces, left_out)) if pieces.is_empty() && left_out.items > 0 => {
                    Outcome::Partial {
                        rejected: left_out.items,
                        why: left_out.why,
                    }
                }
                Ok((pieces, left_out)) => {
                    deliver(batch, &pieces, left_out, |piece| async move {
                        piece.sent(self.post(&piece.request).await)
                    })
                    .await
                }
                Err(error) => Outcome::Rejected {
                    why: format!("the batch can't be read: {error}"),
                },
            }
        })
    }
}

impl SignalFxExporter {
    fn pieces(&self, batch: &Batch) -> Result<Pieces, DecodeError> {
        match batch.signal() {
            Signal::Metrics => points::pieces(batch, &self.mapping, self.passthrough),
            _ => events::pieces(batch, self.passthrough),
        }
    }

    async fn post(&self, request: &Request) -> Outcome {
        let (url, content_type) = match request.content {
            Content::DataPoints => (&self.urls.datapoint, PROTOBUF),
            Content::OtlpHistograms => (&self.urls.otlp, OTLP),
            Content::Events => (&self.urls.event, PROTOBUF),
        };
        let head = Head {
            url,
            content_type,
            token: request.token.as_deref(),
        };
        splunk_ingest::post(&self.client, head, request.body.clone()).await
    }
}
