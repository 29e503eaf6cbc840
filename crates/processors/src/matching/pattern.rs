//! Texts to compare with, strictly or as regular expressions.

use fanlight_config::{ConfigError, Node};
use regex::Regex;
use serde::Deserialize;

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MatchType {
    Strict,
    Regexp,
}

/// A text to compare with.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Text(String),
    Regexp(Regex),
}

impl Pattern {
    /// Checks a text that stands under a key.
    pub(super) fn check(
        node: &Node,
        key: &str,
        kind: MatchType,
        text: &str,
    ) -> Result<Pattern, ConfigError> {
        match kind {
            MatchType::Strict => Ok(Pattern::Text(text.to_owned())),
            MatchType::Regexp => Regex::new(text)
                .map(Pattern::Regexp)
                .map_err(|error| node.error_at(key, format!("not a regular expression: {error}"))),
        }
    }

    /// Whether a text is this one, or is found by the expression.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Pattern::Text(expected) => expected == text,
            Pattern::Regexp(pattern) => pattern.is_match(text),
        }
    }
}
