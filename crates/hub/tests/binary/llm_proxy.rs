//! The LLM proxy as part of the hub.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use crate::hub::{FREE, Hub, fanlight, get, request, run, text};

/// A provider that answers one call.
fn provider() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read = [0; 4096];
        assert!(stream.read(&mut read).unwrap() > 0);
        let body = r#"{"model":"gpt-4o-mini","choices":[{"message":{"role":"assistant","content":"Hi"}}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"#;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).unwrap();
    });
    address
}

/// Scenario: a newcomer starts the hub with nothing but a provider's address, and makes a call.
/// Guarantee: the proxy explains itself, answers as the provider does, and the call is a trace with its tokens.
#[test]
fn a1_a_call_through_the_proxy_is_in_the_store() {
    let base = format!("http://{}/v1", provider());
    let hub = Hub::start(&[("OPENAI_BASE_URL", &base)]);
    let proxy = hub.address("LLM proxy");
    assert_eq!(get(proxy, "/health").0, 200);
    assert!(get(proxy, "/providers").1.contains("/groq/v1"));
    let head = "POST /v1/chat/completions HTTP/1.1\r\nContent-Type: application/json";
    let call = br#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hello"}]}"#;
    let (status, _, body) = request(proxy, head, call);
    assert_eq!(status, 200, "{body}");
    let traces = hub.api_until("/api/traces", |answer| {
        answer["traces"].as_array().unwrap().len() == 1
    });
    assert_eq!(traces["traces"][0]["rootName"], "chat gpt-4o-mini");
}

/// Scenario: another program has the proxy's port; the proxy is turned off.
/// Guarantee: the error says so and what to do; without the proxy the hub starts.
#[test]
fn a3_a_busy_port_says_so() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    let port = address.port().to_string();
    let directory = tempfile::tempdir().unwrap();
    let mut command = fanlight(&FREE[..8]);
    command.arg("--data-dir").arg(directory.path());
    let output = run(command.env("PROXY_PORT", port));
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for part in [&*address.to_string(), "the port is in use", "--proxy off"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

/// Scenario: another program has the port that the proxy takes by default, and a newcomer who asked for no proxy starts the hub.
/// Guarantee: the hub starts with its dashboard, and its summary says what is missing, why and what to do.
#[test]
fn a3_a_busy_default_port_costs_only_the_proxy() {
    // Whoever else has the port does as well.
    let _other = TcpListener::bind("127.0.0.1:8080");
    let hub = Hub::start_in(tempfile::tempdir().unwrap(), &FREE[..8], &[]);
    for part in [
        "the LLM proxy is off",
        "another program listens on 127.0.0.1:8080",
        "fanlight --proxy 127.0.0.1:8081",
    ] {
        assert!(hub.summary.contains(part), "{part} in {}", hub.summary);
    }
    assert_eq!(hub.api("/api/health")["status"], "ok");
}

/// Scenario: a client's base URL is wrong, and a part of it is its key.
/// Guarantee: the log says what is wrong, without the key, and metrics count it.
#[test]
fn a_wrong_base_url_is_told_without_its_key() {
    let hub = Hub::start(&[]);
    let key = "sk-proj-0123456789abcdef0123456789abcdef";
    let (status, body) = get(hub.address("LLM proxy"), &format!("/{key}/v1/models"));
    assert_eq!(status, 404, "{body}");
    let (_, page) = get(hub.address("Metrics"), "/metrics");
    let counted =
        r#"otelcol_receiver_refused_spans{receiver="llm_proxy",transport="proxy_unknown"} 1"#;
    assert!(page.contains(counted), "{page}");
    let begun = std::time::Instant::now();
    while !hub.log().contains("a request to the LLM proxy was refused") {
        assert!(begun.elapsed().as_secs() < 20, "{}", hub.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let log = hub.log();
    assert!(
        log.contains("no provider is called") && !log.contains(key),
        "{log}"
    );
}

/// Scenario: the proxy would be reachable from other machines, and nobody set a token.
/// Guarantee: the hub refuses with exit code 2 and says how to set one.
#[test]
fn a_proxy_for_other_machines_needs_a_token() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = fanlight(&FREE[..8]);
    command.arg("--data-dir").arg(directory.path());
    let output = run(command.args(["--proxy", "0.0.0.0:0"]));
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("llm.token"), "{shown}");
}
