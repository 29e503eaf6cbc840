//! What is easily done wrong.

use crate::shop::{BASE, HEADERS, NAME, TRACES, header, names, paths, run, spans};
use crate::sink::Sink;

/// Scenario: an endpoint for traces without a path.
/// Guarantee: it is used as it is, and a message says what is most likely missing.
#[test]
fn h2_a_signal_endpoint_without_a_path_draws_a_hint() {
    let sink = Sink::start();
    // Nothing is at that path: the answer is that of a receiver.
    sink.answer(|_| crate::sink::Response::status(404));
    let told = run("environment", &[(TRACES, &sink.url("")), NAME]);
    assert!(
        told.contains(&format!("most receivers want {}", sink.url("/v1/traces"))),
        "{told}"
    );
    assert!(paths(&sink).iter().eq(["/"]));
}

/// Scenario: headers as people write them, one of them broken.
/// Guarantee: each arrives as it was meant; a message names the broken one, and never its value.
#[test]
fn h4_headers_are_read_as_people_write_them() {
    let sink = Sink::start();
    let written = "Authorization = Bearer x=y , x-list=a%2Cb, x-twice=1,x-twice=2,bad name=s3cret,";
    let told = run(
        "environment",
        &[(BASE, &sink.url("")), (HEADERS, written), NAME],
    );
    assert!(header(&sink, "authorization").iter().eq(["Bearer x=y"]));
    assert!(header(&sink, "x-list").iter().eq(["a,b"]));
    assert!(header(&sink, "x-twice").iter().eq(["2"]));
    assert!(
        told.contains("OTEL_EXPORTER_OTLP_HEADERS: pair 5 is left out"),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");
}

/// Scenario: a timeout that was most likely meant as seconds.
/// Guarantee: a message says so; everything is sent.
#[test]
fn h6_timeouts_count_milliseconds() {
    let sink = Sink::start();
    let timeout = |text| {
        let timeout = ("OTEL_EXPORTER_OTLP_TIMEOUT", text);
        run("environment", &[(BASE, &sink.url("")), timeout, NAME])
    };
    let told = timeout("99");
    assert!(told.contains("write 99000 for 99 seconds"), "{told}");
    assert!(!timeout("10000").contains("milliseconds"));
}

/// Scenario: compression by gzip, and by something that isn't spoken.
/// Guarantee: gzip is what is sent; else nothing is compressed, and a message says what there is.
#[test]
fn h7_compression_is_gzip_or_none() {
    for (compression, sent, is_told) in [("gzip", vec!["gzip"], false), ("deflate", vec![], true)] {
        let sink = Sink::start();
        let wish = ("OTEL_EXPORTER_OTLP_COMPRESSION", compression);
        let told = run("environment", &[(BASE, &sink.url("")), wish, NAME]);
        assert!(
            header(&sink, "content-encoding").iter().eq(sent),
            "{compression}"
        );
        assert_eq!(told.contains("it must be gzip or none"), is_told, "{told}");
        assert_eq!(names(&sink), ["check out {order}", "load", "pay"]);
    }
}

/// Scenario: an attribute that looks like a secret.
/// Guarantee: it is sent without what it held.
#[test]
fn secrets_stay_in_the_process() {
    let sink = Sink::start();
    run("environment", &[(BASE, &sink.url("")), NAME]);
    let spans = spans(&sink);
    let load = spans.iter().find(|span| span.name == "load").unwrap();
    let scrubbed = load.attribute("user.password").unwrap();
    assert!(scrubbed.contains("Scrubbed"), "{scrubbed}");
    for request in sink.requests() {
        let secret = request.body.windows(7).any(|part| part == b"hunter2");
        assert!(!secret, "{}", request.path);
    }
}

/// Scenario: the console, asked for by a variable, and nothing to send to.
/// Guarantee: it shows what happens, without colours where there is no terminal.
#[test]
fn the_console_shows_what_happens() {
    let off = ("LOGFIRE_SEND_TO_LOGFIRE", "false");
    let told = run("environment", &[("LOGFIRE_CONSOLE", "true"), off, NAME]);
    assert!(
        told.contains("check out 17") && told.contains("paid 5"),
        "{told}"
    );
    assert!(!told.contains('\u{1b}'), "{told}");
    let silent = run("environment", &[("LOGFIRE_CONSOLE", "false"), off, NAME]);
    assert!(!silent.contains("check out"), "{silent}");
}

/// Scenario: the program panics in a span, and unwinds.
/// Guarantee: the panic is shown as always, and recorded inside the span; both arrive.
#[test]
fn panic_is_recorded_and_delivered() {
    let sink = Sink::start();
    let told = run("panic", &[("SINK", &sink.url(""))]);
    assert!(told.contains("no card"), "{told}");
    let spans = spans(&sink);
    let named = |name| spans.iter().find(|span| span.name == name).unwrap();
    let panic = named("panicked: {exception.message}");
    assert_eq!(panic.parent, named("pay").id);
    assert_eq!(panic.attribute("exception.type"), Some("panic"));
    assert_eq!(panic.attribute("exception.message"), Some("no card"));
    let file = panic.attribute("code.file.path").unwrap();
    assert!(file.ends_with("shop.rs"), "{file}");
}
