//! `fanlight run` and `fanlight setup`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::hub::{Hub, fanlight, run, text};

/// `fanlight run` with data of its own.
fn running(directory: &tempfile::TempDir, command: &[&str]) -> Command {
    let data = directory.path().join("data").display().to_string();
    let mut arguments = vec!["run", "--data-dir", &data, "--"];
    arguments.extend(command);
    let mut fanlight = fanlight(&arguments);
    fanlight.env("PATH", "/usr/bin:/bin");
    fanlight
}

/// Scenario: somebody runs a command while no hub runs.
/// Guarantee: the command's input, output and exit code are its own; it has the address of a hub that answers meanwhile.
#[test]
fn a_command_has_a_hub_for_as_long_as_it_runs() {
    let directory = tempfile::tempdir().unwrap();
    let script = r#"read line; echo "$line $OTEL_SERVICE_NAME $OTEL_EXPORTER_OTLP_PROTOCOL"
        curl --silent --fail -H 'Content-Type: application/json' -d '{"resourceSpans":[]}' "$OTEL_EXPORTER_OTLP_ENDPOINT/v1/traces"
        exit 7"#;
    let mut child = running(&directory, &["sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = text(&output.stderr);
    assert_eq!(text(&output.stdout), "typed sh http/protobuf\n{}", "{told}");
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(
        told.contains("watch it while it runs: http://127.0.0.1:"),
        "{told}"
    );
    assert!(told.contains("see it again with: fanlight"), "{told}");
}

/// Scenario: somebody runs a command while a hub runs, and has variables of their own.
/// Guarantee: the command has that hub's address; what was set is kept and told.
#[test]
fn a_running_hub_is_used_and_what_was_set_is_kept() {
    let hub = Hub::start(&[]);
    let output = run(
        fanlight(&["run", "--data-dir", &hub.data_dir(), "--", "env"])
            .env("PATH", "/usr/bin:/bin")
            .env("OTEL_SERVICE_NAME", "shop")
            .env("OTEL_LOGS_EXPORTER", "none")
            .env("FANLIGHT_TOKEN", "not-for-commands"),
    );
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    let line = |text: &str| shown.lines().any(|line| line == text);
    let endpoint = format!("OTEL_EXPORTER_OTLP_ENDPOINT=http://{}", hub.otlp());
    assert!(
        line(&endpoint) && line("OTEL_SERVICE_NAME=shop") && line("OTEL_LOGS_EXPORTER=none"),
        "{shown}"
    );
    assert!(!shown.contains("FANLIGHT_TOKEN"), "{shown}");
    assert!(told.contains("OTEL_LOGS_EXPORTER=none: kept"), "{told}");
    assert!(
        told.contains("through the hub: http://127.0.0.1:"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(0));
}

/// Scenario: somebody ends `fanlight run` with a signal.
/// Guarantee: the command gets it, may do its own about it, and its exit code is what comes out.
#[test]
fn signals_are_the_commands() {
    let directory = tempfile::tempdir().unwrap();
    for (signal, script, code) in [
        (
            "TERM",
            "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done",
            9,
        ),
        (
            "INT",
            "trap 'exit 8' INT; echo ready; while :; do sleep 0.05; done",
            8,
        ),
        ("TERM", "echo ready; exec sleep 60", 143),
    ] {
        // Without a terminal of its own, as a service manager starts it.
        let run = running(&directory, &["sh", "-c", script]);
        let mut command = Command::new("/usr/bin/setsid");
        command
            .arg("--wait")
            .arg(run.get_program())
            .args(run.get_args());
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nonexistent");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let own = std::fs::read_to_string(children).unwrap();
        let target = own
            .split_whitespace()
            .next()
            .map_or(child.id().to_string(), str::to_owned);
        Command::new("kill")
            .args([&format!("-{signal}"), &target])
            .status()
            .unwrap();
        assert_eq!(
            child.wait().unwrap().code(),
            Some(code),
            "{signal} to {script}"
        );
    }
}

/// Scenario: the command is not there, or is no program.
/// Guarantee: codes as shells have them, and a sentence.
#[test]
fn a_command_that_can_not_start_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let missing = run(&mut running(&directory, &["no-such-program"]));
    assert_eq!(missing.status.code(), Some(127));
    assert!(text(&missing.stderr).contains("no-such-program can't be run"));
    let folder = run(&mut running(&directory, &["/etc"]));
    assert_eq!(folder.status.code(), Some(126));
}

/// Scenario: somebody sets up Claude Code for a running hub, twice, and takes it back.
/// Guarantee: its settings have the hub's real ports and what was there before; nothing is left at the end.
#[test]
fn setup_writes_real_ports_and_takes_them_back() {
    let hub = Hub::start(&[]);
    let home = tempfile::tempdir().unwrap();
    let settings = home.path().join(".claude/settings.json");
    std::fs::create_dir(home.path().join(".claude")).unwrap();
    let before = "{\n  \"model\": \"opus\"\n}\n";
    std::fs::write(&settings, before).unwrap();
    let setup = |flag: &str| {
        let data = hub.data_dir();
        let arguments = ["setup", "claude-code", flag, "--data-dir", &data];
        let output = run(fanlight(&arguments).env("HOME", home.path()));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    setup("--write");
    let written = std::fs::read_to_string(&settings).unwrap();
    let value: Value = serde_json::from_str(&written).unwrap();
    let endpoint = format!("http://{}", hub.otlp());
    assert_eq!(
        value["env"]["OTEL_EXPORTER_OTLP_ENDPOINT"],
        endpoint.as_str()
    );
    assert_eq!(value["model"], "opus");
    assert!(setup("--write").contains("is set up already"));
    setup("--undo");
    assert_eq!(std::fs::read_to_string(&settings).unwrap(), before);
    assert_eq!(
        std::fs::read_dir(home.path().join(".claude"))
            .unwrap()
            .count(),
        1
    );
}

/// Scenario: somebody mistypes a tool, or asks for one that no file is known of.
/// Guarantee: a sentence that helps.
#[test]
fn setup_helps_where_it_can_not_write() {
    let mistyped = run(&mut fanlight(&["setup", "aidr"]));
    assert_eq!(mistyped.status.code(), Some(1));
    assert!(text(&mistyped.stderr).contains("did you mean aider?"));
    let cursor = run(&mut fanlight(&["setup", "cursor", "--write"]));
    assert!(text(&cursor.stderr).contains("fanlight setup cursor says what to set by hand"));
    assert!(text(&run(&mut fanlight(&["setup"])).stdout).contains("gemini-cli"));
}
