//! How much something matters.

use std::fmt;
use std::str::FromStr;

/// How much a span or a log record matters, least first.
///
/// The numbers are OpenTelemetry's [severity numbers](https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Every step, for whoever follows the code.
    Trace = 1,
    /// For whoever looks for a fault.
    Debug = 5,
    /// What the program is about.
    #[default]
    Info = 9,
    /// Worth a second look, and no fault.
    Notice = 10,
    /// Something may go wrong.
    Warn = 13,
    /// Something went wrong.
    Error = 17,
    /// The program can't go on.
    Fatal = 21,
}

/// The text names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a level is trace, debug, info, notice, warn, error or fatal")]
pub struct InvalidLevel;

impl Level {
    /// Every level, least first.
    pub const ALL: [Level; 7] = [
        Level::Trace,
        Level::Debug,
        Level::Info,
        Level::Notice,
        Level::Warn,
        Level::Error,
        Level::Fatal,
    ];

    /// Its name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Notice => "notice",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// OpenTelemetry's severity number.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The level of a severity number, which may be one between two levels; the nearest below, and nothing for 0.
    pub fn from_number(number: u8) -> Option<Level> {
        Level::ALL
            .into_iter()
            .rev()
            .find(|level| level.number() <= number)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = InvalidLevel;

    /// Reads a name in any case, and `warning` and `critical` as Python writes them.
    fn from_str(text: &str) -> Result<Level, InvalidLevel> {
        let text = text.trim().to_ascii_lowercase();
        match text.as_str() {
            "warning" => Ok(Level::Warn),
            "critical" => Ok(Level::Fatal),
            name => Level::ALL
                .into_iter()
                .find(|level| level.name() == name)
                .ok_or(InvalidLevel),
        }
    }
}
