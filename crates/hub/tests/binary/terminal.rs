//! Commands that ask a hub, or its data.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};

use serde_json::json;

use crate::hub::{Hub, fanlight, post, run, text};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// A trace of two spans, of which the second failed, with an escape sequence where a name should be.
fn failing_trace() -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeSpans":[{{"spans":[
          {{"name":"POST /checkout","traceId":"{TRACE}","spanId":"00000000000000a1","kind":2,
            "startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000142000000"}},
          {{"name":"charge \u001b[2J","traceId":"{TRACE}","spanId":"00000000000000a2","parentSpanId":"00000000000000a1",
            "startTimeUnixNano":"1700000000010000000","endTimeUnixNano":"1700000000130000000",
            "attributes":[{{"key":"card.brand","value":{{"stringValue":"visa"}}}}],
            "status":{{"code":2,"message":"card declined"}},
            "events":[{{"timeUnixNano":"1700000000100000000","name":"exception",
              "attributes":[{{"key":"exception.type","value":{{"stringValue":"Declined"}}}}]}}]}}
        ]}}]}}]}}"#
    )
}

fn log(severity: u8, body: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeLogs":[{{"logRecords":[{{"timeUnixNano":"1700000000050000000","severityNumber":{severity},
        "body":{{"stringValue":"{body}"}},"traceId":"{TRACE}"}}]}}]}}]}}"#
    )
}

/// Sends the trace with a log record, and waits until they are stored.
fn fill(hub: &Hub) {
    post(hub.otlp(), "/v1/traces", &failing_trace());
    post(hub.otlp(), "/v1/logs", &log(17, "payment failed"));
    hub.api_until(&format!("/api/traces/{TRACE}/logs"), |answer| {
        !answer["logs"].as_array().unwrap().is_empty()
    });
    hub.api_until("/api/traces", |answer| {
        !answer["traces"].as_array().unwrap().is_empty()
    });
}

/// Scenario: somebody asks for a trace while the hub runs, and again when it has stopped.
/// Guarantee: the same tree both times, with durations, what failed with its attributes and events, and the logs; what
/// was recorded can't steer the terminal.
#[test]
fn a_trace_is_a_tree_with_the_hub_and_without_it() {
    let mut hub = Hub::start(&[]);
    fill(&hub);
    let arguments = ["trace", TRACE, "--data-dir", &hub.data_dir()];
    let running = run(&mut fanlight(&arguments));
    let shown = text(&running.stdout);
    assert_eq!(running.status.code(), Some(0), "{}", text(&running.stderr));
    for expected in [
        "2 spans  1 error",
        "  POST /checkout",
        "  └─ charge \u{fffd}[2J",
        "120 ms  error: card declined",
        "card.brand=visa",
        "+90.0 ms exception exception.type=Declined",
        "ERROR shop payment failed",
    ] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    hub.signal("-TERM");
    hub.wait();
    let stopped = run(&mut fanlight(&arguments));
    assert_eq!(text(&stopped.stdout), shown, "{}", text(&stopped.stderr));
}

/// Scenario: commands are given what is not there: a trace, a hub, data.
/// Guarantee: exit code 1, and an error that says what to do.
#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let hub = Hub::start(&[]);
    let empty = tempfile::tempdir().unwrap();
    let empty = empty.path().display().to_string();
    let cases: [(&[&str], &str, &str); 5] = [
        (
            &["trace", TRACE, "--data-dir", &hub.data_dir()],
            "there is no trace 0af7",
            "may not have arrived",
        ),
        (
            &["trace", TRACE, "--data-dir", &empty],
            "there is no data in",
            "start a hub with: fanlight",
        ),
        (
            &["tail", "--data-dir", &empty],
            "there is no data in",
            "--url",
        ),
        (
            &["query", "select 1", "--url", "http://127.0.0.1:1"],
            "127.0.0.1:1",
            "start the hub",
        ),
        (
            &["query", "select 1", "--url", "3000"],
            "is not an address",
            "http://",
        ),
    ];
    for (arguments, fact, hint) in cases {
        let output = run(&mut fanlight(arguments));
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {error}");
        assert!(
            error.contains(fact) && error.contains(hint),
            "{arguments:?}: {error}"
        );
    }
}

/// A `fanlight tail` that runs, and what it prints.
struct Tail {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _stderr: BufReader<ChildStderr>,
}

impl Tail {
    fn start(hub: &Hub, arguments: &[&str]) -> Tail {
        let mut command = fanlight(&["tail", "--data-dir", &hub.data_dir()]);
        command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        assert!(line.contains("waiting for telemetry"), "{line}");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Tail {
            child,
            lines,
            _stderr: stderr,
        }
    }

