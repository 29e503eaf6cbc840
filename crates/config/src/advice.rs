//! Telling what to write instead.

use crate::ConfigError;

/// The candidate that a misspelt word most likely means, if one is close enough.
pub fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let folded = word.to_ascii_lowercase();
    let scored = candidates.iter().map(|candidate| {
        (strsim::damerau_levenshtein(&folded, &candidate.to_ascii_lowercase()), *candidate)
    });
    let (distance, best) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= word.len().div_ceil(3).max(1)).then_some(best)
}

impl ConfigError {
    /// An error that belongs to no place in a document.
    pub fn without_place(message: impl Into<String>) -> ConfigError {
        ConfigError { location: None, path: String::new(), message: message.into(), hint: None }
    }

    /// The same error with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> ConfigError {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with this hint, unless it has one.
    #[must_use]
    pub fn or_hint(self, hint: impl Into<String>) -> ConfigError {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// The same error with the candidate that a misspelt word most likely means; where none is close, with all of them.
    #[must_use]
    pub fn suggest(self, word: &str, candidates: &[&str]) -> ConfigError {
        match nearest(word, candidates) {
            Some(candidate) => self.hint(format!("did you mean `{candidate}`?")),
            None if candidates.is_empty() => self,
            None => {
                let mut known: Vec<&str> = candidates.to_vec();
                known.sort_unstable();
                known.dedup();
                self.hint(format!("known here: {}", known.join(", ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_none() {
        assert_eq!(nearest("endpont", &["endpoint", "encoding"]), Some("endpoint"));
        assert_eq!(nearest("OTLP", &["otlp", "debug"]), Some("otlp"));
        assert_eq!(nearest("kafka", &["otlp", "debug"]), None);
    }
}
