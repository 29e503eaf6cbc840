//! What a use of a macro says, checked.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, Path};

/// A use of `span!` or of one of the log macros, and the span of an instrumented function.
pub(crate) struct Call {
    pub(crate) options: Options,
    pub(crate) message: Message,
    /// In the order in which they are evaluated.
    pub(crate) attributes: Vec<Attribute>,
}

/// What is said by name, before the message.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) level: Option<Expr>,
    pub(crate) kind: Option<Expr>,
    pub(crate) parent: Option<Expr>,
    pub(crate) links: Option<Expr>,
    pub(crate) tags: Option<Expr>,
    pub(crate) error: Option<Expr>,
    pub(crate) is_root: bool,
    /// The crate `fanlight`, where it has another name.
    pub(crate) fanlight: Option<Path>,
}

/// The message with its placeholders.
#[derive(Debug)]
pub(crate) struct Message {
    /// As the callsite keeps it: braces doubled, placeholders with nothing but their key.
    pub(crate) template: String,
    /// Where it was written.
    pub(crate) span: Span,
    /// How to make the message at the call, where a placeholder asks for a format that only `format_args!` knows.
    pub(crate) formatted: Option<Vec<Piece>>,
}

/// A part of a message that is formatted at the call.
#[derive(Debug)]
pub(crate) enum Piece {
    Text(String),
    Placeholder {
        /// Which of the attributes.
        attribute: usize,
        /// What follows the colon.
        spec: String,
        /// Names in the spec that stand for a width or a precision.
        arguments: Vec<Argument>,
    },
}

/// A width or a precision that is a value.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: Ident,
    /// Which of the attributes it is; otherwise a variable.
    pub(crate) attribute: Option<usize>,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) key: String,
    pub(crate) span: Span,
    pub(crate) capture: Capture,
    pub(crate) value: TokenStream,
}

/// How a value is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    /// Typed, as `ToValue` says.
    Typed,
    /// `?value`
    Debug,
    /// `%value`
    Display,
    /// `#value`
    Serialized,
}

/// What `#[instrument]` says of its function.
pub(crate) struct Instrument {
    pub(crate) call: Call,
    /// How the returned value is recorded, if it is.
    pub(crate) returned: Option<Capture>,
    /// Whether errors are recorded, and where that is said.
    pub(crate) errors: Option<Span>,
}
