//! The layer for `tracing`.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context as Task, Poll, Waker};

use fanlight::testing::{Capture, CapturedLog, CapturedSpan, Value, capture};
use fanlight::{Level, SpanKind};
use tracing::Instrument;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

/// A subscriber with the layer, for this thread.
fn layered() -> (Capture, DefaultGuard) {
    let captured = capture();
    let subscriber = tracing_subscriber::registry().with(fanlight::tracing_layer());
    (captured, tracing::subscriber::set_default(subscriber))
}

fn span(captured: &Capture, name: &str) -> CapturedSpan {
    let mut spans = captured.spans().into_iter();
    spans
        .find(|span| span.name == name)
        .unwrap_or_else(|| panic!("no span {name}"))
}

fn only_log(captured: &Capture) -> CapturedLog {
    let [log] = captured.logs().try_into().unwrap();
    log
}

#[derive(Debug)]
struct Declined {
    code: u8,
    cause: std::num::ParseIntError,
}

impl fmt::Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "declined with {}", self.code)
    }
}

impl Error for Declined {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

fn declined() -> Declined {
    Declined {
        code: 5,
        cause: "x".parse::<i32>().unwrap_err(),
    }
}

/// Scenario: an event and a span with a field of each type that `tracing` knows.
/// Guarantee: numbers stay numbers, what is too large for OTLP keeps every digit, and everything else is its text.
#[test]
fn values_keep_their_types() {
    let (captured, _default) = layered();
    let big = u128::MAX;
    let span_made = tracing::info_span!(
        "typed",
        count = -3_i64,
        share = 0.5,
        late = tracing::field::Empty
    );
    span_made.record("late", 7_u64);
    drop(span_made);
    tracing::info!(
        signed = -3_i64, unsigned = 7_u64, top = u64::MAX, ratio = 0.5, yes = true, text = "tea", big, wide = -9_i128,
        shown = %Level::Warn, debugged = ?Some(1), raw = &[1_u8, 2][..], r#type = "keyword", user.id = 17, "told"
    );
    let log = only_log(&captured);
    let attributes = &log.attributes;
    assert_eq!(log.message, "told");
    assert_eq!(attributes["signed"], -3);
    assert_eq!(attributes["unsigned"], 7);
    assert_eq!(attributes["top"], u64::MAX.to_string());
    assert_eq!(attributes["ratio"], 0.5);
    assert_eq!(attributes["yes"], true);
    assert_eq!(attributes["text"], "tea");
    assert_eq!(attributes["big"], u128::MAX.to_string());
    assert_eq!(attributes["wide"], -9);
    assert_eq!(attributes["shown"], "warn");
    assert_eq!(attributes["debugged"], "Some(1)");
    assert_eq!(attributes["raw"], Value::Bytes(vec![1, 2]));
    assert_eq!(attributes["type"], "keyword");
    assert_eq!(attributes["user.id"], 17);
    assert!(!attributes.contains_key("message"));
    let span = span(&captured, "typed");
    assert_eq!(span.attributes["count"], -3);
    assert_eq!(span.attributes["share"], 0.5);
    assert_eq!(span.attributes["late"], 7);
}

/// Scenario: events of every level, one with a target of its own.
/// Guarantee: levels, modules, files and lines arrive, and the crate is the scope.
#[test]
fn events_say_their_level_and_place() {
    let (captured, _default) = layered();
    tracing::trace!("a");
    tracing::debug!("b");
    tracing::info!("c");
    tracing::warn!("d");
    let line = line!() + 1;
    tracing::error!(target: "billing", "e");
    let logs = captured.logs();
    let levels: Vec<Level> = logs.iter().map(|log| log.level).collect();
    let expected = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Warn,
        Level::Error,
    ];
    assert_eq!(levels, expected);
    let (first, last) = (logs[0].source, logs[4].source);
    assert_eq!(
        (first.package, first.module),
        ("bridges", "bridges::tracing_layer")
    );
    assert_eq!((last.package, last.module), ("bridges", "billing"));
    assert!(last.file.ends_with("tracing_layer.rs"));
    assert_eq!(last.line, line);
}

