//! Component ids: `type` or `type/name`.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The id of a component: its type, and a name where there are several of one type.
///
/// The type is a letter followed by up to 62 letters, digits and underscores. The name is any text without whitespace,
/// control characters and symbols, at most 1024 characters. Blanks around either are dropped.
/// [Source](https://github.com/open-telemetry/opentelemetry-collector/blob/main/component/identifiable.go).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    kind: String,
    name: String,
}

impl ComponentId {
    /// The id of the only component of its type.
    pub fn of(kind: &str) -> ComponentId {
        ComponentId {
            kind: kind.to_owned(),
            name: String::new(),
        }
    }

    /// The type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name; empty for a bare type.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        Ok(())
    }
}

/// The text is not a component id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a component id: {why}; write one like otlp or otlp/backend")]
pub struct InvalidComponentId {
    text: String,
    why: &'static str,
}

const LONGEST_KIND: usize = 63;
const LONGEST_NAME: usize = 1024;

impl FromStr for ComponentId {
    type Err = InvalidComponentId;

    fn from_str(text: &str) -> Result<ComponentId, InvalidComponentId> {
        let invalid = |why| InvalidComponentId {
            text: text.to_owned(),
            why,
        };
        let (kind, name) = match text.split_once('/') {
            Some((_, name)) if name.trim().is_empty() => {
                return Err(invalid("the name after the slash is missing"));
            }
            Some((kind, name)) => (kind.trim(), name.trim()),
            None => (text.trim(), ""),
        };
        if kind.is_empty() {
            return Err(invalid("the type is missing"));
        }
        if !kind.starts_with(|c: char| c.is_ascii_alphabetic())
            || kind.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        {
            return Err(invalid(
                "a type is a letter, then letters, digits and underscores",
            ));
        }
        if kind.len() > LONGEST_KIND {
            return Err(invalid("a type has at most 63 characters"));
        }
        if name.chars().count() > LONGEST_NAME {
            return Err(invalid("a name has at most 1024 characters"));
        }
        if name.contains(is_forbidden_in_name) {
            return Err(invalid(
                "a name has no whitespace, control characters or symbols",
            ));
        }
        Ok(ComponentId {
            kind: kind.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// Whether the Collector forbids the character in a name: Unicode classes Z (separators), C (control) and S (symbols).
/// Symbols outside ASCII are not told apart here and therefore accepted.
fn is_forbidden_in_name(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "$+<=>^`|~".contains(c)
}

impl<'de> Deserialize<'de> for ComponentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ComponentId, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = ComponentId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a component id like otlp or otlp/backend")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<ComponentId, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_shown_alike() {
        let cases = [
            ("otlp", "otlp", "", "otlp"),
            ("otlp/tempo", "otlp", "tempo", "otlp/tempo"),
            (" otlp / tempo ", "otlp", "tempo", "otlp/tempo"),
            (
                "otlp_http/eu-1.a/b#2",
                "otlp_http",
                "eu-1.a/b#2",
                "otlp_http/eu-1.a/b#2",
            ),
            ("otlp/größe", "otlp", "größe", "otlp/größe"),
        ];
        for (text, kind, name, shown) in cases {
            let id: ComponentId = text.parse().unwrap();
            assert_eq!(
                (id.kind(), id.name(), id.to_string().as_str()),
                (kind, name, shown)
            );
        }
    }

    #[test]
    fn what_the_collector_forbids_is_refused() {
        let long = "x".repeat(64);
        for text in [
            "",
            "/",
            "/x",
            "otlp/",
            "otlp/ ",
            "1otlp",
            "_otlp",
            "ot-lp",
            "ot lp",
            "otlp/a b",
            "otlp/a=b",
            "otlp/a\u{7}b",
            &long,
        ] {
            assert!(text.parse::<ComponentId>().is_err(), "{text:?}");
        }
    }
}
