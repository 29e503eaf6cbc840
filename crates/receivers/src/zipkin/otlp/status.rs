//! A span's status, from the tags that say how it went.

use std::borrow::Cow;

/// What the tags said so far.
#[derive(Debug, Default)]
pub(super) struct Status<'a> {
    /// OTLP's number.
    code: i32,
    /// `otel.status_description`.
    pub(super) description: Cow<'a, str>,
    /// `error`: in Zipkin the span failed if there is such a tag, and its value is the reason or just `true`.
    pub(super) error: Option<Cow<'a, str>>,
}

impl<'a> Status<'a> {
    /// `otel.status_code`; older exporters wrote the whole name of the constant.
    pub(super) fn code(&mut self, text: &str) {
        let name = text.strip_prefix("STATUS_CODE_").unwrap_or(text);
        self.code = match name {
            _ if name.eq_ignore_ascii_case("ok") => 1,
            _ if name.eq_ignore_ascii_case("error") => 2,
            _ => 0,
        };
    }

    /// The status code and message.
    pub(super) fn finish(self) -> (i32, Cow<'a, str>) {
        let Some(reason) = self.error else {
            return (self.code, self.description);
        };
        let reason = match &*reason {
            "true" => Cow::Borrowed(""),
            _ => reason,
        };
        match self.description.is_empty() {
            true => (2, reason),
            false => (2, self.description),
        }
    }
}
