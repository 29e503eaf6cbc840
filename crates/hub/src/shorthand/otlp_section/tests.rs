#![allow(clippy::too_many_lines, reason = "tables of cases")]

use fanlight_config::{Document, Environment};
use serde_json::{Value, json};

use super::*;

fn document(text: &str) -> Document {
    let environment = Environment::from_iter([("TOKEN", "hunter2"), ("PORT", "4317")]);
    Document::parse("telegen.yaml", text, &environment).unwrap()
}

fn exporters(text: &str) -> Value {
    let exporters = lower(document(text).root()).unwrap().unwrap().exporters;
    let map = exporters
        .into_iter()
        .map(|exporter| (exporter.id, exporter.node))
        .collect();
    Document::from_root(Node::map(Location::of_file("x"), map))
        .root()
        .decode()
        .unwrap()
}

fn refused(text: &str) -> String {
    lower(document(text).root()).unwrap_err().to_string()
}

/// The exporter of a section that has only these keys, over gRPC.
fn grpc(keys: &str) -> Value {
    exporters(&format!("otlp: {{{keys}}}"))["otlp_grpc/otlp"].clone()
}

const ALL: [&str; 3] = ["traces", "metrics", "logs"];

#[test]
fn b01_a_plain_collector() {
    let expected = json!({
        "endpoint": "otel-collector:4317", "signals": ALL, "timeout": "10s", "compression": "gzip", "tls": {"insecure": true},
    });
    assert_eq!(
        grpc("endpoint: 'otel-collector:4317', insecure: true"),
        expected
    );
}

#[test]
fn b02_a_collector_over_http() {
    let read = exporters("otlp: {endpoint: 'otel-collector:4318', protocol: http, insecure: true}");
    let expected = json!({"otlp_http/otlp": {
        "endpoint": "http://otel-collector:4318", "signals": ALL, "timeout": "10s", "compression": "gzip",
    }});
    assert_eq!(read, expected);
}

#[test]
fn b03_mutual_tls() {
    let read = grpc(
        "endpoint: 'otel-collector:4317', tls: {ca_file: /ca.pem, cert_file: /c.pem, key_file: /k.pem}",
    );
    assert_eq!(
        read["tls"],
        json!({"ca_file": "/ca.pem", "cert_file": "/c.pem", "key_file": "/k.pem"})
    );
    let read = grpc(
        "endpoint: 'otel-collector:4317', tls: {enabled: true, ca_file: '', insecure_skip_verify: true}",
    );
    assert_eq!(read["tls"], json!({"insecure_skip_verify": true}));
}

#[test]
fn b04_to_b17_backends_with_a_header() {
    let cases = [
        (
            "otel-collector:4317",
            "Authorization: 'Bearer ${TOKEN}'",
            json!({"Authorization": "Bearer hunter2"}),
        ),
        (
            "otel-collector:4317",
            "X-Tenant-ID: tenant-a",
            json!({"X-Tenant-ID": "tenant-a"}),
        ),
        (
            "otlp-gateway-eu.grafana.net:443",
            "Authorization: 'Basic ${TOKEN}'",
            json!({"Authorization": "Basic hunter2"}),
        ),
        (
            "https://otlp.datadoghq.com:4317",
            "DD-API-KEY: '${TOKEN}'",
            json!({"DD-API-KEY": "hunter2"}),
        ),
        (
            "otlp.nr-data.net:4317",
            "api-key: '${TOKEN}'",
            json!({"api-key": "hunter2"}),
        ),
        (
            "id.apm.us-east-1.aws.cloud.es.io:443",
            "Authorization: 'Bearer ${TOKEN}'",
            json!({"Authorization": "Bearer hunter2"}),
        ),
        (
            "ingest.us0.signalfx.com:443",
            "X-SF-TOKEN: '${TOKEN}'",
            json!({"X-SF-TOKEN": "hunter2"}),
        ),
        (
            "api.honeycomb.io:443",
            "x-honeycomb-team: '${TOKEN}', x-honeycomb-dataset: d",
            json!({"x-honeycomb-team": "hunter2", "x-honeycomb-dataset": "d"}),
        ),
        (
            "ingest.lightstep.com:443",
            "lightstep-access-token: '${TOKEN}'",
            json!({"lightstep-access-token": "hunter2"}),
        ),
    ];
    for (endpoint, header, headers) in cases {
        let read = grpc(&format!(
            "endpoint: '{endpoint}', insecure: false, headers: {{{header}}}"
        ));
        assert_eq!(
            (&read["endpoint"], &read["headers"], read.get("tls")),
            (&json!(endpoint), &headers, None),
            "{endpoint}"
        );
    }
}

#[test]
fn b06_a_headless_service() {
    let read =
        grpc("endpoint: 'dns:///otel-collector-headless.monitoring.svc:4317', insecure: true");
    assert_eq!(
        read["endpoint"],
        "dns:///otel-collector-headless.monitoring.svc:4317"
    );
    assert_eq!(read["tls"], json!({"insecure": true}));
}

