//! What users of LLMFlow do by its documents, against this hub: the commands as they are written there, only with other ports.
//! Names begin with the case's number in the list of docs/llm-proxy.md.

mod calls;
mod telemetry;

use std::process::Command;

use fanlight_testkit::fakes::llm::{self, Providers};
use serde_json::Value;

use crate::hub::{FREE, Hub};

/// A question that needs no more than this.
const HELLO: &str = r#"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}]}"#;

/// A hub whose providers are stand-ins.
struct Setup {
    hub: Hub,
    providers: Providers,
}

impl Setup {
    /// With more variables in the hub's environment.
    fn start(variables: &[(&str, &str)]) -> Setup {
        let providers = Providers::start();
        let bases = [
            ("OPENAI_BASE_URL", providers.url("/v1")),
            ("ANTHROPIC_BASE_URL", providers.url("")),
            ("GOOGLE_GEMINI_BASE_URL", providers.url("")),
            ("GROQ_BASE_URL", providers.url("/openai/v1")),
        ];
        let bases = bases.iter().map(|(name, url)| (*name, url.as_str()));
        let all: Vec<(&str, &str)> = bases.chain(variables.iter().copied()).collect();
        let hub = Hub::start_in(tempfile::tempdir().unwrap(), &FREE, &all);
        Setup { hub, providers }
    }

    /// An address of the proxy's.
    fn proxy(&self, path: &str) -> String {
        format!(
            "http://localhost:{}{path}",
            self.hub.address("LLM proxy").port()
        )
    }

    /// An address of the dashboard's.
    fn dashboard(&self, path: &str) -> String {
        dashboard(&self.hub, path)
    }

    /// Waits until so many calls are recorded, and returns them, the oldest first.
    fn calls(&self, path: &str, count: usize) -> Vec<Value> {
        let answer = self.hub.api_until(path, |answer| {
            answer["calls"].as_array().unwrap().len() == count
        });
        let mut calls = answer["calls"].as_array().unwrap().clone();
        calls.reverse();
        calls
    }
}

fn dashboard(hub: &Hub, path: &str) -> String {
    format!("http://localhost:{}{path}", hub.address("Dashboard").port())
}

/// Runs curl; the status and the body that it got.
fn curl(arguments: &[&str]) -> (u16, String) {
    let mut command = Command::new("curl");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/local/bin");
    command.args(["--silent", "--show-error", "--max-time", "30"]);
    command
        .args(["--write-out", "\n%{http_code}"])
        .args(arguments);
    let output = command.output().expect("curl is there");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// Runs curl and expects 200 with JSON.
fn json(arguments: &[&str]) -> Value {
    let (status, body) = curl(arguments);
    assert_eq!(status, 200, "{arguments:?}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn bearer(key: &str) -> String {
    format!("Authorization: Bearer {key}")
}

/// Scenario: the variables and options of LLMFlow's command line.
/// Guarantee: ports are where they say, help and version are shown, and health pages answer; `VERBOSE` is taken.
#[tokio::test(flavor = "multi_thread")]
async fn a1_a3_variables_and_options_mean_what_they_did() {
    let [proxy, board] = [free_port(), free_port()];
    let (proxy, board) = (proxy.to_string(), board.to_string());
    let arguments = [&FREE[..4], &FREE[6..8]].concat();
    let variables = [
        ("PROXY_PORT", &*proxy),
        ("DASHBOARD_PORT", &board),
        ("VERBOSE", "1"),
    ];
    let hub = Hub::start_in(tempfile::tempdir().unwrap(), &arguments, &variables);
    for path in ["/health", "/providers"] {
        let answer = json(&[&format!("http://localhost:{proxy}{path}")]);
        assert!(answer.is_object(), "{path}: {answer}");
    }
    let health = json(&[&format!("http://localhost:{board}/api/health")]);
    assert_eq!(health["status"], "ok");
    assert_eq!(hub.address("LLM proxy").port().to_string(), proxy);
    for (option, part) in [
        ("--help", "--proxy"),
        ("--version", env!("CARGO_PKG_VERSION")),
    ] {
        let output = crate::hub::run(&mut crate::hub::fanlight(&[option]));
        let shown = crate::hub::text(&output.stdout);
        assert!(output.status.success() && shown.contains(part), "{shown}");
    }
}

/// A port that is free now.
fn free_port() -> u16 {
    crate::forwarding::nobody()
}

/// The keys that the stand-ins accept.
const OPENAI: &str = llm::OPENAI_KEY;
const ANTHROPIC: &str = llm::ANTHROPIC_KEY;
