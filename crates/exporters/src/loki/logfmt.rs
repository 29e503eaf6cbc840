//! Lines of `key=value` pairs.
//!
//! As the Collector writes them: what the body holds, then `traceID`, `spanID`, `severity`, `flags`, `attribute_*`,
//! `resource_*` and the scope; maps and lists flattened with `_`. A body that is logfmt itself keeps its pairs; any other text
//! is `msg`, where the Collector takes each word for a key.

use fanlight_otlp::DecodeError;
use fanlight_otlp::json::write_plain_value;
use fanlight_otlp::view::Value;

use super::line::Line;

/// Keys of the line that win over the body's.
const OWN: [&str; 4] = ["traceID", "spanID", "severity", "flags"];

/// Appends a record.
pub(super) fn write(line: &Line<'_, '_>, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let log = line.log;
    let mut pairs = Pairs {
        start: out.len(),
        out,
    };
    let trace_id = (!log.trace_id.is_zero()).then(|| log.trace_id.to_string());
    let span_id = (!log.span_id.is_zero()).then(|| log.span_id.to_string());
    let severity = Some(log.severity_text).filter(|text| !text.is_empty());
    let flags = (log.flags != 0).then(|| log.flags.to_string());
    let own = [
        trace_id.as_deref(),
        span_id.as_deref(),
        severity,
        flags.as_deref(),
    ];
    let own = || {
        OWN.into_iter()
            .zip(own)
            .filter_map(|(key, text)| Some((key, text?)))
    };
    let is_own = |key: &str| own().any(|(own, _)| own == key);
    match log.body {
        Value::Empty => {}
        Value::Str(text) => match pairs_of(text) {
            Some(found) => found
                .filter(|(key, _)| !is_own(key))
                .for_each(|(_, pair)| pairs.raw(pair)),
            None => pairs.text("msg", text),
        },
        Value::Map(_) => pairs.value("", &log.body)?,
        Value::Array(_) => pairs.value("body", &log.body)?,
        _ => pairs.value("msg", &log.body)?,
    }
    own().for_each(|(key, text)| pairs.text(key, text));
    if !log.event_name.is_empty() {
        pairs.text("event_name", log.event_name);
    }
    for (prefix, attributes) in [
        ("attribute_", &log.attributes),
        ("resource_", line.resource),
    ] {
        for pair in line.rest(attributes) {
            let (key, value) = pair?;
            pairs.value(&format!("{prefix}{key}"), &value)?;
        }
    }
    if !line.scope.name.is_empty() {
        pairs.text("instrumentation_scope_name", line.scope.name);
        if !line.scope.version.is_empty() {
            pairs.text("instrumentation_scope_version", line.scope.version);
        }
    }
    Ok(())
}

/// The pairs of a text that consists of nothing else, each with its key.
fn pairs_of(text: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
    let mut rest = text.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let equals = rest.find(['=', ' ', '"', '\t', '\n'])?;
        let key = rest.get(..equals).filter(|key| !key.is_empty())?;
        let value = rest.get(equals..)?.strip_prefix('=')?;
        let length = match value.strip_prefix('"') {
            Some(quoted) => 2 + end_of_quoted(quoted)?,
            None => value.find(char::is_whitespace).unwrap_or(value.len()),
        };
        let after = value.get(length..)?;
        if after.starts_with(|next: char| !next.is_whitespace()) {
            return None;
        }
        pairs.push((key, rest.get(..equals + 1 + length)?));
        rest = after.trim_start();
    }
    (!pairs.is_empty()).then(|| pairs.into_iter())
}

/// Where the closing quote is.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.find(|character| {
        let is_end = character == '"' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        is_end
    })
}

struct Pairs<'o> {
    /// Where the line begins.
    start: usize,
    out: &'o mut Vec<u8>,
}

impl Pairs<'_> {
    /// Appends a value; those within a map or list under keys of their own.
    fn value(&mut self, key: &str, value: &Value<'_>) -> Result<(), DecodeError> {
        let under = |inner: &str| match key {
            "" => inner.to_owned(),
            key => format!("{key}_{inner}"),
        };
        match value {
            Value::Empty => {}
            Value::Map(map) => {
                for pair in map.iter() {
                    let (inner, value) = pair?;
                    self.value(&under(inner), &value)?;
                }
            }
            Value::Array(array) => {
                for (index, value) in array.into_iter().enumerate() {
                    self.value(&under(&index.to_string()), &value?)?;
                }
            }
            other => self.text(key, &other.to_text()),
        }
        Ok(())
    }

    fn text(&mut self, key: &str, text: &str) {
        self.separate();
        let start = self.out.len();
        for character in key.chars().filter(|character| !is_special(*character)) {
            let mut buffer = [0; 4];
            self.out
                .extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
        if self.out.len() == start {
            self.out.push(b'_');
        }
        self.out.push(b'=');
        if text.chars().any(is_special) || text == "null" {
            // A text can be written, whatever it holds.
            let _ = write_plain_value(&Value::Str(text), self.out);
        } else {
            self.out.extend_from_slice(text.as_bytes());
        }
    }

    fn raw(&mut self, pair: &str) {
        self.separate();
        self.out.extend_from_slice(pair.as_bytes());
    }

    fn separate(&mut self) {
        if self.out.len() > self.start {
            self.out.push(b' ');
        }
    }
}

/// What a key can't have, and what a value has only in quotes.
const fn is_special(character: char) -> bool {
    matches!(character, '\0'..=' ' | '=' | '"' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_that_is_all_pairs_is_taken_for_pairs() {
        let keys = |text| pairs_of(text).map(|pairs| pairs.map(|(key, _)| key).collect::<Vec<_>>());
        assert_eq!(
            keys(r#" a=1  b="x \" y" c= d=e=f "#).unwrap(),
            ["a", "b", "c", "d"]
        );
        for text in [
            "",
            "plain words",
            "a=1 b",
            "=1",
            "a=\"open",
            "a=\"x\"y",
            "a = 1",
        ] {
            assert_eq!(keys(text), None, "{text}");
        }
    }

    #[test]
    fn values_are_quoted_where_needed() {
        let mut out = Vec::new();
        let mut pairs = Pairs {
            start: 0,
            out: &mut out,
        };
        for (key, value) in [
            ("plain", "a-b"),
            ("empty", ""),
            ("a b=c\"", "x y"),
            ("\" ", "null"),
            ("quote", "\"\n\\"),
        ] {
            pairs.text(key, value);
        }
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "plain=a-b empty= abc=\"x y\" _=\"null\" quote=\"\\\"\\n\\\\\""
        );
    }
}
