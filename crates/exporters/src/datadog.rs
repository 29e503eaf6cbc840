//! `datadog`: traces with their statistics, metrics and logs to Datadog's own intakes.
//!
//! | Signal | Request | Limits |
//! |---|---|---|
//! | traces | `https://trace.agent.<site>/api/v0.2/traces` (protobuf), `/api/v0.2/stats` (MessagePack) | 3.2 MB |
//! | metrics | `https://api.<site>/api/v2/series`, `/api/beta/sketches` (protobuf) | 500 kB compressed, 5 MB |
//! | logs | `https://http-intake.logs.<site>/api/v2/logs` (JSON) | 5 MB, 1000 entries |
//!
//! A larger batch becomes several requests, and what can't be sent is left out and counted. 408, 429 and every 5xx are
//! tried again, other refusals are final. Configuration and defaults are those of the
//! [Collector's exporter](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/exporter/datadogexporter).
//!
//! Not here: host metadata (the infrastructure list), obfuscation of SQL (a statement is a tag as it came, and never the
//! resource), the metrics that the Collector derives for Datadog's own dashboards of hosts and containers, and the name of
//! the machine that the hub runs on: telemetry without a host has that of `hostname`, or none.

mod config;
mod intake;
mod keys;
mod logs;
mod metrics;
mod normalize;
mod source;
mod span;
mod stats;
mod traces;

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanlight_formats::datadog::StatsPayload;
use fanlight_otlp::{Batch, DecodeError, Signal};
use fanlight_pipeline::{Exporter, ExporterKind, Outcome, Prepared};
use futures::future::BoxFuture;

use self::intake::Intakes;
use self::stats::Concentrator;
use crate::pieces::{Sent, deliver};
use crate::temporality::Converter;

/// The component type.
pub(crate) static KIND: ExporterKind = ExporterKind {
    name: "datadog",
    aliases: &[],
    about: "Traces with their statistics, metrics and logs to Datadog's own intakes.",
    sample: "api:\n  key: 0123456789abcdef0123456789abcdef\n  site: datadoghq.eu",
    decode: config::decode,
};

struct DatadogExporter {
    intakes: Intakes,
    traces: traces::Mapping,
    metrics: metrics::Mapping,
    summaries: metrics::Summaries,
    converter: Converter,
    stats: Mutex<Concentrator>,
    /// How long sending statistics may take.
    timeout: Duration,
}

impl Exporter for DatadogExporter {
    fn send<'a>(&'a self, batch: &'a Batch) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let sent = match batch.signal() {
                Signal::Traces => self.send_traces(batch).await,
                Signal::Metrics => self.send_metrics(batch).await,
                _ => self.send_logs(batch).await,
            };
            sent.unwrap_or_else(|error| Outcome::Rejected {
                why: format!("the batch can't be read: {error}"),
            })
        })
    }

    fn prepare(&self, batch: Batch) -> Prepared {
        match batch.signal() {
            Signal::Metrics => self.converter.convert(self.summaries.convert(batch)),
            _ => Prepared::from(batch),
        }
    }

    fn tick_interval(&self) -> Option<Duration> {
        Some(stats::INTERVAL)
    }

    fn tick(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.send_stats(false))
    }

    fn finish(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.send_stats(true))
    }
}

impl DatadogExporter {
    async fn send_traces(&self, batch: &Batch) -> Result<Outcome, DecodeError> {
        let (pieces, left_out) = traces::pieces(batch, &self.traces)?;
        let outcome = deliver(batch, &pieces, left_out, |piece| async move {
            let outcome = self.intakes.traces(piece.request.body.clone()).await;
            let sent = piece.sent(outcome);
            if matches!(sent, Sent::Settled { rejected: 0, .. }) {
                // Counted once: what is settled is not sent again.
                self.count(&piece.request.samples);
            }
            sent
        });
        Ok(outcome.await)
    }

    async fn send_metrics(&self, batch: &Batch) -> Result<Outcome, DecodeError> {
        let (pieces, left_out) = metrics::pieces(batch, &self.metrics)?;
        let outcome = deliver(batch, &pieces, left_out, |piece| async move {
            piece.sent(self.intakes.metrics(&piece.request).await)
        });
        Ok(outcome.await)
    }

    async fn send_logs(&self, batch: &Batch) -> Result<Outcome, DecodeError> {
        let (pieces, left_out) = logs::pieces(batch, &self.metrics.hostname)?;
        let outcome = deliver(batch, &pieces, left_out, |piece| async move {
            piece.sent(self.intakes.logs(piece.request.clone()).await)
        });
        Ok(outcome.await)
    }

    fn count(&self, samples: &[stats::Sample]) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = samples
            .iter()
            .filter(|sample| !stats.add((*sample).clone()))
            .count();
        if refused > 0 {
            tracing::warn!(
                spans = refused,
                "too many kinds of spans for Datadog's statistics; these spans are not in them"
            );
        }
    }

    /// Sends the statistics that are complete. They are Datadog's figures, not the user's telemetry: when they can't be
    /// sent, that is told, and the spans are there all the same.
    async fn send_stats(&self, all: bool) {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let stats = {
            let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
            stats.take(now, all)
        };
        if stats.is_empty() {
            return;
        }
        let body = stats::encode(&StatsPayload {
            agent_hostname: self.traces.hostname.clone(),
            stats,
            agent_version: config::VERSION.to_owned(),
            ..StatsPayload::default()
        });
        let sending = self.intakes.stats(body.into());
        let why = match tokio::time::timeout(self.timeout, sending).await {
            Ok(Outcome::Delivered) => return,
            Ok(failed) => failed.why().to_owned(),
            Err(_) => format!("no answer within {:?}", self.timeout),
        };
        tracing::warn!(error = why, "Datadog's statistics of ten seconds are lost");
    }
}
