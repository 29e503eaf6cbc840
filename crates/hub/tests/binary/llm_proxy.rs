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
