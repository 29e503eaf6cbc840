//! Headers that requests or answers carry. Names are shown, values never.
//!
//! Two ways in: a map or the Collector's list of `name` and `value` in YAML, where a bad header is an error; and the
//! comma list of `OTEL_EXPORTER_OTLP_HEADERS`, where a bad pair is a warning and the others are kept, since a hub should
//! not refuse to start over a variable that somebody else's tool wrote.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::Secret;

/// Headers in the order in which they were written. No name is there twice, whatever its case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Secret)>);

/// A pair of a header list that was left out. Says the name or the position, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{which} is left out: {why}")]
pub struct HeaderProblem {
    which: String,
    why: &'static str,
}

const BAD_NAME: &str = "a header name is letters, digits and !#$%&'*+-.^_`|~";
const BAD_VALUE: &str = "its value has control characters";

impl Headers {
    /// Reads `name=value,name=value` as `OTEL_EXPORTER_OTLP_HEADERS` holds it.
    ///
    /// Blanks around names, values and commas are dropped, the first `=` parts name from value, both are percent-decoded
    /// (an escape that is none stays as it is), and the last of two pairs with one name counts.
    /// [Source](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables).
    pub fn parse_list(text: &str) -> (Headers, Vec<HeaderProblem>) {
        let mut headers = Headers::default();
        let mut problems = Vec::new();
        for (index, pair) in text.split(',').enumerate() {
            if pair.trim().is_empty() {
                continue;
            }
            match parse_pair(pair) {
                Ok((name, value)) => headers.insert(name, Secret::new(value)),
                Err((name, why)) => {
                    let which = name.map_or_else(
                        || format!("pair {}", index + 1),
                        |name| format!("header `{name}`"),
                    );
                    problems.push(HeaderProblem { which, why });
                }
            }
        }
        (headers, problems)
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of a header, whatever the name's case.
    pub fn get(&self, name: &str) -> Option<&Secret> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a header, in place of one with the same name.
    pub fn insert(&mut self, name: impl Into<String>, value: Secret) {
        let name = name.into();
        self.0
            .retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.0.push((name, value));
    }

    /// As [`Headers::insert`], of what comes from outside.
    ///
    /// # Errors
    /// When HTTP allows no such name or value.
    pub fn try_insert(
        &mut self,
        name: impl Into<String>,
        value: Secret,
    ) -> Result<(), HeaderProblem> {
        let name = name.into();
        let why = match (is_name(&name), is_value(value.expose())) {
            (false, _) => BAD_NAME,
            (_, false) => BAD_VALUE,
            (true, true) => {
                self.insert(name, value);
                return Ok(());
            }
        };
        let which = format!("header `{name}`");
        Err(HeaderProblem { which, why })
    }

    fn insert_checked<E: Error>(&mut self, name: String, value: Secret) -> Result<(), E> {
        if !is_name(&name) {
            return Err(E::custom(format!("`{name}` is not a header: {BAD_NAME}")));
        }
        if !is_value(value.expose()) {
            return Err(E::custom(format!(
                "header `{name}` can't be sent: {BAD_VALUE}"
            )));
        }
        if self.get(&name).is_some() {
            return Err(E::custom(format!("header `{name}` is given twice")));
        }
        self.insert(name, value);
        Ok(())
    }
}

/// One pair, or the name (where there is one) and why it can't be used.
fn parse_pair(pair: &str) -> Result<(String, String), (Option<String>, &'static str)> {
    let (name, value) = pair.split_once('=').ok_or((None, "it has no `=`"))?;
    let name = percent_decoded(name.trim());
    if name.is_empty() {
        return Err((None, "it has no name before `=`"));
    }
    if !is_name(&name) {
        return Err((None, BAD_NAME));
    }
    let value = percent_decoded(value.trim());
    if value.is_empty() {
        return Err((Some(name), "its value is empty"));
    }
    if !is_value(&value) {
        return Err((Some(name), BAD_VALUE));
    }
    Ok((name, value))
}

/// Decodes `%2C` and the like. Bytes that would not be UTF-8 leave the whole text as it was.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, ..] => char::from(*high)
                .to_digit(16)
                .zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match (escape, rest.get(3..)) {
            (Some((high, low)), Some(after)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn is_value(text: &str) -> bool {
    !text.contains(|c: char| c.is_control() && c != '\t')
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        deserializer.deserialize_any(MapOrList)
    }
}

/// One element of the list form.
#[derive(serde::Deserialize)]
struct Named {
    name: String,
    value: Secret,
}

struct MapOrList;

impl<'de> Visitor<'de> for MapOrList {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of header names and values")
    }

    fn visit_unit<E: Error>(self) -> Result<Headers, E> {
        Ok(Headers::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some((name, value)) = entries.next_entry()? {
            headers.insert_checked(name, value)?;
        }
        Ok(headers)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some(Named { name, value }) = elements.next_element()? {
            headers.insert_checked(name, value)?;
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::too_many_lines, reason = "tables of cases")]

    use proptest::prelude::*;

    use super::*;

    fn pairs(headers: &Headers) -> Vec<(&str, &str)> {
        headers
            .iter()
            .map(|(name, value)| (name, value.expose()))
            .collect()
    }

    #[test]
    fn header_lists_are_read_as_documented() {
        let cases: [(&str, &[(&str, &str)]); 12] = [
            ("", &[]),
            ("Authorization=Bearer x", &[("Authorization", "Bearer x")]),
            ("Authorization = Bearer x", &[("Authorization", "Bearer x")]),
            ("a=1,b=2", &[("a", "1"), ("b", "2")]),
            ("a=1 , b=2,", &[("a", "1"), ("b", "2")]),
            (
                "Authorization=Basic abc==",
                &[("Authorization", "Basic abc==")],
            ),
            (
                "Authorization=Basic%20abc%3D%3D",
                &[("Authorization", "Basic abc==")],
            ),
            ("x-list=a%2Cb", &[("x-list", "a,b")]),
            ("x=a b%2Cc", &[("x", "a b,c")]),
            ("x=100%", &[("x", "100%")]),
            ("x=%zz%4", &[("x", "%zz%4")]),
            ("api-key=1,x=2,API-KEY=3", &[("x", "2"), ("API-KEY", "3")]),
        ];
        for (text, expected) in cases {
            let (headers, problems) = Headers::parse_list(text);
            assert_eq!(
                (pairs(&headers), problems),
                (expected.to_vec(), vec![]),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_pairs_are_named_without_their_values_and_the_others_kept() {
        let cases = [
            ("good=1,Bearer hunter2", "pair 2 is left out: it has no `=`"),
            (
                "=hunter2,good=1",
                "pair 1 is left out: it has no name before `=`",
            ),
            (
                "good=1,bad=hunter2%0d%0aX-Evil: 1",
                "header `bad` is left out: its value has control characters",
            ),
            (
                "my key=hunter2,good=1",
                "pair 1 is left out: a header name is letters, digits and !#$%&'*+-.^_`|~",
            ),
            (
                "good=1,empty=",
                "header `empty` is left out: its value is empty",
            ),
        ];
        for (text, message) in cases {
            let (headers, problems) = Headers::parse_list(text);
            assert_eq!(pairs(&headers), [("good", "1")], "{text}");
            assert_eq!(
                problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
                [message],
                "{text}"
            );
        }
    }

    #[test]
    fn values_are_never_printed() {
        let (headers, _) = Headers::parse_list("api-key=hunter2");
        assert_eq!(
            format!("{headers:?}"),
            r#"Headers([("api-key", [REDACTED])])"#
        );
    }

    proptest! {
        #[test]
        fn any_text_has_an_answer(text in ".*") {
            let (headers, _) = Headers::parse_list(&text);
            for (name, value) in headers.iter() {
                prop_assert!(is_name(name) && is_value(value.expose()));
            }
        }
    }
}
