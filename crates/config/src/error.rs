//! What is wrong with a configuration, where, and what to write instead.

use std::fmt;
use std::sync::Arc;

/// A place in a configuration document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file's name as the user gave it, or `environment`.
    pub file: Arc<str>,
    /// Line, from 1; 0 where there is none.
    pub line: usize,
    /// Column, from 1; 0 where there is none.
    pub column: usize,
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

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}
