//! Destinations: alive, dead, and back again.

use std::time::Duration;

use serde_json::json;

use crate::hub::{Hub, get, post, request, span};

fn to_two(first: u16, second: u16) -> String {
    format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
exporters:
  otlphttp/alive: {{endpoint: 'http://127.0.0.1:{first}'}}
  otlphttp/dead: {{endpoint: 'http://127.0.0.1:{second}', sending_queue: {{queue_size: 5}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlphttp/alive, otlphttp/dead]}}
"
    )
}

/// A port that nobody listens on.
pub fn nobody() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Scenario: two destinations at once, one of them dead.
/// Guarantee: the other gets everything, no sender is refused, and the status page tells which is failing.
#[test]
fn a_dead_destination_costs_the_other_nothing() {
    let backend = Hub::start(&[]);
    let hub = Hub::with_config(&to_two(backend.otlp().port(), nobody()));
    for number in 0..40 {
        post(hub.otlp(), "/v1/traces", &span(number, "all of them"));
    }
    backend.api_until("/api/status", |status| {
        status["counts"]["spans"].as_u64() == Some(40)
    });
    let (status, body) = get(hub.address("Metrics"), "/readyz");
    let exporters: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200, "{body}");
    let state = |id: &str| {
        let list = exporters["exporters"].as_array().unwrap();
        list.iter()
            .find(|exporter| exporter["id"] == json!(id))
            .unwrap()["state"]
            .clone()
    };
    assert_eq!(
        (state("otlphttp/alive"), state("otlphttp/dead")),
        (json!("healthy"), json!("failing"))
    );
}

/// Scenario: the only destination is dead, and its queue is full.
/// Guarantee: the sender is told 429 with a delay, and readiness says so.
#[test]
fn a_sender_is_told_to_come_back_when_nothing_takes_its_data() {
    let dead = nobody();
    let hub = Hub::with_config(
        &to_two(dead, dead)
            .replace(", otlphttp/dead]", "]")
            .replace("alive: {", "alive: {sending_queue: {queue_size: 3}, "),
    );
    let head = "POST /v1/traces HTTP/1.1\r\nContent-Type: application/json";
    let answers: Vec<(u16, String, String)> = (0..5)
        .map(|n| request(hub.otlp(), head, span(n, "x").as_bytes()))
        .collect();
    let statuses: Vec<u16> = answers.iter().map(|(status, _, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert!(answers[4].1.contains("retry-after: 1"), "{}", answers[4].1);
    assert!(answers[4].2.contains("queue"), "{}", answers[4].2);
    let begun = std::time::Instant::now();
    while get(hub.address("Metrics"), "/readyz").0 != 503 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Scenario: only the environment names a destination.
/// Guarantee: everything is shown locally and forwarded.
#[test]
fn the_environment_alone_configures_forwarding() {
    let backend = Hub::start(&[]);
    let endpoint = format!("http://{}", backend.otlp());
    let hub = Hub::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    assert!(
        hub.summary.contains("from OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{}",
        hub.summary
    );
    post(hub.otlp(), "/v1/traces", &span(7, "there and here"));
    hub.api_until("/api/status", |status| {
        status["counts"]["spans"].as_u64() == Some(1)
    });
    backend.api_until("/api/status", |status| {
        status["counts"]["spans"].as_u64() == Some(1)
    });
}

/// Scenario: a queue on disk, its destination is down, and the hub is killed with SIGKILL while senders still send.
/// Guarantee: whatever was acknowledged arrives after the next start.
#[test]
fn a_killed_hub_delivers_what_it_acknowledged() {
    let port = nobody();
    let yaml = format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0'}}}}}}}}
extensions: {{file_storage: }}
exporters:
  otlphttp:
    endpoint: http://127.0.0.1:{port}
    sending_queue: {{storage: file_storage}}
    retry_on_failure: {{initial_interval: 50ms, max_interval: 100ms}}
service:
  extensions: [file_storage]
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlphttp]}}
"
    );
    let mut hub = Hub::with_config(&yaml);
    let mut acknowledged = 0;
    for _ in 0..3 {
        for _ in 0..20 {
            post(hub.otlp(), "/v1/traces", &span(acknowledged, "kept"));
            acknowledged += 1;
        }
        hub = Hub::with_config_in(hub.crash(), &yaml);
    }
    let backend = Hub::with_config(&format!(
        "receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\ndashboard: {{endpoint: '127.0.0.1:0'}}\n"
    ));
    backend.api_until("/api/status", |status| {
        status["counts"]["spans"].as_u64() == Some(acknowledged)
    });
}
