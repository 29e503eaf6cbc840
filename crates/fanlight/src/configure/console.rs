//! How the environment asks for the console.

use super::environment::Reader;
use super::variables as var;
use crate::console::{Console, ConsoleColors, ConsoleStyle};

/// What the environment says of the console.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ConsoleWishes {
    /// Whether there is one.
    pub(crate) is_on: Option<bool>,
    /// What it is like, where the code doesn't say.
    pub(crate) console: Console,
    /// Whether NO_COLOR is set.
    pub(crate) is_colorless: bool,
}

impl ConsoleWishes {
    /// The console, if there is to be one.
    pub(crate) fn shown(self) -> Option<Console> {
        self.is_on.unwrap_or(false).then_some(self.console)
    }
}

/// Reads the variables LOGFIRE_CONSOLE_* and NO_COLOR.
pub(crate) fn read(reader: &mut Reader<'_>) -> ConsoleWishes {
    let usual = Console::default();
    let colors = reader.parse(
        var::LOGFIRE_CONSOLE_COLORS.name,
        "auto, always or never",
        parse_colors,
    );
    let style = reader.parse(
        var::LOGFIRE_CONSOLE_SPAN_STYLE.name,
        "indented, simple or json",
        parse_style,
    );
    ConsoleWishes {
        is_on: reader.bool(var::LOGFIRE_CONSOLE),
        console: Console {
            colors: colors.unwrap_or(usual.colors),
            style: style.unwrap_or(usual.style),
            minimum: reader
                .parsed(var::LOGFIRE_CONSOLE_MIN_LOG_LEVEL)
                .unwrap_or(usual.minimum),
            timestamps: reader
                .bool(var::LOGFIRE_CONSOLE_INCLUDE_TIMESTAMP)
                .unwrap_or(usual.timestamps),
            tags: reader
                .bool(var::LOGFIRE_CONSOLE_INCLUDE_TAGS)
                .unwrap_or(usual.tags),
            verbose: reader
                .bool(var::LOGFIRE_CONSOLE_VERBOSE)
                .unwrap_or(usual.verbose),
            ..usual
        },
        is_colorless: reader.text(var::NO_COLOR).is_some(),
    }
}

fn parse_colors(text: &str) -> Option<ConsoleColors> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Some(ConsoleColors::Auto),
        "always" => Some(ConsoleColors::Always),
        "never" => Some(ConsoleColors::Never),
        _ => None,
    }
}

/// `show-parents`, which Logfire's Python SDK knows besides, is as indented.
fn parse_style(text: &str) -> Option<ConsoleStyle> {
    match text.to_ascii_lowercase().replace('_', "-").as_str() {
        "indented" | "show-parents" => Some(ConsoleStyle::Indented),
        "simple" => Some(ConsoleStyle::Simple),
        "json" => Some(ConsoleStyle::Json),
        _ => None,
    }
}
