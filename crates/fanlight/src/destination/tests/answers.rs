//! What destinations answer, and what comes of it.

use std::sync::atomic::{AtomicUsize, Ordering};

use fanlight_otlp::{response, status::Status};

use super::*;

/// Scenario (B3): a backend that takes traces at a base address and answers 404 for metrics and logs.
/// Guarantee: traces are unaffected, the user hears of each signal once, and the backend is left alone with them.
#[test]
fn a_signal_that_is_not_served_backs_off_and_is_told_once() {
    for status in [404, 405] {
        let sink = Sink::start();
        sink.answer(move |request| match request.path.as_str() {
            "/v1/traces" => Response::status(200),
            _ => Response::status(status),
        });
        let running = start(settings(sink.address(), &SIGNALS));
        for _ in 0..5 {
            running.offer_all(10);
            running.flush(SOON);
        }
        let paths = sink.requests().into_iter().map(|request| request.path);
        let paths: Vec<String> = paths.filter(|path| path != "/v1/traces").collect();
        assert_eq!(paths.len(), 2, "{paths:?}");
        assert_eq!(sink.items(Signal::Traces), 50);
        assert_eq!(running.dropped(Signal::Metrics, Cause::NotServed), 50);
        assert_eq!(running.dropped(Signal::Logs, Cause::NotServed), 50);
        let told = running.told();
        assert_eq!(told.len(), 2, "{told:?}");
        let of_metrics = told.iter().find(|text| text.contains("metrics")).unwrap();
        assert_eq!(
            *of_metrics,
            format!(
                "backend: {}: answered {status}, so metrics are not sent there for a while; check the URL, or set OTEL_METRICS_EXPORTER=none if the backend takes none",
                sink.url("/v1/metrics")
            )
        );
    }
}

/// Scenario (H5): a backend that does not accept the credentials, and repeats them in its answer.
/// Guarantee: one message that says where to look, no second attempt, no secret.
#[test]
fn wrong_credentials_are_told_once_without_the_secret() {
    for status in [401, 403] {
        let sink = Sink::start();
        let body = b"no such key: s3cret-token".to_vec();
        sink.answer(move |_| Response::Answer(status, Vec::new(), body.clone()));
        let settings = settings(sink.address(), &[Signal::Traces]);
        let running = start(with_header(
            settings,
            "authorization",
            "Bearer s3cret-token",
        ));
        for _ in 0..20 {
            running.offer(Signal::Traces, 1);
        }
        running.until("an answer", || !running.told().is_empty());
        for _ in 0..20 {
            running.offer(Signal::Traces, 1);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(sink.requests().len() <= 2, "{}", sink.requests().len());
        let flushed = running.flush(SOON);
        assert!(sink.requests().len() <= 3, "{}", sink.requests().len());
        assert!(running.dropped(Signal::Traces, Cause::Unauthorized) > 0);
        let expected = format!(
            "backend: {}: answered {status}: no such key: [REDACTED]; check OTEL_EXPORTER_OTLP_HEADERS",
            sink.url("/v1/traces")
        );
        assert_eq!(running.told(), [expected]);
        assert!(!flushed.error.unwrap().contains("s3cret"));
        assert!(!format!("{:?}", running.destination).contains("s3cret"));
    }
}

/// Scenario (H8): a busy backend that asks for a second, in each way in which it can.
/// Guarantee: the same request comes again, not sooner.
#[test]
fn the_pause_that_a_backend_asks_for_is_kept() {
    let info = Status {
        code: 14,
        message: "busy".to_owned(),
        retry_delay: Some(Duration::from_secs(1)),
    };
    let header = vec![("retry-after", "1".to_owned())];
    let answers = [
        Response::Answer(429, header.clone(), Vec::new()),
        Response::Answer(503, header, Vec::new()),
        Response::Answer(503, Vec::new(), info.encode()),
    ];
    std::thread::scope(|scope| {
        for answer in answers {
            scope.spawn(move || {
                let sink = Sink::start();
                let asked = AtomicUsize::new(0);
                sink.answer(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
                    0 => answer.clone(),
                    _ => Response::status(200),
                });
                let running = start(settings(sink.address(), &[Signal::Traces]));
                running.offer(Signal::Traces, 5);
                let requests = sink.wait_for(2);
                let pause = requests[1].at - requests[0].at;
                assert!(
                    pause >= Duration::from_millis(990) && pause < Duration::from_millis(1500),
                    "{pause:?}"
                );
                assert_eq!(requests[0].body, requests[1].body);
                assert_eq!(running.flush(SOON).delivered[&Signal::Traces], 5);
            });
        }
    });
}

