//! `${...}` in values.
//!
//! | Written | Becomes |
//! |---|---|
//! | `${VAR}`, `${env:VAR}` | the variable; not set is an error |
//! | `${VAR:-default}` | the variable, or the default where it is not set |
//! | `${VAR:?message}` | the variable; not set or empty is an error with the message |
//! | `${file:path}` | the content of a file |
//! | `${yaml:text}` | the text, read as YAML |
//! | `$$` | `$` |
//! | `$VAR`, `$1` | itself |
//!
//! Names, defaults, messages and paths may hold `${...}` themselves. A value that is one `${...}` and nothing else is read as
//! YAML, with its text kept for text fields; inside a longer text it is text. What a variable holds is never expanded
//! again: a `$` in a password is a `$`. Keys and comments are never expanded. No error shows what a variable holds.
//! [Source](https://opentelemetry.io/docs/collector/configuration/#environment-variables).

use std::io::Read;

use crate::yaml::LONGEST_TEXT;
use crate::{ConfigError, Environment};

/// Files that name files that name files.
const DEEPEST_FILE: usize = 8;
/// `${..${..}..}` inside each other.
const DEEPEST: usize = 16;

/// What expansions may use.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) file_depth: usize,
}

/// A scalar after expansion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expanded {
    /// There was nothing to expand but `$$`.
    Literal(String),
    /// A text with something expanded in it.
    Inline(String),
    /// The whole value was one expression.
    Whole(String),
    /// The whole value was one `${file:...}`.
    File { name: String, content: String },
}

/// Expands a scalar.
pub(crate) fn expand(text: &str, sources: &Sources<'_>) -> Result<Expanded, ConfigError> {
    if !text.contains('$') {
        return Ok(Expanded::Literal(text.to_owned()));
    }
    if let Some(after) = text.strip_prefix("${")
        && let Some((inner, "")) = until_closed(after)
    {
        return match inner.strip_prefix("file:") {
            Some(path) => {
                let name = expand_text(path, sources, 1)?.0;
                let content = read_file(&name, text, sources)?;
                Ok(Expanded::File { name, content })
            }
            None => evaluate(inner, sources, 1).map(Expanded::Whole),
        };
    }
    let (result, has_expanded) = expand_text(text, sources, 0)?;
    Ok(if has_expanded {
        Expanded::Inline(result)
    } else {
        Expanded::Literal(result)
    })
}

/// Expands every expression of a text, and says whether there was any.
fn expand_text(
    text: &str,
    sources: &Sources<'_>,
    depth: usize,
) -> Result<(String, bool), ConfigError> {
    if depth > DEEPEST {
        return Err(ConfigError::new(
            "expressions are nested more than 16 levels deep",
        ));
    }
    let mut result = String::with_capacity(text.len());
    let mut has_expanded = false;
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(dollar);
        result.push_str(before);
        if let Some(after) = from_dollar.strip_prefix("$$") {
            result.push('$');
            rest = after;
        } else if let Some(after) = from_dollar.strip_prefix("${") {
            let (inner, after) = until_closed(after).ok_or_else(unclosed)?;
            result.push_str(&evaluate(inner, sources, depth + 1)?);
            has_expanded = true;
            rest = after;
        } else {
            result.push('$');
            rest = from_dollar.strip_prefix('$').unwrap_or_default();
        }
        if result.len() > LONGEST_TEXT {
            return Err(ConfigError::new("the expanded text is larger than 4 MiB"));
        }
    }
    result.push_str(rest);
    Ok((result, has_expanded))
}

/// Parts what stands before the brace that closes an expression from what follows it. Braces inside come in pairs, so that
/// a default may be a map.
fn until_closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let mut rest = text;
    while let Some(index) = rest.find(['$', '{', '}']) {
        let (_, from) = rest.split_at(index);
        if let Some(after) = from.strip_prefix("$$") {
            rest = after;
        } else if let Some(after) = from.strip_prefix('{') {
            depth += 1;
            rest = after;
        } else if let Some(after) = from.strip_prefix('}') {
            if depth == 0 {
                let (inner, _) = text.split_at(text.len() - from.len());
                return Some((inner, after));
            }
            depth -= 1;
            rest = after;
        } else {
            rest = from.strip_prefix('$')?;
        }
    }
    None
}

fn unclosed() -> ConfigError {
    ConfigError::new("`${` has no `}` that closes it")
        .hint("write `$${` for the characters themselves")
}