/// Scenario: native and `tracing` spans inside each other, with log records of both kinds innermost.
/// Guarantee: each is the child of the one around it, whoever made that.
#[test]
fn spans_nest_both_ways() {
    let (captured, _default) = layered();
    fanlight::span!("outer").in_scope(|| {
        tracing::info_span!("middle").in_scope(|| {
            fanlight::span!("inner").in_scope(|| {
                tracing::info!("from tracing");
                fanlight::info!("native");
            });
            tracing::info_span!("second").in_scope(|| fanlight::info!("in second"));
        });
    });
    let (outer, middle) = (span(&captured, "outer"), span(&captured, "middle"));
    let (inner, second) = (span(&captured, "inner"), span(&captured, "second"));
    assert_eq!(outer.parent_id, None);
    assert_eq!(middle.parent_id, Some(outer.span_id));
    assert_eq!(inner.parent_id, Some(middle.span_id));
    assert_eq!(second.parent_id, Some(middle.span_id));
    let parents: Vec<_> = captured.logs().iter().map(|log| log.parent_id).collect();
    assert_eq!(
        parents,
        [
            Some(inner.span_id),
            Some(inner.span_id),
            Some(second.span_id)
        ]
    );
    assert_eq!(fanlight::Context::current(), None);
}

/// Scenario: spans and events with a parent that is named, one with none, and one that follows from another.
/// Guarantee: what is said counts, not what is entered; following is a link.
#[test]
fn stated_parents_count() {
    let (captured, _default) = layered();
    let first = tracing::info_span!("first");
    let second = tracing::info_span!("second");
    second.in_scope(|| {
        let child = tracing::info_span!(parent: &first, "child");
        child.follows_from(&second);
        drop(tracing::info_span!(parent: None, "root"));
        tracing::info!(parent: &first, "event of first");
        tracing::info!(parent: None, "event of nothing");
    });
    drop((first, second));
    let first = span(&captured, "first");
    let child = span(&captured, "child");
    assert_eq!(child.parent_id, Some(first.span_id));
    assert_eq!(child.trace_id, first.trace_id);
    assert_eq!(child.links[0].span_id, span(&captured, "second").span_id);
    assert_eq!(span(&captured, "root").parent_id, None);
    let parents: Vec<_> = captured.logs().iter().map(|log| log.parent_id).collect();
    assert_eq!(parents, [Some(first.span_id), None]);
}

/// Scenario: the special fields of `tracing-opentelemetry`, given at once and recorded later.
/// Guarantee: they say the name, the kind and the status, and are no attributes.
#[test]
fn special_fields_are_understood() {
    let (captured, _default) = layered();
    drop(tracing::info_span!(
        "a",
        otel.name = "GET /",
        otel.kind = "server",
        otel.status_code = "OK"
    ));
    let later = tracing::info_span!(
        "b",
        otel.name = tracing::field::Empty,
        otel.kind = ?SpanKind::Client,
        otel.status_code = tracing::field::Empty,
        otel.status_description = tracing::field::Empty
    );
    later.record("otel.name", "renamed");
    later.record("otel.status_description", "too slow");
    later.record("otel.status_code", "ERROR");
    drop(later);
    drop(tracing::info_span!("c", otel.status_code = "error"));
    let a = span(&captured, "GET /");
    assert!(a.is_ok);
    assert_eq!(a.kind, SpanKind::Server);
    assert!(a.attributes.is_empty(), "{a:?}");
    let b = span(&captured, "renamed");
    assert_eq!(
        (b.kind, b.error.as_deref()),
        (SpanKind::Client, Some("too slow"))
    );
    assert_eq!(span(&captured, "c").error.as_deref(), Some(""));
}

