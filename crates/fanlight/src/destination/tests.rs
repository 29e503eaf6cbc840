//! Destinations against a backend on loopback.

#![allow(clippy::too_many_lines, reason = "scenarios are told in one piece")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fanlight_config::Secret;
use fanlight_otlp::write::{LogRecord, RequestWriter};
use fanlight_otlp::{Batch, Signal};

use super::Destination;
use super::counts::Cause;
use super::settings::{Compression, Disk, Settings, Target};
use crate::collect::{Flushed, Outlet, Reply};
use crate::notice::{Notice, NoticeKind, Notices};
use sink::{Response, Sink};

mod answers;
mod disk;
mod failures;
#[cfg(feature = "tls")]
mod secure;
#[path = "../../tests/support/sink.rs"]
mod sink;

const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];
const SOON: Duration = Duration::from_secs(20);

/// A request with so many items of about a hundred bytes.
fn batch(signal: Signal, items: usize) -> Batch {
    let text = "what happened, in so many words that this takes about a hundred bytes of the request, not fewer";
    let mut request = RequestWriter::new(signal);
    request.resource(&[], |resource| {
        resource.scope("test", "", |scope| {
            for number in 0..items {
                match signal {
                    Signal::Logs => scope.log(&LogRecord {
                        severity_text: text,
                        ..LogRecord::default()
                    }),
                    _ => scope.item(signal, 1, |item| match signal {
                        Signal::Traces => {
                            item.some_bytes(1, fastrand::u128(1..).to_be_bytes());
                            item.some_bytes(2, fastrand::u64(1..).to_be_bytes());
                            item.bytes(5, text);
                        }
                        _ => {
                            item.bytes(1, text);
                            item.nested(5, |gauge| {
                                gauge.nested(1, |point| point.some_fixed64(3, number as u64 + 1))
                            });
                        }
                    }),
                }
            }
        });
    });
    request.finish()
}

fn settings(address: SocketAddr, signals: &[Signal]) -> Settings {
    let target = |signal: &Signal| Target {
        compression: Compression::Gzip,
        ..Target::new(
            *signal,
            format!("http://{address}{}", signal.info().http_path),
        )
    };
    let mut settings = Settings::new("backend", signals.iter().map(target).collect());
    settings.retry.first = Duration::from_millis(50);
    settings.retry.longest = Duration::from_millis(200);
    settings
}

fn with_header(mut settings: Settings, name: &str, value: &str) -> Settings {
    for target in &mut settings.targets {
        target.headers.insert(name, Secret::new(value));
    }
    settings
}

fn with_disk(mut settings: Settings, directory: &std::path::Path) -> Settings {
    settings.disk = Some(Disk {
        directory: directory.to_owned(),
        max_bytes: Disk::MAX_BYTES,
        program: "test".to_owned(),
    });
    settings
}

/// A destination, and what it told.
struct Running {
    destination: Destination,
    told: Arc<Mutex<Vec<Notice>>>,
}

fn start(settings: Settings) -> Running {
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let notices = Notices::to(move |notice: &Notice| into.lock().unwrap().push(notice.clone()));
    Running {
        destination: Destination::start(settings, notices).unwrap(),
        told,
    }
}

impl Running {
    fn offer(&self, signal: Signal, items: usize) {
        self.destination.offer(batch(signal, items));
    }

    fn offer_all(&self, items: usize) {
        for signal in SIGNALS {
            self.offer(signal, items);
        }
    }

    fn flush(&self, timeout: Duration) -> Flushed {
        let deadline = Instant::now() + timeout;
        let (reply, answer) = Reply::to(deadline);
        self.destination.flush(deadline, reply);
        let told = answer.wait(deadline + SOON);
        told.expect("an answer in time").remove(0)
    }

    fn dropped(&self, signal: Signal, cause: Cause) -> u64 {
        self.destination.counts().dropped(signal, cause)
    }

    fn told(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.iter().map(ToString::to_string).collect()
    }

