//! What is wrong with a configuration, where, and what to write instead.
//!
//! No message repeats a value that came from an expansion: it may be a secret. The excerpt in [`ConfigError::render`]
//! ends at the key's colon for the same reason.

mod render;

use std::fmt;
use std::sync::Arc;

use crate::suggest;

/// A place in a configuration document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name as the user gave it, or `environment`.
    pub file: Arc<str>,
    /// Line, from 1; 0 where there is none.
    pub line: usize,
    /// Column, from 1, in characters; 0 where there is none.
    pub column: usize,
}

impl Location {
    /// A file as a whole, or a source that has no lines.
    pub fn of_file(file: &str) -> Location {
        Location {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (0, _) => f.write_str(&self.file),
            (line, 0) => write!(f, "{}:{line}", self.file),
            (line, column) => write!(f, "{}:{line}:{column}", self.file),
        }
    }
}

/// A configuration that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where.
    pub location: Option<Location>,
    /// The path of keys to the place: `exporters.otlp_http/langfuse.endpoint`.
    pub path: String,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead, if that is known.
    pub hint: Option<String>,
}

impl ConfigError {
    /// An error that belongs to no place in a document.
    pub fn new(message: impl Into<String>) -> ConfigError {
        ConfigError {
            location: None,
            path: String::new(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same error at a place.
    #[must_use]
    pub fn at(mut self, location: &Location) -> ConfigError {
        self.location = Some(location.clone());
        self
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
        if self.hint.is_some() {
            self
        } else {
            self.hint(hint)
        }
    }

    /// The same error with the candidate that a misspelt word most likely means; where none is close, with all of them.
    #[must_use]
    pub fn suggest(self, word: &str, candidates: &[&str]) -> ConfigError {
        match suggest::hint(word, candidates) {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// One line: place, path, fact, advice.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// All that is wrong with a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// Nothing wrong, or all of it.
    ///
    /// # Errors
    /// Itself, unless it is empty.
    pub fn into_result(self) -> Result<(), ConfigErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// One line for each.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> ConfigErrors {
        ConfigErrors(vec![error])
    }
}