#[test]
fn b09_b10_traces_only() {
    let read = grpc(
        "endpoint: 'jaeger:4317', insecure: true, metrics: {enabled: false}, logs: {enabled: false}",
    );
    assert_eq!(read["signals"], json!(["traces"]));
    let read = grpc("endpoint: 'tempo:4317', insecure: true, traces: {enabled: true}");
    assert_eq!(read["signals"], json!(ALL));
}

#[test]
fn b15_full_urls_for_each_signal() {
    let text = "
otlp:
  endpoint: https://ingest.us0.signalfx.com
  protocol: http
  headers: {X-SF-TOKEN: '${TOKEN}'}
  traces: {endpoint: 'https://ingest.us0.signalfx.com/v2/trace/otlp'}
  metrics: {endpoint: 'https://ingest.us0.signalfx.com/v2/datapoint/otlp'}
  logs: {endpoint: 'logs.example.com:4318'}";
    let expected = json!({"otlp_http/otlp": {
        "traces_endpoint": "https://ingest.us0.signalfx.com/v2/trace/otlp",
        "metrics_endpoint": "https://ingest.us0.signalfx.com/v2/datapoint/otlp",
        "logs_endpoint": "https://logs.example.com:4318/v1/logs",
        "signals": ["traces", "metrics", "logs"],
        "timeout": "10s",
        "compression": "gzip",
        "headers": {"X-SF-TOKEN": "hunter2"},
    }});
    assert_eq!(exporters(text), expected);
}

#[test]
fn e1_unknown_keys_are_named() {
    assert_eq!(
        refused("otlp:\n  endpont: h:1"),
        "telegen.yaml:2:3: otlp: unknown key `endpont`; did you mean `endpoint`?"
    );
    assert_eq!(
        refused("otlp: {endpoint: 'h:1', tls: {ca: x}}"),
        "telegen.yaml:1:31: otlp.tls: unknown key `ca`; known here: `enabled`, `ca_file`, `cert_file`, `key_file`, `insecure_skip_verify`"
    );
    assert_eq!(
        refused("otlp: {protocol: http}"),
        "telegen.yaml:1:1: otlp: `endpoint` is missing; write where to send to, such as endpoint: \"collector:4317\""
    );
    assert_eq!(
        refused("queues: {}"),
        "telegen.yaml:1:1: queues: `queues` belongs to the `otlp` section, which is not there"
    );
}

#[test]
fn e4_signals_may_differ() {
    let text = "
otlp:
  endpoint: a:4317
  headers: {h: all}
  traces: {endpoint: 'b:4317'}
  logs: {headers: {h: logs}}
  metrics: {batch_size: 500}
  profiles: {endpoint: ''}";
    let read = exporters(text);
    assert_eq!(read["otlp_grpc/otlp_traces"]["endpoint"], "b:4317");
    assert_eq!(
        read["otlp_grpc/otlp_traces"]["headers"],
        json!({"h": "all"})
    );
    assert_eq!(read["otlp_grpc/otlp_logs"]["headers"], json!({"h": "logs"}));
    assert_eq!(
        read["otlp_grpc/otlp_metrics"]["sending_queue"],
        json!({"batch": {"min_size": 500, "max_size": 500}})
    );
    assert_eq!(
        read["otlp_grpc/otlp_profiles"]["signals"],
        json!(["profiles"])
    );
    assert_eq!(
        refused(
            "otlp: {endpoint: 'h:1', traces: {enabled: false}, metrics: {enabled: false}, logs: {enabled: false}}"
        ),
        "telegen.yaml:1:1: otlp: every signal is turned off, so nothing would be sent; enable one, or leave the section out"
    );
}

