//! Secrets that got into telemetry, taken out before anything leaves the process.
//!
//! An attribute whose name or text looks like a secret is replaced by what it looked like, never by what it was. This happens in the
//! collecting thread; a record in which nothing matches is passed on as it is.

use fanlight_otlp::view::{LogView, SpanView, Value};
use fanlight_otlp::write::Encoder;
use regex::Regex;

use crate::attributes::{self, Field};
use crate::collect::Stage;
use crate::record::{self, Kind, Record};
use crate::value::put_attribute;
use crate::{log, span};

/// What is looked for, whatever the case: a name to tell, and the pattern. Words are parted by a blank, `_`, `.`, `-` or nothing.
///
/// The same as [Logfire's](https://logfire.pydantic.dev/docs/how-to-guides/scrubbing/).
const PATTERNS: &[(&str, &str)] = &[
    ("password", "password"),
    ("passwd", "passwd"),
    ("mysql_pwd", "mysql_pwd"),
    ("secret", "secret"),
    ("auth", "auth(?:[^o]|o[^r]|$)"),
    ("credential", "credential"),
    ("private key", "private[ ._-]?key"),
    ("api key", "api[ ._-]?key"),
    ("session", "session"),
    ("cookie", "cookie"),
    ("social security", "social[ ._-]?security"),
    ("credit card", "credit[ ._-]?card"),
    ("logfire token", "logfire[ ._-]?token"),
    ("logfire token", "pylf_v[0-9]+_"),
    ("csrf", r"(?:\b|_)csrf(?:\b|_)"),
    ("xsrf", r"(?:\b|_)xsrf(?:\b|_)"),
    ("jwt", r"(?:\b|_)jwt(?:\b|_)"),
    ("ssn", r"(?:\b|_)ssn(?:\b|_)"),
];

/// Attributes that are never scrubbed: they hold what people write themselves, or what a page is about.
const SAFE: &[&str] = &[
    "logfire.",
    "code.",
    "exception.type",
    "exception.stacktrace",
    "http.route",
    "http.request.method",
    "url.path",
    "url.full",
    "url.template",
    "db.query.text",
    "db.statement",
    "gen_ai.",
    "session.id",
    "otel.",
];

/// What is taken out.
#[derive(Clone, Debug)]
pub struct Scrubbing {
    any: Regex,
    patterns: Vec<(String, Regex)>,
}

