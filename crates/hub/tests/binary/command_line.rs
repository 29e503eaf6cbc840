//! What the command line answers.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use crate::hub::{FREE, fanlight, run, text};

/// Scenario: somebody asks what there is.
/// Guarantee: help, version, completions and the component list are there.
#[test]
fn help_version_completions_and_components_are_there() {
    let help = text(&run(&mut fanlight(&["--help"])).stdout);
    for word in [
        "--config",
        "--otlp-grpc",
        "--log-level",
        "check",
        "completions",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
    assert_eq!(
        text(&run(&mut fanlight(&["--version"])).stdout),
        format!("fanlight {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish"] {
        let completions = text(&run(&mut fanlight(&["completions", shell])).stdout);
        assert!(completions.contains("otlp-grpc"), "{shell}: {completions}");
    }
    let components = text(&run(&mut fanlight(&["components"])).stdout);
    for word in ["receivers:", "otlp:", "otlp_http:", "(also otlphttp)"] {
        assert!(components.contains(word), "{word} in {components}");
    }
}

/// Scenario: a configuration with a misspelt key.
/// Guarantee: file, line, key and the nearest valid key are named, and the exit code says that the configuration is to blame.
#[test]
fn check_names_file_line_key_and_the_nearest() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.yaml");
    std::fs::write(
        &file,
        "exporters:\n  otlphttp/x:\n    endpont: http://localhost:1\n",
    )
    .unwrap();
    let output = run(fanlight(&["check", "--config"]).arg(&file));
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    for part in [
        "unknown key `endpont`",
        "hub.yaml:3:5",
        "exporters.otlphttp/x",
        "did you mean `endpoint`?",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

/// Scenario: a good configuration with a destination that is not there.
/// Guarantee: check shows the graph; with --send it reports the answer and fails.
#[test]
fn check_describes_the_graph_and_tries_it_on_request() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("hub.yaml");
    let yaml = "exporters:\n  otlphttp/x:\n    endpoint: http://127.0.0.1:1\n    headers: {authorization: Bearer secret-token-1}\n";
    std::fs::write(&file, yaml).unwrap();
    let output = run(fanlight(&["check", "--config"]).arg(&file));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout)
            .contains("otlphttp/x sends traces, metrics, logs, profiles to http://127.0.0.1:1")
    );
    let output = run(fanlight(&["check", "--send", "--config"])
        .arg(&file)
        .arg("--data-dir")
        .arg(directory.path()));
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains("could not connect to 127.0.0.1:1"),
        "{shown}"
    );
    assert!(!shown.contains("secret-token"), "{shown}");
}

/// Scenario: another program has the port.
/// Guarantee: the error names the port and what to change.
#[test]
fn a_port_in_use_is_named_with_the_key_to_change() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let directory = tempfile::tempdir().unwrap();
    let arguments = [
        "--otlp-grpc",
        &address,
        "--otlp-http",
        "127.0.0.1:0",
        "--dashboard",
        "off",
        "--metrics",
        "off",
        "--proxy",
        "off",
    ];
    let yaml = directory.path().join("hub.yaml");
    std::fs::write(&yaml, "exporters: {debug: }\n").unwrap();
    let mut command = fanlight(&arguments);
    let output = run(command
        .arg("--config")
        .arg(yaml)
        .arg("--data-dir")
        .arg(directory.path()));
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(
        shown.contains(&address)
            && shown.contains("receivers.otlp.protocols.grpc.endpoint")
            && shown.contains("--otlp-grpc"),
        "{shown}"
    );
}

/// Scenario: a variable points the hub at itself.
/// Guarantee: it is refused with a sentence; nothing is started.
#[test]
fn an_endpoint_that_is_the_hub_itself_is_refused() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let endpoint = format!("http://localhost:{}", free.port());
    let arguments = [
        "--otlp-grpc",
        "127.0.0.1:0",
        "--otlp-http",
        &free.to_string(),
        "--dashboard",
        "127.0.0.1:0",
        "--metrics",
        "off",
        "--proxy",
        "off",
    ];
    let directory = tempfile::tempdir().unwrap();
    let mut command = fanlight(&arguments);
    let output = run(command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .arg("--data-dir")
        .arg(directory.path()));
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(
        shown.contains("points at the hub itself") && shown.contains("OTEL_EXPORTER_OTLP_ENDPOINT"),
        "{shown}"
    );
}

/// Scenario: a machine reads the log, and SIGINT asks the hub to stop.
/// Guarantee: every line of the log is a JSON object with level and message, `--log-level` decides which there are, and
/// the exit code is 0.
#[test]
fn the_log_is_structured_and_has_the_chosen_level() {
    for (level, has_lines) in [("info", true), ("error", false)] {
        let directory = tempfile::tempdir().unwrap();
        let mut command = fanlight(&FREE);
        command.args(["--log-format", "json", "--log-level", level, "--data-dir"]);
        command
            .arg(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut summary = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(summary.any(|line| line.unwrap().contains("  Try ")));
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let log = text(&output.stderr);
        assert_eq!(!log.is_empty(), has_lines, "{log}");
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect(line);
            assert!(
                line["level"].is_string() && line["message"].is_string(),
                "{line}"
            );
        }
    }
}
