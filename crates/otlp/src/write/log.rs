//! Log records to write.

use super::{Encoder, KeyValues};
use crate::view::Value;
use crate::{SpanId, TraceId};

/// A log record. Fields are those of [`LogView`](crate::view::LogView).
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct LogRecord<'a> {
    pub time_unix_nano: u64,
    pub observed_time_unix_nano: u64,
    pub severity_number: i32,
    pub severity_text: &'a str,
    pub body: Value<'a>,
    pub attributes: KeyValues<'a>,
    pub flags: u32,
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub event_name: &'a str,
}

impl LogRecord<'_> {
    pub(crate) fn write(&self, out: &mut Encoder) {
        out.fixed64(1, self.time_unix_nano);
        out.varint(2, self.severity_number as u64);
        out.bytes(3, self.severity_text);
        if self.body != Value::Empty {
            out.nested(5, |out| out.value(&self.body));
        }
        out.attributes(6, self.attributes);
        out.fixed32(8, self.flags);
        out.id(9, self.trace_id.0);
        out.id(10, self.span_id.0);
        out.fixed64(11, self.observed_time_unix_nano);
        out.bytes(12, self.event_name);
    }
}
