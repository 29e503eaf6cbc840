//! Where telemetry goes.

use fanlight_otlp::Signal;

use crate::shop::{BASE, HEADERS, NAME, TRACES, names, paths, run};
use crate::sink::Sink;

const SIGNALS: [&str; 3] = ["/v1/logs", "/v1/metrics", "/v1/traces"];

/// Scenario: a base endpoint, without and with a slash at its end.
/// Guarantee: each signal goes to its path below it, never with two slashes.
#[test]
fn a1_base_endpoint_gets_signal_paths() {
    for slash in ["", "/"] {
        let sink = Sink::start();
        let told = run("environment", &[(BASE, &sink.url(slash)), NAME]);
        assert!(paths(&sink).iter().eq(SIGNALS), "{:?} {told}", paths(&sink));
        assert!(
            told.contains(&format!(
                "sending to OTLP at {} (traces, metrics, logs)",
                sink.url("")
            )),
            "{told}"
        );
    }
}

/// Scenario: a base endpoint with a path.
/// Guarantee: the paths of the signals follow it.
#[test]
fn a2_signal_paths_follow_a_base_path() {
    let sink = Sink::start();
    run("environment", &[(BASE, &sink.url("/otlp")), NAME]);
    let expected = SIGNALS.map(|path| format!("/otlp{path}"));
    assert!(paths(&sink).iter().eq(&expected), "{:?}", paths(&sink));
}

/// Scenario: an endpoint for traces alone, with a path of its own.
/// Guarantee: it is used as it is, and nothing else is sent.
#[test]
fn a3_a_signal_endpoint_is_used_as_it_is() {
    let sink = Sink::start();
    run(
        "environment",
        &[(TRACES, &sink.url("/custom/v1/traces")), NAME],
    );
    assert!(
        paths(&sink).iter().eq(["/custom/v1/traces"]),
        "{:?}",
        paths(&sink)
    );
}

/// Scenario: nothing is configured, and sending is off.
/// Guarantee: the program says nothing, and no destination runs.
#[test]
fn a4_without_an_endpoint_and_with_send_never_nothing_is_opened() {
    let told = run("environment", &[("LOGFIRE_SEND_TO_LOGFIRE", "false"), NAME]);
    assert!(!told.contains("fanlight:"), "{told}");
}

/// Scenario: variables that are set to the empty string.
/// Guarantee: they count as unset.
#[test]
fn a5_an_empty_variable_is_unset() {
    let sink = Sink::start();
    let empty = [
        (TRACES, ""),
        (HEADERS, ""),
        ("OTEL_TRACES_EXPORTER", ""),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", ""),
        ("OTEL_SDK_DISABLED", ""),
        ("LOGFIRE_TOKEN", ""),
    ];
    let told = run(
        "environment",
        &[&empty[..], &[(BASE, &sink.url("")), NAME]].concat(),
    );
    assert!(paths(&sink).iter().eq(SIGNALS), "{told}");
    assert_eq!(told.matches("fanlight:").count(), 1, "{told}");
}

/// Scenario: OTEL_TRACES_EXPORTER is none, something unknown, or otlp.
/// Guarantee: traces are sent only with otlp; metrics and logs always.
#[test]
fn a6_other_exporters_keep_a_signal_back() {
    for (exporter, sent) in [("none", false), ("zipkin", false), ("OTLP", true)] {
        let sink = Sink::start();
        run(
            "environment",
            &[
                (BASE, &sink.url("")),
                ("OTEL_TRACES_EXPORTER", exporter),
                NAME,
            ],
        );
        assert_eq!(paths(&sink).contains("/v1/traces"), sent, "{exporter}");
        assert!(paths(&sink).contains("/v1/metrics") && paths(&sink).contains("/v1/logs"));
    }
}

/// Scenario: an address that is none, for one signal.
/// Guarantee: the program runs, a message names the variable, and the other signals are sent.
#[test]
fn a7_an_invalid_address_is_named_and_not_replaced() {
    let sink = Sink::start();
    let told = run(
        "environment",
        &[(BASE, &sink.url("")), (TRACES, "localhost:4318"), NAME],
    );
    assert!(
        told.contains("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is not used"),
        "{told}"
    );
    assert!(told.contains("write http://localhost:4318"), "{told}");
    assert!(paths(&sink).iter().eq(&SIGNALS[..2]), "{:?}", paths(&sink));
}

/// Scenario: the protocol gRPC, which the SDK doesn't speak.
/// Guarantee: a message says what it speaks, and names the usual port.
#[test]
fn a8_protocols_and_ports_of_grpc_draw_a_hint() {
    let sink = Sink::start();
    let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let told = run("environment", &[(BASE, &sink.url("")), grpc, NAME]);
    assert!(
        told.contains("http/protobuf") && told.contains("4318"),
        "{told}"
    );
    assert_eq!(told.matches("PROTOCOL").count(), 1, "{told}");
    assert_eq!(names(&sink), ["check out {order}", "load", "pay"]);
}

/// Scenario: the protocol http/json.
/// Guarantee: requests are JSON, in OTLP's form, with ids in hexadecimal digits.
#[test]
fn a8_json_is_sent_when_asked() {
    let sink = Sink::start();
    let json = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json");
    run(
        "environment",
        &[(TRACES, &sink.url("/v1/traces")), json, NAME],
    );
    let requests = sink.requests();
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    let batch = fanlight_otlp::json::read(Signal::Traces, &requests[0].body).unwrap();
    assert_eq!(batch.items(), 4);
}

/// Scenario: OTEL_SDK_DISABLED.
/// Guarantee: nothing is sent or said.
#[test]
fn a_disabled_sdk_sends_nothing() {
    let sink = Sink::start();
    let told = run(
        "environment",
        &[(BASE, &sink.url("")), ("OTEL_SDK_DISABLED", "true")],
    );
    assert!(
        sink.requests().is_empty() && !told.contains("fanlight:"),
        "{told}"
    );
}
