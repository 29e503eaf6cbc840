//! Spans to write.

use super::{Encoder, KeyValues};
use crate::{SpanId, TraceId};

/// A span. Fields are those of [`SpanView`](crate::view::SpanView).
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct Span<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub trace_state: &'a str,
    pub parent_span_id: SpanId,
    pub flags: u32,
    pub name: &'a str,
    pub kind: i32,
    pub start_time_unix_nano: u64,
    pub end_time_unix_nano: u64,
    pub attributes: KeyValues<'a>,
    pub dropped_attributes_count: u32,
    pub events: &'a [Event<'a>],
    pub dropped_events_count: u32,
    pub links: &'a [Link<'a>],
    pub dropped_links_count: u32,
    pub status_code: i32,
    pub status_message: &'a str,
}

/// An event of a [`Span`].
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct Event<'a> {
    pub time_unix_nano: u64,
    pub name: &'a str,
    pub attributes: KeyValues<'a>,
    pub dropped_attributes_count: u32,
}

/// A link of a [`Span`].
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs, reason = "the fields are described where they are read")]
pub struct Link<'a> {
    pub trace_id: TraceId,
    pub span_id: SpanId,
    pub trace_state: &'a str,
    pub attributes: KeyValues<'a>,
    pub dropped_attributes_count: u32,
}

impl Span<'_> {
    pub(crate) fn write(&self, out: &mut Encoder) {
        out.id(1, self.trace_id.0);
        out.id(2, self.span_id.0);
        out.bytes(3, self.trace_state);
        out.id(4, self.parent_span_id.0);
        out.bytes(5, self.name);
        out.varint(6, self.kind as u64);
        out.fixed64(7, self.start_time_unix_nano);
        out.fixed64(8, self.end_time_unix_nano);
        out.attributes(9, self.attributes);
        out.varint(10, u64::from(self.dropped_attributes_count));
        for event in self.events {
            out.nested(11, |out| {
                out.fixed64(1, event.time_unix_nano);
                out.bytes(2, event.name);
                out.attributes(3, event.attributes);
                out.varint(4, u64::from(event.dropped_attributes_count));
            });
        }
        out.varint(12, u64::from(self.dropped_events_count));
        for link in self.links {
            out.nested(13, |out| {
                out.id(1, link.trace_id.0);
                out.id(2, link.span_id.0);
                out.bytes(3, link.trace_state);
                out.attributes(4, link.attributes);
                out.varint(5, u64::from(link.dropped_attributes_count));
            });
        }
        out.varint(14, u64::from(self.dropped_links_count));
        if self.status_code != 0 || !self.status_message.is_empty() {
            out.nested(15, |out| {
                out.bytes(2, self.status_message);
                out.varint(3, self.status_code as u64);
            });
        }
        out.fixed32(16, self.flags);
    }
}

impl Encoder {
    /// An id; the zero id is left out.
    pub(crate) fn id<const N: usize>(&mut self, number: u32, id: [u8; N]) {
        if id != [0; N] {
            self.some_bytes(number, id);
        }
    }
}
