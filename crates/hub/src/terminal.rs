//! Telemetry on a terminal. What programs recorded is cleaned of control characters first: it must not steer the terminal.

pub(crate) mod shapes;
pub(crate) mod table;
pub(crate) mod tree;

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::report::{BAD, FAINT, NAME};
use shapes::{Attribute, LlmCall, Log};

const WARN: Style = AnsiColor::Yellow.on_default();
const INFO: Style = AnsiColor::Green.on_default();
const CALL: Style = AnsiColor::Magenta.on_default();

/// A line of text without anything that a terminal would obey.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return text.into();
    }
    let clean = text.chars().map(|c| match c {
        '\n' => '⏎',
        '\t' => ' ',
        c if is_control(c) => '\u{fffd}',
        c => c,
    });
    clean.collect()
}

/// Control characters, and those that turn the direction of text around.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time of day on this machine's clock.
pub(crate) fn clock(unix_nano: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(unix_nano)).unwrap_or_default();
    let time = time.to_zoned(TimeZone::system());
    time.strftime("%H:%M:%S%.3f").to_string()
}

/// A duration in the unit that suits it.
pub(crate) fn duration(nanoseconds: u64) -> String {
    let value = nanoseconds as f64;
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.0} µs", value / 1e3),
        1_000_000..100_000_000 => format!("{:.1} ms", value / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

/// The text of a value in OTLP/JSON.
pub(crate) fn value_text(value: &Value) -> String {
    match plain(value) {
        Value::String(text) => text,
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// A value of OTLP/JSON without its types.
pub(crate) fn plain(value: &Value) -> Value {
    let Some((name, content)) = value.as_object().and_then(|object| object.iter().next()) else {
        return Value::Null;
    };
    let items = || content["values"].as_array().into_iter().flatten();
    match name.as_str() {
        "intValue" => {
            let number = content.as_str().and_then(|text| text.parse::<i64>().ok());
            number.map_or_else(|| content.clone(), Value::from)
        }
        "arrayValue" => items().map(plain).collect(),
        "kvlistValue" => Value::Object(
            items()
                .map(|item| {
                    let key = item["key"].as_str().unwrap_or_default();
                    (key.to_owned(), plain(&item["value"]))
                })
                .collect(),
        ),
        _ => content.clone(),
    }
}

/// Attributes as `key=value`.
pub(crate) fn attributes(list: &[Attribute]) -> String {
    let mut text = String::new();
    for Attribute { key, value } in list {
        // Writing to a String can't fail.
        let _ = write!(text, " {}={}", clean(key), clean(&value_text(value)));
    }
    text
}

/// A log record on one line.
pub(crate) fn log_line(log: &Log) -> String {
    let (name, style) = severity(log.severity_number);
    let time = [log.time_unix_nano, log.observed_time_unix_nano]
        .into_iter()
        .find(|time| *time > 0);
    let mut line = format!(
        "{FAINT}{}{FAINT:#} {style}{name:<5}{style:#} {NAME}{}{NAME:#} {}",
        clock(time.unwrap_or(0)),
        clean(&log.service),
        clean(&log.body_text),
    );
    let _ = write!(line, "{FAINT}{}{FAINT:#}", attributes(&log.attributes));
    line.push('\n');
    line
}

/// A call of a language model on one line: model, tokens, what it cost, how long it took.
pub(crate) fn call_line(call: &LlmCall) -> String {
    let mut line = format!(
        "{FAINT}{}{FAINT:#} {CALL}LLM  {CALL:#} {NAME}{}{NAME:#} {CALL}{}{CALL:#}",
        clock(call.start_nano),
        clean(&call.service),
        clean(call.model()),
    );
    if let (Some(input), Some(output)) = (call.input_tokens, call.output_tokens) {
        let _ = write!(line, " {} → {} tokens", grouped(input), grouped(output));
    }
    if let Some(cached) = call.cache_read_tokens.filter(|cached| *cached > 0) {
        let _ = write!(line, "{FAINT} ({} cached){FAINT:#}", grouped(cached));
    }
    let _ = match call.cost {
        Some(cost) => write!(line, " {INFO}{}{INFO:#}", dollars(cost)),
        None => write!(line, " {FAINT}no price{FAINT:#}"),
    };
    let _ = write!(line, " {}", duration(call.duration_nano));
    if call.is_error() {
        let why = call.error_type.as_deref().unwrap_or("failed");
        let _ = write!(line, " {BAD}{}{BAD:#}", clean(why));
    }
    let said = [&call.input_preview, &call.output_preview];
    for text in said.into_iter().filter(|text| !text.is_empty()) {
        let _ = write!(line, " {FAINT}| {}{FAINT:#}", clean(text));
    }
    line.push('\n');
    line
}

/// US dollars with the digits that matter.
pub(crate) fn dollars(amount: f64) -> String {
    match amount {
        0.0 => "$0".to_owned(),
        ..0.01 => format!("${amount:.6}"),
        ..1.0 => format!("${amount:.4}"),
        _ => format!("${amount:.2}"),
    }
}

/// A count with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The name of a severity and how it looks.
fn severity(number: i32) -> (&'static str, Style) {
    match number {
        ..1 => ("LOG", Style::new()),
        1..=4 => ("TRACE", FAINT),
        5..=8 => ("DEBUG", FAINT),
        9..=12 => ("INFO", INFO),
        13..=16 => ("WARN", WARN),
        17..=20 => ("ERROR", BAD),
        21.. => ("FATAL", BAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_recorded_steers_the_terminal() {
        assert_eq!(clean("plain ü"), "plain ü");
        assert_eq!(
            clean("a\u{1b}[2Jb\r\nc\td\u{202e}"),
            "a\u{fffd}[2Jb\u{fffd}⏎c d\u{fffd}"
        );
    }

    #[test]
    fn durations_have_the_unit_that_suits_them() {
        let cases = [
            (0, "0 ns"),
            (1_500, "2 µs"),
            (2_340_000, "2.3 ms"),
            (142_000_000, "142 ms"),
            (1_500_000_000, "1.50 s"),
        ];
        for (nanoseconds, expected) in cases {
            assert_eq!(duration(nanoseconds), expected);
        }
    }

    #[test]
    fn amounts_have_the_digits_that_matter() {
        for (amount, expected) in [
            (0.0, "$0"),
            (0.000_255, "$0.000255"),
            (0.25, "$0.2500"),
            (12.345, "$12.35"),
        ] {
            assert_eq!(dollars(amount), expected);
        }
        for (count, expected) in [(7, "7"), (1_200, "1,200"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn values_lose_their_types() {
        let value = json!({ "kvlistValue": { "values": [
            { "key": "a", "value": { "intValue": "7" } },
            { "key": "b", "value": { "arrayValue": { "values": [{ "boolValue": true }] } } },
        ] } });
        assert_eq!(plain(&value), json!({ "a": 7, "b": [true] }));
        assert_eq!(value_text(&json!({ "stringValue": "x" })), "x");
        assert_eq!(value_text(&json!({})), "");
    }
}
