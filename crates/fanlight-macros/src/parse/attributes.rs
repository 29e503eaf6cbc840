//! `key = value`, and its short forms.

use proc_macro2::{Ident, Span, TokenStream};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Result};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Token};

use crate::model::{Attribute, Capture};

/// `user.name`: a key, and the value of that name.
pub(super) struct Name(Punctuated<Ident, Token![.]>);

impl Name {
    pub(super) fn parse(input: ParseStream<'_>) -> Result<Name> {
        let mut name = Punctuated::new();
        name.push_value(Ident::parse_any(input)?);
        while input.peek(Token![.]) && input.peek2(Ident::peek_any) {
            name.push_punct(input.parse()?);
            name.push_value(Ident::parse_any(input)?);
        }
        Ok(Name(name))
    }

    fn key(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|part| part.unraw().to_string()).collect();
        parts.join(".")
    }

    fn span(&self) -> Span {
        // The whole path where the compiler can join spans, which it can do in nightly versions; its start otherwise.
        self.0.first().map_or_else(Span::call_site, Ident::span)
    }

    /// The attribute whose key and value this is.
    pub(super) fn into_attribute(self, capture: Capture) -> Attribute {
        Attribute {
            key: self.key(),
            span: self.span(),
            capture,
            value: self.0.into_token_stream(),
        }
    }

    fn is_place(&self) -> bool {
        self.0.iter().all(|part| part != "await")
    }
}

/// The next attribute.
pub(super) fn parse(input: ParseStream<'_>) -> Result<Attribute> {
    if input.peek(LitStr) && input.peek2(Token![=]) {
        let key: LitStr = input.parse()?;
        return with_value(key.value(), key.span(), input);
    }
    if input.peek(Ident::peek_any) {
        let ahead = input.fork();
        let name = Name::parse(&ahead)?;
        if ahead.peek(Token![=]) && !ahead.peek(Token![==]) {
            Name::parse(input)?;
            return with_value(name.key(), name.span(), input);
        }
    }
    short(input)
}

/// What follows a key.
fn with_value(key: String, span: Span, input: ParseStream<'_>) -> Result<Attribute> {
    input.parse::<Token![=]>()?;
    let capture = sigil(input)?;
    if input.is_empty() || input.peek(Token![,]) {
        return Err(Error::new(span, format!("`{key}` has no value")));
    }
    let value: Expr = input.parse()?;
    Ok(Attribute {
        key,
        span,
        capture,
        value: value.into_token_stream(),
    })
}

/// `name`, `?name`, `%name`, `#name`.
fn short(input: ParseStream<'_>) -> Result<Attribute> {
    let start = input.fork();
    let capture = sigil(input)?;
    if input.peek(Ident::peek_any) {
        let name = Name::parse(input)?;
        if name.is_place() && (input.is_empty() || input.peek(Token![,])) {
            return Ok(name.into_attribute(capture));
        }
        if input.peek(Token![=]) && capture != Capture::Typed {
            return Err(start.error("`?`, `%` and `#` stand before the value: `key = ?value`"));
        }
    }
    Err(start.error(
        "a value needs a key, which becomes the attribute's name: `key = value`, and `{key}` in the message",
    ))
}

fn sigil(input: ParseStream<'_>) -> Result<Capture> {
    if input.parse::<Option<Token![?]>>()?.is_some() {
        return Ok(Capture::Debug);
    }
    if input.parse::<Option<Token![%]>>()?.is_some() {
        return Ok(Capture::Display);
    }
    if let Some(sigil) = input.parse::<Option<Token![#]>>()? {
        return if cfg!(feature = "serde") {
            Ok(Capture::Serialized)
        } else {
            Err(Error::new(
                sigil.span,
                "`#value` needs the feature `serde` of the crate `fanlight`",
            ))
        };
    }
    Ok(Capture::Typed)
}

/// Adds an attribute, if its key may be used.
pub(super) fn push(attributes: &mut Vec<Attribute>, attribute: Attribute) -> Result<()> {
    let key = attribute.key.as_str();
    if key.is_empty() {
        return Err(Error::new(
            attribute.span,
            "a key has at least one character",
        ));
    }
    if let Some(why) = reserved(key) {
        return Err(Error::new(attribute.span, why));
    }
    if attributes.iter().any(|other| other.key == key) {
        let message = format!("`{key}` is there already; an attribute has one value");
        return Err(Error::new(attribute.span, message));
    }
    attributes.push(attribute);
    Ok(())
}

/// Why a key can't be used, and what to write instead.
fn reserved(key: &str) -> Option<String> {
    let prefix = ["logfire.", "otel.", "fanlight."]
        .into_iter()
        .find(|prefix| key.starts_with(prefix))?;
    let instead = match key {
        "otel.name" | "logfire.msg_template" => "the message is the span's name",
        "otel.kind" => "write `kind: SpanKind::Client` before the message",
        "logfire.msg" => "the message is made from the template; `Span::set_message` sets another",
        "logfire.tags" => "write `tags: [\"billing\"]` before the message",
        "logfire.level_num" => "write `level: Level::Warn` before the message",
        "otel.status_code" | "otel.status_message" | "otel.status_description" => {
            "`Span::set_error` says that a span failed, and why"
        }
        _ => "choose another name",
    };
    Some(format!(
        "keys that begin with `{prefix}` have a meaning of their own: {instead}"
    ))
}

/// An attribute of a variable.
pub(super) fn of_variable(name: &Ident, capture: Capture) -> Attribute {
    let value: TokenStream = name.to_token_stream();
    Attribute {
        key: name.unraw().to_string(),
        span: name.span(),
        capture,
        value,
    }
}
