//! Backends that are away, busy, or want something else.

use std::env;
use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fanlight_otlp::Signal;

use crate::shop::{BASE, HEADERS, NAME, Running, check_out, names, run, run_in, spans};
use crate::sink::{Request, Response, Sink};

const SENT: [&str; 3] = ["check out {order}", "load", "pay"];

/// Checks out, and stays until its standard input ends.
pub(crate) fn stay() {
    let guard = fanlight::start().expect("a configuration without mistakes");
    check_out();
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    drop(guard);
}

/// Checks out several times, and flushes each time.
pub(crate) fn often() {
    let guard = fanlight::start().expect("a configuration without mistakes");
    for _ in 0..env::var("TIMES").unwrap().parse().unwrap() {
        check_out();
        guard.flush(Duration::from_secs(1));
    }
}

/// Scenario: the backend is away when the program starts, and comes while it runs.
/// Guarantee: one message says where and why; then everything arrives without a restart, and a message says so.
#[test]
fn h1_a_backend_that_comes_later_gets_everything() {
    let address = Sink::nowhere();
    let base = format!("http://{address}");
    let mut program = Running::start("stay", &[(BASE, &base), NAME]);
    program.wait_for("trying again");
    let sink = Sink::start_at(address);
    program.wait_for("recovered");
    let told = program.end();
    assert_eq!(names(&sink), SENT, "{told}");
    assert_eq!(sink.items(Signal::Logs), 1, "{told}");
    let mut failing = told.lines().filter(|line| line.contains("trying again"));
    let line = failing.next().unwrap();
    assert!(line.contains(&base) && line.contains("refused"), "{line}");
    assert_eq!(failing.next(), None, "{told}");
}

/// Scenario: the backend is away for the whole life of the program, which is started again later.
/// Guarantee: the second run delivers what the first could not, once.
#[test]
fn h1_what_a_run_could_not_deliver_the_next_does() {
    let address = Sink::nowhere();
    let base = format!("http://{address}");
    let home = tempfile::tempdir().unwrap();
    let variables = [(BASE, base.as_str()), NAME];
    run_in(home.path(), "environment", &variables);
    let sink = Sink::start_at(address);
    let told = run_in(home.path(), "environment", &variables);
    let mut twice = [SENT, SENT].concat();
    twice.sort_unstable();
    assert_eq!(names(&sink), twice, "{told}");
    let spans = spans(&sink);
    let roots = spans.iter().filter(|span| span.parent.is_zero());
    let [one, other] = roots.collect::<Vec<_>>().try_into().unwrap();
    assert_ne!(one.trace, other.trace);
}

/// Scenario: a backend that doesn't accept the credentials, while a program flushes again and again.
/// Guarantee: it is asked once for each signal; one message says what to look at, and no secret.
#[test]
fn h5_refused_credentials_are_told_once_and_not_tried_again() {
    for status in [401, 403] {
        let sink = Sink::start();
        sink.answer(move |_| {
            Response::Answer(status, Vec::new(), b"no: Bearer s3cret-key".to_vec())
        });
        let header = (HEADERS, "Authorization=Bearer s3cret-key");
        let told = run(
            "often",
            &[(BASE, &sink.url("")), header, NAME, ("TIMES", "5")],
        );
        assert_eq!(
            told.matches(&format!("answered {status}")).count(),
            1,
            "{told}"
        );
        assert_eq!(told.matches(HEADERS).count(), 1, "{told}");
        assert!(!told.contains("s3cret"), "{told}");
        assert!(sink.requests().len() <= 3, "{:#?}", sink.requests());
    }
}

/// Scenario: a backend that is busy, and says for how long.
/// Guarantee: it is left alone for so long, and then gets everything.
#[test]
fn h8_a_busy_backend_is_left_alone_as_long_as_it_asks() {
    for status in [429, 503] {
        let sink = Sink::start();
        let asked = AtomicUsize::new(0);
        sink.answer(move |request| match is_of_traces(request) {
            true if asked.fetch_add(1, Ordering::SeqCst) == 0 => {
                let pause = vec![("retry-after", "2".to_owned())];
                Response::Answer(status, pause, Vec::new())
            }
            _ => Response::status(200),
        });
        let told = run("environment", &[(BASE, &sink.url("")), NAME]);
        let requests = sink.requests();
        let mut of_traces = requests.iter().filter(|request| is_of_traces(request));
        let (first, second) = (of_traces.next().unwrap(), of_traces.next().unwrap());
        let pause = second.at - first.at;
        assert!(pause >= Duration::from_secs(2), "{pause:?} {told}");
        assert_eq!(
            (of_traces.count(), second.batch().items()),
            (0, 3),
            "{told}"
        );
    }
}

/// Scenario: a backend that finds a request wrong.
/// Guarantee: it is told, with the backend's words, and not sent again.
#[test]
fn h8_what_is_wrong_is_not_sent_again() {
    let sink = Sink::start();
    sink.answer(|request| match is_of_traces(request) {
        true => Response::Answer(400, Vec::new(), b"spans of the future".to_vec()),
        false => Response::status(200),
    });
    let told = run("environment", &[(BASE, &sink.url("")), NAME]);
    assert!(told.contains("answered 400: spans of the future"), "{told}");
    let requests = sink.requests();
    assert_eq!(requests.iter().filter(|it| is_of_traces(it)).count(), 1);
}

/// Scenario: a backend that takes a request but for two of its spans.
/// Guarantee: how many, and why, is told; nothing is sent again.
#[test]
fn h8_a_partial_success_is_told_with_its_count() {
    let sink = Sink::start();
    sink.answer(|request| match is_of_traces(request) {
        true => {
            // `ExportTraceServiceResponse`: partial_success { rejected_spans: 2, error_message: "too old" }.
            let mut body = vec![0x0a, 11, 0x08, 2, 0x12, 7];
            body.extend_from_slice(b"too old");
            Response::Answer(200, Vec::new(), body)
        }
        false => Response::status(200),
    });
    let told = run("environment", &[(BASE, &sink.url("")), NAME]);
    let line = told.lines().find(|line| line.contains("too old")).unwrap();
    assert!(line.contains('2'), "{line}");
    let requests = sink.requests();
    assert_eq!(requests.iter().filter(|it| is_of_traces(it)).count(), 1);
}

fn is_of_traces(request: &Request) -> bool {
    request.path == "/v1/traces"
}
