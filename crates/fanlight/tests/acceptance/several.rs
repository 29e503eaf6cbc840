//! Several destinations, and none.

use fanlight_otlp::Signal;

use crate::shop::{
    BASE, HEADERS, LOGFIRE, NAME, TOKEN, header, names, paths, run, run_as_test, spans,
};
use crate::sink::Sink;

const SENT: [&str; 3] = ["check out {order}", "load", "pay"];

/// What Logfire gets as ended spans.
fn ended(sink: &Sink) -> usize {
    let is_ended = |kind| kind == Some("span");
    spans(sink)
        .iter()
        .filter(|span| is_ended(span.attribute("logfire.span_type")))
        .count()
}

/// Scenario: Logfire by a token, and another endpoint.
/// Guarantee: both get the same traces, and one line lists both.
#[test]
fn f2_logfire_and_an_endpoint_both_get_everything() {
    let (logfire, other) = (Sink::start(), Sink::start());
    let told = run(
        "environment",
        &[
            (TOKEN, "pylf_v1_us_1"),
            (LOGFIRE, &logfire.url("")),
            (BASE, &other.url("")),
            NAME,
        ],
    );
    assert_eq!(names(&other), SENT);
    assert_eq!(ended(&logfire), 3);
    assert_eq!(spans(&logfire)[0].trace, spans(&other)[0].trace);
    assert_eq!(logfire.items(Signal::Logs), 1);
    assert_eq!(
        told.lines()
            .filter(|line| line.contains("sending to"))
            .count(),
        1
    );
    assert!(
        told.contains("Logfire at") && told.contains("and to OTLP at"),
        "{told}"
    );
}

/// Scenario: of two destinations, one is away.
/// Guarantee: the other gets everything.
#[test]
fn f2_a_dead_destination_takes_nothing_from_the_other() {
    let other = Sink::start();
    let dead = format!("http://{}", Sink::nowhere());
    let told = run(
        "environment",
        &[
            (TOKEN, "pylf_v1_us_1"),
            (LOGFIRE, &dead),
            (BASE, &other.url("")),
            NAME,
        ],
    );
    assert_eq!(names(&other), SENT, "{told}");
}

/// Scenario: two tokens.
/// Guarantee: both projects get everything.
#[test]
fn f3_every_token_is_a_destination() {
    let logfire = Sink::start();
    run(
        "environment",
        &[
            (TOKEN, "pylf_v1_us_1,pylf_v1_us_2"),
            (LOGFIRE, &logfire.url("")),
            NAME,
        ],
    );
    assert!(
        header(&logfire, "authorization")
            .iter()
            .eq(["pylf_v1_us_1", "pylf_v1_us_2"])
    );
    assert_eq!(ended(&logfire), 6);
}

