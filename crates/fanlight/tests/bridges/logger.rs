//! The logger for the `log` crate: as a value, since a program can install only one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use fanlight::testing::capture;
use fanlight::{Level, Logger};
use log::{LevelFilter, Log, Metadata, Record};
use tracing_subscriber::layer::SubscriberExt;

/// The program's logger. Without one, the `log` crate's macros do nothing.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| Logger::new().install().unwrap());
}

/// Scenario: a record with key-values of every type inside a span.
/// Guarantee: types are kept, errors are exceptions, and the record belongs to the span.
#[test]
fn key_values_keep_their_types() {
    install();
    let captured = capture();
    let error = std::io::Error::other("disk on fire");
    let span = fanlight::span!("work").entered();
    log::warn!(
        target: "shop::orders",
        order = 17, ratio = 0.5, yes = true, name = "tea", shown:? = Some(1), displayed:% = Level::Info, error:err = error;
        "paid {}", 17
    );
    let id = span.context().map(|context| context.span_id);
    let [log] = captured.logs().try_into().unwrap();
    assert_eq!((log.message.as_str(), log.level), ("paid 17", Level::Warn));
    assert_eq!(log.parent_id, id);
    assert_eq!(log.attributes["order"], 17);
    assert_eq!(log.attributes["ratio"], 0.5);
    assert_eq!(log.attributes["yes"], true);
    assert_eq!(log.attributes["name"], "tea");
    assert_eq!(log.attributes["shown"], "Some(1)");
    assert_eq!(log.attributes["displayed"], "info");
    assert_eq!(log.attributes["exception.message"], "disk on fire");
    assert_eq!(
        (log.source.package, log.source.module),
        ("bridges", "shop::orders")
    );
    assert!(log.source.file.ends_with("logger.rs"));
}

struct Counting(Arc<AtomicUsize>);

impl Log for Counting {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "unwanted"
    }

    fn log(&self, _: &Record<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn flush(&self) {}
}

/// Scenario: another logger is wrapped that wants warnings, of some targets.
/// Guarantee: it gets those and nothing else, and Fanlight gets what it wants.
#[test]
fn a_wrapped_logger_gets_what_it_wants() {
    let count = Arc::new(AtomicUsize::new(0));
    let logger = Logger::wrapping(Counting(Arc::clone(&count)), LevelFilter::Warn);
    let log = |level, target| {
        let record = Record::builder().level(level).target(target).build();
        logger.log(&record);
    };
    log(log::Level::Warn, "nobody captures this thread");
    let captured = capture();
    log(log::Level::Warn, "for both");
    log(log::Level::Info, "for Fanlight");
    log(log::Level::Warn, "unwanted");
    assert_eq!(captured.logs().len(), 3);
    assert_eq!(count.load(Ordering::Relaxed), 2);
}

/// Scenario: a record comes through `tracing-log` and a subscriber with Fanlight's layer.
/// Guarantee: it is told as of the place where it was made, without the fields that `tracing-log` adds.
#[test]
fn records_that_come_through_tracing_keep_their_place() {
    install();
    let captured = capture();
    let subscriber = tracing_subscriber::registry().with(fanlight::tracing_layer());
    let tracer = tracing_log::LogTracer::new();
    tracing::subscriber::with_default(subscriber, || {
        log::info!(logger: tracer, target: "shop::orders", "paid");
    });
    let [log] = captured.logs().try_into().unwrap();
    assert_eq!((log.message.as_str(), log.level), ("paid", Level::Info));
    assert_eq!(
        (log.source.package, log.source.module),
        ("bridges", "shop::orders")
    );
    assert!(log.source.file.ends_with("logger.rs"));
    assert!(log.attributes.is_empty(), "{:?}", log.attributes);
}
