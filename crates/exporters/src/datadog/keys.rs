//! The keys of `datadog`, which are those of the Collector's exporter, and what they are where they are left out.

use std::collections::HashMap;

use fanlight_config::blocks::NotSupported;
use fanlight_config::{Endpoint, Secret};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::metrics::HistogramMode;

/// Keys besides those of the client.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Keys {
    /// The API.
    pub(super) api: Api,
    /// The host of telemetry that names none. Default: none.
    pub(super) hostname: String,
    /// Traces and their statistics.
    pub(super) traces: Traces,
    /// Metrics.
    pub(super) metrics: Metrics,
    /// Logs.
    pub(super) logs: Logs,
    /// What is told of the host itself.
    pub(super) host_metadata: HostMetadata,
    /// Not supported.
    pub(super) only_metadata: NotSupported,
    /// Not supported.
    pub(super) orchestrator: NotSupported,
    /// Not supported.
    pub(super) orchestrator_explorer: NotSupported,
}

/// `api`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Api {
    /// The API key. Mandatory.
    pub(super) key: Secret,
    /// The site. Default: datadoghq.com.
    pub(super) site: String,
    /// Not supported: a wrong key is told when the first request is refused; `fanlight check --send` tells it before.
    pub(super) fail_on_invalid_key: NotSupported,
}

/// `traces`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Traces {
    /// Where traces go. Default: `https://trace.agent.<site>`.
    pub(super) endpoint: Option<Endpoint>,
    /// Regular expressions: traces whose root's resource matches are not sent.
    pub(super) ignore_resources: Vec<String>,
    /// Other names for operations. Setting it brings the older names (scope and kind) that it speaks of.
    pub(super) span_name_remappings: HashMap<String, String>,
    /// Use the span's name as the operation. Default: false.
    pub(super) span_name_as_resource_name: bool,
    /// Statistics of every server, client, producer and consumer span. Default: true.
    pub(super) compute_stats_by_span_kind: bool,
    /// Server and consumer spans are the first of their service, and no others but roots. Default: false.
    pub(super) compute_top_level_by_span_kind: bool,
    /// Statistics by what was talked to. Default: true.
    pub(super) peer_tags_aggregation: bool,
    /// The old name of that. Default: true.
    pub(super) peer_service_aggregation: bool,
    /// More tags that say what was talked to.
    pub(super) peer_tags: Vec<String>,
    /// Accepted, no effect: batches wait in `sending_queue`.
    pub(super) trace_buffer: u64,
}

/// `metrics`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Metrics {
    /// Where metrics go. Default: `https://api.<site>`.
    pub(super) endpoint: Option<Endpoint>,
    /// Every attribute of the resource becomes a tag. Default: false.
    pub(super) resource_attributes_as_tags: bool,
    /// The scope becomes tags. Default: false.
    pub(super) instrumentation_scope_metadata_as_tags: bool,
    /// Histograms.
    pub(super) histograms: Histograms,
    /// Sums.
    pub(super) sums: Sums,
    /// Summaries.
    pub(super) summaries: Summaries,
    /// Seconds for which the last value of a series is kept. Default: 3600.
    pub(super) delta_ttl: u64,
}

/// `metrics.histograms`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Histograms {
    /// Default: distributions.
    pub(super) mode: HistogramMode,
    /// Send `.count`, `.sum`, `.min` and `.max` besides. Default: false.
    pub(super) send_aggregation_metrics: bool,
    /// The old name of that.
    pub(super) send_count_sum_metrics: bool,
}

/// `metrics.sums`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sums {
    /// Default: to_delta.
    pub(super) cumulative_monotonic_mode: CumulativeMode,
    /// Default: auto.
    pub(super) initial_cumulative_monotonic_value: Option<InitialMode>,
}

/// What becomes of sums that count from a fixed start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CumulativeMode {
    /// Their increase.
    #[default]
    ToDelta,
    /// Their value, as a gauge.
    RawValue,
}

/// What becomes of the first value of such a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum InitialMode {
    /// Sent if it began to count after the hub was started.
    #[default]
    Auto,
    /// Not sent.
    Drop,
    /// Sent.
    Keep,
}

/// `metrics.summaries`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Summaries {
    /// Default: gauges.
    pub(super) mode: SummaryMode,
}

/// What becomes of quantiles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SummaryMode {
    /// Gauges.
    #[default]
    Gauges,
    /// Nothing.
    NoQuantiles,
}

/// `logs`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct Logs {
    /// Where logs go. Default: `https://http-intake.logs.<site>`.
    pub(super) endpoint: Option<Endpoint>,
    /// Default: true.
    pub(super) use_compression: bool,
    /// 0 to 9. Default: 6.
    pub(super) compression_level: i32,
    /// Accepted, no effect: `sending_queue.batch.flush_timeout` says how long to wait. Default: 5.
    pub(super) batch_wait: u64,
    /// Accepted, no effect: payloads are never logged.
    pub(super) dump_payloads: IgnoredAny,
}

/// `host_metadata`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(super) struct HostMetadata {
    /// Accepted, no effect: nothing is told of the host. Default: true.
    pub(super) enabled: bool,
    /// Accepted, no effect.
    pub(super) hostname_source: IgnoredAny,
    /// Accepted, no effect.
    pub(super) reporter_period: IgnoredAny,
    /// Not supported: add tags with the `resource` processor.
    pub(super) tags: NotSupported,
}

impl Default for Api {
    fn default() -> Api {
        Api {
            key: Secret::default(),
            site: "datadoghq.com".to_owned(),
            fail_on_invalid_key: NotSupported,
        }
    }
}

impl Default for Traces {
    fn default() -> Traces {
        Traces {
            endpoint: None,
            ignore_resources: Vec::new(),
            span_name_remappings: HashMap::new(),
            span_name_as_resource_name: false,
            compute_stats_by_span_kind: true,
            compute_top_level_by_span_kind: false,
            peer_tags_aggregation: true,
            peer_service_aggregation: true,
            peer_tags: Vec::new(),
            trace_buffer: 0,
        }
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics {
            endpoint: None,
            resource_attributes_as_tags: false,
            instrumentation_scope_metadata_as_tags: false,
            histograms: Histograms::default(),
            sums: Sums::default(),
            summaries: Summaries::default(),
            delta_ttl: 3600,
        }
    }
}

impl Default for Logs {
    fn default() -> Logs {
        Logs {
            endpoint: None,
            use_compression: true,
            compression_level: 6,
            batch_wait: 5,
            dump_payloads: IgnoredAny,
        }
    }
}

impl Default for HostMetadata {
    fn default() -> HostMetadata {
        HostMetadata {
            enabled: true,
            hostname_source: IgnoredAny,
            reporter_period: IgnoredAny,
            tags: NotSupported,
        }
    }
}
