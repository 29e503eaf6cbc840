#![allow(clippy::too_many_lines, reason = "tables of cases")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::{ComponentId, ConfigError, Document, Headers, Secret};

fn document(text: &str) -> Document {
    let environment = [
        ("NUMBER", "42"),
        ("OCTAL", "0123"),
        ("FLAG", "true"),
        ("TOKEN", "hunter2"),
        ("EMPTY", ""),
        ("SHORT", "a"),
        ("LIST", "[hunter2]"),
        ("KEYED", "hunter2: yes"),
    ];
    Document::parse("c.yaml", text, &environment.into_iter().collect()).unwrap()
}

fn decode<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    document(text)
        .root()
        .decode()
        .map_err(|error| error.to_string())
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Exporter {
    endpoint: String,
    #[serde(with = "crate::duration")]
    timeout: Duration,
    retries: Option<u8>,
    ratio: f64,
    verbose: bool,
    kind: Kind,
    nested: Nested,
    #[serde(deserialize_with = "crate::present")]
    present: Option<Nested>,
    ids: Vec<ComponentId>,
    map: BTreeMap<String, u16>,
    headers: Headers,
    token: Secret,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(default)]
struct Nested {
    queue_size: u64,
}

impl Default for Nested {
    fn default() -> Nested {
        Nested { queue_size: 1000 }
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Requests,
    Items,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Strict {
    name: String,
}

#[test]
fn values_are_read_by_the_type_of_their_field() {
    let read: Exporter = decode("{endpoint: 4317, timeout: 1m, retries: 3, ratio: 2, verbose: true, kind: items, ids: [otlp, otlp/a], map: {a: 1}}").unwrap();
    let expected = Exporter {
        endpoint: "4317".to_owned(),
        timeout: Duration::from_secs(60),
        retries: Some(3),
        ratio: 2.0,
        verbose: true,
        kind: Kind::Items,
        ids: vec!["otlp".parse().unwrap(), "otlp/a".parse().unwrap()],
        map: [("a".to_owned(), 1)].into(),
        ..Exporter::default()
    };
    assert_eq!(read, expected);
}

#[test]
fn text_fields_get_the_text_as_written() {
    for (text, expected) in [
        ("0123", "0123"),
        ("true", "true"),
        ("1e3", "1e3"),
        ("'~'", "~"),
        ("${OCTAL}", "0123"),
        ("${LIST}", "[hunter2]"),
        ("x${OCTAL}", "x0123"),
        ("${KEYED}", "hunter2: yes"),
    ] {
        assert_eq!(
            decode::<Exporter>(&format!("endpoint: {text}")).map(|e| e.endpoint),
            Ok(expected.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn expanded_text_becomes_numbers_and_booleans() {
    let read: Exporter = decode(
        "{retries: '${NUMBER}', verbose: '${FLAG}', ratio: '${NUMBER}', map: {a: '1${NUMBER}'}}",
    )
    .unwrap();
    assert_eq!(
        (read.retries, read.verbose, read.ratio, read.map.get("a")),
        (Some(42), true, 42.0, Some(&142))
    );
}

#[test]
fn nothing_means_the_default() {
    let nothing = "{endpoint: , timeout: , retries: , ratio: , verbose: ~, kind: , nested: , ids: , map: , headers: , token: null}";
    assert_eq!(decode::<Exporter>(nothing), Ok(Exporter::default()));
    assert_eq!(decode::<Exporter>(""), Ok(Exporter::default()));
    assert_eq!(
        decode::<Exporter>("nested: {queue_size: }"),
        Ok(Exporter::default())
    );
    assert_eq!(
        decode::<Exporter>("retries: ${EMPTY}"),
        Ok(Exporter::default())
    );
    assert_eq!(
        decode::<Exporter>("endpoint: ${EMPTY}"),
        Ok(Exporter::default())
    );
    assert_eq!(
        decode::<Exporter>("present: ").map(|e| e.present),
        Ok(Some(Nested::default()))
    );
    assert_eq!(
        decode::<Strict>("name: "),
        Err("c.yaml:1:1: `name` is missing".to_owned())
    );
    assert_eq!(
        decode::<Vec<String>>("[a, ~]"),
        Err("c.yaml:1:5: [1]: expected text, found nothing".to_owned())
    );
}

#[test]
fn what_does_not_fit_says_what_was_expected_and_where() {
    let cases = [
        (
            "timeout: [1s]",
            "c.yaml:1:1: timeout: expected a duration like 5s, found a list",
        ),
        (
            "timeout: 5 parsecs",
            "c.yaml:1:10: timeout: `5 parsecs` is not a duration, since its unit is none of ns, us, ms, s, m, h; write one like 5s, 200ms or 1h30m",
        ),
        (
            "retries: many",
            "c.yaml:1:10: retries: expected a whole number, found `many`",
        ),
        (
            "retries: '3'",
            "c.yaml:1:10: retries: expected a whole number, found the text `3`; write it without quotes",
        ),
        (
            "retries: 256",
            "c.yaml:1:10: retries: expected a whole number from 0 to 255, found `256`",
        ),
        (
            "retries: 1.5",
            "c.yaml:1:10: retries: expected a whole number, found `1.5`",
        ),
        (
            "retries: 010",
            "c.yaml:1:10: retries: expected a whole number, found `010`; write 10, or 0o10 if it is octal",
        ),
        (
            "nested: {queue_size: -1}",
            "c.yaml:1:22: nested.queue_size: expected a whole number, 0 or above, found `-1`",
        ),
        (
            "ratio: .nan",
            "c.yaml:1:8: ratio: expected a number, found `.nan`",
        ),
        (
            "verbose: yes",
            "c.yaml:1:10: verbose: expected true or false, found `yes`; write true",
        ),
        (
            "verbose: 1",
            "c.yaml:1:10: verbose: expected true or false, found `1`",
        ),
        (
            "verbose: {}",
            "c.yaml:1:1: verbose: expected true or false, found a map",
        ),
        (
            "endpoint: {}",
            "c.yaml:1:1: endpoint: expected text, found a map",
        ),
        (
            "nested: 5",
            "c.yaml:1:9: nested: expected a map, found a single value; known here: `queue_size`",
        ),
        (
            "nested: []",
            "c.yaml:1:1: nested: expected a map, found a list; known here: `queue_size`",
        ),
        (
            "ids: otlp",
            "c.yaml:1:6: ids: expected a list, found a single value",
        ),
        (
            "ids: [otlp, ot lp]",
            "c.yaml:1:13: ids[1]: `ot lp` is not a component id: a type is a letter, then letters, digits and underscores; write one like otlp or otlp/backend",
        ),
        (
            "kind: itmes",
            "c.yaml:1:7: kind: unknown value `itmes`; did you mean `items`?",
        ),
        (
            "kind: colour",
            "c.yaml:1:7: kind: unknown value `colour`; known here: `requests`, `items`",
        ),
        (
            "map: {a: b}",
            "c.yaml:1:10: map.a: expected a whole number, found `b`",
        ),
        (
            "headers: {x: [a]}",
            "c.yaml:1:11: headers.x: expected text, found a list",
        ),
        (
            "headers: {'x y': hunter2}",
            "c.yaml:1:1: headers: `x y` is not a header: a header name is letters, digits and !#$%&'*+-.^_`|~",
        ),
        (
            "headers: {X-A: a, x-a: b}",
            "c.yaml:1:1: headers: header `x-a` is given twice",
        ),
        (
            "headers: [{name: x}]",
            "c.yaml:1:11: headers[0]: `value` is missing",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(decode::<Exporter>(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn unknown_keys_are_named_with_the_nearest() {
    let cases = [
        (
            "endpont: x",
            "c.yaml:1:1: unknown key `endpont`; did you mean `endpoint`?",
        ),
        (
            "a: 1\nnested: {queueSize: 5}",
            "c.yaml:1:1: unknown key `a`; known here: `endpoint`, `timeout`, `retries`, `ratio`, `verbose`, `kind`, `nested`, `present`, `ids`, `map`, `headers`, `token`",
        ),
        (
            "nested: {queueSize: 5}",
            "c.yaml:1:10: nested: unknown key `queueSize`; did you mean `queue_size`?",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(decode::<Exporter>(text), Err(message.to_owned()), "{text}");
    }
    assert_eq!(
        decode::<Strict>("nmae: x"),
        Err("c.yaml:1:1: unknown key `nmae`; did you mean `name`?".to_owned())
    );
}

#[test]
fn expanded_values_never_show_in_errors() {
    let texts = [
        "timeout: ${TOKEN}",
        "retries: ${TOKEN}",
        "verbose: ${TOKEN}",
        "ratio: ${TOKEN}",
        "kind: ${TOKEN}",
        "nested: ${TOKEN}",
        "timeout: 5${TOKEN}",
        "timeout: ${LIST}",
        "ids: ['${TOKEN} x']",
        "nested: ${KEYED}",
        "map: {a: '${TOKEN}'}",
        "nested: ['${TOKEN}']",
        "headers: {x: '${LIST}', y: [1]}",
    ];
    for text in texts {
        let message = decode::<Exporter>(text).unwrap_err();
        // Keys of an expanded map are keys, and shown.
        assert!(
            !message.contains("hunter2") || text.contains("KEYED"),
            "{text}: {message}"
        );
    }
    assert_eq!(
        decode::<Exporter>("timeout: ${TOKEN}").unwrap_err(),
        "c.yaml:1:10: timeout: `${TOKEN}` is not a duration; write one like 5s, 200ms or 1h30m"
    );
    assert_eq!(
        decode::<Exporter>("retries: ${SHORT}").unwrap_err(),
        "c.yaml:1:10: retries: expected a whole number, found `${SHORT}`"
    );
    let document = document("endpoint: pre-${TOKEN}");
    let error: ConfigError = document.root().error_at(
        "endpoint",
        "the port of `pre-hunter2` is missing in `hunter2`",
    );
    assert_eq!(
        error.to_string(),
        "c.yaml:1:11: endpoint: the port of `pre-${TOKEN}` is missing in `pre-${TOKEN}`"
    );
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Own {
    encoding: String,
    traces_endpoint: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Limits {
    limit: u64,
}

#[test]
fn one_map_is_read_as_several_types() {
    let read = document("{encoding: json, queue_size: 5, limit: 9}")
        .root()
        .decode_three::<Own, Nested, Limits>()
        .unwrap();
    assert_eq!(
        read,
        (
            Own {
                encoding: "json".to_owned(),
                traces_endpoint: None
            },
            Nested { queue_size: 5 },
            Limits { limit: 9 }
        )
    );
    assert_eq!(
        document("").root().decode_both::<Own, Nested>(),
        Ok((Own::default(), Nested::default()))
    );
}

#[test]
fn shared_maps_are_strict_over_all_their_types() {
    let both = |text: &str| {
        document(text)
            .root()
            .decode_both::<Own, Nested>()
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        both("queue_sise: 5"),
        "c.yaml:1:1: unknown key `queue_sise`; did you mean `queue_size`?"
    );
    assert_eq!(
        both("x: 5"),
        "c.yaml:1:1: unknown key `x`; known here: `encoding`, `traces_endpoint`, `queue_size`"
    );
    assert_eq!(
        both("queue_size: []"),
        "c.yaml:1:1: queue_size: expected a whole number, found a list"
    );
    let misspelt = document("limti: 5")
        .root()
        .decode_both::<Limits, Nested>()
        .unwrap_err()
        .to_string();
    assert_eq!(
        misspelt,
        "c.yaml:1:1: unknown key `limti`; did you mean `limit`?"
    );
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Policy {
    Always,
    Latency { threshold: u64 },
}

#[test]
fn enums_may_hold_content() {
    assert_eq!(
        decode::<Vec<Policy>>("[always, {latency: {threshold: 5}}]"),
        Ok(vec![Policy::Always, Policy::Latency { threshold: 5 }])
    );
    assert_eq!(
        decode::<Policy>("latency: {treshold: 5}"),
        Err("c.yaml:1:11: latency: unknown key `treshold`; did you mean `threshold`?".to_owned())
    );
    assert_eq!(
        decode::<Policy>("latency"),
        Err("c.yaml:1:1: expected a map `latency: ...`, found a single value".to_owned())
    );
}
