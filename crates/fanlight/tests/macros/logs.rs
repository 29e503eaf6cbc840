//! What the log macros record.

use std::error::Error;
use std::fmt;

use fanlight::testing::{CapturedLog, capture};
use fanlight::{Level, debug, error, fatal, info, log, notice, span, trace, warn};

fn only(run: impl FnOnce()) -> CapturedLog {
    let captured = capture();
    run();
    let mut found = captured.logs();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Scenario: each macro, and `log!` with a constant and with a variable.
/// Guarantee: each record has the level that it was made with.
#[test]
fn each_macro_has_its_level() {
    let captured = capture();
    trace!("a");
    debug!("a");
    info!("a");
    notice!("a");
    warn!("a");
    error!("a");
    fatal!("a");
    for level in Level::ALL {
        log!(level, "a");
    }
    log!(Level::Notice, "a");
    let levels: Vec<Level> = captured.logs().iter().map(|log| log.level).collect();
    let expected = Level::ALL
        .into_iter()
        .chain(Level::ALL)
        .chain([Level::Notice]);
    assert_eq!(levels, expected.collect::<Vec<_>>());
}

/// Scenario: a record with a template, inside a span and with another span as its parent.
/// Guarantee: it has its message, its attributes, where it was made, and the span that it belongs to.
#[test]
fn records_belong_to_the_entered_span_or_to_the_one_named() {
    let captured = capture();
    let other = span!("other");
    let work = span!("work");
    work.in_scope(|| {
        let name = "Ada";
        info!("hello {name}", tags = 2);
        info!(parent: &other, tags: ["x"], "elsewhere");
        info!(parent: None, "{seconds:.1} s", seconds = 1.25);
    });
    let [hello, elsewhere, nowhere] = captured.logs().try_into().unwrap();
    assert_eq!(hello.message, "hello Ada");
    assert_eq!(hello.template, "hello {name}");
    assert_eq!(hello.attributes["tags"], 2);
    assert_eq!(hello.source.package, "fanlight");
    assert!(hello.source.file.ends_with("logs.rs") && hello.source.line > 30);
    assert_eq!(hello.source.module, module_path!());
    assert_eq!(
        hello.parent_id,
        work.context().map(|context| context.span_id)
    );
    assert_eq!(
        elsewhere.parent_id,
        other.context().map(|context| context.span_id)
    );
    assert_eq!(elsewhere.tags, ["x"]);
    assert_eq!(nowhere.parent_id, None);
    assert_eq!(nowhere.message, "1.2 s");
    assert_eq!(nowhere.attributes["seconds"], 1.25);
}

#[derive(Debug)]
struct Refused(std::num::ParseIntError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("card refused")
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn refused() -> Refused {
    match "x".parse::<u32>() {
        Err(error) => Refused(error),
        Ok(number) => panic!("{number} is a number"),
    }
}

/// Scenario: an error, by value and by reference.
/// Guarantee: its type, text and causes are the attributes of an exception, with a fingerprint.
#[test]
fn errors_are_recorded_as_exceptions() {
    let error = refused();
    for log in [
        only(|| error!(error: &error, "could not pay {order}", order = 17)),
        only(|| error!(error: refused(), "could not pay {order}", order = 17)),
    ] {
        assert_eq!(log.message, "could not pay 17");
        let kind = log.attributes["exception.type"].clone();
        assert_eq!(kind, concat!(module_path!(), "::Refused"));
        assert_eq!(log.attributes["exception.message"], "card refused");
        let stack = "caused by: invalid digit found in string\n";
        assert_eq!(log.attributes["exception.stacktrace"], stack);
        assert!(log.attributes.contains_key("logfire.exception.fingerprint"));
    }
}

/// Scenario: errors in a box, and things that are no errors.
/// Guarantee: a box gives what the error in it gives; anything else its text.
#[test]
fn boxed_errors_and_texts_are_recorded_too() {
    let boxed: Box<dyn Error + Send + Sync> = refused().into();
    let log = only(|| warn!(error: &boxed, "boxed"));
    assert_eq!(log.attributes["exception.message"], "card refused");
    assert!(log.attributes.contains_key("exception.stacktrace"));
    let log = only(|| warn!(error: &*boxed, "borrowed"));
    assert_eq!(log.attributes["exception.message"], "card refused");
    let log = only(|| warn!(error: "no card", "text"));
    assert_eq!(log.attributes["exception.message"], "no card");
    assert_eq!(log.attributes["exception.type"], "str");
}
