//! Severity numbers, as numbers or by name.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A severity number from 1 to 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Severity(pub(super) i32);

/// The names of the numbers 1, 5, 9 and so on; the three after each have a digit behind the name.
const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Severity, D::Error> {
        deserializer.deserialize_any(SeverityVisitor)
    }
}

struct SeverityVisitor;

impl Visitor<'_> for SeverityVisitor {
    type Value = Severity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a severity number from 0 to 24, or a name such as INFO or WARN2")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Severity, E> {
        let number = i32::try_from(value)
            .ok()
            .filter(|number| (0..=24).contains(number));
        number
            .map(Severity)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Severity, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Severity, E> {
        let upper = text.to_uppercase();
        let name = upper.trim_end_matches(['2', '3', '4']);
        let step = match upper.strip_prefix(name) {
            Some("") => Some(1),
            Some("2") => Some(2),
            Some("3") => Some(3),
            Some("4") => Some(4),
            _ => None,
        };
        let group = NAMES
            .iter()
            .zip((0..).step_by(4))
            .find(|(known, _)| **known == name)
            .map(|(_, group)| group);
        match (group, step) {
            (Some(group), Some(step)) => Ok(Severity(group + step)),
            _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_mean_the_same() {
        let named = |text: &str| {
            SeverityVisitor
                .visit_str::<serde::de::value::Error>(text)
                .ok()
                .map(|severity| severity.0)
        };
        assert_eq!(named("INFO"), Some(9));
        assert_eq!(named("warn2"), Some(14));
        assert_eq!(named("FATAL4"), Some(24));
        assert_eq!(named("INFO5"), None);
        assert_eq!(named("LOUD"), None);
    }
}
