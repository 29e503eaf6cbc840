//! Configurations for every backend, written as its vendor's documentation writes them, and four backends at once.

use std::path::Path;
use std::time::{Duration, Instant};

use fanlight_testkit::Backend;

use crate::hub::{Hub, fanlight, post, run, span, text};

/// One test for each backend: `backends/<backend>.yaml` is accepted, and its exporter sends to this place.
macro_rules! snippets {
    ($($test:ident: $backend:literal, $destination:literal;)*) => {
        $(
            /// Scenario: the backend's snippet, completed with a receiver and pipelines, with every variable set.
            /// Guarantee: it loads unmodified, and the hub says where it sends what.
            #[test]
            fn $test() {
                loads($backend, $destination);
            }
        )*

        /// Scenario: a fixture is added.
        /// Guarantee: a test reads it.
        #[test]
        fn every_fixture_has_a_test() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/binary/backends");
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let backend = path.file_stem().unwrap().to_str().unwrap();
                assert!([$($backend),*].contains(&backend), "{backend}");
            }
        }
    };
}

snippets! {
    alloy_snippet_loads: "alloy", "otlp sends traces, metrics, logs to alloy.monitoring.svc.cluster.local:4317";
    arize_snippet_loads: "arize", "otlphttp/arize sends traces to https://otlp.arize.com ";
    awscloudwatchlogs_snippet_loads: "awscloudwatchlogs", "awscloudwatchlogs sends logs to https://logs.eu-central-1.amazonaws.com (CloudWatch Logs, /shop/checkout)";
    awsxray_snippet_loads: "awsxray", "awsxray sends traces to https://xray.eu-central-1.amazonaws.com (X-Ray)";
    azuremonitor_snippet_loads: "azuremonitor", "azuremonitor sends traces, metrics, logs to https://westeurope-5.in.applicationinsights.azure.com ";
    clickhouse_snippet_loads: "clickhouse", "clickhouse sends traces, metrics, logs to http://clickhouse:8123";
    datadog_snippet_loads: "datadog", "datadog sends traces, metrics, logs to https://trace.agent.datadoghq.eu, https://api.datadoghq.eu, https://http-intake.logs.datadoghq.eu ";
    datadog_agent_snippet_loads: "datadog_agent", "otlp/agent sends traces, metrics, logs to datadog-agent:4317 (gRPC, plain text";
    datadog_otlp_snippet_loads: "datadog_otlp", "otlphttp/datadog sends metrics, logs to https://otlp.datadoghq.eu ";
    elastic_apm_snippet_loads: "elastic_apm", "otlp/elastic sends traces, metrics, logs to shop.apm.eu-central-1.aws.cloud.es.io:443 (gRPC, TLS";
    elasticsearch_snippet_loads: "elasticsearch", "elasticsearch sends traces, logs to https://elastic-1:9200, https://elastic-2:9200 (bulk, mode ecs)";
    googlecloud_snippet_loads: "googlecloud", "googlecloud sends traces to Google Cloud, my-project (gRPC)";
    grafana_cloud_snippet_loads: "grafana_cloud", "otlphttp/grafana_cloud sends traces, metrics, logs to https://otlp-gateway-prod-eu-west-2.grafana.net/otlp ";
    helicone_snippet_loads: "helicone", "helicone sends traces to https://eu.api.helicone.ai (http/json";
    honeycomb_snippet_loads: "honeycomb", "otlp/honeycomb_metrics sends metrics to api.honeycomb.io:443 (gRPC, TLS";
    jaeger_snippet_loads: "jaeger", "otlp/jaeger sends traces to jaeger-collector:4317 (gRPC, plain text";
    kafka_snippet_loads: "kafka", "kafka sends traces, metrics, logs to kafka-1:9092, kafka-2:9092";
    langfuse_snippet_loads: "langfuse", "otlphttp/langfuse sends traces to https://cloud.langfuse.com/api/public/otel ";
    lightstep_snippet_loads: "lightstep", "otlp/lightstep sends traces, metrics to ingest.lightstep.com:443 (gRPC, TLS";
    logfire_snippet_loads: "logfire", "otlphttp/logfire sends traces, metrics, logs to https://logfire-eu.pydantic.dev ";
    loki_snippet_loads: "loki", "loki sends logs to http://loki-gateway:3100/loki/api/v1/push (Loki push)";
    mimir_snippet_loads: "mimir", "prometheusremotewrite sends metrics to http://mimir-gateway/api/v1/push (remote write 1.0)";
    newrelic_snippet_loads: "newrelic", "otlphttp sends traces, metrics, logs to https://otlp.eu01.nr-data.net ";
    opik_snippet_loads: "opik", "otlphttp/opik sends traces to https://www.comet.com/opik/api/v1/private/otel ";
    phoenix_snippet_loads: "phoenix", "otlphttp/phoenix sends traces to http://phoenix:6006 ";
    prometheus_snippet_loads: "prometheus", "prometheus sends metrics to http://0.0.0.0:8889/metrics (scraped by Prometheus)";
    prometheusremotewrite_snippet_loads: "prometheusremotewrite", "prometheusremotewrite sends metrics to https://prometheus.example.com/api/v1/write (remote write 1.0)";
    pyroscope_snippet_loads: "pyroscope", "otlp/pyroscope sends profiles to pyroscope-distributor:4040 (gRPC, plain text";
    sapm_snippet_loads: "sapm", "sapm sends traces to https://ingest.eu0.signalfx.com/v2/trace (sapm)";
    signalfx_snippet_loads: "signalfx", "signalfx sends metrics, logs to https://ingest.eu0.signalfx.com (signalfx)";
    splunk_hec_snippet_loads: "splunk_hec", "splunk_hec sends traces, metrics, logs to https://splunk:8088/services/collector (Splunk HEC)";
    splunk_o11y_snippet_loads: "splunk_o11y", "otlphttp/splunk sends traces to https://ingest.eu0.signalfx.com/v2/trace/otlp ";
    tempo_snippet_loads: "tempo", "otlp/tempo sends traces to tempo-distributor:4317 (gRPC, plain text";
    zipkin_snippet_loads: "zipkin", "zipkin sends traces to http://zipkin:9411/api/v2/spans (zipkin proto)";
}

