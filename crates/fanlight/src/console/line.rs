//! One line of the console.

use std::fmt::Write as _;

use fanlight_otlp::SpanId;
use fanlight_otlp::view::{Attributes, LogView, SpanView, Value};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::Console;
use crate::Level;
use crate::record::{Kind, Record};
use crate::template::{Template, shown};

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colors(pub(super) bool);

const DIM: &str = "2";
const RED: &str = "31";
const YELLOW: &str = "33";
const BLUE: &str = "34";

/// What a record has to say.
pub(super) struct Line<'a> {
    record: &'a Record<'a>,
    time: u64,
    pub(super) span: SpanId,
    pub(super) parent: SpanId,
    message: String,
    /// How long the span took, in nanoseconds.
    lasted: Option<u64>,
    /// What the span failed with; it may say nothing.
    error: Option<&'a str>,
    attributes: Attributes<'a>,
}

impl<'a> Line<'a> {
    pub(super) fn of_log(record: &'a Record<'a>, view: &LogView<'a>) -> Line<'a> {
        let message = match view.body {
            Value::Empty => message(record, view.attributes, ""),
            Value::Str(body) => body.to_owned(),
            other => shown(other),
        };
        Line {
            record,
            time: view.time_unix_nano,
            span: view.span_id,
            parent: view.span_id,
            message,
            lasted: None,
            error: None,
            attributes: view.attributes,
        }
    }

    pub(super) fn of_start(record: &'a Record<'a>, view: &SpanView<'a>) -> Line<'a> {
        Line {
            record,
            time: view.start_time_unix_nano,
            span: view.span_id,
            parent: view.parent_span_id,
            message: message(record, view.attributes, view.name),
            lasted: None,
            error: None,
            attributes: view.attributes,
        }
    }

    pub(super) fn of_end(record: &'a Record<'a>, view: &SpanView<'a>) -> Line<'a> {
        Line {
            time: view.end_time_unix_nano,
            lasted: Some(
                view.end_time_unix_nano
                    .saturating_sub(view.start_time_unix_nano),
            ),
            error: (view.status.code == 2).then_some(view.status.message),
            ..Line::of_start(record, view)
        }
    }

    /// Writes it for people.
    pub(super) fn write(&self, console: &Console, colors: Colors, depth: usize, out: &mut String) {
        if console.timestamps {
            colors.paint(DIM, &clock(self.time), out);
            out.push_str("  ");
        }
        out.extend(std::iter::repeat_n("  ", depth));
        let color = match self.record.level {
            level if level >= Level::Error => Some(RED),
            level if level >= Level::Warn => Some(YELLOW),
            Level::Notice => Some(BLUE),
            level if level < Level::Info => Some(DIM),
            _ => None,
        };
        let mut text = String::new();
        if self.error.is_some() {
            text.push_str("failed: ");
        } else if self.record.level != Level::Info {
            let _ = write!(text, "{}  ", self.record.level);
        }
        text.push_str(&printable(&self.message));
        match color {
            Some(color) => colors.paint(color, &text, out),
            None => out.push_str(&text),
        }
        let end = self.end();
        if !end.is_empty() {
            out.push_str("  ");
            colors.paint(DIM, &end, out);
        }
        let mut details = String::new();
        if console.tags {
            for tag in self.record.callsite.tags() {
                let _ = write!(details, "  [{tag}]");
            }
        }
        if console.verbose {
            self.write_details(&mut details);
        }
        if !details.is_empty() {
            colors.paint(DIM, &details, out);
        }
        out.push('\n');
    }

    /// How a span went: how long it took, what it used, what it failed with.
    fn end(&self) -> String {
        let mut parts: Vec<String> = self.lasted.map(duration).into_iter().collect();
        if self.lasted.is_some() {
            parts.extend(tokens(self.attributes));
        }
        parts.extend(self.error.filter(|error| !error.is_empty()).map(printable));
        parts.join(" · ")
    }

    fn write_details(&self, details: &mut String) {
        for (key, value) in self.attributes.iter().flatten() {
            let value = match value {
                Value::Str(text) => printable(text),
                other => shown(other),
            };
            let _ = write!(details, "  {key}={value}");
        }
        let source = self.record.callsite.source();
        if !source.file.is_empty() {
            let _ = write!(details, "  {}:{}", source.file, source.line);
        }
    }

    /// Writes it for programs.
    pub(super) fn write_json(&self, out: &mut String) {
        let mut line = json!({
            "time": Timestamp::from_nanosecond(i128::from(self.time)).map(|time| time.to_string()).unwrap_or_default(),
            "level": self.record.level.name(),
            "type": match self.record.kind {
                Kind::Log => "log",
                Kind::Span => "span",
                Kind::Started => "start",
            },
            "message": self.message,
            "span_id": self.span.to_string(),
            "parent_span_id": self.parent.to_string(),
        });
        if let Some(entries) = line.as_object_mut() {
            if let Some(lasted) = self.lasted {
                entries.insert("duration_seconds".to_owned(), json!(lasted as f64 / 1e9));
            }
            if let Some(error) = self.error {
                entries.insert("error".to_owned(), json!(error));
            }
            let attributes: serde_json::Map<String, serde_json::Value> = self
                .attributes
                .iter()
                .flatten()
                .map(|(key, value)| (key.to_owned(), json_of(value)))
                .collect();
            entries.insert("attributes".to_owned(), attributes.into());
        }
        let _ = writeln!(out, "{line}");
    }
}

impl Colors {
    fn paint(self, color: &str, text: &str, out: &mut String) {
        match self.0 {
            true => drop(write!(out, "\x1b[{color}m{text}\x1b[0m")),
            false => out.push_str(text),
        }
    }
}

fn message(record: &Record<'_>, attributes: Attributes<'_>, name: &str) -> String {
    let own = match attributes.get("logfire.msg") {
        Ok(Some(Value::Str(message))) => Some(message.to_owned()),
        _ => Template::of(record.callsite).message(attributes),
    };
    let unnamed = || {
        if name.is_empty() {
            record.callsite.template()
        } else {
            name
        }
    };
    own.unwrap_or_else(|| unnamed().to_owned())
}

/// The time of day, where the program runs.
fn clock(unix_nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or_default();
    time.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S%.3f")
        .to_string()
}

fn duration(nanos: u64) -> String {
    match nanos {
        0..1_000_000 => format!("{} µs", nanos / 1_000),
        1_000_000..10_000_000_000 => format!("{} ms", nanos / 1_000_000),
        _ => format!("{:.1} s", nanos as f64 / 1e9),
    }
}

/// Tokens of an LLM call, by OpenTelemetry's names.
fn tokens(attributes: Attributes<'_>) -> Option<String> {
    let count = |key| match attributes.get(key) {
        Ok(Some(Value::Int(count))) => Some(grouped(count)),
        _ => None,
    };
    match (
        count("gen_ai.usage.input_tokens"),
        count("gen_ai.usage.output_tokens"),
    ) {
        (Some(input), Some(output)) => Some(format!("{input} → {output} tokens")),
        (Some(count), None) | (None, Some(count)) => Some(format!("{count} tokens")),
        (None, None) => None,
    }
}

/// `1204` as `1,204`.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Without what would take the terminal over: control characters, except that lines may break.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| {
            if char.is_control() && char != '\n' {
                '\u{fffd}'
            } else {
                char
            }
        })
        .collect()
}

fn json_of(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Empty => serde_json::Value::Null,
        Value::Str(text) => text.into(),
        Value::Bool(value) => value.into(),
        Value::Int(value) => value.into(),
        Value::Double(value) => value.into(),
        Value::Bytes(bytes) => bytes.into(),
        Value::Array(array) => array.into_iter().flatten().map(json_of).collect(),
        Value::Map(map) => map
            .iter()
            .flatten()
            .map(|(key, value)| (key.to_owned(), json_of(value)))
            .collect(),
    }
}
