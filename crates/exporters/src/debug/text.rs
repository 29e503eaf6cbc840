//! The text under construction, and how the Collector (that is, Go) writes values in it.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_otlp::view::{Attributes, Value};
use fanlight_otlp::{DecodeError, SpanId, TraceId, json};

/// Lines of text.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Adds a line.
    pub(super) fn line(&mut self, line: fmt::Arguments<'_>) {
        self.add(line);
        self.0.push('\n');
    }

    /// Adds to the current line. Writing to a `String` cannot fail.
    pub(super) fn add(&mut self, part: fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(part);
    }

    /// Adds a value without its type.
    pub(super) fn value(&mut self, value: &Value<'_>) -> Result<(), DecodeError> {
        match value {
            Value::Empty => {}
            Value::Str(text) => self.0.push_str(text),
            Value::Bool(value) => self.add(format_args!("{value}")),
            Value::Int(value) => self.add(format_args!("{value}")),
            Value::Double(value) => self.add(format_args!("{}", Plain(*value))),
            Value::Bytes(bytes) => STANDARD.encode_string(bytes, &mut self.0),
            Value::Array(_) | Value::Map(_) => {
                let mut plain = Vec::new();
                json::write_plain_value(value, &mut plain)?;
                self.0.push_str(&String::from_utf8_lossy(&plain));
            }
        }
        Ok(())
    }

    /// Adds `Str(text)`.
    pub(super) fn typed_value(&mut self, value: &Value<'_>) -> Result<(), DecodeError> {
        self.add(format_args!("{}(", type_name(value)));
        self.value(value)?;
        self.0.push(')');
        Ok(())
    }

    /// Adds `key=value`, with `separator` between two.
    pub(super) fn pairs(
        &mut self,
        attributes: Attributes<'_>,
        separator: &str,
    ) -> Result<(), DecodeError> {
        for (index, attribute) in attributes.iter().enumerate() {
            let (key, value) = attribute?;
            let separator = if index == 0 { "" } else { separator };
            self.add(format_args!("{separator}{key}="));
            self.value(&value)?;
        }
        Ok(())
    }

    /// The text, with control characters but tabs and line breaks escaped.
    pub(super) fn printable(self) -> String {
        let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        if self.0.chars().all(is_plain) {
            return self.0;
        }
        let mut printable = String::with_capacity(self.0.len() + 64);
        for c in self.0.chars() {
            if is_plain(c) {
                printable.push(c);
            } else {
                printable.extend(c.escape_unicode());
            }
        }
        printable
    }
}

const fn type_name(value: &Value<'_>) -> &'static str {
    match value {
        Value::Empty => "Empty",
        Value::Str(_) => "Str",
        Value::Bool(_) => "Bool",
        Value::Int(_) => "Int",
        Value::Double(_) => "Double",
        Value::Bytes(_) => "Bytes",
        Value::Array(_) => "Slice",
        Value::Map(_) => "Map",
    }
}

/// A number as JSON has it: exponents only for the very small and the very large.
struct Plain(f64);

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if self.0.is_infinite() {
            f.write_str(if self.0 > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            })
        } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{:e}", self.0);
            f.write_str(&if size >= 1.0 {
                text.replace('e', "e+")
            } else {
                text
            })
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A number as Go's `%v` has it.
pub(super) struct Shortest(pub(super) f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if self.0.is_infinite() {
            f.write_str(infinity(self.0))
        } else if size != 0.0 && !(1e-4..1e6).contains(&size) && !self.0.is_nan() {
            let text = format!("{:e}", self.0);
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |rest| ('-', rest));
            write!(f, "{digits}e{sign}{exponent:0>2}")
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A number as Go's `%f` has it: six decimals.
pub(super) struct Decimals(pub(super) f64);

impl fmt::Display for Decimals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_infinite() {
            f.write_str(infinity(self.0))
        } else {
            write!(f, "{:.6}", self.0)
        }
    }
}

const fn infinity(value: f64) -> &'static str {
    if value > 0.0 { "+Inf" } else { "-Inf" }
}

/// Nanoseconds since 1970 as `2024-01-23 17:54:41.000000153 +0000 UTC`.
pub(super) struct Time(pub(super) u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC")),
            // No 64-bit count of nanoseconds leaves jiff's range.
            Err(_) => write!(f, "{} ns", self.0),
        }
    }
}

/// An id, which is nothing where it is zero.
pub(super) fn id(id: impl fmt::Display + IsZero) -> String {
    if id.is_zero() {
        String::new()
    } else {
        id.to_string()
    }
}

/// Ids that can be absent.
pub(super) trait IsZero {
    fn is_zero(&self) -> bool;
}

impl IsZero for TraceId {
    fn is_zero(&self) -> bool {
        TraceId::is_zero(self)
    }
}

impl IsZero for SpanId {
    fn is_zero(&self) -> bool {
        SpanId::is_zero(self)
    }
}

/// The word for a value of an enum; nothing for a value that it does not have.
pub(super) fn word<'w>(words: &[&'w str], value: i32) -> &'w str {
    usize::try_from(value)
        .ok()
        .and_then(|index| words.get(index))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, plain, shortest, decimals) in [
            (0.0, "0", "0", "0.000000"),
            (1.0, "1", "1", "1.000000"),
            (-34.22, "-34.22", "-34.22", "-34.220000"),
            (0.00001, "0.00001", "1e-05", "0.000010"),
            (1.5e-7, "1.5e-7", "1.5e-07", "0.000000"),
            (999_999.5, "999999.5", "999999.5", "999999.500000"),
            (1_234_567.0, "1234567", "1.234567e+06", "1234567.000000"),
            (
                1e20,
                "100000000000000000000",
                "1e+20",
                "100000000000000000000.000000",
            ),
            (1e21, "1e+21", "1e+21", "1000000000000000000000.000000"),
            (1e-100, "1e-100", "1e-100", "0.000000"),
            (f64::NAN, "NaN", "NaN", "NaN"),
            (f64::INFINITY, "Infinity", "+Inf", "+Inf"),
            (f64::NEG_INFINITY, "-Infinity", "-Inf", "-Inf"),
        ] {
            assert_eq!(Plain(number).to_string(), plain);
            assert_eq!(Shortest(number).to_string(), shortest);
            assert_eq!(Decimals(number).to_string(), decimals);
        }
    }

    #[test]
    fn times_are_written_as_go_writes_them() {
        assert_eq!(Time(0).to_string(), "1970-01-01 00:00:00 +0000 UTC");
        assert_eq!(
            Time(1_581_452_772_000_000_321).to_string(),
            "2020-02-11 20:26:12.000000321 +0000 UTC"
        );
        assert_eq!(
            Time(1_581_452_772_500_000_000).to_string(),
            "2020-02-11 20:26:12.5 +0000 UTC"
        );
        assert_eq!(
            Time(u64::MAX).to_string(),
            "2554-07-21 23:34:33.709551615 +0000 UTC"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut text = Text::default();
        text.line(format_args!("a\x1b[2Jb\tc\r"));
        assert_eq!(text.printable(), "a\\u{1b}[2Jb\tc\\u{d}\n");
    }
}
