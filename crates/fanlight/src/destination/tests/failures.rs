//! Backends that are down, slow, hung or rude.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// Scenario (H1): a program starts before its backend, which comes some seconds later.
/// Guarantee: one warning with URL and cause, then everything arrives without a restart, and the user hears so.
#[test]
fn a_backend_that_comes_late_gets_everything() {
    let directory = tempfile::tempdir().unwrap();
    for is_on_disk in [false, true] {
        let address = Sink::nowhere();
        let mut settings = settings(address, &SIGNALS);
        if is_on_disk {
            settings = with_disk(settings, directory.path());
        }
        let running = start(settings);
        for _ in 0..20 {
            running.offer_all(5);
            std::thread::sleep(Duration::from_millis(20));
        }
        let told = running.told();
        assert_eq!(told.len(), 1, "{told:?}");
        let start = format!("backend: http://{address}/v1/");
        assert!(told[0].starts_with(&start), "{told:?}");
        assert!(told[0].contains("connection refused"), "{told:?}");
        let sink = Sink::start_at(address);
        running.until("all is delivered", || {
            SIGNALS.iter().all(|signal| sink.items(*signal) == 100)
        });
        running.until("recovery", || running.told().len() == 2);
        assert_eq!(running.told()[1], "backend: recovered, 300 items delivered");
    }
}

/// Scenario (H9): traces hang and logs are answered with errors, when a flush comes.
/// Guarantee: metrics are delivered, and the flush tells of each signal how it fared.
#[test]
fn a_failing_signal_does_not_stop_the_others() {
    let sink = Sink::start();
    sink.answer(|request| match request.path.as_str() {
        "/v1/traces" => Response::Hang,
        "/v1/logs" => Response::status(500),
        _ => Response::status(200),
    });
    let running = start(settings(sink.address(), &SIGNALS));
    let (deadline, timeout) = (Instant::now(), Duration::from_millis(900));
    // The flush comes before the thread looks, so that all three are its own attempts.
    let mut state = running.destination.shared.lock();
    for (signal, items) in [(Signal::Traces, 1), (Signal::Metrics, 2), (Signal::Logs, 3)] {
        state.queue.offer(batch(signal, items), deadline);
    }
    let (reply, answer) = Reply::to(deadline + timeout);
    state.flush(super::super::worker::Order {
        deadline: deadline + timeout,
        reply,
    });
    drop(state);
    running.destination.shared.has_changed.notify_all();
    let flushed = answer.wait(deadline + SOON).unwrap().remove(0);
    assert_eq!(flushed.delivered.get(&Signal::Metrics), Some(&2));
    assert_eq!(flushed.delivered.get(&Signal::Traces), None);
    assert_eq!(flushed.waiting, 4);
    let error = flushed.error.unwrap();
    assert!(error.contains("/v1/traces: no answer within"), "{error}");
    assert!(error.contains("/v1/logs: answered 500"), "{error}");
}

/// Scenario: a backend that accepts connections and never answers; once the thread is idle, once it is in the middle.
/// Guarantee: the flush is answered at its deadline, give or take 50 ms (in the best of five runs, as others use the
/// machine too).
#[test]
fn a_hung_backend_costs_no_more_than_the_deadline() {
    let sink = Sink::start();
    sink.answer(|_| Response::Hang);
    let timeout = Duration::from_millis(300);
    for is_busy in [false, true] {
        let took = (0..5).map(|_| {
            let before = sink.requests().len();
            let running = start(settings(sink.address(), &[Signal::Traces]));
            running.offer(Signal::Traces, 1000);
            if is_busy {
                sink.wait_for(before + 1);
            }
            let started = Instant::now();
            assert_eq!(running.flush(timeout).waiting, 1000);
            started.elapsed()
        });
        let best = took.min().unwrap();
        assert!(best < timeout + Duration::from_millis(50), "{best:?}");
    }
}

/// Scenario: a backend that is not there, without a disk.
/// Guarantee: a flush does not wait for it to come.
#[test]
fn a_dead_backend_is_not_waited_for() {
    let running = start(settings(Sink::nowhere(), &SIGNALS));
    running.offer_all(1);
    let started = Instant::now();
    let flushed = running.flush(Duration::from_secs(5));
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(flushed.waiting, 3);
    assert!(flushed.error.unwrap().contains("connection refused"));
}

