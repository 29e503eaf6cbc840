//! Errors and panics as OpenTelemetry's exceptions.
//!
//! [Source](https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/).

use std::error::Error;
use std::fmt::Write as _;

use crate::callsite::Callsite;
use crate::value::ToValue;

/// An error as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    kind: String,
    message: String,
    causes: String,
    fingerprint: String,
}

impl Exception {
    /// Reads an error and what caused it.
    pub(crate) fn of<E: Error + ?Sized>(error: &E, at: &Callsite) -> Exception {
        let kind = std::any::type_name::<E>();
        Exception::new(kind, error.to_string(), causes(error.source()), at)
    }

    fn new(kind: &str, message: String, causes: String, at: &Callsite) -> Exception {
        let source = at.source();
        Exception {
            fingerprint: format!(
                "{:016x}",
                fingerprint(&[kind, source.module, source.file, at.template()])
            ),
            kind: kind.to_owned(),
            message,
            causes,
        }
    }

    /// The attributes of the event `exception`.
    pub(crate) fn attributes(&self) -> Vec<(&'static str, &dyn ToValue)> {
        let mut attributes: Vec<(&'static str, &dyn ToValue)> = vec![
            ("exception.type", &self.kind),
            ("exception.message", &self.message),
        ];
        if !self.causes.is_empty() {
            attributes.push(("exception.stacktrace", &self.causes));
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
fn fingerprint(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