/// The variables that the fixtures refer to; all that is looked at is their form.
const VARIABLES: &[(&str, &str)] = &[
    ("ARIZE_API_KEY", "placeholder"),
    ("ARIZE_SPACE_ID", "placeholder"),
    ("AUTH_STRING", "cGxhY2Vob2xkZXI6cGxhY2Vob2xkZXI="),
    ("CLICKHOUSE_PASSWORD", "placeholder"),
    ("DD_API_KEY", "0123456789abcdef0123456789abcdef"),
    ("ELASTIC_APM_SECRET_TOKEN", "placeholder"),
    ("ELASTIC_PASSWORD", "placeholder"),
    ("GCP_PROJECT_ID", "my-project"),
    ("GRAFANA_CLOUD_API_KEY", "placeholder"),
    ("GRAFANA_CLOUD_INSTANCE_ID", "123456"),
    ("HELICONE_API_KEY", "placeholder"),
    ("HONEYCOMB_API_KEY", "placeholder"),
    ("HOSTNAME", "shop-1"),
    ("LIGHTSTEP_ACCESS_TOKEN", "placeholder"),
    ("LOGFIRE_TOKEN", "placeholder"),
    ("NEW_RELIC_LICENSE_KEY", "placeholder"),
    ("OPIK_API_KEY", "placeholder"),
    ("PHOENIX_API_KEY", "placeholder"),
    (
        "SHOP_CONNECTION_STRING",
        "InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/",
    ),
    ("SPLUNK_ACCESS_TOKEN", "placeholder"),
    ("SPLUNK_HEC_TOKEN", "placeholder"),
    ("TENANT_ID", "shop"),
];

fn loads(backend: &str, destination: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/binary/backends")
        .join(backend)
        .with_extension("yaml");
    let data = tempfile::tempdir().unwrap();
    let output = run(fanlight(&["check", "--config"])
        .arg(&file)
        .arg("--data-dir")
        .arg(data.path())
        .envs(VARIABLES.iter().copied()));
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(shown.contains(destination), "{shown}");
    assert_eq!(text(&output.stderr), "", "warnings");
}

/// A request with one data point.
const METRIC: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
    "scopeMetrics":[{"metrics":[{"name":"orders","sum":{"aggregationTemporality":2,"isMonotonic":true,
    "dataPoints":[{"timeUnixNano":"1700000000000000000","asInt":"7"}]}}]}]}]}"#;

/// Scenario: Tempo, Jaeger and two remote-write stores at once, as the snippet of a fan-out names them.
/// Guarantee: the span arrives at both of the first, the metric at both of the others, each once and nothing else.
#[expect(
    clippy::too_many_lines,
    reason = "one scenario, read from top to bottom"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_reaches_all_four_backends() {
    let traces = || Backend::grpc(None, |_| Ok(Default::default()));
    let metrics = || Backend::http(None, |_| http::Response::default());
    let [tempo, jaeger] = [traces(), traces()];
    let [mimir, prometheus] = [metrics(), metrics()];
    let mut hub = Hub::with_config(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors: {{batch: {{timeout: 10ms}}}}
exporters:
  otlp/tempo: {{endpoint: 'http://{}'}}
  otlp/jaeger: {{endpoint: 'http://{}'}}
  prometheusremotewrite/mimir: {{endpoint: 'http://{}/api/v1/push'}}
  prometheusremotewrite/prometheus: {{endpoint: 'http://{}/api/v1/write'}}
service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlp/tempo, otlp/jaeger]  # Fan-out
    metrics:
      receivers: [otlp]
      processors: [batch]
      exporters: [prometheusremotewrite/mimir, prometheusremotewrite/prometheus]
",
        tempo.address, jaeger.address, mimir.address, prometheus.address
    ));
    post(hub.otlp(), "/v1/traces", &span(1, "checkout"));
    post(hub.otlp(), "/v1/metrics", METRIC);
    let backends = [
        (
            &tempo,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            &b"checkout"[..],
        ),
        (
            &jaeger,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            &b"checkout"[..],
        ),
        (&mimir, "/api/v1/push", &b"orders_total"[..]),
        (&prometheus, "/api/v1/write", &b"orders_total"[..]),
    ];
    let begun = Instant::now();
    while backends
        .iter()
        .any(|(backend, ..)| backend.requests().is_empty())
    {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    hub.signal("-TERM");
    assert!(hub.wait().success());
    for (backend, path, word) in backends {
        let requests = backend.requests();
        let [request] = &requests[..] else {
            panic!("{path}: {} requests", requests.len());
        };
        assert_eq!(request.path, path);
        // Names shorter than a repetition stand as they are in snappy's blocks.
        assert!(
            request.body.windows(word.len()).any(|part| part == word),
            "{path}"
        );
    }
}
