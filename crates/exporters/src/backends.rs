//! Every backend that telemetry can go to, for `fanlight backends` and `docs/backends.md`.

use fanlight_pipeline::ExporterKind;

/// A backend and the exporter that reaches it.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    /// The product, as its vendor writes it.
    pub name: &'static str,
    /// The exporter type; its sample is the snippet.
    pub kind: &'static ExporterKind,
    /// What is spoken, for people.
    pub protocol: &'static str,
    /// The keys without which it can't be reached; empty where the defaults do.
    pub required: &'static [&'static str],
    /// Where the vendor describes it.
    pub source: &'static str,
}

const fn backend(
    name: &'static str,
    kind: &'static ExporterKind,
    protocol: &'static str,
    required: &'static [&'static str],
    source: &'static str,
) -> Backend {
    Backend {
        name,
        kind,
        protocol,
        required,
        source,
    }
}

use crate::presets::{cloud, llm, local};

/// Every backend, by name.
#[rustfmt::skip]
pub const BACKENDS: &[Backend] = &[
    backend("Amazon CloudWatch Logs", &crate::awscloudwatchlogs::KIND, "PutLogEvents, SigV4", &["log_group_name", "log_stream_name"], "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html"),
    backend("AWS X-Ray", &crate::awsxray::KIND, "PutTraceSegments, SigV4", &[], "https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html"),
    backend("Apache Kafka", &crate::kafka::KIND, "Kafka", &[], "https://kafka.apache.org/protocol"),
    backend("Arize AX", &llm::ARIZE, "OTLP/HTTP", &["space_id", "api_key", "project"], "https://arize.com/docs/ax/integrations/opentelemetry/opentelemetry-arize-otel"),
    backend("Azure Monitor", &crate::azuremonitor::KIND, "Application Insights", &["connection_string"], "https://learn.microsoft.com/azure/azure-monitor/app/connection-strings"),
    backend("ClickHouse", &crate::clickhouse::KIND, "ClickHouse over HTTP", &["endpoint"], "https://clickhouse.com/docs/interfaces/http"),
    backend("Datadog", &crate::datadog::KIND, "Datadog's own intakes", &["api.key"], "https://docs.datadoghq.com/opentelemetry/setup/collector_exporter/"),
    backend("Datadog (OTLP intake)", &cloud::DATADOG_OTLP, "OTLP/HTTP", &["api_key"], "https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/"),
    backend("Datadog Agent", &local::DATADOG_AGENT, "OTLP/gRPC", &[], "https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest_in_the_agent/"),
    backend("Elastic APM", &cloud::ELASTIC_APM, "OTLP/HTTP", &["endpoint", "secret_token or api_key"], "https://www.elastic.co/docs/solutions/observability/apm/opentelemetry/"),
    backend("Elasticsearch", &crate::elasticsearch::KIND, "Bulk API", &["endpoint, endpoints or cloudid"], "https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk"),
    backend("Google Cloud", &crate::googlecloud::KIND, "Cloud Trace, Logging and Monitoring over gRPC", &["project"], "https://cloud.google.com/trace/docs/reference/v2/rpc"),
    backend("Grafana Alloy", &local::ALLOY, "OTLP/gRPC", &[], "https://grafana.com/docs/alloy/latest/reference/components/otelcol/otelcol.receiver.otlp/"),
    backend("Grafana Cloud", &cloud::GRAFANA_CLOUD, "OTLP/HTTP", &["zone", "instance_id", "token"], "https://grafana.com/docs/grafana-cloud/send-data/otlp/send-data-otlp/"),
    backend("Grafana Loki", &crate::loki::KIND, "Loki push, or OTLP/HTTP", &["endpoint"], "https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs"),
    backend("Grafana Mimir", &local::MIMIR, "OTLP/HTTP", &[], "https://grafana.com/docs/mimir/latest/references/http-api/#ingest-otlp-metrics"),
    backend("Grafana Pyroscope", &crate::pyroscope::KIND, "OTLP/HTTP, or push", &["endpoint"], "https://grafana.com/docs/pyroscope/latest/reference-server-api/"),
    backend("Grafana Tempo", &local::TEMPO, "OTLP/gRPC", &[], "https://grafana.com/docs/tempo/latest/configuration/#distributor"),
    backend("Helicone", &llm::HELICONE, "OTLP as JSON", &["api_key"], "https://docs.helicone.ai/rest/trace/post-v1tracelog"),
    backend("Honeycomb", &cloud::HONEYCOMB, "OTLP/HTTP", &["api_key"], "https://docs.honeycomb.io/send-data/opentelemetry/"),
    backend("Jaeger", &local::JAEGER, "OTLP/gRPC", &[], "https://www.jaegertracing.io/docs/latest/apis/#opentelemetry-protocol-stable"),
    backend("Langfuse", &llm::LANGFUSE, "OTLP/HTTP", &["public_key", "secret_key"], "https://langfuse.com/integrations/native/opentelemetry"),
    backend("Lightstep", &cloud::LIGHTSTEP, "OTLP/gRPC", &["access_token"], "https://docs.lightstep.com/docs/quick-start-collector"),
    backend("New Relic", &cloud::NEW_RELIC, "OTLP/HTTP", &["license_key"], "https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-otlp/"),
    backend("Opik", &llm::OPIK, "OTLP/HTTP", &["in the cloud: api_key, workspace"], "https://www.comet.com/docs/opik/tracing/opentelemetry/overview"),
    backend("Phoenix", &llm::PHOENIX, "OTLP/HTTP", &["in the cloud: api_key, endpoint"], "https://arize.com/docs/phoenix/tracing/how-to-tracing/setup-tracing"),
    backend("Prometheus (remote write)", &crate::prometheus_remote_write::KIND, "Remote write 1.0 and 2.0", &["endpoint"], "https://prometheus.io/docs/specs/prw/remote_write_spec/"),
    backend("Prometheus (scrape)", &crate::prometheus::KIND, "a /metrics page", &["endpoint"], "https://prometheus.io/docs/instrumenting/exposition_formats/"),
    backend("Pydantic Logfire", &llm::LOGFIRE, "OTLP/HTTP", &["token"], "https://logfire.pydantic.dev/docs/how-to-guides/alternative-clients/"),
    backend("Splunk", &crate::splunk_hec::KIND, "HTTP Event Collector", &["endpoint", "token"], "https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector"),
    backend("Splunk Observability Cloud", &cloud::SPLUNK_O11Y, "OTLP/HTTP", &["realm", "access_token"], "https://dev.splunk.com/observability/reference/api/ingest_data/latest"),
    backend("Splunk Observability Cloud (SAPM)", &crate::sapm::KIND, "SAPM", &["endpoint", "access_token"], "https://github.com/signalfx/sapm-proto"),
    backend("Splunk Observability Cloud (SignalFx)", &crate::signalfx::KIND, "SignalFx datapoints and events", &["realm", "access_token"], "https://dev.splunk.com/observability/reference/api/ingest_data/latest"),
    backend("Zipkin", &crate::zipkin::KIND, "Zipkin v2", &["endpoint"], "https://zipkin.io/zipkin-api/"),
    backend("Any OTLP backend (HTTP)", &crate::otlp_http::KIND, "OTLP/HTTP", &["endpoint"], "https://opentelemetry.io/docs/specs/otlp/"),
    backend("Any OTLP backend (gRPC)", &crate::otlp_grpc::KIND, "OTLP/gRPC", &["endpoint"], "https://opentelemetry.io/docs/specs/otlp/"),
    backend("Files", &crate::file::KIND, "OTLP/JSON lines or protobuf", &["path"], "https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/"),
    backend("The terminal", &crate::debug::KIND, "text", &[], "https://github.com/open-telemetry/opentelemetry-collector/tree/main/exporter/debugexporter"),
];
