//! Errors on their way out of a deserializer: first without a place, then with the innermost one.

use std::fmt;
use std::sync::Arc;

use serde::de::{Expected, Unexpected};

use crate::document::Entry;
use crate::{ConfigError, Location, Node, suggest};

/// What is wrong, and where once that is known.
#[derive(Debug)]
pub(crate) struct DecodeError {
    message: String,
    hint: Option<String>,
    place: Option<(Location, String)>,
    /// The path of a null in a place where there might be a default.
    pub(super) null_at: Option<Arc<str>>,
}

impl DecodeError {
    fn new(message: String) -> DecodeError {
        DecodeError {
            message,
            hint: None,
            place: None,
            null_at: None,
        }
    }

    pub(super) fn expected(expected: &str, found: &str) -> DecodeError {
        DecodeError::new(format!("expected {expected}, found {found}"))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> DecodeError {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn suggest(mut self, written: &str, known: &[&str]) -> DecodeError {
        self.hint = suggest::hint(written, known);
        self
    }

    /// Says that the error is a null where there might be a default.
    pub(super) fn of_null(self, node: &Node) -> DecodeError {
        DecodeError {
            null_at: Some(Arc::clone(&node.path)),
            ..self
        }
    }

    /// Places the error at a node, unless it has a place already, and takes out what was expanded there.
    pub(super) fn placed_at(mut self, node: &Node) -> DecodeError {
        if self.place.is_none() {
            self.place = Some((node.location.clone(), node.path.to_string()));
            self.message = node.without_secrets(self.message);
            self.hint = self.hint.map(|hint| node.without_secrets(hint));
        }
        self
    }

    /// Places the error at the key of an entry, unless it has a place already.
    pub(super) fn placed_at_key(mut self, entry: &Entry) -> DecodeError {
        if self.place.is_none() {
            self.place = Some((entry.location.clone(), entry.node.path.to_string()));
        }
        self
    }
}

impl From<ConfigError> for DecodeError {
    fn from(error: ConfigError) -> DecodeError {
        let place = error.location.map(|location| (location, error.path));
        DecodeError {
            message: error.message,
            hint: error.hint,
            place,
            null_at: None,
        }
    }
}

impl From<DecodeError> for ConfigError {
    fn from(error: DecodeError) -> ConfigError {
        let (location, path) = error.place.unzip();
        ConfigError {
            location,
            path: path.unwrap_or_default(),
            message: error.message,
            hint: error.hint,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> DecodeError {
        DecodeError::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> DecodeError {
        DecodeError::expected(&in_words(expected), &found_in_words(found))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> DecodeError {
        DecodeError::expected(&in_words(expected), &found_in_words(found))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> DecodeError {
        DecodeError::expected(&in_words(expected), &format!("{length} elements"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> DecodeError {
        DecodeError::new(format!("unknown value `{variant}`")).suggest(variant, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> DecodeError {
        DecodeError::new(format!("unknown key `{field}`")).suggest(field, expected)
    }

    fn missing_field(field: &'static str) -> DecodeError {
        DecodeError::new(format!("`{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> DecodeError {
        DecodeError::new(format!("`{field}` is given twice, under two of its names"))
    }
}

/// What a visitor expects, in the words of a configuration's author.
fn in_words(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "a string" | "a character" | "path string" | "string only" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        words if words.starts_with("struct ") => "a map".to_owned(),
        words => words.to_owned(),
    }
}

fn found_in_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(number) => format!("`{number}`"),
        Unexpected::Signed(number) => format!("`{number}`"),
        Unexpected::Float(number) => format!("`{number}`"),
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a map".to_owned(),
        other => other.to_string(),
    }
}
