use fanlight_config::{ComponentId, Document, Environment};
use fanlight_pipeline::ExporterConfig;

use crate::EXPORTERS;

fn decode(kind: &str, yaml: &str) -> Result<Box<dyn ExporterConfig>, String> {
    let kind = EXPORTERS.iter().find(|known| known.name == kind).unwrap();
    let document = Document::parse("test.yaml", yaml, &Environment::default()).unwrap();
    (kind.decode)(document.root()).map_err(|error| {
        let hint = error.hint.clone().unwrap_or_default();
        format!("{} {hint}", error.message)
    })
}

fn destination(kind: &str, yaml: &str) -> String {
    decode(kind, yaml).unwrap().destination().text
}

fn sample(kind: &str) -> &'static str {
    let kind = EXPORTERS.iter().find(|known| known.name == kind).unwrap();
    kind.sample
}

#[test]
fn each_sample_leads_to_the_address_that_its_vendor_documents() {
    let expected = [
        ("jaeger", "localhost:4317 (gRPC, plain text, gzip)"),
        ("tempo", "localhost:4317 (gRPC, plain text, gzip)"),
        ("alloy", "localhost:4317 (gRPC, plain text, gzip)"),
        ("datadog_agent", "localhost:4317 (gRPC, plain text, gzip)"),
        ("mimir", "http://localhost:9009/otlp (http/protobuf, gzip)"),
        (
            "langfuse",
            "https://cloud.langfuse.com/api/public/otel (http/protobuf, gzip)",
        ),
        ("phoenix", "http://localhost:6006 (http/protobuf, gzip)"),
        ("arize", "https://otlp.arize.com (http/protobuf, gzip)"),
        (
            "opik",
            "https://www.comet.com/opik/api/v1/private/otel (http/protobuf, gzip)",
        ),
        (
            "logfire",
            "https://logfire-us.pydantic.dev (http/protobuf, gzip)",
        ),
        ("helicone", "https://api.helicone.ai (http/json, gzip)"),
        (
            "grafana_cloud",
            "https://otlp-gateway-prod-eu-west-0.grafana.net/otlp (http/protobuf, gzip)",
        ),
        (
            "honeycomb",
            "https://api.honeycomb.io (http/protobuf, gzip)",
        ),
        (
            "datadog_otlp",
            "https://otlp.datadoghq.com (http/protobuf, gzip)",
        ),
        ("newrelic", "https://otlp.nr-data.net (http/protobuf, gzip)"),
        (
            "elastic_apm",
            "https://my-deployment.apm.us-east-1.aws.cloud.es.io (http/protobuf, gzip)",
        ),
        (
            "splunk_o11y",
            "https://ingest.us0.signalfx.com (http/protobuf, gzip)",
        ),
        ("lightstep", "ingest.lightstep.com:443 (gRPC, TLS, gzip)"),
    ];
    for (kind, place) in expected {
        assert_eq!(destination(kind, sample(kind)), place, "{kind}");
    }
}

#[test]
fn regions_and_hosts_choose_the_address() {
    let keys = "public_key: pk-lf-1\nsecret_key: sk-lf-1\n";
    let us = destination("langfuse", &format!("{keys}region: us"));
    assert!(us.starts_with("https://us.cloud.langfuse.com/api/public/otel "));
    let own = destination("langfuse", &format!("{keys}host: http://localhost:3000"));
    assert!(own.starts_with("http://localhost:3000/api/public/otel "));
    let eu = destination("newrelic", "license_key: eu01xx1\nregion: eu");
    assert!(eu.starts_with("https://otlp.eu01.nr-data.net "));
    let eu = destination("logfire", "token: pylf_v1_eu_1");
    assert!(eu.starts_with("https://logfire-eu.pydantic.dev "));
    let local = destination("opik", "project: mine");
    assert!(local.starts_with("http://localhost:5173/api/v1/private/otel "));
}

#[test]
fn what_is_missing_is_named_with_where_to_find_it() {
    for (kind, yaml, words) in [
        (
            "langfuse",
            "region: eu",
            "public_key is missing the project's settings",
        ),
        (
            "langfuse",
            "public_key: pk\nsecret_key: ''",
            "secret_key is empty",
        ),
        (
            "langfuse",
            "public_key: sk-lf-1\nsecret_key: pk-lf-1",
            "the wrong way round",
        ),
        (
            "langfuse",
            "public_key: pk\nsecret_key: sk\nregion: mars",
            "`eu`, `us`, `jp`, `hipaa`",
        ),
        ("grafana_cloud", "zone: '<zone>'", "zone must be letters"),
        ("grafana_cloud", "zone: x", "instance_id is missing"),
        ("honeycomb", "dataset: d", "api_key is missing"),
        ("splunk_o11y", "access_token: t", "realm is missing"),
        ("arize", "space_id: s\napi_key: a", "project is missing"),
        ("jaeger", "signals: [metrics]", "takes traces, not metrics"),
    ] {
        let error = decode(kind, yaml).err().unwrap_or_else(|| panic!("{kind}"));
        assert!(error.contains(words), "{kind}: {error}");
    }
}

#[test]
fn traces_only_backends_take_logs_where_they_go_as_spans() {
    let signals = |kind: &str, yaml: &str| decode(kind, yaml).unwrap().signals().to_string();
    let langfuse = sample("langfuse");
    assert_eq!(signals("langfuse", langfuse), "traces, logs");
    let off = format!("{langfuse}\nlogs_as_spans: false");
    assert_eq!(signals("langfuse", &off), "traces");
    assert_eq!(signals("jaeger", ""), "traces");
    assert_eq!(signals("jaeger", "logs_as_spans: true"), "traces, logs");
}

#[test]
fn presets_can_be_named_like_any_exporter() {
    for kind in EXPORTERS {
        assert!(kind.name.parse::<ComponentId>().is_ok(), "{}", kind.name);
    }
}