/// Scenario: a backend that closes the connection on which the request came, once.
/// Guarantee: it is sent again at once, and nobody is bothered.
#[test]
fn a_connection_that_was_closed_is_opened_again_in_silence() {
    let sink = Sink::start();
    let asked = AtomicUsize::new(0);
    sink.answer(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        1 => Response::Reset,
        _ => Response::status(200),
    });
    let running = start(settings(sink.address(), &[Signal::Traces]));
    for _ in 0..3 {
        running.offer(Signal::Traces, 1);
        assert_eq!(running.flush(SOON).waiting, 0);
    }
    assert_eq!(running.told(), [""; 0]);
    assert_eq!(sink.requests().len(), 4);
}

/// Scenario: something that is no HTTP server.
/// Guarantee: the message says so, and what may be meant.
#[test]
fn something_else_than_http_is_told_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut connection in listener.incoming().flatten() {
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\r\n\r\n");
            let _ = connection.read(&mut [0; 4096]);
        }
    });
    let running = start(settings(address, &[Signal::Traces]));
    running.offer(Signal::Traces, 1);
    running.flush(SOON);
    let told = running.told();
    assert!(told[0].contains("not HTTP"), "{told:?}");
}

/// Scenario: memory is full and there is no disk.
/// Guarantee: the newest is dropped, counted and told once; the oldest arrives; nothing grows.
#[test]
fn a_full_queue_drops_the_newest_and_says_so() {
    let address = Sink::nowhere();
    let mut settings = settings(address, &[Signal::Traces]);
    settings.queue_bytes = 200_000;
    let running = start(settings);
    for _ in 0..10 {
        running.offer(Signal::Traces, 500);
    }
    let lost = running.dropped(Signal::Traces, Cause::QueueFull);
    assert!((3000..=4500).contains(&lost), "{lost}");
    assert!(running.destination.counts().queue_bytes() <= 200_000);
    let told = running.told_of(NoticeKind::Dropped);
    assert_eq!(
        told,
        ["backend: 500 spans dropped as too much waits; is the backend slow or down?"]
    );
    let sink = Sink::start_at(address);
    running.until("the rest", || {
        sink.items(Signal::Traces) as u64 == 5000 - lost
    });
}

/// Scenario: a million spans (a tenth without optimization), as fast as they can be made, for a healthy backend at default
/// settings with a disk.
/// Guarantee: all arrive.
#[test]
fn a_burst_of_a_million_spans_arrives_whole() {
    let sink = Sink::start();
    let directory = tempfile::tempdir().unwrap();
    let target = Target::new(Signal::Traces, sink.url("/v1/traces"));
    let settings = with_disk(Settings::new("backend", vec![target]), directory.path());
    let running = start(settings);
    let batch = batch(Signal::Traces, 4000);
    let batches = if cfg!(debug_assertions) { 25 } else { 250 };
    for _ in 0..batches {
        running.destination.offer(batch.clone());
    }
    let flushed = running.flush(Duration::from_secs(60));
    assert_eq!(flushed.delivered[&Signal::Traces], batches * 4000);
    assert_eq!((flushed.waiting, flushed.dropped.len()), (0, 0));
    assert_eq!(sink.items(Signal::Traces) as u64, batches * 4000);
}

/// Scenario: the destination is dropped in the middle of an attempt that hangs.
/// Guarantee: whoever drops it does not wait.
#[test]
fn dropping_a_destination_does_not_wait() {
    let sink = Sink::start();
    sink.answer(|_| Response::Hang);
    let running = start(settings(sink.address(), &[Signal::Traces]));
    running.offer(Signal::Traces, 1);
    sink.wait_for(1);
    let started = Instant::now();
    drop(running);
    assert!(started.elapsed() < Duration::from_millis(50));
}

/// Scenario: the end of a program whose backend is down, without a disk.
/// Guarantee: what is lost is counted and told before the answer.
#[test]
fn what_is_lost_at_the_end_is_told() {
    let running = start(settings(Sink::nowhere(), &[Signal::Traces]));
    running.offer(Signal::Traces, 5);
    let deadline = Instant::now() + SOON;
    let (reply, answer) = Reply::to(deadline);
    let Running { destination, told } = running;
    destination.flush(deadline, reply);
    let counts = destination.counts();
    drop(destination);
    answer.wait(deadline).unwrap();
    let limit = Instant::now() + SOON;
    while counts.dropped(Signal::Traces, Cause::Shutdown) < 5 {
        assert!(Instant::now() < limit);
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = told.lock().unwrap();
    let last = told.last().unwrap().to_string();
    assert_eq!(
        last,
        "backend: 5 spans dropped as the program ends and they could not be delivered"
    );
}
