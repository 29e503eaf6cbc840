//! Patterns of paths in the configuration.

use serde::Deserialize;

/// A path in which `*` stands for any text: `/anthropic/*`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Whether the pattern fits the whole path, as the client writes it.
    pub(crate) fn fits(&self, path: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else {
            return false;
        };
        let mut parts = parts.peekable();
        if parts.peek().is_none() {
            return rest.is_empty();
        }
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        let cases = [
            ("/v1/models", "/v1/models", true),
            ("/v1/models", "/v1/models/x", false),
            ("/anthropic/*", "/anthropic/v1/messages", true),
            ("/anthropic/*", "/openai/v1", false),
            ("*/embeddings", "/groq/v1/embeddings", true),
            ("/*/v1/*", "/groq/v1/models", true),
            ("/*/v1/*", "/groq/v2/models", false),
            ("*", "/", true),
        ];
        for (pattern, path, expected) in cases {
            assert_eq!(
                Pattern(pattern.to_owned()).fits(path),
                expected,
                "{pattern} {path}"
            );
        }
    }
}
