//! Errors and panics as OpenTelemetry's exceptions.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::fmt::Write as _;
use std::panic::Location;

use crate::callsite::Callsite;
use crate::value::ToValue;

/// An error as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    kind: String,
    message: String,
    /// The causes of an error, or the calls that led to a panic.
    trace: String,
    fingerprint: String,
}

/// What an error says of itself, wherever it is recorded.
#[derive(Debug)]
pub struct Described {
    kind: Cow<'static, str>,
    message: String,
    causes: String,
}

impl Described {
    /// An error and what caused it.
    pub(crate) fn of<E: Error + ?Sized>(kind: &'static str, error: &E) -> Described {
        Described {
            kind: without_references(kind).into(),
            message: error.to_string(),
            causes: causes(error.source()),
        }
    }

    /// Something that says what went wrong and nothing else.
    pub(crate) fn shown(kind: &'static str, failure: &(impl fmt::Display + ?Sized)) -> Described {
        Described {
            kind: without_references(kind).into(),
            message: failure.to_string(),
            causes: String::new(),
        }
    }

    /// An error whose type is known to nobody, but often is what its `Debug` form begins with.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn of_unknown(error: &(dyn Error + 'static)) -> Described {
        let shown = format!("{error:?}");
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let (name, rest) = shown.split_at(shown.find(|c| !is_part(c)).unwrap_or(shown.len()));
        let is_type = name.starts_with(char::is_uppercase)
            && (rest.is_empty() || rest.starts_with('(') || rest.starts_with(" {"));
        let kind = if is_type {
            name.to_owned()
        } else {
            "Error".to_owned()
        };
        Described {
            kind: kind.into(),
            message: error.to_string(),
            causes: causes(error.source()),
        }
    }

    /// An error whose text is not told as it is.
    #[cfg(feature = "reqwest")]
    pub(crate) fn retold(kind: &'static str, message: String, error: &dyn Error) -> Described {
        Described {
            kind: kind.into(),
            message,
            causes: causes(error.source()),
        }
    }

    /// What the error says.
    #[cfg(feature = "tracing")]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// As the exception of a place in the program.
    pub(crate) fn at(self, callsite: &Callsite) -> Exception {
        Exception::new(&self.kind, self.message, self.causes, callsite)
    }
}

/// A type's name, whether it was given by reference or not.
fn without_references(kind: &'static str) -> &'static str {
    kind.trim_start_matches('&')
}

impl Exception {
    /// Reads an error and what caused it.
    pub(crate) fn of<E: Error + ?Sized>(error: &E, at: &Callsite) -> Exception {
        Described::of(std::any::type_name::<E>(), error).at(at)
    }

    fn new(kind: &str, message: String, causes: String, at: &Callsite) -> Exception {
        let source = at.source();
        Exception {
            fingerprint: fingerprint(&[kind, source.module, source.file, at.template()]),
            kind: kind.to_owned(),
            message,
            trace: causes,
        }
    }

    /// A panic. It is known by where it happened, as no callsite tells.
    pub(crate) fn of_panic(
        message: &str,
        stacktrace: String,
        at: Option<&Location<'_>>,
    ) -> Exception {
        const KIND: &str = "panic";
        let place = at.map(ToString::to_string).unwrap_or_default();
        Exception {
            fingerprint: fingerprint(&[KIND, &place]),
            kind: KIND.to_owned(),
            message: message.to_owned(),
            trace: stacktrace,
        }
    }

    /// The attributes of the event `exception`.
    pub(crate) fn attributes(&self) -> Vec<(&'static str, &dyn ToValue)> {
        let mut attributes: Vec<(&'static str, &dyn ToValue)> = vec![
            ("exception.type", &self.kind),
            ("exception.message", &self.message),
        ];
        if !self.trace.is_empty() {
            attributes.push(("exception.stacktrace", &self.trace));
        }
        attributes
    }

    /// Equal for errors of one type at one place, whatever their text says.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// `type: message`.
    pub(crate) fn summary(&self) -> String {
        format!("{}: {}", self.kind, self.message)
    }
}

/// Each cause on a line of its own, the nearest first.
fn causes(mut cause: Option<&(dyn Error + 'static)>) -> String {
    let mut text = String::new();
    while let Some(error) = cause {
        let _ = writeln!(text, "caused by: {error}");
        cause = error.source();
    }
    text
}

/// FNV-1a over the parts: the same in every build and process.
fn fingerprint(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