/// Scenario: a token for Logfire, and headers for another endpoint.
/// Guarantee: neither gets what belongs to the other, and neither secret is printed.
#[test]
fn f4_no_credential_goes_to_anybody_else() {
    let (logfire, other) = (Sink::start(), Sink::start());
    let told = run(
        "environment",
        &[
            (TOKEN, "pylf_v1_us_s3cret"),
            (LOGFIRE, &logfire.url("")),
            (BASE, &other.url("")),
            (HEADERS, "Authorization=Bearer 0ther,x-other=s3cond"),
            NAME,
        ],
    );
    assert!(
        header(&logfire, "authorization")
            .iter()
            .eq(["pylf_v1_us_s3cret"])
    );
    assert!(header(&logfire, "x-other").is_empty());
    assert!(header(&other, "authorization").iter().eq(["Bearer 0ther"]));
    let requests = format!("{:?}", other.requests());
    assert!(!requests.contains("s3cret"));
    for secret in ["s3cret", "0ther", "s3cond"] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// Scenario: sending to Logfire is off, with a token and another endpoint.
/// Guarantee: only the endpoint gets anything.
#[test]
fn g1_without_logfire_the_endpoint_still_gets_everything() {
    let (logfire, other) = (Sink::start(), Sink::start());
    run(
        "environment",
        &[
            ("LOGFIRE_SEND_TO_LOGFIRE", "Never"),
            (TOKEN, "pylf_v1_us_1"),
            (LOGFIRE, &logfire.url("")),
            (BASE, &other.url("")),
            NAME,
        ],
    );
    assert_eq!(names(&other), SENT);
    assert!(logfire.requests().is_empty());
}

/// Scenario: no token, with sending on, and only if there is one; the standard input is closed.
/// Guarantee: the program runs without asking anything (G5); with sending on, one message says what is missing.
#[test]
fn g2_and_g5_without_a_token_nobody_is_asked() {
    for (send, messages) in [("if-token-present", 0), ("true", 1)] {
        let other = Sink::start();
        let told = run(
            "environment",
            &[
                ("LOGFIRE_SEND_TO_LOGFIRE", send),
                (BASE, &other.url("")),
                NAME,
            ],
        );
        assert_eq!(told.matches("LOGFIRE_TOKEN").count(), messages, "{told}");
        assert_eq!(names(&other), SENT);
    }
}

/// Scenario: a way to say yes that is none.
/// Guarantee: a message lists those that are, and the default holds.
#[test]
fn g3_an_unknown_spelling_is_told_with_those_that_are_known() {
    let logfire = Sink::start();
    let told = run(
        "environment",
        &[
            ("LOGFIRE_SEND_TO_LOGFIRE", "perhaps"),
            (TOKEN, "pylf_v1_us_1"),
            (LOGFIRE, &logfire.url("")),
            NAME,
        ],
    );
    assert!(told.contains("never or if-token-present"), "{told}");
    assert_eq!(ended(&logfire), 3);
}

/// Scenario: a token in the environment of a test.
/// Guarantee: nothing is sent, unless a variable asks for it; an endpoint is a wish of its own.
#[test]
fn g4_tests_send_nothing_unless_asked() {
    let logfire = Sink::start();
    let token = [(TOKEN, "pylf_v1_us_1"), (LOGFIRE, &logfire.url("")), NAME];
    let told = run_as_test("environment", &token);
    assert!(
        logfire.requests().is_empty() && !told.contains("fanlight:"),
        "{told}"
    );
    run_as_test(
        "environment",
        &[&token[..], &[("LOGFIRE_SEND_TO_LOGFIRE", "true")]].concat(),
    );
    assert_eq!(ended(&logfire), 3);
    let other = Sink::start();
    run_as_test(
        "environment",
        &[&token[..], &[(BASE, &other.url(""))]].concat(),
    );
    assert_eq!(names(&other), SENT);
}

/// Scenario: the SDK is started a second time while it runs; then the first guard is dropped, then the second.
/// Guarantee: what was recorded before goes where it should, all later to the second; after both nothing is recorded.
#[test]
fn starting_again_delivers_first_and_then_takes_over() {
    let sink = Sink::start();
    run("twice", &[("SINK", &sink.url(""))]);
    let names_at = |path: &str| -> Vec<String> {
        let requests = sink
            .requests()
            .into_iter()
            .filter(|request| request.path == path);
        let mut names = Vec::new();
        for request in requests {
            for resource in request.batch().resources() {
                let scopes = resource.unwrap().scopes().collect::<Vec<_>>();
                let spans = scopes
                    .into_iter()
                    .flat_map(|scope| scope.unwrap().spans().collect::<Vec<_>>());
                names.extend(spans.map(|span| span.unwrap().name.to_owned()));
            }
        }
        names
    };
    assert_eq!(names_at("/first/v1/traces"), ["one"]);
    assert_eq!(names_at("/second/v1/traces"), ["two", "three"]);
    assert_eq!(paths(&sink).len(), 2);
}