/// Scenario: errors as fields of an event and of a span.
/// Guarantee: they are exceptions with their type and causes; the event's span has failed.
#[test]
fn errors_are_exceptions() {
    let (captured, _default) = layered();
    let error = declined();
    tracing::info_span!("pay").in_scope(|| {
        tracing::error!(error = &error as &(dyn Error + 'static), "payment failed");
    });
    drop(tracing::info_span!(
        "own",
        error = &error as &(dyn Error + 'static)
    ));
    let log = only_log(&captured);
    assert_eq!(log.message, "payment failed");
    assert_eq!(log.attributes["exception.type"], "Declined");
    assert_eq!(log.attributes["exception.message"], "declined with 5");
    let causes = "caused by: invalid digit found in string\n";
    assert_eq!(log.attributes["exception.stacktrace"], causes);
    assert_eq!(
        span(&captured, "pay").error.as_deref(),
        Some("declined with 5")
    );
    let own = span(&captured, "own");
    assert_eq!(own.events[0].attributes["exception.type"], "Declined");
    assert!(own.error.unwrap().contains("declined with 5"));
}

#[tracing::instrument(err, skip(secret))]
fn pay(order: u32, secret: &str) -> Result<(), Declined> {
    let _ = (order, secret);
    Err(declined())
}

/// Scenario: a function with `#[tracing::instrument(err)]` fails.
/// Guarantee: its span has its arguments and has failed, and the log record reads like the error.
#[test]
fn instrumented_functions_fail_with_their_error() {
    let (captured, _default) = layered();
    pay(17, "hidden").unwrap_err();
    let span = span(&captured, "pay");
    assert_eq!(span.attributes["order"], 17);
    assert!(!span.attributes.contains_key("secret"));
    assert_eq!(span.error.as_deref(), Some("declined with 5"));
    let log = only_log(&captured);
    assert_eq!(log.message, "declined with 5");
    assert_eq!(log.attributes["exception.message"], "declined with 5");
    assert_eq!(log.parent_id, Some(span.span_id));
}

/// Scenario: a handle is cloned and dropped, and a child outlives its parent's last handle.
/// Guarantee: a span ends once, when `tracing` closes it.
#[test]
fn spans_end_when_the_last_handle_is_gone() {
    let (captured, _default) = layered();
    let parent = tracing::info_span!("parent");
    let clone = parent.clone();
    let child = tracing::info_span!(parent: &parent, "child");
    drop(parent);
    drop(clone);
    assert!(captured.spans().is_empty());
    drop(child);
    let names: Vec<_> = captured.spans().into_iter().map(|span| span.name).collect();
    assert_eq!(names, ["child", "parent"]);
}

/// Scenario: two spans are left in another order than the one in which they were entered.
/// Guarantee: what starts meanwhile belongs to the one that is entered still, and nothing stays behind.
#[test]
fn spans_may_be_left_out_of_order() {
    let (captured, _default) = layered();
    let (first, second) = (tracing::info_span!("first"), tracing::info_span!("second"));
    let in_first = first.enter();
    let in_second = second.enter();
    drop(in_first);
    fanlight::info!("in second");
    drop(in_second);
    fanlight::info!("in nothing");
    drop((first, second));
    let second = span(&captured, "second");
    let parents: Vec<_> = captured.logs().iter().map(|log| log.parent_id).collect();
    assert_eq!(parents, [Some(second.span_id), None]);
}

/// A future that is ready when it is polled again.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Task<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

/// Scenario: two tasks in spans of their own take turns on one thread; then one goes on in another thread.
/// Guarantee: what each does belongs to its own span, wherever it runs.
#[test]
fn tasks_keep_to_their_spans() {
    let (captured, _default) = layered();
    let work = |name: &'static str| {
        async move {
            fanlight::info!("begin {name}");
            Yield(false).await;
            tracing::info!(name, "end");
        }
        .instrument(tracing::info_span!("task", name))
    };
    let mut first = pin!(work("a"));
    let mut second = Box::pin(work("b"));
    let mut task = Task::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut task).is_pending());
    assert!(second.as_mut().poll(&mut task).is_pending());
    assert!(first.as_mut().poll(&mut task).is_ready());
    let shared = captured.share();
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    std::thread::spawn(move || {
        let _capturing = shared.enter();
        tracing::dispatcher::with_default(&dispatch, || {
            let mut task = Task::from_waker(Waker::noop());
            assert!(second.as_mut().poll(&mut task).is_ready());
            drop(second);
        });
    })
    .join()
    .unwrap();
    let spans = captured.spans();
    assert_eq!(spans.len(), 1, "the first is pinned here still");
    let logs = captured.logs();
    assert_eq!(logs.len(), 4);
    for log in &logs {
        let is_of_second = log.attributes["name"] == "b";
        assert_eq!(
            log.parent_id == Some(spans[0].span_id),
            is_of_second,
            "{log:?}"
        );
        assert!(log.parent_id.is_some());
    }
}

