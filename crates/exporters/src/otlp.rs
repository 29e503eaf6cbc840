//! What the two OTLP exporters share: which signals they take, how large requests are, and their answers.

use std::time::Duration;

use fanlight_config::blocks::{Queue, Retry};
use fanlight_config::{ConfigError, Node};
use fanlight_net::status::Advice;
use fanlight_otlp::{Batch, Signal, SignalSet, response};
use fanlight_pipeline::{ExportSettings, Exporter, Outcome, Prepared};
use futures::future::BoxFuture;
use serde::Deserialize;

use crate::fit::{Fit, Wishes};
use crate::pieces::{self, LeftOut, deliver};
use crate::temporality::Temporality;

/// What to tell when an OTLP backend of unknown make refuses.
pub(crate) const OVER_HTTP: Advice = Advice {
    not_found: "is the path right? endpoint gets /v1/traces and so on added; traces_endpoint and its like are used as they are",
    ..Advice::GENERAL
};

/// The same over gRPC.
pub(crate) const OVER_GRPC: Advice = Advice {
    not_found: "the server has no OTLP/gRPC service for this signal; does it listen on this port?",
    ..Advice::GENERAL
};

/// Keys besides those of the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Shared {
    /// The signals to take. Default: all that the backend takes. Not in the Collector.
    pub(crate) signals: Option<Vec<String>>,
    /// Whether metrics are made `delta` or `cumulative`, or stay `unchanged`. Default: what the backend insists on, else
    /// unchanged. Not in the Collector.
    temporality: Option<TemporalityKey>,
    /// Whether log records go as spans, for a backend that takes traces only. Default: false, but for such presets as say
    /// otherwise. Not in the Collector.
    logs_as_spans: Option<bool>,
    /// The queue in front of it.
    sending_queue: Queue,
    /// What happens when the backend does not answer well.
    retry_on_failure: Retry,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TemporalityKey {
    Delta,
    Cumulative,
    Unchanged,
}

impl Shared {
    /// Queue, retry and timeout for the pipeline.
    pub(crate) fn settings(&self, timeout: Duration) -> ExportSettings {
        ExportSettings {
            queue: self.sending_queue.clone(),
            retry: self.retry_on_failure.clone(),
            timeout,
        }
    }

    /// The signals that it takes, of those that the backend takes.
    pub(crate) fn signals(
        &self,
        node: &Node,
        known: SignalSet,
        wishes: &Wishes,
    ) -> Result<SignalSet, ConfigError> {
        let takes = match wishes.logs_as_spans && known.contains(Signal::Traces) {
            true => known.with(Signal::Logs),
            false => known,
        };
        let Some(names) = &self.signals else {
            return Ok(takes);
        };
        let mut signals = SignalSet::NONE;
        for name in names {
            let known = Signal::ALL.map(Signal::name);
            let signal = name.parse::<Signal>().map_err(|error| {
                node.error_at("signals", error.to_string())
                    .suggest(name, &known)
            })?;
            if !takes.contains(signal) {
                let why = format!("this backend takes {takes}, not {signal}");
                return Err(node.error_at("signals", why));
            }
            signals = signals.with(signal);
        }
        if signals.is_empty() {
            return Err(node
                .error_at("signals", "an exporter that takes no signal is of no use")
                .hint("leave the key out to take all"));
        }
        Ok(signals)
    }

    /// What the user says, over what is known of the backend.
    pub(crate) fn wishes(&self, mut known: Wishes) -> Wishes {
        match self.temporality {
            Some(TemporalityKey::Delta) => known.temporality = Some(Temporality::Delta),
            Some(TemporalityKey::Cumulative) => known.temporality = Some(Temporality::Cumulative),
            Some(TemporalityKey::Unchanged) => known.temporality = None,
            None => {}
        }
        known.logs_as_spans = self.logs_as_spans.unwrap_or(known.logs_as_spans);
        known
    }
}

/// The exporter of a backend with wishes: batches are fitted to them, and sent in requests that it takes.
pub(crate) struct Fitted<E> {
    fit: Fit,
    /// The most bytes of a request; zero: no limit.
    request_bytes: usize,
    exporter: E,
}

impl<E> Fitted<E> {
    pub(crate) fn new(wishes: &Wishes, exporter: E) -> Fitted<E> {
        Fitted {
            fit: Fit::new(wishes.clone()),
            request_bytes: wishes.limits.request_bytes,
            exporter,
        }
    }
}

impl<E: Exporter> Exporter for Fitted<E> {
    fn prepare(&self, batch: Batch) -> Prepared {
        self.fit.prepare(batch)
    }

    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        if self.request_bytes == 0 || batch.bytes().len() <= self.request_bytes {
            return self.exporter.send(batch);
        }
        Box::pin(async move {
            let pieces = pieces::of_bytes(batch, self.request_bytes);
            deliver(batch, &pieces, LeftOut::default(), |piece| async {
                piece.sent(self.exporter.send(&piece.request).await)
            })
            .await
        })
    }
}

/// What a good answer means: everything taken, or all but some items. A warning without a number is no rejection
/// ([partial success](https://opentelemetry.io/docs/specs/otlp/#partial-success)).
pub(crate) fn accepted(signal: Signal, answer: &[u8], is_json: bool) -> Outcome {
    match response::decode(signal, answer, is_json) {
        Some(partial) if partial.rejected > 0 => Outcome::Partial {
            rejected: partial.rejected,
            why: partial.message,
        },
        Some(partial) => {
            if !partial.message.is_empty() {
                tracing::debug!(%signal, message = partial.message, "the backend took everything, with a remark");
            }
            Outcome::Delivered
        }
        None => Outcome::Delivered,
    }
}
