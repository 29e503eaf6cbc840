//! Durations as Go writes them: `1h30m`, `200ms`, `1.5s`. A bare integer counts nanoseconds, as in the Collector.
//!
//! Never negative, at most about 292 years (Go's limit). For fields: `#[serde(with = "fanlight_config::duration")]`,
//! and `#[serde(with = "fanlight_config::duration::option")]` for `Option<Duration>`.
//! [Source](https://pkg.go.dev/time#ParseDuration).

use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Error, Visitor};

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a duration{why}; write one like 5s, 200ms or 1h30m")]
pub struct InvalidDuration {
    text: String,
    why: &'static str,
}

/// Nanoseconds of each unit. `µs` exists with the micro sign and with the Greek letter.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration.
///
/// # Errors
/// When the text has no number, a unit that does not exist, a sign, or is too large.
pub fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let invalid = |why| InvalidDuration {
        text: text.to_owned(),
        why,
    };
    if text.starts_with('-') {
        return Err(invalid(", since it is negative"));
    }
    let written = text.strip_prefix('+').unwrap_or(text);
    if !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit()) {
        let nanoseconds = written
            .parse::<u64>()
            .ok()
            .filter(|n| i64::try_from(*n).is_ok());
        return nanoseconds
            .map(Duration::from_nanos)
            .ok_or_else(|| invalid(", since it is too large"));
    }
    let mut total = 0_u64;
    let mut rest = written;
    loop {
        let (nanoseconds, tail) = part(rest).map_err(invalid)?;
        total = total
            .checked_add(nanoseconds)
            .filter(|n| i64::try_from(*n).is_ok())
            .ok_or_else(|| invalid(", since it is too large"))?;
        if tail.is_empty() {
            return Ok(Duration::from_nanos(total));
        }
        rest = tail;
    }
}

/// One number with its unit: nanoseconds, and what follows.
fn part(text: &str) -> Result<(u64, &str), &'static str> {
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(digits_end);
    let unit_end = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, tail) = rest.split_at(unit_end);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && decimals.is_empty()) || decimals.contains('.') {
        return Err("");
    }
    let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(if unit.is_empty() {
            ", since its unit is missing"
        } else {
            ", since its unit is none of ns, us, ms, s, m, h"
        });
    };
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| ", since it is too large")?
    };
    let mut nanoseconds = whole.checked_mul(*scale).ok_or(", since it is too large")?;
    let mut place = *scale;
    for digit in decimals.bytes() {
        // Digits below a nanosecond are cut off, as in Go.
        place /= 10;
        nanoseconds = nanoseconds
            .checked_add(u64::from(digit - b'0') * place)
            .ok_or(", since it is too large")?;
    }
    Ok((nanoseconds, tail))
}

/// Shows a duration so that [`parse`] reads it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Display(pub Duration);

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, scale) in [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ] {
            if rest >= scale {
                write!(f, "{}{unit}", rest / scale)?;
                rest %= scale;
            }
        }
        Ok(())
    }
}

/// For `#[serde(with = "fanlight_config::duration")]`.
///
/// # Errors
/// When the value is not a duration.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(Text)
}

/// For `#[serde(with = "fanlight_config::duration::option")]`: null is none.
pub mod option {
    use super::{Deserializer, Duration, Text, Visitor, fmt};
    use serde::de::Error;

    /// Reads a duration, or none from null.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        deserializer.deserialize_option(Optional)
    }

    struct Optional;

    impl<'de> Visitor<'de> for Optional {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            Text.expecting(f)
        }

        fn visit_none<E: Error>(self) -> Result<Option<Duration>, E> {
            Ok(None)
        }

        fn visit_unit<E: Error>(self) -> Result<Option<Duration>, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Option<Duration>, D::Error> {
            super::deserialize(deserializer).map(Some)
        }
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration like 5s")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::too_many_lines, reason = "tables of cases")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn go_durations_are_read() {
        let cases = [
            ("0", 0),
            ("0s", 0),
            ("5s", 5_000_000_000),
            ("200ms", 200_000_000),
            ("1.5s", 1_500_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("10μs", 10_000),
            ("7", 7),
            ("+3m", 180_000_000_000),
            ("0.0000000019s", 1),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_what_to_write() {
        let cases = [
            (
                "",
                "`` is not a duration; write one like 5s, 200ms or 1h30m",
            ),
            (
                "fast",
                "`fast` is not a duration; write one like 5s, 200ms or 1h30m",
            ),
            (
                "-5s",
                "`-5s` is not a duration, since it is negative; write one like 5s, 200ms or 1h30m",
            ),
            (
                "5 s",
                "`5 s` is not a duration, since its unit is none of ns, us, ms, s, m, h; write one like 5s, 200ms or 1h30m",
            ),
            (
                "5d",
                "`5d` is not a duration, since its unit is none of ns, us, ms, s, m, h; write one like 5s, 200ms or 1h30m",
            ),
            (
                "1.5",
                "`1.5` is not a duration, since its unit is missing; write one like 5s, 200ms or 1h30m",
            ),
            (
                "1h5",
                "`1h5` is not a duration, since its unit is missing; write one like 5s, 200ms or 1h30m",
            ),
            (
                "99999999h",
                "`99999999h` is not a duration, since it is too large; write one like 5s, 200ms or 1h30m",
            ),
            (
                "99999999999999999999",
                "`99999999999999999999` is not a duration, since it is too large; write one like 5s, 200ms or 1h30m",
            ),
            (
                "1.2.3s",
                "`1.2.3s` is not a duration; write one like 5s, 200ms or 1h30m",
            ),
        ];
        for (text, message) in cases {
            assert_eq!(
                parse(text).map_err(|e| e.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(nanoseconds in 0..i64::MAX as u64) {
            let duration = Duration::from_nanos(nanoseconds);
            prop_assert_eq!(parse(&Display(duration).to_string()), Ok(duration));
        }

        #[test]
        fn any_text_has_an_answer(text in ".*") {
            let _ = parse(&text);
        }
    }
}
