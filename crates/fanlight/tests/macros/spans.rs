//! What `span!` records.

use std::cell::Cell;
use std::collections::BTreeMap;

use fanlight::testing::{CapturedSpan, Value, capture};
use fanlight::{Level, Span, SpanKind, span};

struct User {
    name: String,
    id: u32,
}

/// The only span that a piece of code makes.
fn only(run: impl FnOnce()) -> CapturedSpan {
    let captured = capture();
    run();
    let mut found = captured.spans();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// Scenario: values in every form that the list of attributes knows.
/// Guarantee: each arrives under its key and with its type.
#[test]
fn every_form_of_attribute_keeps_key_and_type() {
    let user = User {
        name: "Ada".to_owned(),
        id: 5,
    };
    let ratio = 0.5;
    let order = Some(17);
    let r#type = 'x';
    let span = only(|| {
        span!(
            "all",
            count = 3 + 4,
            ratio,
            user.name,
            id = user.id,
            ?order,
            %user.id,
            shown = %user.name,
            seen = ?user.name,
            gen_ai.request.model = "small",
            "any key" = [true, false],
            r#type,
            nothing = None::<u8>,
        )
        .end();
    });
    assert_eq!(span.attributes["count"], 7);
    assert_eq!(span.attributes["ratio"], 0.5);
    assert_eq!(span.attributes["user.name"], "Ada");
    assert_eq!(span.attributes["id"], 5);
    assert_eq!(span.attributes["order"], "Some(17)");
    assert_eq!(span.attributes["user.id"], "5");
    assert_eq!(span.attributes["shown"], "Ada");
    assert_eq!(span.attributes["seen"], "\"Ada\"");
    assert_eq!(span.attributes["gen_ai.request.model"], "small");
    assert_eq!(span.attributes["any key"], [true, false]);
    assert_eq!(span.attributes["type"], "x");
    assert_eq!(span.attributes["nothing"], Value::Empty);
    assert_eq!(span.attributes.len(), 12);
    // Nothing was moved.
    drop(user.name);
}

/// Scenario: a template shows attributes, variables and fields, with braces.
/// Guarantee: the name is the template, the message has the values, and what was captured is an attribute.
#[test]
fn placeholders_show_attributes_variables_and_fields() {
    let user = User {
        name: "Ada".to_owned(),
        id: 5,
    };
    let seats = [1, 2];
    let span = only(|| {
        span!(
            "{{{user.name}}} takes {seats:?} of {hall}",
            hall = "A",
            user.id
        )
        .end()
    });
    assert_eq!(span.name, "{{{user.name}}} takes {seats} of {hall}");
    assert_eq!(span.message, "{Ada} takes [1, 2] of A");
    assert_eq!(span.attributes["user.name"], "Ada");
    assert_eq!(span.attributes["seats"], "[1, 2]");
    assert_eq!(span.attributes.len(), 4);
}

/// Scenario: placeholders with formats that only `format!` knows, beside plain ones.
/// Guarantee: the message reads as `format!` makes it, and the attributes stay numbers.
#[test]
fn formats_change_the_message_and_not_the_attributes() {
    let evaluated = Cell::new(0);
    let width = 6;
    let span = only(|| {
        span!(
            "{ratio:.1} of {total:>width$} {{}} {list} {flag} {text:?} {hex:#06x}",
            ratio = {
                evaluated.set(evaluated.get() + 1);
                0.25
            },
            total = 40,
            list = vec![1, 2],
            flag = ?Some(true),
            text = "t",
            hex = 255,
        )
        .end();
    });
    assert_eq!(
        span.message,
        "0.2 of     40 {} [1, 2] Some(true) \"t\" 0x00ff"
    );
    assert_eq!(span.attributes["ratio"], 0.25);
    assert_eq!(span.attributes["total"], 40);
    assert_eq!(span.attributes["text"], "t");
    assert!(!span.attributes.contains_key("width"));
    assert_eq!(evaluated.get(), 1);
}

/// Scenario: the precision of a placeholder is itself an attribute.
/// Guarantee: it is used and recorded, and a reference into a temporary lives long enough.
#[test]
fn a_precision_may_be_an_attribute() {
    let make = || "Ada".to_owned();
    let span = only(|| {
        span!(
            "{name:>digits$} {x:.digits$}",
            name = make().as_str(),
            x = 1.0,
            digits = 4_usize
        )
        .end();
    });
    assert_eq!(span.message, " Ada 1.0000");
    assert_eq!(span.attributes["digits"], 4);
}

/// Scenario: every option of a span.
/// Guarantee: each has its effect, whether its value is a constant or known at run time only.
#[test]
fn options_are_honoured() {
    let captured = capture();
    let outer = span!("outer");
    let context = outer.context();
    let (level, kind, tag) = (Level::Error, SpanKind::Server, String::from("late"));
    outer.in_scope(|| {
        span!(level: Level::Warn, kind: SpanKind::Client, tags: ["a", "b"], links: [context], "constant").end();
        span!(level: level, kind: kind, tags: [&tag], "computed").end();
        span!(parent: None, "root").end();
    });
    span!(parent: &outer, "by reference").end();
    span!(parent: context, crate: fanlight, "by context").end();
    outer.end();

    let spans: BTreeMap<String, CapturedSpan> = captured
        .spans()
        .into_iter()
        .map(|span| (span.name.clone(), span))
        .collect();
    let constant = &spans["constant"];
    assert_eq!(
        (constant.level, constant.kind),
        (Level::Warn, SpanKind::Client)
    );
    assert_eq!(constant.tags, ["a", "b"]);
    assert_eq!(constant.links, context.into_iter().collect::<Vec<_>>());
    let computed = &spans["computed"];
    assert_eq!(
        (computed.level, computed.kind),
        (Level::Error, SpanKind::Server)
    );
    assert_eq!(computed.attributes["logfire.tags"], ["late"]);
    let id = Some(spans["outer"].span_id);
    assert_eq!(spans["root"].parent_id, None);
    assert_eq!(spans["by reference"].parent_id, id);
    assert_eq!(spans["by context"].parent_id, id);
    assert_ne!(spans["root"].trace_id, spans["outer"].trace_id);
}

/// Scenario: `?`, `return` and loops inside of values.
/// Guarantee: they leave the function that they are written in, and no span is made.
#[test]
fn control_flow_in_values_is_that_of_the_function() {
    fn try_it(text: &str) -> Result<Span, std::num::ParseIntError> {
        Ok(span!("parse", value = text.parse::<u32>()?))
    }
    fn return_it() -> u8 {
        let _span = span!("never", value = if true { return 3 } else { 1 });
        4
    }
    let captured = capture();
    assert!(try_it("x").is_err());
    assert_eq!(return_it(), 3);
    assert!(captured.spans().is_empty());
    drop(try_it("1"));
    assert_eq!(captured.spans().len(), 1);
}

/// Scenario: a value awaits, in a future that must be `Send`.
/// Guarantee: it compiles, and the value arrives.
#[test]
fn values_may_await() {
    async fn work() {
        span!(
            "wait {x:>3}",
            x = std::future::ready(1).await,
            y = std::future::ready(2).await
        )
        .end();
    }
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let captured = capture();
    futures::executor::block_on(is_send(work()));
    assert_eq!(captured.spans()[0].attributes["y"], 2);
}

/// Scenario: nobody captures, nothing is configured.
/// Guarantee: no value is evaluated, and the span records nothing.
#[test]
fn nothing_is_evaluated_where_nobody_wants_it() {
    fn make(evaluated: &Cell<u32>) -> Span {
        span!("quiet", value = evaluated.replace(1))
    }
    let evaluated = Cell::new(0);
    assert!(!make(&evaluated).is_recording());
    assert_eq!(evaluated.get(), 0);
    // Another thread captures: that doesn't concern this one.
    let captured = capture().share();
    let elsewhere = std::thread::spawn(move || {
        let _capturing = captured.enter();
        let evaluated = Cell::new(0);
        make(&evaluated).end();
        (captured.spans().len(), evaluated.get())
    });
    assert_eq!(elsewhere.join().unwrap(), (1, 1));
    assert!(!make(&evaluated).is_recording());
    assert_eq!(evaluated.get(), 0);
}

/// Scenario: a capture within a capture.
/// Guarantee: the inner one has what was recorded while it lived, and the outer one the rest.
#[test]
fn captures_nest() {
    let outer = capture();
    span!("before").end();
    let inner = capture();
    span!("within").end();
    let within = inner.share();
    drop(inner);
    span!("after").end();
    let names =
        |spans: Vec<CapturedSpan>| spans.into_iter().map(|span| span.name).collect::<Vec<_>>();
    assert_eq!(names(outer.spans()), ["before", "after"]);
    assert_eq!(names(within.spans()), ["within"]);
    outer.clear();
    assert!(outer.spans().is_empty());
}

/// Scenario: a value that serde can serialize.
/// Guarantee: its structure arrives.
#[test]
#[cfg(feature = "serde")]
fn serialized_values_keep_their_structure() {
    #[derive(serde::Serialize)]
    struct Order {
        id: u32,
        items: Vec<&'static str>,
    }
    let order = Order {
        id: 17,
        items: vec!["tea"],
    };
    let span = only(|| span!("pay {order}", #order, again = #order.items).end());
    let Value::Map(fields) = &span.attributes["order"] else {
        panic!("{:?}", span.attributes);
    };
    assert_eq!(fields["id"], 17);
    assert_eq!(fields["items"], ["tea"]);
    assert_eq!(span.attributes["again"], ["tea"]);
    assert_eq!(span.message, "pay {id: 17, items: [\"tea\"]}");
}
