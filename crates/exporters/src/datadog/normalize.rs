//! Names and tags as Datadog's intakes want them: what does not fit would be changed or dropped there.
//! [Source](https://docs.datadoghq.com/getting_started/tagging/#define-tags), and the Agent's
//! [normalization](https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/traceutil/normalize.go).

use std::borrow::Cow;

/// Longest operation and service, in bytes.
const LONGEST_NAME: usize = 100;
/// Longest tag, in characters.
const LONGEST_TAG: usize = 200;
/// Longest resource, in bytes.
const LONGEST_RESOURCE: usize = 5000;
/// Longest type, in bytes.
const LONGEST_TYPE: usize = 100;

/// What a span without a usable name is called.
const UNNAMED: &str = "unnamed_operation";
/// What a service without a usable name is called.
const UNNAMED_SERVICE: &str = "unnamed-service";

/// The beginning of a text that is no longer than so many bytes.
pub(super) fn truncated(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or_default()
}

/// The same, with an ellipsis where something is missing, as the Agent writes tags.
pub(super) fn shortened(text: &str, bytes: usize) -> Cow<'_, str> {
    match truncated(text, bytes) {
        short if short.len() < text.len() => Cow::Owned(format!("{short}...")),
        _ => Cow::Borrowed(text),
    }
}

/// An operation: ASCII letters, digits, `.` and single `_`, beginning with a letter.
pub(super) fn name(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST_NAME));
    let begun =
        truncated(text, LONGEST_NAME).trim_start_matches(|c: char| !c.is_ascii_alphabetic());
    for character in begun.chars() {
        match character {
            c if c.is_ascii_alphanumeric() => out.push(c),
            '.' => {
                if out.ends_with('_') {
                    out.pop();
                }
                out.push('.');
            }
            _ if out.ends_with(['.', '_']) => {}
            _ => out.push('_'),
        }
    }
    if out.ends_with('_') {
        out.pop();
    }
    match out.is_empty() {
        true => UNNAMED.to_owned(),
        false => out,
    }
}

/// A service.
pub(super) fn service(text: &str) -> String {
    let service = tag_value(truncated(text, LONGEST_NAME));
    match service.is_empty() {
        true => UNNAMED_SERVICE.to_owned(),
        false => service,
    }
}

/// A resource; one without a name is called as its operation.
pub(super) fn resource(text: &str, name: &str) -> String {
    let text = if text.is_empty() { name } else { text };
    truncated(text, LONGEST_RESOURCE).to_owned()
}

/// A type.
pub(super) fn span_type(text: &str) -> String {
    truncated(text, LONGEST_TYPE).to_owned()
}

/// A tag, which begins with a letter.
pub(super) fn tag(text: &str) -> String {
    normalized(text.trim_start_matches(|c: char| !(c.is_alphabetic() || c == ':')))
}

/// The value of a tag.
pub(super) fn tag_value(text: &str) -> String {
    normalized(text)
}

/// Letters in lower case, digits, `:./-` and single `_`.
fn normalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().take(LONGEST_TAG) {
        let lower = lower_case(character);
        let fits = lower.is_alphabetic() || lower.is_numeric() || ":./-".contains(lower);
        if fits {
            out.push(lower);
        } else if !out.ends_with('_') {
            out.push('_');
        }
    }
    if out.ends_with('_') {
        out.pop();
    }
    out
}

/// The letter in lower case, where that is as long.
fn lower_case(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) if lower.len_utf8() == character.len_utf8() => lower,
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_ascii_and_begin_with_a_letter() {
        for (text, expected) in [
            ("http.server.request", "http.server.request"),
            ("GET /users/{id}", "GET_users_id"),
            ("1 two", "two"),
            ("a_.b", "a.b"),
            ("Grüße", "Gr_e"),
            ("", UNNAMED),
            ("世界", UNNAMED),
        ] {
            assert_eq!(name(text), expected, "{text}");
        }
        assert_eq!(name(&"x".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn tags_are_lower_case_without_odd_characters() {
        for (text, expected) in [
            ("Production", "production"),
            ("Prüfung ÄÖ", "prüfung_äö"),
            ("a  b__c", "a_b_c"),
            ("1st:x/y-z.0 ", "st:x/y-z.0"),
            ("", ""),
        ] {
            assert_eq!(tag(text), expected, "{text}");
        }
        assert_eq!(tag_value("1st"), "1st");
        assert_eq!(service("My Shop!"), "my_shop");
        assert_eq!(service("!!!"), UNNAMED_SERVICE);
        assert_eq!(tag(&"ä".repeat(300)).chars().count(), LONGEST_TAG);
    }

    #[test]
    fn truncation_keeps_characters_whole() {
        assert_eq!(truncated("aä", 2), "a");
        assert_eq!(shortened("abcdef", 3), "abc...");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
