//! What a hub without a file does.

use serde_json::json;

use crate::hub::{Hub, get, post, request, span};

/// Scenario: a newcomer starts the hub with nothing, and sends a span to each HTTP port.
/// Guarantee: the summary says where, the span is in the dashboard's API, and SIGTERM ends the hub with exit code 0.
#[test]
fn a_newcomer_sees_a_span_and_stops_the_hub() {
    let mut hub = Hub::start(&[]);
    for part in [
        "OTLP/gRPC",
        "OTLP/HTTP",
        "LLM proxy",
        "Dashboard",
        "Metrics",
        "store",
        "Data",
        "OTEL_EXPORTER_OTLP_ENDPOINT=",
    ] {
        assert!(hub.summary.contains(part), "{part} in {}", hub.summary);
    }
    post(hub.otlp(), "/v1/traces", &span(1, "first"));
    post(hub.address("Dashboard"), "/v1/traces", &span(2, "second"));
    let traces = hub.api_until("/api/traces", |answer| {
        answer["traces"].as_array().unwrap().len() == 2
    });
    let names: Vec<&str> = traces["traces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| trace["rootName"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"first") && names.contains(&"second"),
        "{names:?}"
    );
    let trace = hub.api(&format!("/api/traces/{:032x}", 2));
    assert_eq!(trace["spans"][0]["service"], json!("shop"));
    hub.signal("-TERM");
    assert_eq!(hub.wait().code(), Some(0));
}

/// Scenario: telemetry came in before a restart.
/// Guarantee: it is still there afterwards, and so it is after a crash.
#[test]
fn what_was_shown_is_still_there_after_a_crash() {
    let hub = Hub::with_config_in(tempfile::tempdir().unwrap(), LOCAL);
    post(hub.otlp(), "/v1/traces", &span(1, "kept"));
    hub.api_until("/api/traces", |answer| {
        answer["traces"].as_array().unwrap().len() == 1
    });
    let hub = Hub::with_config_in(hub.crash(), LOCAL);
    assert_eq!(
        hub.api("/api/traces")["traces"][0]["rootName"],
        json!("kept")
    );
}

const LOCAL: &str = "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\ndashboard: {endpoint: '127.0.0.1:0'}\n";

/// Scenario: machines ask how the hub is.
/// Guarantee: metrics have the Collector's names, and both health pages answer.
#[test]
fn metrics_and_health_are_served() {
    let hub = Hub::start(&[]);
    post(hub.otlp(), "/v1/traces", &span(1, "counted"));
    let metrics = hub.address("Metrics");
    let (_, page) = get(metrics, "/metrics");
    assert!(
        page.contains("otelcol_receiver_accepted_spans{receiver=\"otlp\",transport=\"http\"} 1"),
        "{page}"
    );
    assert_eq!(get(metrics, "/healthz").0, 200);
    let (status, body) = get(metrics, "/readyz");
    assert_eq!(status, 200);
    assert!(body.contains("\"id\":\"traces\""), "{body}");
}

/// Scenario: requests that are no OTLP.
/// Guarantee: each gets the status that the OTLP specification names, and a google.rpc.Status that says what to do.
#[test]
fn bad_requests_get_the_statuses_of_the_specification() {
    let hub = Hub::start(&[]);
    let to = hub.otlp();
    let json = "Content-Type: application/json";
    let proto = "Content-Type: application/x-protobuf";
    let cases = [
        (
            400,
            format!("POST /v1/traces HTTP/1.1\r\n{json}"),
            "{".to_owned(),
        ),
        (
            400,
            format!("POST /v1/traces HTTP/1.1\r\n{proto}"),
            "not protobuf".to_owned(),
        ),
        (
            404,
            format!("POST /v1/spans HTTP/1.1\r\n{json}"),
            "{}".to_owned(),
        ),
        (405, "GET /v1/traces HTTP/1.1".to_owned(), String::new()),
        (
            413,
            format!("POST /v1/traces HTTP/1.1\r\n{proto}"),
            "x".repeat(21 << 20),
        ),
        (
            415,
            "POST /v1/traces HTTP/1.1\r\nContent-Type: text/plain".to_owned(),
            "{}".to_owned(),
        ),
        (
            415,
            format!("POST /v1/traces HTTP/1.1\r\n{json}\r\nContent-Encoding: br"),
            "{}".to_owned(),
        ),
    ];
    for (expected, head, body) in cases {
        let (status, _, answer) = request(to, &head, body.as_bytes());
        assert_eq!(status, expected, "{head}: {answer}");
        assert!(!answer.is_empty(), "{head}");
    }
    assert_eq!(hub.api("/api/traces")["traces"], json!([]));
}

/// Scenario: the hub's own telemetry is routed through its own pipelines, to a destination that is dead.
/// Guarantee: it does not feed itself: what is taken in stays at one sample for each interval and a few log lines.
#[test]
fn the_hubs_own_telemetry_does_not_feed_itself() {
    let hub = Hub::with_config(
        "receivers:
  self_telemetry: {collection_interval: 100ms}
exporters:
  otlphttp/dead:
    endpoint: http://127.0.0.1:1
    retry_on_failure: {initial_interval: 1ms, max_interval: 1ms}
dashboard: {endpoint: '127.0.0.1:0'}
service:
  pipelines:
    metrics: {receivers: [self_telemetry], exporters: [otlphttp/dead]}
    logs: {receivers: [self_telemetry], exporters: [otlphttp/dead]}
",
    );
    let metrics = hub.api_until("/api/metrics", |answer| {
        !answer["metrics"].as_array().unwrap().is_empty()
    });
    let names: Vec<&str> = metrics["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"otelcol_process_uptime"), "{names:?}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let logs = hub.api("/api/logs?limit=200")["logs"]
        .as_array()
        .unwrap()
        .len();
    assert!(logs < 20, "{logs} log records in a second");
}
