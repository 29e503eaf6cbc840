#![allow(clippy::too_many_lines, reason = "tables of cases")]

use std::io::Write;

use super::*;
use crate::Document;

fn parse(text: &str) -> Result<Document, ConfigError> {
    let environment = [
        ("TOKEN", "0123"),
        ("LIST", "[a, b]"),
        ("BROKEN", "{a: hunter2"),
        ("MAP", "k: hunter2"),
    ]
    .into_iter()
    .collect();
    Document::parse("c.yaml", text, &environment)
}

fn json(text: &str) -> serde_json::Value {
    parse(text)
        .and_then(|document| document.root().decode())
        .unwrap()
}

fn error(text: &str) -> String {
    parse(text).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn scalars_follow_the_core_schema() {
    let read = json(
        "{a: 1, b: true, c: 1.5, d: text, e: ~, f: '1', g: \"true\", h: 0x1f, i: -7, j: yes, k: 0755, l: !!str 5, m: }",
    );
    let expected = serde_json::json!({
        "a": 1, "b": true, "c": 1.5, "d": "text", "e": null, "f": "1", "g": "true", "h": 31, "i": -7, "j": "yes",
        "k": "0755", "l": "5", "m": null,
    });
    assert_eq!(read, expected);
}

#[test]
fn json_is_read_as_it_is() {
    assert_eq!(
        json(r#"{"a": {"b": [1, "x", null, false]}}"#),
        serde_json::json!({"a": {"b": [1, "x", null, false]}})
    );
}

#[test]
fn keys_and_values_know_where_they_stand() {
    let document =
        parse("exporters:\n  otlp/a:\n    endpoint: h:1\n    headers: [{name: x}]\n    tls:\n")
            .unwrap();
    let exporter = document
        .root()
        .get("exporters")
        .and_then(|node| node.get("otlp/a"))
        .unwrap();
    let at = |node: &Node| {
        (
            node.location().line,
            node.location().column,
            node.path().to_owned(),
        )
    };
    assert_eq!(at(exporter), (2, 3, "exporters.otlp/a".to_owned()));
    assert_eq!(
        at(exporter.get("endpoint").unwrap()),
        (3, 15, "exporters.otlp/a.endpoint".to_owned())
    );
    assert_eq!(
        at(exporter.get("tls").unwrap()),
        (5, 5, "exporters.otlp/a.tls".to_owned())
    );
    let name = exporter
        .get("headers")
        .and_then(|node| node.elements().ok()?.first()?.get("name"))
        .unwrap();
    assert_eq!(
        at(name),
        (4, 22, "exporters.otlp/a.headers[0].name".to_owned())
    );
    let keys: Vec<_> = exporter
        .entries()
        .unwrap()
        .into_iter()
        .map(|(key, place, _)| (key, place.line, place.column))
        .collect();
    assert_eq!(keys, [("endpoint", 3, 5), ("headers", 4, 5), ("tls", 5, 5)]);
}

#[test]
fn whole_values_are_read_as_yaml_and_inline_ones_as_text() {
    assert_eq!(
        json("{a: '${LIST}', b: 'x ${LIST}', c: '${MAP}'}"),
        serde_json::json!({"a": ["a", "b"], "b": "x [a, b]", "c": {"k": "hunter2"}})
    );
    assert_eq!(
        json("# ${MISSING} in a comment\na: 1 # ${MISSING}"),
        serde_json::json!({"a": 1})
    );
    assert_eq!(
        json("a: ${BROKEN}"),
        serde_json::json!({"a": "{a: hunter2"})
    );
    assert_eq!(json("'${TOKEN}': 1"), serde_json::json!({"${TOKEN}": 1}));
}

#[test]
fn files_are_taken_in() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    writeln!(secret, "s3cr3t: no").unwrap();
    let mut part = tempfile::NamedTempFile::new().unwrap();
    write!(
        part,
        "otlp:\n  endpoint: ${{MISSING:-h:1}}\n  token: ${{file:{}}}\n",
        secret.path().display()
    )
    .unwrap();
    let document = parse(&format!("exporters: ${{file:{}}}", part.path().display())).unwrap();
    let otlp = document
        .root()
        .get("exporters")
        .and_then(|node| node.get("otlp"))
        .unwrap();
    assert_eq!(
        otlp.get("endpoint").unwrap().decode::<String>().unwrap(),
        "h:1"
    );
    assert_eq!(
        otlp.get("token").unwrap().decode::<String>().unwrap(),
        "s3cr3t: no"
    );
    assert_eq!(*otlp.location().file, *part.path().display().to_string());
    assert_eq!(otlp.path(), "exporters.otlp");
}

#[test]
fn a_file_that_names_itself_is_refused() {
    let mut circle = tempfile::NamedTempFile::new().unwrap();
    let text = format!("a: ${{file:{}}}", circle.path().display());
    circle.write_all(text.as_bytes()).unwrap();
    let message = error(&text);
    assert!(message.contains("looks like a circle"), "{message}");
}

#[test]
fn anchors_aliases_and_merge_keys_work() {
    let read =
        json("base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [{z: 4}, *b]}\nsame: *b");
    let expected = serde_json::json!({
        "base": {"x": 1, "y": 2}, "one": {"y": 3, "x": 1}, "two": {"z": 4, "x": 1, "y": 2}, "same": {"x": 1, "y": 2},
    });
    assert_eq!(read, expected);
    let path = parse("a: &b {x: 1}\nc: *b")
        .unwrap()
        .root()
        .get("c")
        .and_then(|c| c.get("x"))
        .unwrap()
        .path()
        .to_owned();
    assert_eq!(path, "c.x");
}

#[test]
fn what_is_not_a_configuration_is_refused_with_its_place() {
    let cases = [
        (
            "a: 1\na: 2",
            "c.yaml:2:1: the key `a` stands in this map twice",
        ),
        (
            "x: {a: 1, 'a': 2}",
            "c.yaml:1:11: x: the key `a` stands in this map twice",
        ),
        (
            "a: 1\n---\nb: 2",
            "c.yaml:2:1: a second document begins here, and a file holds one; put it into a file of its own and name both with --config",
        ),
        (
            "? [a]\n: 1",
            "c.yaml:1:3: a key is a text, not a map or a list",
        ),
        (
            "a: !custom x",
            "c.yaml:1:4: the tag `!custom` means nothing here",
        ),
        (
            "a: *nobody",
            "c.yaml:1:4: this is not YAML: while parsing node, found unknown anchor",
        ),
        (
            "a: {<<: 5}",
            "c.yaml:1:9: `<<` merges a map or a list of maps",
        ),
        (
            "exporters:\n  otlp:\n    token: ${MISSING}",
            "c.yaml:3:12: exporters.otlp.token: the environment variable `MISSING` is not set; export MISSING=..., or write `${MISSING:-default}`",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(error(text), message, "{text}");
    }
}

#[test]
fn tabs_get_a_hint() {
    let message = error("a:\n\tb: 1\n");
    assert!(
        message.contains("c.yaml:2")
            && message.ends_with("indent with spaces, since YAML has no tabs there"),
        "{message}"
    );
}

#[test]
fn documents_past_the_limits_are_refused() {
    let bomb = (1..20).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let before = format!("*a{}", n - 1);
        format!("{text}a{n}: &a{n} [{}]\n", vec![before; 10].join(","))
    });
    assert!(error(&bomb).contains("more than 100000 values"));
    assert!(error(&format!("a: {}{}", "[".repeat(100), "]".repeat(100))).contains("64 levels"));
    assert!(error(&"# \n".repeat(2 * 1024 * 1024)).contains("larger than 4 MiB"));
}

#[test]
fn an_empty_document_is_null() {
    for text in ["", "# nothing\n", "---\n", "\u{feff}"] {
        assert!(parse(text).unwrap().root().is_null(), "{text:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_has_an_answer(text in "[a-c:\\-\\[\\]{}\"'&*!|>#%@, \\n\\t$0-9]*") {
        let _ = parse(&text);
    }
}