/// Scenario (H8): a backend that refuses one request.
/// Guarantee: it is not sent again, the user hears why and how much, and the next is sent.
#[test]
fn what_is_refused_is_never_sent_again() {
    let sink = Sink::start();
    let status = Status {
        code: 3,
        message: "span 3 has no name".to_owned(),
        retry_delay: None,
    };
    let body = status.encode();
    sink.answer(move |_| Response::Answer(400, Vec::new(), body.clone()));
    let running = start(settings(sink.address(), &[Signal::Traces]));
    running.offer(Signal::Traces, 5);
    let flushed = running.flush(SOON);
    assert_eq!(flushed.dropped[&Signal::Traces], 5);
    sink.answer(|_| Response::status(200));
    running.offer(Signal::Traces, 7);
    assert_eq!(running.flush(SOON).delivered[&Signal::Traces], 7);
    assert_eq!(sink.requests().len(), 2);
    let expected = format!(
        "backend: {}: answered 400: span 3 has no name; 5 spans dropped",
        sink.url("/v1/traces")
    );
    assert_eq!(running.told(), [expected]);
}

/// Scenario (H8): a backend that takes a part of a request, and later warns.
/// Guarantee: both are told with the backend's words, and the rejected are counted.
#[test]
fn partial_success_is_told_and_counted() {
    let sink = Sink::start();
    let body = response::encode(Signal::Traces, 3, "too old", false);
    sink.answer(move |_| Response::Answer(200, Vec::new(), body.clone()));
    let running = start(settings(sink.address(), &[Signal::Traces]));
    running.offer(Signal::Traces, 10);
    let flushed = running.flush(SOON);
    assert_eq!(flushed.delivered[&Signal::Traces], 7);
    assert_eq!(flushed.dropped[&Signal::Traces], 3);
    let body = response::encode(Signal::Traces, 0, "use TLS", false);
    sink.answer(move |_| Response::Answer(200, Vec::new(), body.clone()));
    running.offer(Signal::Traces, 1);
    running.flush(SOON);
    let url = sink.url("/v1/traces");
    assert_eq!(
        running.told(),
        [
            format!("backend: {url}: took a part only: 3 spans dropped: too old"),
            format!("backend: {url} warns: use TLS"),
        ]
    );
}

/// Scenario: a backend that takes no more than some kilobytes at once.
/// Guarantee: everything arrives in smaller requests; a single item that is too large is dropped and told.
#[test]
fn what_is_too_large_is_split() {
    let sink = Sink::start();
    sink.answer(|request| match request.body.len() {
        0..20_000 => Response::status(200),
        _ => Response::status(413),
    });
    let running = start(settings(sink.address(), &[Signal::Traces]));
    running.offer(Signal::Traces, 1000);
    assert_eq!(running.flush(SOON).delivered[&Signal::Traces], 1000);
    assert_eq!(running.told(), [""; 0]);
    sink.answer(|_| Response::status(413));
    running.offer(Signal::Traces, 1);
    assert_eq!(running.flush(SOON).dropped[&Signal::Traces], 1);
    let told = running.told_of(NoticeKind::Refused);
    assert!(told[0].ends_with("answered 413: 1 span dropped, as too large"));
}
