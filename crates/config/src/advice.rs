//! Telling what to write instead.

use crate::{ConfigError, suggest};

impl ConfigError {
    /// The same error with this hint, unless it has one.
    #[must_use]
    pub fn or_hint(self, hint: impl Into<String>) -> ConfigError {
        if self.hint.is_some() {
            self
        } else {
            self.hint(hint)
        }
    }

    /// The same error with the candidate that was likely meant, if there is one.
    #[must_use]
    pub fn nearest(self, written: &str, candidates: &[&str]) -> ConfigError {
        match suggest::nearest(written, candidates.iter().copied()) {
            Some(candidate) => self.hint(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }

    /// The same error with the candidate that was likely meant, or else with all of them.
    #[must_use]
    pub fn suggest(self, written: &str, candidates: &[&str], what: &str) -> ConfigError {
        self.hint(suggest::hint(written, candidates, what))
    }
}
