//! Log records.

use super::{Attributes, Value};
use crate::wire::Records;
use crate::{DecodeError, SpanId, TraceId};

/// A log record. Field names and meanings are OTLP's.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogView<'a> {
    /// When it happened, in nanoseconds since 1970; 0 when unknown.
    pub time_unix_nano: u64,
    /// When it was seen, in nanoseconds since 1970.
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`: 1 to 24, 0 when unspecified; 9 is info, 13 warn, 17 error.
    pub severity_number: i32,
    /// The severity as the source calls it.
    pub severity_text: &'a str,
    /// The body.
    pub body: Value<'a>,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// W3C trace flags in the low 8 bits.
    pub flags: u32,
    /// The trace it belongs to; zero when none.
    pub trace_id: TraceId,
    /// The span it belongs to; zero when none.
    pub span_id: SpanId,
    /// The name of the event that it is; empty when it is none.
    pub event_name: &'a str,
}

impl<'a> LogView<'a> {
    /// Reads a `LogRecord` message.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(bytes: &'a [u8]) -> Result<LogView<'a>, DecodeError> {
        let mut view = LogView::default();
        for record in Records::new(bytes, "LogRecord") {
            let record = record?;
            match record.number {
                1 => view.time_unix_nano = record.fixed64()?,
                2 => view.severity_number = record.varint()? as i32,
                3 => view.severity_text = record.text()?,
                5 => view.body = Value::read(record.bytes()?)?,
                6 => view.attributes.add(&record),
                7 => view.dropped_attributes_count = record.varint()? as u32,
                8 => view.flags = record.fixed32()?,
                9 => view.trace_id = TraceId(record.id()?),
                10 => view.span_id = SpanId(record.id()?),
                11 => view.observed_time_unix_nano = record.fixed64()?,
                12 => view.event_name = record.text()?,
                _ => {}
            }
        }
        Ok(view)
    }
}
