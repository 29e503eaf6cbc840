//! Documents as a whole: laid over each other, built by hand, and shown when they are wrong.

#![allow(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may fail, and says what it builds in one place"
)]

use fanlight_config::{ConfigError, ConfigErrors, Document, Environment, Location, Node};
use serde::Deserialize;
use serde_json::{Value, json};

fn parse(file: &str, text: &str) -> Document {
    Document::parse(file, text, &Environment::from_iter([("TOKEN", "hunter2")])).unwrap()
}

fn values(document: &Document) -> Value {
    document.root().decode().unwrap()
}

/// Scenario: two files with the same sections.
/// Guarantee: maps merge, later values win, lists are replaced, and each error still points into its own file.
#[test]
fn later_files_win() {
    let first = parse(
        "a.yaml",
        "exporters: {otlp: {endpoint: a:1, tls: {insecure: true}}, debug: }\nlist: [1, 2]\nkeep: 1",
    );
    let second = parse(
        "b.yaml",
        "exporters:\n  otlp:\n    endpoint: b:1\n  file: {path: x}\nlist: [3]",
    );
    let merged = first
        .merge(second)
        .merge(parse("c.yaml", "# only a comment"));
    let expected = json!({
        "exporters": {"otlp": {"endpoint": "b:1", "tls": {"insecure": true}}, "debug": null, "file": {"path": "x"}},
        "list": [3],
        "keep": 1,
    });
    assert_eq!(values(&merged), expected);
    let otlp = merged.root().get("exporters").unwrap().get("otlp").unwrap();
    assert_eq!(
        otlp.error_at("endpoint", "x").to_string(),
        "b.yaml:3:15: exporters.otlp.endpoint: x"
    );
    assert_eq!(
        otlp.error_at("tls", "x").to_string(),
        "a.yaml:1:35: exporters.otlp.tls: x"
    );
}

/// Scenario: a component is written by the hub, from a variable and from a value of the user's file.
/// Guarantee: it decodes like any other, errors point at where its parts came from, and the variable's value is hidden.
#[test]
fn nodes_are_built_by_hand() {
    let source = parse("c.yaml", "otlp:\n  timeout: fast");
    let variables = Location::of_file("environment");
    let exporter = Node::map(
        variables.clone(),
        vec![
            (
                "timeout",
                source
                    .root()
                    .get("otlp")
                    .unwrap()
                    .get("timeout")
                    .unwrap()
                    .clone(),
            ),
            (
                "headers",
                Node::map(
                    variables.clone(),
                    vec![(
                        "api-key",
                        Node::hidden(variables.clone(), "${KEYS}", "hunter2"),
                    )],
                ),
            ),
            (
                "list",
                Node::list(
                    variables.clone(),
                    vec![
                        Node::plain(variables.clone(), "5"),
                        Node::text(variables.clone(), "5"),
                    ],
                ),
            ),
        ],
    );
    let root = Node::map(
        variables.clone(),
        vec![(
            "exporters",
            Node::map(variables, vec![("otlp/env", exporter)]),
        )],
    );
    let document = Document::empty().merge(Document::from_root(root));
    assert_eq!(
        values(&document),
        json!({"exporters": {"otlp/env": {"timeout": "fast", "headers": {"api-key": "hunter2"}, "list": [5, "5"]}}})
    );
    let exporter = document
        .root()
        .get("exporters")
        .unwrap()
        .get("otlp/env")
        .unwrap();
    assert_eq!(
        exporter.error_at("timeout", "no").to_string(),
        "c.yaml:2:12: exporters.otlp/env.timeout: no"
    );
    assert_eq!(
        exporter.error("`hunter2` again").to_string(),
        "environment: exporters.otlp/env: `${KEYS}` again"
    );
    assert!(!format!("{document:?}").contains("hunter2"));
    let changed = exporter
        .clone()
        .with("timeout", Node::plain(Location::of_file("x"), "1s"))
        .without("list");
    assert_eq!(changed.decode::<Value>().unwrap()["timeout"], "1s");
    assert!(changed.get("list").is_none());
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Exporter {
    endpoint: String,
    #[serde(rename = "token")]
    _token: u64,
}

fn shown(text: &str) -> String {
    let error = parse("collector.yaml", text)
        .root()
        .get("exporters")
        .unwrap()
        .get("otlp")
        .unwrap()
        .decode::<Exporter>()
        .unwrap_err();
    error.render(Some(text))
}

/// Scenario: a misspelt key.
/// Guarantee: the excerpt underlines the key and ends at its colon.
#[test]
fn errors_are_shown_in_their_line() {
    insta::assert_snapshot!(shown("exporters:\n  otlp:\n    endpont: http://x"), @"
    error: unknown key `endpont`
      --> collector.yaml:3:5
       |
     3 |     endpont: …
       |     ^^^^^^^ in exporters.otlp
     help: did you mean `endpoint`?
    ");
}

/// Scenario: wrong values, one of them in a map within one line.
/// Guarantee: the excerpt never shows what follows a colon.
#[test]
fn excerpts_hide_values() {
    insta::assert_snapshot!(shown("exporters:\n  otlp: {endpoint: hunter2, token: [1]}"), @"
    error: expected a whole number, found a list
      --> collector.yaml:2:29
       |
     2 |   otlp: …
       |         ^ in exporters.otlp.token
    ");
    insta::assert_snapshot!(shown("exporters:\n  otlp:\n    token: ${TOKEN}"), @"
    error: expected a whole number, found `${TOKEN}`
      --> collector.yaml:3:12
       |
     3 |     token: …
       |            ^ in exporters.otlp.token
    ");
    insta::assert_snapshot!(shown("exporters:\n  otlp:\n    - hunter2"), @"
    error: expected a map, found a list
      --> collector.yaml:2:3
       |
     2 |   otlp:
       |   ^^^^ in exporters.otlp
     help: known here: `endpoint`, `token`
    ");
}

/// Scenario: errors without a source text, without a line, without a place.
/// Guarantee: each is still shown with what is known.
#[test]
fn errors_without_an_excerpt_are_shown_too() {
    let error = ConfigError::new("nothing to do").hint("name a file with --config");
    insta::assert_snapshot!(error.render(None), @"
    error: nothing to do
     help: name a file with --config
    ");
    let variable = ConfigError::new("`ftp://` is no scheme")
        .at(&Location::of_file("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let errors = ConfigErrors(vec![error, variable]);
    insta::assert_snapshot!(errors.render(|_| None), @"
    error: nothing to do
     help: name a file with --config

    error: `ftp://` is no scheme
      --> OTEL_EXPORTER_OTLP_ENDPOINT
    ");
    assert_eq!(
        errors.to_string(),
        "nothing to do; name a file with --config\nOTEL_EXPORTER_OTLP_ENDPOINT: `ftp://` is no scheme"
    );
    assert!(errors.into_result().is_err());
    assert!(ConfigErrors::default().into_result().is_ok());
}
