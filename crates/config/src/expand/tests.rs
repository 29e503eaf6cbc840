#![allow(clippy::too_many_lines, reason = "tables of cases")]

use super::*;

fn environment() -> Environment {
    [
        ("HOST", "collector"),
        ("PORT", "4317"),
        ("EMPTY", ""),
        ("PASSWORD", "pa$$w${HOST}rd"),
        ("NAME", "HOST"),
        ("SECRET", "hunter2"),
        ("_x1", "underscore"),
    ]
    .into_iter()
    .collect()
}

fn expanded(text: &str) -> Result<Expanded, String> {
    let environment = environment();
    expand(
        text,
        &Sources {
            environment: &environment,
            file_depth: 0,
        },
    )
    .map_err(|error| error.to_string())
}

fn whole(text: &str) -> Result<Expanded, String> {
    Ok(Expanded::Whole(text.to_owned()))
}

fn inline(text: &str) -> Result<Expanded, String> {
    Ok(Expanded::Inline(text.to_owned()))
}

fn literal(text: &str) -> Result<Expanded, String> {
    Ok(Expanded::Literal(text.to_owned()))
}

#[test]
fn expressions_become_what_the_collector_makes_of_them() {
    let cases = [
        ("plain", literal("plain")),
        ("${HOST}", whole("collector")),
        ("${env:HOST}", whole("collector")),
        ("${_x1}", whole("underscore")),
        (
            "http://${HOST}:${env:PORT}",
            inline("http://collector:4317"),
        ),
        ("${HOST} ", inline("collector ")),
        ("${MISSING:-fallback}", whole("fallback")),
        ("${env:MISSING:-fallback}", whole("fallback")),
        ("${MISSING:-}", whole("")),
        ("${MISSING:-a:-b}", whole("a:-b")),
        ("${MISSING:-http://h:1}", whole("http://h:1")),
        ("${EMPTY:-fallback}", whole("")),
        ("${EMPTY}", whole("")),
        ("${HOST:?say why}", whole("collector")),
        ("${MISSING:-${HOST}:${PORT}}", whole("collector:4317")),
        ("${MISSING:-${GONE:-${HOST}}}", whole("collector")),
        ("${env:${NAME}}", whole("collector")),
        ("${${NAME}:-x}", whole("collector")),
        ("${yaml:[a, b]}", whole("[a, b]")),
        ("${MISSING:-{}}", whole("{}")),
        ("${yaml:{host: ${HOST}}}", whole("{host: collector}")),
    ];
    for (text, expected) in cases {
        assert_eq!(expanded(text), expected, "{text}");
    }
}

#[test]
fn dollars_that_start_no_expression_stay() {
    let cases = [
        ("$HOST", literal("$HOST")),
        ("$1-$2", literal("$1-$2")),
        ("cost: 5$", literal("cost: 5$")),
        ("$$", literal("$")),
        ("$${HOST}", literal("${HOST}")),
        ("$$$${HOST}", literal("$${HOST}")),
        ("$$${HOST}", inline("$collector")),
        ("$${1}", literal("${1}")),
        ("}{", literal("}{")),
    ];
    for (text, expected) in cases {
        assert_eq!(expanded(text), expected, "{text}");
    }
}

#[test]
fn what_a_variable_holds_is_not_expanded_again() {
    assert_eq!(expanded("${PASSWORD}"), whole("pa$$w${HOST}rd"));
    assert_eq!(expanded("a ${PASSWORD}"), inline("a pa$$w${HOST}rd"));
}

#[test]
fn what_cannot_be_expanded_says_what_to_write() {
    let cases = [
        (
            "${MISSING}",
            "the environment variable `MISSING` is not set; export MISSING=..., or write `${MISSING:-default}`",
        ),
        (
            "a ${env:MISSING}",
            "the environment variable `MISSING` is not set; export MISSING=..., or write `${MISSING:-default}`",
        ),
        (
            "${MISSING:?needed for Langfuse}",
            "the environment variable `MISSING` is not set: needed for Langfuse; export MISSING=...",
        ),
        (
            "${EMPTY:?}",
            "the environment variable `EMPTY` is not set; export EMPTY=...",
        ),
        (
            "${MISSING:?not ${SECRET}}",
            "the environment variable `MISSING` is not set: not ${SECRET}; export MISSING=...",
        ),
        (
            "${1}",
            "`${1}` names no variable; write `$${1}` for the characters themselves",
        ),
        (
            "replace ${1} by",
            "`${1}` names no variable; write `$${1}` for the characters themselves",
        ),
        (
            "${}",
            "`${}` names no variable; write `$${}` for the characters themselves",
        ),
        (
            "${A-B}",
            "`${A-B}` names no variable; write `$${A-B}` for the characters themselves",
        ),
        (
            "${HOST",
            "`${` has no `}` that closes it; write `$${` for the characters themselves",
        ),
        (
            "${A:-${B}",
            "`${` has no `}` that closes it; write `$${` for the characters themselves",
        ),
        (
            "${http://config/x.yaml}",
            "`${http:...}` is not supported; download the file and name it with --config",
        ),
        (
            "${vault:secret/x}",
            "`${vault:...}` comes from nowhere that is known; there are env, file and yaml; a default is written `${vault:-default}`",
        ),
        (
            "${file:/does/not/exist}",
            "the file of `${file:/does/not/exist}` can't be read: No such file or directory (os error 2)",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(expanded(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn nesting_has_a_bound() {
    let text = format!("{}x{}", "${A:-".repeat(40), "}".repeat(40));
    assert!(expanded(&text).is_err_and(|message| message.contains("16 levels")));
}

proptest::proptest! {
    #[test]
    fn any_text_has_an_answer(text in "[$${}:?A-Z a-z0-9-]*") {
        let _ = expanded(&text);
    }
}