    /// The lines up to the one with this text.
    fn until(&mut self, wanted: &str) -> String {
        let mut read = String::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            read += &(line + "\n");
            if read.contains(wanted) {
                return read;
            }
        }
        panic!("it ended without {wanted:?}: {read}");
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request with one call of a model.
pub(crate) fn call(model: &str) -> String {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let number =
        |key: &str, value: u64| json!({ "key": key, "value": { "intValue": value.to_string() } });
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "shop")] },
        "scopeSpans": [{ "scope": { "name": "tests" }, "spans": [{
            "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "chat",
            "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000001250000000",
            "attributes": [
                text("gen_ai.operation.name", "chat"), text("gen_ai.provider.name", "openai"),
                text("gen_ai.request.model", model),
                number("gen_ai.usage.input_tokens", 1200), number("gen_ai.usage.output_tokens", 80),
                text("gen_ai.input.messages", "[{\"role\":\"user\",\"content\":\"Weather in Paris?\"}]"),
            ],
        }] }],
    }] });
    body.to_string()
}

/// Scenario: somebody watches while a program calls a model.
/// Guarantee: the call comes at once as a line with model, tokens, cost, time and question; its trace follows.
#[test]
fn tail_shows_what_calls_of_models_cost() {
    let hub = Hub::start(&[]);
    let mut tail = Tail::start(&hub, &["--grep", "gpt"]);
    post(hub.otlp(), "/v1/traces", &call("gpt-4o"));
    let line = tail.until("Weather in Paris?");
    assert!(
        line.contains("LLM   shop gpt-4o 1,200 → 80 tokens $0.003800 1.25 s | Weather in Paris?"),
        "{line}"
    );
}

/// Scenario: three people watch while logs and a trace arrive: one everything, one only errors, one only a word.
/// Guarantee: logs come as lines, the trace as a tree once it is complete, and each sees no more than they asked for.
#[test]
fn tail_shows_what_arrives_and_only_what_was_asked_for() {
    let hub = Hub::start(&[]);
    let mut everything = Tail::start(&hub, &[]);
    let mut errors = Tail::start(&hub, &["--errors", "--service", "shop"]);
    let mut word = Tail::start(&hub, &["--grep", "VISA"]);
    post(hub.otlp(), "/v1/logs", &log(9, "order placed"));
    let line = everything.until("order placed");
    assert!(line.contains("INFO  shop order placed"), "{line}");
    post(hub.otlp(), "/v1/logs", &log(17, "payment failed"));
    post(hub.otlp(), "/v1/traces", &failing_trace());
    let last = "error: card declined";
    let shown = everything.until(last);
    assert!(
        shown.contains("payment failed") && shown.contains("├─") != shown.contains("└─ charge"),
        "{shown}"
    );
    let shown = errors.until(last);
    assert!(
        shown.contains("payment failed") && !shown.contains("order placed"),
        "{shown}"
    );
    let shown = word.until(last);
    assert!(!shown.contains("payment failed"), "{shown}");
}

/// Scenario: the store is asked in SQL while the hub runs and after it stopped, for people and for programs.
/// Guarantee: a table, CSV and JSON of the same rows; limits are told; what is wrong is said in SQLite's words.
#[test]
fn the_store_answers_sql_with_the_hub_and_without_it() {
    let mut hub = Hub::start(&[]);
    fill(&hub);
    let data_dir = hub.data_dir();
    let query = |arguments: &[&str]| {
        let mut command = fanlight(&["query", "--data-dir", &data_dir]);
        run(command.args(arguments))
    };
    let sql = "SELECT name, status, duration_ms FROM spans ORDER BY duration_ms DESC";
    let check = || {
        let table = query(&[sql]);
        assert_eq!(
            text(&table.stdout),
            "name            status  duration_ms\n\
             POST /checkout  UNSET         142.0\n\
             charge \u{fffd}[2J     ERROR         120.0\n",
            "{}",
            text(&table.stderr)
        );
        let csv = query(&["--csv", "SELECT service, body FROM logs"]);
        assert_eq!(text(&csv.stdout), "service,body\r\nshop,payment failed\r\n");
        let json = query(&["--json", "--limit", "1", sql]);
        assert_eq!(
            text(&json.stdout),
            "{\"name\":\"POST /checkout\",\"status\":\"UNSET\",\"duration_ms\":142.0}\n"
        );
        assert!(text(&json.stderr).contains("more rows"));
        let wrong = query(&["SELECT * FROM nope"]);
        assert_eq!(wrong.status.code(), Some(1));
        assert!(text(&wrong.stderr).contains("no such table: nope"));
        let writing = query(&["DELETE FROM spans"]);
        assert_eq!(writing.status.code(), Some(1), "{}", text(&writing.stdout));
    };
    check();
    hub.signal("-TERM");
    hub.wait();
    check();
}
