//! The message: `pay {order} within {seconds:.1} s`.

use proc_macro2::Ident;
use syn::parse::{ParseStream, Result};
use syn::{Error, LitStr, Token};

use super::attributes::{self, Name};
use crate::model::{Argument, Attribute, Capture, Message, Piece};

/// A part of what is written.
enum Written<'a> {
    Text(&'a str),
    /// What stands between the braces.
    Placeholder(&'a str),
}

/// The literal that comes next.
pub(super) fn literal(input: ParseStream<'_>, example: &str) -> Result<LitStr> {
    if input.peek(LitStr) {
        return input.parse();
    }
    if input.is_empty() {
        return Err(Error::new(
            input.span(),
            format!("a message is missing: `{example}!(\"pay {{order}}\", order = 17)`"),
        ));
    }
    let is_attribute = [
        input.peek(Token![?]),
        input.peek(Token![%]),
        input.peek(Token![#]),
    ]
    .contains(&true)
        || input.peek2(Token![=]);
    if is_attribute {
        return Err(input.error(format!(
            "values come after the message: `{example}!(\"pay {{order}}\", order = 17)`"
        )));
    }
    Err(input.error(format!(
        "the message is a string literal, the same at each call; for text of the moment write `{example}!(\"{{text}}\", text = ...)`"
    )))
}

/// Finds the value of each placeholder; what is no attribute yet becomes one, from the variable of that name.
pub(super) fn resolve(literal: &LitStr, attributes: &mut Vec<Attribute>) -> Result<Message> {
    let text = literal.value();
    let mut template = String::with_capacity(text.len());
    let mut pieces = Vec::new();
    let mut is_plain = true;
    for written in split(&text).map_err(|why| Error::new(literal.span(), why))? {
        match written {
            Written::Text(text) => {
                template.push_str(text);
                pieces.push(Piece::Text(text.to_owned()));
            }
            Written::Placeholder(content) => {
                let (attribute, spec) = placeholder(content, literal, attributes)?;
                let Some(found) = attributes.get(attribute) else {
                    continue;
                };
                template.push_str(&format!("{{{}}}", found.key));
                // A value that is recorded in its `Debug` form reads like that in any case.
                let spec = if found.capture == Capture::Debug && spec == "?" {
                    ""
                } else {
                    spec
                };
                is_plain &= spec.is_empty();
                pieces.push(Piece::Placeholder {
                    attribute,
                    spec: spec.to_owned(),
                    arguments: arguments(spec, literal, attributes)?,
                });
            }
        }
    }
    Ok(Message {
        template,
        span: literal.span(),
        formatted: (!is_plain).then_some(pieces),
    })
}

/// Splits at placeholders. Braces that stand for themselves stay doubled.
fn split(text: &str) -> std::result::Result<Vec<Written<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        if brace.starts_with("{{") || brace.starts_with("}}") {
            let (text, tail) = rest.split_at(at + 2);
            parts.push(Written::Text(text));
            rest = tail;
            continue;
        }
        parts.push(Written::Text(before));
        let Some(open) = brace.strip_prefix('{') else {
            return Err("`}` without `{`; write `}}` for a brace".to_owned());
        };
        let Some((content, tail)) = open.split_once('}') else {
            return Err("`{` is not closed; write `{{` for a brace".to_owned());
        };
        parts.push(Written::Placeholder(content));
        rest = tail;
    }
    parts.push(Written::Text(rest));
    Ok(parts)
}

/// Which attribute a placeholder shows, and in which format.
fn placeholder<'a>(
    content: &'a str,
    literal: &LitStr,
    attributes: &mut Vec<Attribute>,
) -> Result<(usize, &'a str)> {
    let find = |key: &str, attributes: &[Attribute]| {
        attributes.iter().position(|attribute| attribute.key == key)
    };
    if let Some(attribute) = find(content, attributes) {
        return Ok((attribute, ""));
    }
    let (key, spec) = content.split_once(':').unwrap_or((content, ""));
    let (key, spec) = (key.trim(), spec.trim_end());
    if let Some(attribute) = find(key, attributes) {
        return Ok((attribute, spec));
    }
    let refuse = |why: String| Err(Error::new(literal.span(), why));
    if key.is_empty() || key.bytes().all(|byte| byte.is_ascii_digit()) {
        return refuse(format!(
            "`{{{content}}}` names no attribute; write `{{order}}` and `order = ...` after the message"
        ));
    }
    let Ok(name) = LitStr::new(key, literal.span()).parse_with(Name::parse) else {
        return refuse(format!(
            "there is no value for `{{{key}}}`; add `\"{key}\" = ...` after the message, or write `{{{{` for a brace"
        ));
    };
    let capture = if spec.ends_with('?') {
        Capture::Debug
    } else {
        Capture::Typed
    };
    attributes::push(attributes, name.into_attribute(capture))?;
    Ok((attributes.len() - 1, spec))
}

/// The names that a spec uses, as in `{text:>width$}`.
fn arguments(spec: &str, literal: &LitStr, attributes: &[Attribute]) -> Result<Vec<Argument>> {
    let refuse = |why: &str| Err(Error::new(literal.span(), why));
    if spec.contains(".*") {
        return refuse("`.*` takes a positional value; name it: `{value:.precision$}`");
    }
    let mut arguments: Vec<Argument> = Vec::new();
    for before in spec.split('$').rev().skip(1) {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let name = before
            .rsplit_once(|c: char| !is_part(c))
            .map_or(before, |(_, name)| name)
            .trim_start_matches(|c: char| c.is_ascii_digit());
        let Ok(name) = LitStr::new(name, literal.span()).parse::<Ident>() else {
            return refuse("a width or a precision before `$` is a name: `{value:>width$}`");
        };
        if arguments.iter().all(|other| other.name != name) {
            arguments.push(Argument {
                attribute: attributes
                    .iter()
                    .position(|attribute| name == attribute.key),
                name,
            });
        }
    }
    Ok(arguments)
}
