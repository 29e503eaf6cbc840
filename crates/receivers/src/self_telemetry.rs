//! `self_telemetry`: the hub's own metrics and logs, as telemetry that flows through its pipelines like any other.
//!
//! It can't feed itself: metrics are sampled at an interval, whatever is counted meanwhile; log lines come from the
//! hub's own modules only; and nothing is logged about batches that carry this mark on their origin.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter};
use fanlight_otlp::{Batch, Origin, Signal, SignalSet};
use fanlight_pipeline::telemetry::{LogLine, ProcessUsage, Series, metrics};
use fanlight_pipeline::{
    BuildContext, BuildError, Inlet, Receiver, ReceiverConfig, ReceiverKind, Status, Stop,
};
use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::broadcast::{self, error::RecvError};

/// The component type.
pub(crate) static KIND: ReceiverKind = ReceiverKind {
    name: "self_telemetry",
    aliases: &[],
    about: "The hub's own metrics and logs, under the names of the OpenTelemetry Collector.",
    sample: "collection_interval: 10s",
    decode,
};

/// `self_telemetry`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
struct SelfTelemetry {
    /// How often the metrics are sampled. Default: 10s.
    #[serde(with = "fanlight_config::duration")]
    collection_interval: Duration,
}

impl Default for SelfTelemetry {
    fn default() -> SelfTelemetry {
        SelfTelemetry {
            collection_interval: Duration::from_secs(10),
        }
    }
}

fn decode(node: &Node) -> Result<Box<dyn ReceiverConfig>, ConfigError> {
    let config: SelfTelemetry = node.decode()?;
    if config.collection_interval < Duration::from_millis(100) {
        return Err(node.error_at(
            "collection_interval",
            "sampling more often than every 100ms is refused",
        ));
    }
    Ok(Box::new(config))
}

impl ReceiverConfig for SelfTelemetry {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Metrics, Signal::Logs])
    }

    fn build(&self, context: &BuildContext<'_>) -> Result<Box<dyn Receiver>, BuildError> {
        Ok(Box::new(Observer {
            interval: self.collection_interval,
            version: context.user_agent.rsplit('/').next().unwrap_or_default(),
            log: context.status.subscribe_log(),
            status: context.status.clone(),
            started: SystemTime::now(),
            origin: Arc::new(Origin {
                self_telemetry: true,
                ..Origin::default()
            }),
        }))
    }
}

struct Observer {
    interval: Duration,
    version: &'static str,
    status: Status,
    log: broadcast::Receiver<Arc<LogLine>>,
    started: SystemTime,
    origin: Arc<Origin>,
}

impl Receiver for Observer {
    fn run(
        mut self: Box<Self>,
        out: Inlet,
        stop: Stop,
    ) -> BoxFuture<'static, Result<(), BuildError>> {
        Box::pin(async move {
            let mut ticks = tokio::time::interval(self.interval);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                let batch = tokio::select! {
                    () = stop.requested() => return Ok(()),
                    _ = ticks.tick(), if out.accepts(Signal::Metrics) => self.sample(),
                    line = self.log.recv() => match line {
                        Ok(line) if out.accepts(Signal::Logs) => self.record(&line),
                        // Lines that were missed are still in the log itself.
                        Ok(_) | Err(RecvError::Lagged(_)) => continue,
                        Err(RecvError::Closed) => return Ok(()),
                    },
                };
                // A refused sample is superseded by the next; its receiver counts it as refused.
                drop(
                    out.offer(batch.with_origin(Some(Arc::clone(&self.origin))), "self")
                        .await,
                );
            }
        })
    }
}

impl Observer {
    fn sample(&self) -> Batch {
        let (start, now) = (nanos(self.started), nanos(SystemTime::now()));
        let gathered = metrics(&self.status.snapshot(), ProcessUsage::now());
        let mut request = RequestWriter::new(Signal::Metrics);
        request.resource(&self.resource(), |resource| {
            resource.scope("fanlight", self.version, |scope| {
                for metric in &gathered {
                    let labels: Vec<Vec<(&str, Value<'_>)>> =
                        metric.series.iter().map(labels).collect();
                    let points: Vec<NumberPoint<'_>> = (metric.series.iter().zip(&labels))
                        .map(|(series, attributes)| NumberPoint {
                            attributes,
                            start_time_unix_nano: if metric.is_counter { start } else { 0 },
                            time_unix_nano: now,
                            value: NumberView::Double(series.value),
                        })
                        .collect();
                    let data = match metric.is_counter {
                        true => Data::Sum {
                            points: &points,
                            is_monotonic: true,
                        },
                        false => Data::Gauge(&points),
                    };
                    let (name, description, unit) =
                        (metric.name.as_str(), metric.description, metric.unit);
                    scope.metric(&Metric {
                        name,
                        description,
                        unit,
                        data,
                    });
                }
            });
        });
        request.finish()
    }

    fn record(&self, line: &LogLine) -> Batch {
        let now = nanos(SystemTime::now());
        let mut attributes: Vec<(&str, Value<'_>)> = line
            .fields
            .iter()
            .map(|(name, value)| (*name, Value::Str(value)))
            .collect();
        attributes.push(("code.namespace", Value::Str(line.target)));
        let mut request = RequestWriter::new(Signal::Logs);
        request.resource(&self.resource(), |resource| {
            resource.scope("fanlight", self.version, |scope| {
                scope.log(&LogRecord {
                    time_unix_nano: now,
                    observed_time_unix_nano: now,
                    severity_number: i32::from(line.severity.0),
                    severity_text: line.severity.1,
                    body: Value::Str(&line.message),
                    attributes: &attributes,
                    ..LogRecord::default()
                });
            });
        });
        request.finish()
    }

    fn resource(&self) -> [(&'static str, Value<'static>); 2] {
        [
            ("service.name", Value::Str("fanlight")),
            ("service.version", Value::Str(self.version)),
        ]
    }
}

fn labels(series: &Series) -> Vec<(&str, Value<'_>)> {
    series
        .labels
        .iter()
        .map(|(name, value)| (*name, Value::Str(value)))
        .collect()
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