struct Chatty;

impl fmt::Debug for Chatty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tracing::error!("shown");
        fanlight::current().set("touched", true);
        f.write_str("chatty")
    }
}

/// Scenario: showing a value records an event itself, and changes the current span.
/// Guarantee: nothing waits for itself. What `tracing` lets through arrives: not what is recorded inside its own dispatch.
#[test]
fn values_may_record_while_they_are_shown() {
    let (captured, _default) = layered();
    // An event that is first met inside a dispatch is off until its subscribers are asked again.
    let _ = format!("{Chatty:?}");
    captured.clear();
    let made = tracing::info_span!("made", value = ?Chatty, later = tracing::field::Empty);
    made.in_scope(|| {
        made.record("later", tracing::field::debug(Chatty));
        tracing::info!(value = ?Chatty, "outer");
    });
    drop(made);
    let span = span(&captured, "made");
    assert_eq!(span.attributes["later"], "chatty");
    assert_eq!(span.attributes["touched"], true);
    let messages: Vec<String> = captured.logs().into_iter().map(|log| log.message).collect();
    assert_eq!(messages, ["shown", "outer"]);
}

/// Scenario: Fanlight's filter wants nothing, while another layer wants everything.
/// Guarantee: the other layer misses nothing because of Fanlight's.
#[test]
fn other_layers_see_what_fanlight_does_not_want() {
    #[derive(Default)]
    struct Count(std::sync::Arc<std::sync::atomic::AtomicUsize>);
    impl<S: tracing::Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
    let count = Count::default();
    let seen = std::sync::Arc::clone(&count.0);
    let subscriber = tracing_subscriber::registry()
        .with(fanlight::tracing_layer())
        .with(count);
    tracing::subscriber::with_default(subscriber, || {
        tracing::trace!("nobody captures this thread");
        let captured = capture();
        tracing::trace!("captured");
        assert_eq!(captured.logs().len(), 1);
    });
    assert_eq!(seen.load(std::sync::atomic::Ordering::Relaxed), 2);
}

/// Scenario: a span is disabled by a filter on the layer, and has an enabled child and parent.
/// Guarantee: the child belongs to the parent.
#[test]
fn spans_that_are_filtered_out_are_skipped() {
    let captured = capture();
    let filter = tracing_subscriber::filter::LevelFilter::INFO;
    let layer = fanlight::tracing_layer().with_filter(filter);
    // Somebody else wants it: otherwise `tracing` itself knows nothing of it.
    let other = tracing_subscriber::layer::Identity::new();
    let subscriber = tracing_subscriber::registry().with(layer).with(other);
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("outer").in_scope(|| {
            let hidden = tracing::debug_span!("hidden");
            drop(tracing::info_span!(parent: &hidden, "stated"));
            hidden.in_scope(|| drop(tracing::info_span!("entered")));
        });
    });
    let outer = Some(span(&captured, "outer").span_id);
    assert_eq!(span(&captured, "entered").parent_id, outer);
    assert_eq!(span(&captured, "stated").parent_id, outer);
    assert_eq!(captured.spans().len(), 3);
}

/// Scenario: Fanlight starts after the subscriber, and after `tracing` was told that nothing is wanted.
/// Guarantee: `tracing` asks again, so that nothing is missed.
#[test]
fn what_is_wanted_follows_fanlight() {
    let subscriber = tracing_subscriber::registry().with(fanlight::tracing_layer());
    tracing::subscriber::with_default(subscriber, || {
        let wants_warnings = || tracing::enabled!(tracing::Level::WARN);
        // Remembered from here on. It is no where no other test captures meanwhile.
        let _ = wants_warnings();
        let started = fanlight::configure()
            .ignore_environment()
            .local_hub(false)
            .send_to_logfire(false)
            .destination(fanlight::Backend::jaeger().endpoint("http://127.0.0.1:9"))
            .without_spool()
            .without_console()
            .quiet(true)
            .min_level(Level::Warn)
            .start();
        let guard = started.unwrap();
        assert!(wants_warnings());
        drop(guard);
    });
}