/// The pattern is no regular expression.
#[derive(Debug, thiserror::Error)]
#[error("the scrubbing pattern is no regular expression: {0}")]
pub struct InvalidPattern(#[from] regex::Error);

impl Scrubbing {
    /// The usual patterns, and these besides: regular expressions that are looked for in names and texts, whatever the case.
    ///
    /// # Errors
    /// When one is no regular expression.
    pub fn with_patterns<'p>(
        more: impl IntoIterator<Item = &'p str>,
    ) -> Result<Scrubbing, InvalidPattern> {
        let own = more
            .into_iter()
            .map(|pattern| (pattern.to_owned(), pattern.to_owned()));
        let usual = PATTERNS
            .iter()
            .map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned()));
        let all: Vec<(String, String)> = usual.chain(own).collect();
        let any: Vec<String> = all
            .iter()
            .map(|(_, pattern)| format!("(?:{pattern})"))
            .collect();
        let regex = |pattern: &str| Regex::new(&format!("(?i){pattern}"));
        Ok(Scrubbing {
            any: regex(&any.join("|"))?,
            patterns: all
                .iter()
                .map(|(name, pattern)| Ok((name.clone(), regex(pattern)?)))
                .collect::<Result<_, regex::Error>>()?,
        })
    }

    /// What a text looks like, if it looks like a secret. A text that is nothing but the word gives nothing away.
    fn finds(&self, text: &str) -> Option<&str> {
        let found = self.any.find(text)?;
        if found.len() == text.len() {
            return None;
        }
        self.name_of(text)
    }

    fn name_of(&self, text: &str) -> Option<&str> {
        self.patterns
            .iter()
            .find(|(_, pattern)| pattern.is_match(text))
            .map(|(name, _)| name.as_str())
    }

    fn finds_key(&self, key: &str) -> Option<&str> {
        let is_safe = SAFE
            .iter()
            .any(|safe| key == *safe || (safe.ends_with('.') && key.starts_with(safe)));
        if is_safe || !self.any.is_match(key) {
            return None;
        }
        self.name_of(key)
    }

    /// Whether a value, or a name or value inside it, is to be replaced.
    fn concerns(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Str(text) => self.finds(text).is_some(),
            Value::Array(array) => array
                .into_iter()
                .flatten()
                .any(|element| self.concerns(&element)),
            Value::Map(map) => map
                .iter()
                .flatten()
                .any(|(key, value)| self.finds_key(key).is_some() || self.concerns(&value)),
            _ => false,
        }
    }

    /// Writes the fields of an `AnyValue` with what looks like a secret replaced.
    fn write_value(&self, value: &Value<'_>, out: &mut Encoder) {
        match value {
            Value::Str(text) => match self.finds(text) {
                Some(name) => out.value(&Value::Str(&self.scrubbed_text(text, name))),
                None => out.value(value),
            },
            Value::Array(array) => out.nested(5, |out| {
                for element in array.into_iter().flatten() {
                    out.nested(1, |out| self.write_value(&element, out));
                }
            }),
            Value::Map(map) => out.nested(6, |out| {
                for (key, value) in map.iter().flatten() {
                    self.write_attribute(1, key, &value, out);
                }
            }),
            other => out.value(other),
        }
    }

    fn write_attribute(&self, number: u32, key: &str, value: &Value<'_>, out: &mut Encoder) {
        match self.finds_key(key) {
            Some(name) => put_attribute(out, number, key, &marker(name)),
            None => out.nested(number, |out| {
                out.bytes(1, key);
                out.nested(2, |out| match is_safe(key) {
                    true => out.value(value),
                    false => self.write_value(value, out),
                });
            }),
        }
    }

    /// JSON keeps its shape, and loses only what looks like a secret.
    fn scrubbed_text(&self, text: &str, name: &str) -> String {
        if text.starts_with(['{', '['])
            && let Ok(mut json) = serde_json::from_str(text)
        {
            self.scrub_json(&mut json);
            return json.to_string();
        }
        marker(name)
    }

    fn scrub_json(&self, json: &mut serde_json::Value) {
        match json {
            serde_json::Value::String(text) => {
                if let Some(name) = self.finds(text) {
                    *text = marker(name);
                }
            }
            serde_json::Value::Array(elements) => elements
                .iter_mut()
                .for_each(|element| self.scrub_json(element)),
            serde_json::Value::Object(entries) => {
                for (key, value) in entries {
                    match self.finds_key(key) {
                        Some(name) => *value = marker(name).into(),
                        None => self.scrub_json(value),
                    }
                }
            }
            _ => {}
        }
    }
}

impl Default for Scrubbing {
    fn default() -> Scrubbing {
        // The patterns are constants, and a test compiles them.
        Scrubbing::with_patterns([])
            .unwrap_or_else(|_| unreachable!("the patterns are regular expressions"))
    }
}

fn is_safe(key: &str) -> bool {
    SAFE.iter()
        .any(|safe| key == *safe || (safe.ends_with('.') && key.starts_with(safe)))
}

fn marker(name: &str) -> String {
    format!("[Scrubbed due to '{name}']")
}

/// The usual scrubbing, made when there is something to scrub: its patterns take a while to read, and programs start often.
#[derive(Debug, Default)]
pub(crate) struct UsualScrubbing(Option<Scrubbing>);

