use super::*;
use crate::Level;
use crate::callsite::{Callsite, Source};
use crate::value::ToValue;

static CALLSITE: Callsite = Callsite::new("work", Level::Info, Source::TEST);

/// A span with these attributes, and an event with the same, after scrubbing: its attributes as text.
fn scrubbed(attributes: &[(&str, &dyn ToValue)]) -> Vec<String> {
    let mut records = Vec::new();
    record::append(&mut records, Kind::Span, &CALLSITE, Level::Info, |out| {
        out.some_bytes(1, [1; 16]);
        out.some_bytes(2, [2; 8]);
        for (key, value) in attributes {
            put_attribute(out, 9, key, *value);
        }
        out.nested(11, |out| {
            for (key, value) in attributes {
                put_attribute(out, 3, key, *value);
            }
        });
        out.nested(15, |out| {
            out.bytes(2, "bad password: hunter2");
            out.varint(3, 2);
        });
    });
    let mut on = Vec::new();
    let records: Vec<Record<'_>> = record::read(&records).collect();
    Scrubbing::default().pass(&records, &mut on, false);
    let text = String::from_utf8_lossy(&on);
    assert!(!text.contains("hunter2"), "{text}");
    let record = record::read(&on).next().unwrap();
    let view = SpanView::read(record.message).unwrap();
    assert_eq!(view.span_id.0, [2; 8]);
    assert_eq!(
        (view.status.code, view.status.message),
        (2, "[Scrubbed due to 'password']")
    );
    let shown =
        |(key, value): (&str, Value<'_>)| format!("{key}: {}", crate::template::shown(value));
    let own: Vec<String> = view.attributes.iter().flatten().map(shown).collect();
    let event = view.events().next().unwrap().unwrap();
    assert_eq!(
        own,
        event
            .attributes
            .iter()
            .flatten()
            .map(shown)
            .collect::<Vec<_>>()
    );
    own
}

#[test]
fn names_that_look_like_secrets_lose_their_value() {
    let own = scrubbed(&[
        ("user.password", &"hunter2"),
        ("API_KEY", &"hunter2"),
        ("author", &"Ann"),
        ("index", &7),
    ]);
    assert_eq!(
        own,
        [
            r#"user.password: "[Scrubbed due to 'password']""#,
            r#"API_KEY: "[Scrubbed due to 'api key']""#,
            r#"author: "Ann""#,
            "index: 7",
        ]
    );
}

#[test]
fn texts_that_hold_secrets_are_replaced_and_the_word_alone_stays() {
    let own = scrubbed(&[("note", &"my password is hunter2"), ("field", &"password")]);
    assert_eq!(
        own,
        [
            r#"note: "[Scrubbed due to 'password']""#,
            r#"field: "password""#
        ]
    );
}

#[test]
fn lists_maps_and_json_keep_their_shape() {
    let map = std::collections::BTreeMap::from([("cookie", "hunter2"), ("path", "/")]);
    let own = scrubbed(&[
        ("list", &["ok", "secret hunter2"]),
        ("map", &map),
        ("json", &r#"{"a":{"token":1,"jwt":"hunter2"}}"#),
    ]);
    assert_eq!(
        own,
        [
            r#"list: ["ok", "[Scrubbed due to 'secret']"]"#,
            r#"map: {cookie: "[Scrubbed due to 'cookie']", path: "/"}"#,
            r#"json: "{\"a\":{\"jwt\":\"[Scrubbed due to 'jwt']\",\"token\":1}}""#,
        ]
    );
}

#[test]
fn what_people_write_themselves_stays() {
    let own = scrubbed(&[
        ("gen_ai.input.messages", &"what is a session?"),
        ("url.full", &"https://shop/session/1"),
    ]);
    assert_eq!(
        own,
        [
            r#"gen_ai.input.messages: "what is a session?""#,
            r#"url.full: "https://shop/session/1""#,
        ]
    );
}

#[test]
fn own_patterns_are_added() {
    let scrubbing = Scrubbing::with_patterns(["iban"]).unwrap();
    assert_eq!(scrubbing.finds_key("customer.IBAN"), Some("iban"));
    assert!(
        Scrubbing::with_patterns(["("])
            .unwrap_err()
            .to_string()
            .contains("regular expression")
    );
}