/// The value of one expression, given what stands between its braces.
fn evaluate(inner: &str, sources: &Sources<'_>, depth: usize) -> Result<String, ConfigError> {
    match inner.split_once(':') {
        Some(("env", rest)) => variable(rest, inner, sources, depth),
        Some(("yaml", rest)) => expand_text(rest, sources, depth).map(|(text, _)| text),
        Some(("file", path)) => {
            let name = expand_text(path, sources, depth)?.0;
            let content = read_file(&name, &format!("${{{inner}}}"), sources)?;
            Ok(content.strip_suffix('\n').unwrap_or(&content).to_owned())
        }
        Some((scheme @ ("http" | "https"), _)) => {
            let error = ConfigError::new(format!("`${{{scheme}:...}}` is not supported"));
            Err(error.hint("download the file and name it with --config"))
        }
        Some((scheme, rest)) if !rest.starts_with(['-', '?']) && is_identifier(scheme) => {
            let error = ConfigError::new(format!(
                "`${{{scheme}:...}}` comes from nowhere that is known"
            ));
            Err(error.hint(format!(
                "there are env, file and yaml; a default is written `${{{scheme}:-default}}`"
            )))
        }
        _ => variable(inner, inner, sources, depth),
    }
}

/// What to do where a variable is not set.
enum Otherwise<'a> {
    Default(&'a str),
    Fail(&'a str),
    Refuse,
}

fn variable(
    text: &str,
    inner: &str,
    sources: &Sources<'_>,
    depth: usize,
) -> Result<String, ConfigError> {
    let (name, otherwise) = match operator(text) {
        Some((name, rest)) => match rest.strip_prefix(":-") {
            Some(default) => (name, Otherwise::Default(default)),
            None => (
                name,
                Otherwise::Fail(rest.strip_prefix(":?").unwrap_or_default()),
            ),
        },
        None => (text, Otherwise::Refuse),
    };
    let name = expand_text(name, sources, depth)?.0;
    if !is_identifier(&name) {
        let error = ConfigError::new(format!("`${{{inner}}}` names no variable"));
        return Err(error.hint(format!(
            "write `$${{{inner}}}` for the characters themselves"
        )));
    }
    let value = sources.environment.get(&name);
    match (value, otherwise) {
        (Some(""), Otherwise::Fail(message)) => Err(failed(&name, message, sources, depth)),
        (Some(value), _) => Ok(value.to_owned()),
        (None, Otherwise::Default(default)) => {
            expand_text(default, sources, depth).map(|(text, _)| text)
        }
        (None, Otherwise::Fail(message)) => Err(failed(&name, message, sources, depth)),
        (None, Otherwise::Refuse) => {
            let error = ConfigError::new(format!("the environment variable `{name}` is not set"));
            Err(error.hint(format!(
                "export {name}=..., or write `${{{name}:-default}}`"
            )))
        }
    }
}

fn failed(name: &str, message: &str, sources: &Sources<'_>, depth: usize) -> ConfigError {
    let message = match expand_text(message, sources, depth) {
        // A message with a variable in it might show what it holds.
        Ok((_, true)) | Err(_) => message.to_owned(),
        Ok((text, false)) => text,
    };
    let says = if message.trim().is_empty() {
        String::new()
    } else {
        format!(": {}", message.trim())
    };
    ConfigError::new(format!(
        "the environment variable `{name}` is not set{says}"
    ))
    .hint(format!("export {name}=..."))
}

/// Parts a name from the `:-` or `:?` that follows it, outside nested expressions.
fn operator(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let colon = rest.find(":-").into_iter().chain(rest.find(":?")).min();
        let nested = rest.find("${");
        match (colon, nested) {
            (None, _) => return None,
            (Some(colon), nested) if nested.is_none_or(|nested| colon < nested) => {
                return Some(text.split_at(from + colon));
            }
            (_, Some(nested)) => {
                let (_, after) = until_closed(rest.get(nested + 2..)?)?;
                from = text.len() - after.len();
            }
            (Some(_), None) => return None,
        }
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn read_file(name: &str, written: &str, sources: &Sources<'_>) -> Result<String, ConfigError> {
    if sources.file_depth >= DEEPEST_FILE {
        return Err(ConfigError::new(format!(
            "`{written}` is the eighth file in a row, which looks like a circle"
        )));
    }
    let unreadable =
        |why: String| ConfigError::new(format!("the file of `{written}` can't be read: {why}"));
    let file = std::fs::File::open(name).map_err(|error| unreadable(error.to_string()))?;
    let mut content = String::new();
    let limit = u64::try_from(LONGEST_TEXT).unwrap_or(u64::MAX);
    file.take(limit + 1)
        .read_to_string(&mut content)
        .map_err(|error| unreadable(error.to_string()))?;
    if content.len() > LONGEST_TEXT {
        Err(unreadable("it is larger than 4 MiB".to_owned()))
    } else {
        Ok(content)
    }
}

#[cfg(test)]
mod tests;
