//! A log record as the line of an entry.
//!
//! Members and keys are the Collector's, in the sender's order; the event's name, which it leaves out, is added. Numbers that
//! JSON does not have become text, where the Collector drops the record.

use fanlight_otlp::DecodeError;
use fanlight_otlp::json::write_plain_value;
use fanlight_otlp::view::{Attributes, LogView, ScopeView, Value};

use super::labels::{Format, Labels};
use super::logfmt;

/// What a line is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'r, 'a> {
    pub(super) log: &'r LogView<'a>,
    pub(super) resource: &'r Attributes<'a>,
    pub(super) scope: &'r ScopeView<'a>,
    /// What is a label is not in the line again.
    pub(super) labels: &'r Labels<'a>,
}

impl<'a> Line<'_, 'a> {
    /// Appends it.
    pub(super) fn write(&self, format: Format, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match format {
            Format::Json => self.json(out),
            Format::Logfmt => logfmt::write(self, out),
            Format::Raw => {
                out.extend_from_slice(self.log.body.to_text().as_bytes());
                Ok(())
            }
        }
    }

    /// The attributes of a list that are not labels.
    pub(super) fn rest(
        &self,
        attributes: &Attributes<'a>,
    ) -> impl Iterator<Item = Result<(&'a str, Value<'a>), DecodeError>> {
        attributes
            .iter()
            .filter(|pair| !matches!(pair, Ok((key, value)) if self.labels.replace(key, value)))
    }

    fn json(&self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let log = self.log;
        let mut object = Object::open(out);
        if log.body != Value::Empty {
            object.member("body", &log.body)?;
        }
        if !log.event_name.is_empty() {
            object.member("event_name", &Value::Str(log.event_name))?;
        }
        if !log.trace_id.is_zero() {
            object.member("traceid", &Value::Str(&log.trace_id.to_string()))?;
        }
        if !log.span_id.is_zero() {
            object.member("spanid", &Value::Str(&log.span_id.to_string()))?;
        }
        if !log.severity_text.is_empty() {
            object.member("severity", &Value::Str(log.severity_text))?;
        }
        if log.flags != 0 {
            object.member("flags", &Value::Int(log.flags.into()))?;
        }
        for (key, attributes) in [
            ("attributes", &log.attributes),
            ("resources", self.resource),
        ] {
            let mut rest = self.rest(attributes).peekable();
            if rest.peek().is_some() {
                let mut inner = Object::open(object.key(key)?);
                rest.try_for_each(|pair| pair.and_then(|(key, value)| inner.member(key, &value)))?;
                inner.close();
            }
        }
        if !self.scope.name.is_empty() {
            let mut scope = Object::open(object.key("instrumentation_scope")?);
            scope.member("name", &Value::Str(self.scope.name))?;
            if !self.scope.version.is_empty() {
                scope.member("version", &Value::Str(self.scope.version))?;
            }
            scope.close();
        }
        object.close();
        Ok(())
    }
}

/// A JSON object that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut Vec<u8>) -> Object<'o> {
        out.push(b'{');
        Object {
            out,
            is_empty: true,
        }
    }

    fn key(&mut self, key: &str) -> Result<&mut Vec<u8>, DecodeError> {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        write_plain_value(&Value::Str(key), self.out)?;
        self.out.push(b':');
        Ok(self.out)
    }

    fn member(&mut self, key: &str, value: &Value<'_>) -> Result<(), DecodeError> {
        write_plain_value(value, self.key(key)?)
    }

    fn close(self) {
        self.out.push(b'}');
    }
}
