//! Panics, recorded where they happen: each is one log record, inside the span that was entered.
//!
//! The spans that it unwinds only say that they failed, and why. In a program that aborts where others unwind, nothing is
//! dropped, so its telemetry is delivered before, as far as that goes in [`crate::telemetry::flush_before_abort`].

use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::callsite::{Callsite, Source};
use crate::exception::Exception;
use crate::{Level, LogBuilder, clock, telemetry};

/// All panics share it: where each happened is in its record, so that a hook takes no lock to make a callsite.
static CALLSITE: Callsite = Callsite::new(
    "panicked: {exception.message}",
    Level::Error,
    Source {
        package: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        module: "",
        file: "",
        line: 0,
    },
);

static IS_RECORDING: AtomicBool = AtomicBool::new(false);

/// A panic, as the spans that it unwinds know it.
struct Panic {
    time: u64,
    message: String,
}

thread_local! {
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
    static IS_LEFT_OUT: Cell<bool> = const { Cell::new(false) };
}

/// Whether panics are recorded from now on. The hook that does it stays for good, and calls the one that was there before.
pub(crate) fn record_all(records: bool) {
    static INSTALLED: Once = Once::new();
    IS_RECORDING.store(records, Ordering::Relaxed);
    // A thread that panics may set no hook.
    if records && !thread::panicking() {
        INSTALLED.call_once(|| {
            // Gives it its number here rather than in the hook.
            CALLSITE.is_wanted();
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let is_recorded = hook(info);
                previous(info);
                if is_recorded && cfg!(panic = "abort") {
                    telemetry::flush_before_abort();
                }
            }));
        });
    }
}

/// Panics of this thread are not recorded: it is the one that would collect the record.
pub(crate) fn leave_out_this_thread() {
    IS_LEFT_OUT.set(true);
}

/// What the panic said that unwinds a span which started at that time. Nothing where no hook saw it, as when it goes on from
/// another thread.
pub(crate) fn message_since(start: u64) -> Option<String> {
    let last = LAST.try_with(|last| {
        let last = last.try_borrow().ok()?;
        let panic = last.as_ref().filter(|panic| panic.time >= start)?;
        Some(panic.message.clone())
    });
    last.ok().flatten()
}

/// Says whether it recorded the panic. A panic in here would end the program: nothing waits for what the thread may hold,
/// and nothing fails.
fn hook(info: &PanicHookInfo<'_>) -> bool {
    let message = info.payload_as_str().unwrap_or("Box<dyn Any>");
    let panic = Panic {
        time: clock::now(),
        message: message.to_owned(),
    };
    let _ = LAST.try_with(|last| {
        if let Ok(mut last) = last.try_borrow_mut() {
            *last = Some(panic);
        }
    });
    let is_left_out = IS_LEFT_OUT.try_with(Cell::get).unwrap_or(false);
    let is_recorded = IS_RECORDING.load(Ordering::Relaxed) && !is_left_out && CALLSITE.is_wanted();
    if is_recorded {
        record(info, message);
    }
    is_recorded
}

fn record(info: &PanicHookInfo<'_>, message: &str) {
    let backtrace = Backtrace::capture();
    let stacktrace = match backtrace.status() {
        BacktraceStatus::Captured => backtrace.to_string(),
        _ => String::new(),
    };
    let mut log = LogBuilder::at(&CALLSITE);
    // The template would shorten it.
    log.message(&format!("panicked: {message}"));
    log.add_exception(&Exception::of_panic(message, stacktrace, info.location()));
    if let Some(location) = info.location() {
        log.add("code.file.path", location.file());
        log.add("code.line.number", &location.line());
    }
    if let Some(name) = thread::current().name() {
        log.add("thread.name", name);
    }
    log.emit();
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

    use super::*;
    use crate::testing::{Value, capture};

    fn panics(run: impl FnOnce()) {
        record_all(true);
        catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    }

    /// Scenario: code in two spans panics.
    /// Guarantee: there is one log record, in the inner span, that says what, where and in which thread; both spans failed
    /// with the panic's message, and have no record of their own.
    #[test]
    fn panic_is_recorded_once_in_its_span() {
        let captured = capture();
        let line = line!() + 4;
        panics(|| {
            let _outer = crate::span!("outer").entered();
            let _inner = crate::span!("inner").entered();
            panic!("no card for order {}", 17);
        });
        let [log] = captured.logs().try_into().unwrap();
        let [inner, outer] = captured.spans().try_into().unwrap();
        assert_eq!(log.level, Level::Error);
        assert_eq!(log.message, "panicked: no card for order 17");
        assert_eq!(log.parent_id, Some(inner.span_id));
        assert_eq!(log.attributes["exception.type"], "panic");
        assert_eq!(log.attributes["exception.message"], "no card for order 17");
        assert_eq!(log.attributes["code.file.path"], file!());
        assert_eq!(log.attributes["code.line.number"], i64::from(line));
        assert!(
            matches!(&log.attributes["thread.name"], Value::Str(name) if name.contains("panic"))
        );
        for span in [inner, outer] {
            let error = "panicked: no card for order 17";
            assert_eq!(span.error.as_deref(), Some(error));
            assert!(span.events.is_empty());
        }
    }

    #[test]
    fn fingerprint_is_of_the_place() {
        let captured = capture();
        for order in [1, 2] {
            panics(|| panic!("no card for order {order}"));
        }
        panics(|| panic!("elsewhere"));
        let logs = captured.logs().into_iter();
        let [first, second, elsewhere] = logs
            .map(|log| log.attributes["logfire.exception.fingerprint"].clone())
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        assert_eq!(first, second);
        assert_ne!(first, elsewhere);
    }

    #[test]
    fn panic_with_a_value_is_recorded() {
        let captured = capture();
        panics(|| panic_any(17));
        let [log] = captured.logs().try_into().unwrap();
        assert_eq!(log.message, "panicked: Box<dyn Any>");
    }

    #[test]
    fn span_has_no_message_of_an_earlier_panic() {
        let captured = capture();
        panics(|| panic!("earlier"));
        panics(|| {
            let _span = crate::span!("later").entered();
            resume_unwind(Box::new("from elsewhere"));
        });
        let [span] = captured.spans().try_into().unwrap();
        assert_eq!(span.error.as_deref(), Some("panicked"));
        assert_eq!(captured.logs().len(), 1);
    }

    #[test]
    fn error_that_was_recorded_stays() {
        let captured = capture();
        panics(|| {
            let span = crate::span!("pay").entered();
            span.set_error("declined");
            panic!("later");
        });
        let [span] = captured.spans().try_into().unwrap();
        assert_eq!(span.error.as_deref(), Some("declined"));
    }

    #[test]
    fn thread_that_is_left_out_records_nothing() {
        let captured = capture();
        let shared = captured.share();
        record_all(true);
        let thread = thread::spawn(move || {
            let _capturing = shared.enter();
            leave_out_this_thread();
            panic!("in the collector");
        });
        thread.join().unwrap_err();
        assert!(captured.logs().is_empty());
    }
}