impl Stage for UsualScrubbing {
    fn pass(&mut self, records: &[Record<'_>], on: &mut Vec<u8>, is_last: bool) {
        if records.is_empty() {
            return;
        }
        let scrubbing = self.0.get_or_insert_default();
        scrubbing.pass(records, on, is_last);
    }
}

impl Stage for Scrubbing {
    fn pass(&mut self, records: &[Record<'_>], on: &mut Vec<u8>, _is_last: bool) {
        for record in records {
            if self.concerns_record(record) {
                record::append(on, record.kind, record.callsite, record.level, |out| {
                    self.write_record(record, out)
                });
            } else {
                record::copy(on, record);
            }
        }
    }
}

impl Scrubbing {
    fn concerns_record(&self, record: &Record<'_>) -> bool {
        let concerns = |key: &str, value: &Value<'_>| {
            self.finds_key(key).is_some() || (!is_safe(key) && self.concerns(value))
        };
        match record.kind {
            Kind::Log => LogView::read(record.message).is_ok_and(|view| {
                self.concerns(&view.body)
                    || view
                        .attributes
                        .iter()
                        .flatten()
                        .any(|(key, value)| concerns(key, &value))
            }),
            Kind::Span | Kind::Started => SpanView::read(record.message).is_ok_and(|view| {
                let events = view
                    .events()
                    .flatten()
                    .flat_map(|event| event.attributes.iter().flatten());
                let links = view
                    .links()
                    .flatten()
                    .flat_map(|link| link.attributes.iter().flatten());
                let mut all = view.attributes.iter().flatten().chain(events).chain(links);
                self.finds(view.status.message).is_some()
                    || all.any(|(key, value)| concerns(key, &value))
            }),
        }
    }

    fn write_record(&self, record: &Record<'_>, out: &mut Encoder) {
        match record.kind {
            Kind::Log => self.write_fields(
                record.message,
                &[log::field::ATTRIBUTES],
                &[(log::field::BODY, 0)],
                out,
            ),
            Kind::Span | Kind::Started => {
                const NESTED: &[(u32, u32)] = &[
                    (span::field::EVENTS, 3),
                    (span::field::LINKS, 4),
                    (span::field::STATUS, 0),
                ];
                self.write_fields(record.message, &[span::field::ATTRIBUTES], NESTED, out);
            }
        }
    }

    /// Copies fields, with the attributes among them scrubbed; `nested` are messages with attributes in a field of theirs, or a
    /// body or status (0).
    fn write_fields(
        &self,
        message: &[u8],
        attributes: &[u32],
        nested: &[(u32, u32)],
        out: &mut Encoder,
    ) {
        for field in attributes::fields(message) {
            let number = u32::try_from(field.number).unwrap_or_default();
            if attributes.contains(&number) {
                self.write_key_value(number, &field, out);
                continue;
            }
            match nested.iter().find(|(nested, _)| *nested == number) {
                Some((span::field::STATUS, _)) if attributes.contains(&span::field::ATTRIBUTES) => {
                    self.write_status(&field, out)
                }
                Some((_, 0)) => {
                    let body = Value::read(field.content).unwrap_or_default();
                    out.nested(number, |out| self.write_value(&body, out));
                }
                Some((_, inner)) => out.nested(number, |out| {
                    self.write_fields(field.content, &[*inner], &[], out)
                }),
                None => out.raw(message.get(field.range).unwrap_or_default()),
            }
        }
    }

    fn write_key_value(&self, number: u32, field: &Field<'_>, out: &mut Encoder) {
        let part = |number| {
            attributes::fields(field.content)
                .find(|part| part.number == number)
                .map_or(&[][..], |part| part.content)
        };
        let key = std::str::from_utf8(part(1)).unwrap_or_default();
        self.write_attribute(number, key, &Value::read(part(2)).unwrap_or_default(), out);
    }

    fn write_status(&self, field: &Field<'_>, out: &mut Encoder) {
        out.nested(span::field::STATUS, |out| {
            for part in attributes::fields(field.content) {
                let text = std::str::from_utf8(part.content).unwrap_or_default();
                match self.finds(text).filter(|_| part.number == 2) {
                    Some(name) => out.bytes(2, marker(name)),
                    None => out.raw(field.content.get(part.range).unwrap_or_default()),
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;
