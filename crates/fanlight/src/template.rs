//! Messages with placeholders: `pay {order} for {customer}`.
//!
//! The placeholders are filled away from the program's threads, from the attributes that travel anyway.

use std::fmt::Write as _;

use fanlight_otlp::view::{Attributes, Value};

use crate::callsite::Callsite;

/// How many characters of one value go into a message; the attribute has them all.
const LONGEST_VALUE: usize = 128;

/// A message with placeholders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Template<'a>(&'a str);

enum Piece<'a> {
    Text(&'a str),
    Placeholder(&'a str),
}

impl<'a> Template<'a> {
    pub(crate) fn of(callsite: &Callsite) -> Template<'static> {
        Template(callsite.template())
    }

    /// The message; nothing where it is the template itself, or the program has set one.
    pub(crate) fn message(self, attributes: Attributes<'_>) -> Option<String> {
        let has_its_own = || matches!(attributes.get("logfire.msg"), Ok(Some(_)));
        if !self.0.contains(['{', '}']) || has_its_own() {
            return None;
        }
        let mut message = String::with_capacity(self.0.len() + 32);
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) => message.push_str(text),
                Piece::Placeholder(key) => match attributes.get(key) {
                    Ok(Some(value)) => message.push_str(&filled_in(value)),
                    Ok(None) | Err(_) => drop(write!(message, "{{{key}}}")),
                },
            }
        }
        Some(message)
    }

    /// `{{` and `}}` stand for braces, as in `format!`.
    fn pieces(self) -> impl Iterator<Item = Piece<'a>> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let at = rest.find(['{', '}']).unwrap_or(rest.len());
            if at > 0 {
                let (text, tail) = rest.split_at(at);
                rest = tail;
                return Some(Piece::Text(text));
            }
            for (escaped, brace) in [("{{", "{"), ("}}", "}")] {
                if let Some(tail) = rest.strip_prefix(escaped) {
                    rest = tail;
                    return Some(Piece::Text(brace));
                }
            }
            let placeholder = rest.strip_prefix('{').and_then(|open| open.split_once('}'));
            match placeholder {
                Some((key, tail)) => {
                    rest = tail;
                    Some(Piece::Placeholder(key))
                }
                None => Some(Piece::Text(std::mem::take(&mut rest))),
            }
        })
    }
}

/// What stands in a message for a value: texts as they are, everything else as JSON would have it.
pub(crate) fn filled_in(value: Value<'_>) -> String {
    let mut text = match value {
        Value::Str(text) => text.to_owned(),
        other => shown(other),
    };
    if let Some((end, _)) = text.char_indices().nth(LONGEST_VALUE) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A value for people to read.
pub(crate) fn shown(value: Value<'_>) -> String {
    match value {
        Value::Empty => "null".to_owned(),
        Value::Str(text) => format!("{text:?}"),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Value::Array(array) => {
            let elements: Vec<String> = array.into_iter().flatten().map(shown).collect();
            format!("[{}]", elements.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> = map
                .iter()
                .flatten()
                .map(|(key, value)| format!("{key}: {}", shown(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}
