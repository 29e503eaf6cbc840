//! How programs end, and in what runtime they run: none of it loses anything, and none of it waits for ever.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::exit;
use std::thread;
use std::time::{Duration, Instant};

use fanlight::Guard;
use fanlight_otlp::Signal;

use crate::shop::{BASE, NAME, check_out, names, run};
use crate::sink::{Response, Sink};

const SENT: [&str; 3] = ["check out {order}", "load", "pay"];
const RUNTIMES: [&str; 3] = ["none", "current-thread", "multi-thread"];
const ENDINGS: [&str; 5] = [
    "drop",
    "flush",
    "flush in a task",
    "shutdown in a task",
    "panic",
];
/// How long the guard waits when it is dropped, and some time for a busy machine.
const LAST_FLUSH: Duration = Duration::from_millis(5_000 + 1_000);

/// Ends as the variable ENDING says, in the runtime that the variable RUNTIME names.
pub(crate) fn main() {
    let (ending, runtime) = (env::var("ENDING").unwrap(), env::var("RUNTIME").unwrap());
    let mut tokio = match runtime.as_str() {
        "none" => return futures::executor::block_on(end(&ending)),
        "current-thread" => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    tokio.enable_all().build().unwrap().block_on(end(&ending));
}

async fn end(ending: &str) {
    let guard = fanlight::start().expect("a configuration without mistakes");
    check_out();
    let begin = Instant::now();
    let moment = Duration::from_millis(500);
    let limit = match ending {
        "drop" => {
            drop(guard);
            LAST_FLUSH
        }
        "flush" => {
            guard.flush(moment);
            exit_in_time(guard, begin, moment)
        }
        "flush in a task" => {
            guard.flush_async(moment).await;
            exit_in_time(guard, begin, moment)
        }
        "shutdown in a task" => {
            guard.shutdown_async(moment).await;
            moment * 3
        }
        "panic" => {
            let unwound = catch_unwind(AssertUnwindSafe(move || {
                let _guard = guard;
                panic!("the program's own");
            }));
            assert!(unwound.is_err());
            LAST_FLUSH
        }
        other => panic!("{other}"),
    };
    assert!(begin.elapsed() < limit, "{:?}", begin.elapsed());
}

/// Ends without dropping anything, if what was done before took no longer than it should.
fn exit_in_time(guard: Guard, begin: Instant, moment: Duration) -> ! {
    let is_in_time = begin.elapsed() < moment * 3;
    // Its destructor isn't run: what has been flushed needs no more.
    std::mem::forget(guard);
    exit(i32::from(!is_in_time));
}

fn run_each(act: impl Fn(&str, &str) + Sync) {
    for ending in ENDINGS {
        thread::scope(|scope| {
            for runtime in RUNTIMES {
                let act = &act;
                scope.spawn(move || act(ending, runtime));
            }
        });
    }
}

/// Scenario: a program drops the guard, flushes by a thread or a task and exits, or panics; without a runtime, in tokio's of
/// one thread, and in that of several.
/// Guarantee: everything is delivered.
#[test]
fn h3_every_end_delivers_in_every_runtime() {
    run_each(|ending, runtime| {
        let sink = Sink::start();
        let how = [("ENDING", ending), ("RUNTIME", runtime)];
        let told = run("ends", &[&how[..], &[(BASE, &sink.url("")), NAME]].concat());
        assert_eq!(names(&sink), SENT, "{ending}, {runtime}: {told}");
        // A panic is recorded as well.
        let logs = 1 + usize::from(ending == "panic");
        assert_eq!(
            sink.items(Signal::Logs),
            logs,
            "{ending}, {runtime}: {told}"
        );
        assert_eq!(
            sink.items(Signal::Metrics),
            1,
            "{ending}, {runtime}: {told}"
        );
    });
}

/// Scenario: the same, while the backend takes connections and never answers.
/// Guarantee: no end takes longer than its deadline.
#[test]
fn h3_no_end_waits_for_a_backend_that_hangs() {
    run_each(|ending, runtime| {
        let sink = Sink::start();
        sink.answer(|_| Response::Hang);
        let how = [("ENDING", ending), ("RUNTIME", runtime)];
        run("ends", &[&how[..], &[(BASE, &sink.url("")), NAME]].concat());
    });
}

/// Scenario: a backend fails whatever it is sent of traces.
/// Guarantee: a flush delivers log records and metrics all the same, and says how each signal fared.
#[test]
fn h9_failing_traces_hold_back_nothing_else() {
    let sink = Sink::start();
    sink.answer(|request| match request.path.as_str() {
        "/v1/traces" => Response::status(500),
        _ => Response::status(200),
    });
    run("flush", &[(BASE, &sink.url("")), NAME]);
    assert!(sink.items(Signal::Logs) == 1 && sink.items(Signal::Metrics) >= 1);
}

/// The program of the case above.
pub(crate) fn flush() {
    let guard = fanlight::start().expect("a configuration without mistakes");
    check_out();
    let [fared] = guard
        .flush(Duration::from_secs(5))
        .try_into()
        .expect("one destination");
    let delivered = |signal| fared.delivered.get(&signal).copied().unwrap_or_default();
    assert_eq!(delivered(Signal::Traces), 0, "{fared:?}");
    assert_eq!(delivered(Signal::Logs), 1, "{fared:?}");
    assert_eq!(delivered(Signal::Metrics), 1, "{fared:?}");
    assert_eq!(fared.waiting, 3, "{fared:?}");
    assert!(
        fared
            .error
            .is_some_and(|why| why.contains("/v1/traces: answered 500"))
    );
}
