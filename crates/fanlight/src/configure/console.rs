//! How everything is shown on the console.

use std::str::FromStr;

use crate::Level;

/// What the console shows, and how.
///
/// ```
/// use fanlight::{Colors, ConsoleOptions, Level};
///
/// let options = ConsoleOptions { min_level: Level::Debug, colors: Colors::Never, ..ConsoleOptions::default() };
/// # assert!(options.timestamps);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleOptions {
    /// Whether to use colours.
    pub colors: Colors,
    /// How spans and what is in them are laid out.
    pub style: SpanStyle,
    /// Whether lines begin with the time.
    pub timestamps: bool,
    /// Whether tags are shown.
    pub tags: bool,
    /// Whether places in the code and attributes are shown too.
    pub is_verbose: bool,
    /// What matters less isn't shown.
    pub min_level: Level,
    /// Whether each line is a JSON object, for programs rather than people.
    pub is_json: bool,
}

/// Whether to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colors {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How spans and what is in them are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanStyle {
    /// What is in a span is indented.
    #[default]
    Indented,
    /// One line below the other.
    Simple,
    /// As indented; where threads take turns, the spans around are named again.
    ShowParents,
}

impl Default for ConsoleOptions {
    fn default() -> ConsoleOptions {
        ConsoleOptions {
            colors: Colors::Auto,
            style: SpanStyle::Indented,
            timestamps: true,
            tags: true,
            is_verbose: false,
            min_level: Level::Info,
            is_json: false,
        }
    }
}

/// The text names none of the choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be {0}")]
pub struct InvalidChoice(pub(super) &'static str);

impl FromStr for Colors {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Colors, InvalidChoice> {
        match text.to_ascii_lowercase().as_str() {
            "auto" => Ok(Colors::Auto),
            "always" => Ok(Colors::Always),
            "never" => Ok(Colors::Never),
            _ => Err(InvalidChoice("auto, always or never")),
        }
    }
}

impl FromStr for SpanStyle {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<SpanStyle, InvalidChoice> {
        match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "indented" => Ok(SpanStyle::Indented),
            "simple" => Ok(SpanStyle::Simple),
            "show-parents" => Ok(SpanStyle::ShowParents),
            _ => Err(InvalidChoice("indented, simple or show-parents")),
        }
    }
}