    fn told_of(&self, kind: NoticeKind) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let told = told.iter().filter(|notice| notice.kind == kind);
        told.map(ToString::to_string).collect()
    }

    /// Waits for something that needs no more than a moment.
    fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let limit = Instant::now() + Duration::from_secs(10);
        while !is_so() {
            assert!(Instant::now() < limit, "{what}; told: {:?}", self.told());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Scenario: three signals to a backend that takes everything.
/// Guarantee: each arrives at its own path as OTLP in protobuf, compressed, and the flush says so.
#[test]
fn each_signal_is_delivered_to_its_path() {
    let sink = Sink::start();
    let running = start(settings(sink.address(), &SIGNALS));
    for signal in SIGNALS {
        running.offer(signal, 10);
    }
    let flushed = running.flush(SOON);
    assert_eq!((flushed.waiting, flushed.error), (0, None));
    for signal in SIGNALS {
        assert_eq!(sink.items(signal), 10);
        assert_eq!(flushed.delivered[&signal], 10);
    }
    for request in sink.requests() {
        assert_eq!(request.method, "POST");
        assert_eq!(
            request.header("content-type"),
            Some("application/x-protobuf")
        );
        assert_eq!(request.header("content-encoding"), Some("gzip"));
        let agent = request.header("user-agent").unwrap();
        assert!(agent.starts_with("fanlight-rust/"), "{agent}");
    }
    assert_eq!(running.told(), [""; 0]);
}

/// Scenario: a signal that has no target.
/// Guarantee: it is not sent, not counted as dropped, and nobody waits for it.
#[test]
fn a_signal_without_a_target_is_not_sent() {
    let sink = Sink::start();
    let running = start(settings(sink.address(), &[Signal::Traces]));
    running.offer(Signal::Metrics, 10);
    running.offer(Signal::Traces, 1);
    let flushed = running.flush(SOON);
    assert_eq!(sink.requests().len(), 1);
    assert!(flushed.dropped.is_empty());
    assert!(!running.destination.wants_metrics());
}

/// Scenario: a backend that is slow at first, while many small requests are offered.
/// Guarantee: they are joined into few larger ones, and nothing is lost.
#[test]
fn small_requests_are_joined() {
    let sink = Sink::start();
    sink.answer(|_| Response::Slow(Duration::from_millis(100), 200));
    let running = start(settings(sink.address(), &[Signal::Traces]));
    for _ in 0..1000 {
        running.offer(Signal::Traces, 1);
    }
    running.flush(SOON);
    assert_eq!(sink.items(Signal::Traces), 1000);
    let requests = sink.requests();
    assert!(requests.len() < 20, "{}", requests.len());
    assert!(requests.iter().all(|it| it.body.len() <= 1 << 20));
}

/// Scenario: a large request whose compression is switched off.
/// Guarantee: it is sent as it is.
#[test]
fn compression_can_be_switched_off() {
    let sink = Sink::start();
    let mut settings = settings(sink.address(), &[Signal::Traces]);
    settings.targets[0].compression = Compression::None;
    let running = start(settings);
    running.offer(Signal::Traces, 100);
    running.flush(SOON);
    assert_eq!(sink.requests()[0].header("content-encoding"), None);
    assert_eq!(sink.items(Signal::Traces), 100);
}

/// Scenario (C1): Langfuse's header, whose value ends in `=` and holds one space.
/// Guarantee: it arrives exactly so.
#[test]
fn header_values_arrive_exactly_as_they_were_set() {
    let sink = Sink::start();
    let value = "Basic cGstbGYtMTIzNDU6c2stbGYtNjc4OTA=";
    let mut settings = with_header(
        settings(sink.address(), &[Signal::Traces]),
        "Authorization",
        value,
    );
    settings.targets[0].url = sink.url("/api/public/otel/v1/traces");
    let running = start(settings);
    running.offer(Signal::Traces, 1);
    running.flush(SOON);
    let request = &sink.requests()[0];
    assert_eq!(request.path, "/api/public/otel/v1/traces");
    assert_eq!(request.header("authorization"), Some(value));
    assert_eq!(request.header("content-encoding"), None);
}

/// Scenario (F2): two destinations, one of which never answers.
/// Guarantee: the other gets everything, without delay.
#[test]
fn a_dead_destination_does_not_delay_another() {
    let (dead, alive) = (Sink::start(), Sink::start());
    dead.answer(|_| Response::Hang);
    let to_dead = start(settings(dead.address(), &[Signal::Traces]));
    let to_alive = start(settings(alive.address(), &[Signal::Traces]));
    let started = Instant::now();
    for _ in 0..10 {
        to_dead.offer(Signal::Traces, 10);
        to_alive.offer(Signal::Traces, 10);
    }
    let flushed = to_alive.flush(SOON);
    assert_eq!(flushed.delivered[&Signal::Traces], 100);
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// Scenario (F4): two destinations with headers of their own, and a redirect from one to the other's host.
/// Guarantee: no header of one is ever in a request to the other.
#[test]
fn headers_never_go_to_another_destination() {
    let (one, other) = (Sink::start(), Sink::start());
    let elsewhere = other.url("/v1/traces");
    one.answer(move |_| Response::Answer(307, vec![("location", elsewhere.clone())], Vec::new()));
    let of = |sink: &Sink, value| {
        let settings = settings(sink.address(), &[Signal::Traces]);
        start(with_header(settings, "authorization", value))
    };
    let (to_one, to_other) = (of(&one, "token-of-one"), of(&other, "token-of-other"));
    for running in [&to_one, &to_other] {
        running.offer(Signal::Traces, 1);
        running.flush(SOON);
    }
    assert_eq!(one.requests().len(), 1);
    assert_eq!(
        one.requests()[0].header("authorization"),
        Some("token-of-one")
    );
    assert_eq!(other.requests().len(), 1);
    assert_eq!(
        other.requests()[0].header("authorization"),
        Some("token-of-other")
    );
    let told = to_one.told().join("\n");
    assert!(told.contains("it is elsewhere"), "{told}");
    assert!(!told.contains("token-of-one"), "{told}");
}
