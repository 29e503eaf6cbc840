//! The table of all exporters.

use fanlight_pipeline::ExporterKind;

use crate::{datadog, debug, file, otlp_grpc, otlp_http, sapm, signalfx};

/// Every exporter type of this crate.
pub const EXPORTERS: &[&ExporterKind] = &[
    &otlp_grpc::KIND,
    &otlp_http::KIND,
    &datadog::KIND,
    &debug::KIND,
    &file::KIND,
    &sapm::KIND,
    &signalfx::KIND,
    &crate::awsxray::KIND,
];

/// Types of the Collector that are known here but come with a later release: name, and what to do until then.
pub const LATER: &[(&str, &str)] = &[
    ("alertmanager", VIA_OTLP),
    ("awscloudwatchlogs", VIA_OTLP),
    ("awsemf", VIA_OTLP),
    ("azuremonitor", VIA_OTLP),
    ("clickhouse", VIA_OTLP),
    ("elasticsearch", VIA_OTLP),
    ("googlecloud", VIA_OTLP),
    ("kafka", VIA_OTLP),
    ("loki", VIA_OTLP),
    ("opensearch", VIA_OTLP),
    ("otelarrow", VIA_OTLP),
    ("prometheus", VIA_OTLP),
    ("prometheusremotewrite", VIA_OTLP),
    ("prometheus_remote_write", VIA_OTLP),
    ("pulsar", VIA_OTLP),
    ("splunk_hec", VIA_OTLP),
    ("zipkin", VIA_OTLP),
];

/// Nearly every backend takes OTLP, or has a collector in front of it that does.
const VIA_OTLP: &str = "until then, send to the backend's OTLP endpoint with otlp_http or otlp_grpc, or to a collector";
