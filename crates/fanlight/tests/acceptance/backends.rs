//! What each backend gets.

use fanlight_otlp::Signal;

use crate::shop::{BASE, HEADERS, NAME, TRACES, header, names, paths, run, spans};
use crate::sink::{Response, Sink};

/// Scenario: Jaeger by a base endpoint and nothing else; the program ends at once.
/// Guarantee: one trace of the named service, with both children below the parent.
#[test]
fn b1_jaeger_gets_the_whole_trace() {
    let sink = Sink::start();
    run("environment", &[(BASE, &sink.url("")), NAME]);
    let spans = spans(&sink);
    let parent = spans
        .iter()
        .find(|span| span.name == "check out {order}")
        .unwrap();
    assert!(parent.parent.is_zero() && spans.len() == 3, "{spans:?}");
    for span in &spans {
        assert_eq!((span.service.as_str(), span.trace), ("shop", parent.trace));
        assert!(span.id == parent.id || span.parent == parent.id, "{span:?}");
    }
}

/// Scenario: an endpoint for traces alone.
/// Guarantee: log records are spans without duration inside the span that they were made in; no other request is made.
#[test]
fn b2_traces_alone_get_logs_as_spans() {
    let sink = Sink::start();
    run("environment", &[(TRACES, &sink.url("/v1/traces")), NAME]);
    let spans = spans(&sink);
    let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let paid = named("paid {amount}");
    assert_eq!((paid.parent, paid.duration), (named("pay").id, 0));
    assert_eq!(paid.attribute("logfire.msg"), Some("paid 5"));
    assert!(paths(&sink).iter().eq(["/v1/traces"]));
}

/// Scenario: a base endpoint whose receiver knows no metrics and no logs.
/// Guarantee: traces arrive, and there is at most one message a signal.
#[test]
fn b3_missing_metrics_and_logs_are_told_once() {
    let sink = Sink::start();
    sink.answer(|request| match request.path.as_str() {
        "/v1/traces" => Response::status(200),
        _ => Response::status(404),
    });
    let told = run("environment", &[(BASE, &sink.url("")), NAME]);
    assert_eq!(sink.items(Signal::Traces), 3);
    for signal in ["metrics", "logs"] {
        let lines = told.lines().skip_while(|line| line.contains("sending to"));
        let about = lines
            .filter(|line| line.contains(&format!("/v1/{signal}")))
            .count();
        assert!(about <= 1, "{told}");
    }
}

/// Scenario: a destination that nothing is known of, and Jaeger by name.
/// Guarantee: no span comes twice, and none before it has ended.
#[test]
fn b4_generic_destinations_get_no_pending_spans() {
    let sink = Sink::start();
    run("environment", &[(BASE, &sink.url("")), NAME]);
    assert_eq!(names(&sink), ["check out {order}", "load", "pay"]);
    let sink = Sink::start();
    run("jaeger", &[("SINK", &sink.url(""))]);
    assert_eq!(
        names(&sink),
        ["check out {order}", "load", "paid {amount}", "pay"]
    );
    assert!(paths(&sink).iter().eq(["/v1/traces"]));
}

/// Scenario: a program without a service name.
/// Guarantee: it is called as the specification says, and told why that is bad.
#[test]
fn b6_a_program_without_a_name_is_told_so() {
    let sink = Sink::start();
    let told = run("environment", &[(BASE, &sink.url(""))]);
    assert_eq!(spans(&sink)[0].service, "unknown_service:shop");
    assert!(
        told.contains("Jaeger") && told.contains("OTEL_SERVICE_NAME"),
        "{told}"
    );
}

/// Scenario: Langfuse by variables, and by name.
/// Guarantee: the header arrives whole, and everything goes to the path of traces, log records as spans.
#[test]
fn c1_to_c3_langfuse_gets_spans_with_its_credentials() {
    let basic = "Basic cGstbGYtMTpzay1sZi0y";
    let sink = Sink::start();
    let base = sink.url("/api/public/otel");
    run(
        "environment",
        &[
            (BASE, &base),
            (HEADERS, &format!("Authorization={basic}")),
            NAME,
        ],
    );
    let by_name = Sink::start();
    run("langfuse", &[("SINK", &by_name.url(""))]);
    for sink in [sink, by_name] {
        assert!(
            paths(&sink).iter().eq(["/api/public/otel/v1/traces"]),
            "{:?}",
            paths(&sink)
        );
        assert!(header(&sink, "authorization").iter().eq([basic]));
        assert!(
            header(&sink, "x-langfuse-ingestion-version")
                .iter()
                .eq(["4"])
        );
        assert_eq!(
            names(&sink),
            ["check out {order}", "load", "paid {amount}", "pay"]
        );
    }
}

/// Scenario: a collector that passes everything on to Logfire, without a token here.
/// Guarantee: it gets templates and levels, and spans that have started.
#[test]
fn d2_a_collector_gets_logfires_details_when_asked() {
    let sink = Sink::start();
    run("through a collector", &[("SINK", &sink.url(""))]);
    assert!(header(&sink, "authorization").is_empty());
    let spans = spans(&sink);
    let ended: Vec<_> = spans
        .iter()
        .filter(|span| span.attribute("logfire.span_type") == Some("span"))
        .collect();
    assert_eq!(ended.len(), 3, "{spans:?}");
    let whole = ended
        .iter()
        .find(|span| span.name == "check out {order}")
        .unwrap();
    assert_eq!(whole.attribute("logfire.msg"), Some("check out 17"));
    assert_eq!(
        whole.attribute("logfire.msg_template"),
        Some("check out {order}")
    );
    assert_eq!(whole.attribute("logfire.level_num"), Some("9"));
    for pending in spans
        .iter()
        .filter(|span| span.attribute("logfire.span_type") == Some("pending_span"))
    {
        assert!(
            ended.iter().any(|span| span.id == pending.parent),
            "{pending:?}"
        );
    }
}

/// Scenario: Grafana Cloud's header in the forms that its pages and shells lead to.
/// Guarantee: the same header is sent.
#[test]
fn e1_every_way_to_write_grafanas_header_is_the_same() {
    for value in [
        "Basic MTp0b2tlbg==",
        "Basic%20MTp0b2tlbg%3D%3D",
        "Basic%20MTp0b2tlbg==",
    ] {
        let sink = Sink::start();
        let written = format!("\"Authorization={value}\"");
        run(
            "environment",
            &[(BASE, &sink.url("/otlp")), (HEADERS, &written), NAME],
        );
        assert!(
            header(&sink, "authorization")
                .iter()
                .eq(["Basic MTp0b2tlbg=="]),
            "{value}"
        );
    }
}

/// Scenario: a destination that is asked for logs as spans.
/// Guarantee: it gets them so, and not as log records too.
#[test]
fn logs_are_spans_or_records_and_never_both() {
    let sink = Sink::start();
    run("logs as spans", &[("SINK", &sink.url(""))]);
    assert_eq!(
        names(&sink),
        ["check out {order}", "load", "paid {amount}", "pay"]
    );
    assert_eq!(sink.items(Signal::Logs), 0);
}
