//! The table of all exporters.

use fanlight_pipeline::ExporterKind;

/// Every exporter type of this crate.
pub const EXPORTERS: &[&ExporterKind] = &[
    &crate::otlp_grpc::KIND,
    &crate::otlp_http::KIND,
    &crate::datadog::KIND,
    &crate::debug::KIND,
    &crate::file::KIND,
    &crate::googlecloud::KIND,
    &crate::sapm::KIND,
    &crate::signalfx::KIND,
    &crate::awsxray::KIND,
    &crate::presets::local::JAEGER,
    &crate::presets::local::TEMPO,
    &crate::presets::local::ALLOY,
    &crate::presets::local::MIMIR,
    &crate::presets::local::DATADOG_AGENT,
    &crate::presets::llm::LANGFUSE,
    &crate::presets::llm::PHOENIX,
    &crate::presets::llm::ARIZE,
    &crate::presets::llm::OPIK,
    &crate::presets::llm::LOGFIRE,
    &crate::presets::llm::HELICONE,
    &crate::presets::cloud::GRAFANA_CLOUD,
    &crate::presets::cloud::HONEYCOMB,
    &crate::presets::cloud::DATADOG_OTLP,
    &crate::presets::cloud::NEW_RELIC,
    &crate::presets::cloud::ELASTIC_APM,
    &crate::presets::cloud::SPLUNK_O11Y,
    &crate::presets::cloud::LIGHTSTEP,
    &crate::loki::KIND,
    &crate::pyroscope::KIND,
    &crate::azuremonitor::KIND,
    &crate::awscloudwatchlogs::KIND,
    &crate::prometheus::KIND,
    &crate::prometheus_remote_write::KIND,
    &crate::zipkin::KIND,
    &crate::elasticsearch::KIND,
    &crate::splunk_hec::KIND,
    &crate::clickhouse::KIND,
    &crate::kafka::KIND,
];

/// Types of the Collector that are known here but come with a later release: name, and what to do until then.
pub const LATER: &[(&str, &str)] = &[
    ("alertmanager", VIA_OTLP),
    ("awsemf", VIA_OTLP),
    ("opensearch", VIA_OTLP),
    ("otelarrow", VIA_OTLP),
    ("pulsar", VIA_OTLP),
];

/// Nearly every backend takes OTLP, or has a collector in front of it that does.
const VIA_OTLP: &str = "until then, send to the backend's OTLP endpoint with otlp_http or otlp_grpc, or to a collector";
