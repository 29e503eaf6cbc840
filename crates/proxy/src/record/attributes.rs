//! Attributes as they are written; every text among them without secrets.

use fanlight_otlp::view::Value;
use fanlight_otlp::write::Encoder;

use crate::redact::Redaction;

/// Writes attributes into a field of a message; what there is nothing to say of is left out.
pub(super) struct Attributes<'a> {
    pub(super) out: &'a mut Encoder,
    pub(super) field: u32,
    pub(super) redaction: &'a Redaction,
}

impl Attributes<'_> {
    pub(super) fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let text = self.redaction.text(text);
            self.out.attribute(self.field, key, &Value::Str(&text));
        }
    }

    /// A text that is known to be without secrets.
    pub(super) fn clean(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.out.attribute(self.field, key, &Value::Str(text));
        }
    }

    pub(super) fn texts<'t>(&mut self, key: &str, texts: impl IntoIterator<Item = &'t String>) {
        let mut texts = texts.into_iter().peekable();
        if texts.peek().is_none() {
            return;
        }
        let redaction = self.redaction;
        self.out.nested(self.field, |out| {
            out.bytes(1, key);
            out.nested(2, |out| {
                out.nested(5, |out| {
                    for text in texts {
                        let text = redaction.text(text);
                        out.nested(1, |out| out.value(&Value::Str(&text)));
                    }
                });
            });
        });
    }

    pub(super) fn int(&mut self, key: &str, number: Option<i64>) {
        if let Some(number) = number {
            self.out.attribute(self.field, key, &Value::Int(number));
        }
    }

    pub(super) fn count(&mut self, key: &str, count: u64) {
        self.int(key, Some(i64::try_from(count).unwrap_or(i64::MAX)));
    }

    /// A count that is nothing to speak of if it is zero.
    pub(super) fn some(&mut self, key: &str, count: u64) {
        if count > 0 {
            self.count(key, count);
        }
    }

    pub(super) fn number(&mut self, key: &str, number: Option<f64>) {
        if let Some(number) = number {
            self.out.attribute(self.field, key, &Value::Double(number));
        }
    }

    pub(super) fn flag(&mut self, key: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.out.attribute(self.field, key, &Value::Bool(flag));
        }
    }
}