#[test]
fn e12_the_scheme_decides_and_may_not_contradict() {
    let cases = [
        (
            "endpoint: 'http://h:4317', insecure: false",
            "telegen.yaml:1:45: otlp.insecure: `http://` is without TLS, and `insecure: false` asks for it; write https://, or leave one of them out",
        ),
        (
            "endpoint: 'https://h:4317', insecure: true",
            "telegen.yaml:1:46: otlp.insecure: `https://` asks for TLS, and `insecure: true` for none; write http:// for no TLS, or tls.insecure_skip_verify for any certificate",
        ),
        (
            "endpoint: 'h:4317', insecure: true, tls: {enabled: true}",
            "telegen.yaml:1:44: otlp.tls: `tls.enabled: true` asks for TLS, and the endpoint or `insecure: true` for none",
        ),
        (
            "endpoint: 'h:4317', tls: {enabled: false}",
            "telegen.yaml:1:28: otlp.tls: `tls.enabled: false` does not say whether to send in plain text; write `insecure: true` for plain text, or leave `enabled` out for TLS",
        ),
        (
            "endpoint: 'https://h/otlp'",
            "telegen.yaml:1:18: otlp.endpoint: `https://h/otlp` has a path, and gRPC endpoints have none; add `protocol: http`",
        ),
        (
            "endpoint: 'dns:///h:1', protocol: http",
            "telegen.yaml:1:18: otlp.endpoint: `dns:///h:1` is for gRPC, and the protocol is HTTP; write http:// or https://",
        ),
        (
            "endpoint: 'x-<zone>.grafana.net:443'",
            "telegen.yaml:1:18: otlp.endpoint: `x-<zone>.grafana.net:443` is not an endpoint: `<zone>` is a placeholder; put your own in its place",
        ),
    ];
    for (keys, message) in cases {
        assert_eq!(refused(&format!("otlp: {{{keys}}}")), message);
    }
    for (keys, tls) in [
        ("'http://h:4317'", None),
        ("'https://h:4317'", None),
        ("'h:4317'", None),
        ("'https://h:4317', tls: {enabled: false}", None),
    ] {
        assert_eq!(grpc(&format!("endpoint: {keys}")).get("tls"), tls, "{keys}");
    }
    let https = exporters("otlp: {endpoint: 'h:4318', protocol: http}");
    assert_eq!(https["otlp_http/otlp"]["endpoint"], "https://h:4318");
}

#[test]
fn queues_and_backoff_become_the_collectors() {
    let text = "
otlp: {endpoint: 'h:4317', insecure: true, timeout: 1s, max_connections: 4, metrics: {enabled: false}}
queues:
  traces: {mem_limit: 256Mi, max_age: 6h, batch_size: 512, flush_interval: 2s}
  logs: {mem_limit: 128Mi}
backoff: {initial: 1s, max: 4s, multiplier: 2, jitter: 0.5, max_retries: 4}";
    let read = exporters(text);
    let traces = &read["otlp_grpc/otlp_traces"];
    let queue = json!({
        "num_consumers": 4, "sizer": "bytes", "queue_size": 268_435_456, "max_bytes": 268_435_456,
        "batch": {"min_size": 512, "max_size": 512, "flush_timeout": "2s"},
    });
    assert_eq!(traces["sending_queue"], queue);
    // Delays of 1, 2, 4 and 4 seconds, half as long again at most, and four attempts of a second.
    let retry = json!({
        "enabled": true, "initial_interval": "1s", "max_interval": "4s", "multiplier": 2, "randomization_factor": 0.5, "max_elapsed_time": "21s",
    });
    assert_eq!(traces["retry_on_failure"], retry.clone());
    assert_eq!(read["otlp_grpc/otlp_logs"]["retry_on_failure"], retry);
    let age = grpc(
        "endpoint: 'h:1', metrics: {batch_size: 1}, logs: {batch_size: 1}, traces: {batch_size: 1}",
    );
    assert_eq!(age.get("retry_on_failure"), None);
}

#[test]
fn what_is_lowered_points_at_the_users_lines() {
    let text = "otlp:\n  endpoint: h:${PORT}\n  insecure: true\n  timeout: ${TOKEN}s";
    assert_eq!(
        refused(text),
        "telegen.yaml:4:12: otlp.timeout: `${TOKEN}s` is not a duration; write one like 5s, 200ms or 1h30m"
    );
    let exporter = lower(document("otlp:\n  endpoint: h:${PORT}\n  protocol: http").root())
        .unwrap()
        .unwrap()
        .exporters
        .remove(0);
    assert_eq!(exporter.origin, "from the otlp section of telegen.yaml");
    let message = exporter
        .node
        .error_at("endpoint", "no answer from https://h:4317")
        .to_string();
    assert_eq!(message, "telegen.yaml:2:13: no answer from h:${PORT}");
}

#[test]
fn sampling_is_refused_with_the_processor_to_use() {
    assert_eq!(
        refused("otlp: {endpoint: 'h:1', traces: {sample_rate: 0.1}}"),
        "telegen.yaml:1:47: otlp.traces.sample_rate: nothing is sampled on the way to a destination; add the processor probabilistic_sampler to a pipeline, and leave it out here"
    );
    assert_eq!(
        grpc("endpoint: 'h:1', traces: {sample_rate: 1.0, sampler: parent_based_traceidratio}")["signals"],
        json!(ALL)
    );
}

#[test]
fn ports_of_the_other_protocol_get_a_note() {
    let notes = |text: &str| lower(document(text).root()).unwrap().unwrap().notes;
    assert_eq!(
        notes("otlp: {endpoint: 'h:4318'}"),
        [
            "telegen.yaml:1:18: port 4318 is HTTP's by custom, but the protocol is gRPC; add `protocol: http`"
        ]
    );
    assert_eq!(
        notes("otlp: {endpoint: 'h:4317', protocol: http}"),
        ["telegen.yaml:1:18: port 4317 is gRPC's by custom, but the protocol is HTTP"]
    );
    assert_eq!(notes("otlp: {endpoint: 'h:4317'}"), Vec::<String>::new());
}
