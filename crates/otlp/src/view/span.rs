//! Spans, their events, links and status.

use super::Attributes;
use crate::wire::{List, Records};
use crate::{DecodeError, SpanId, TraceId};

/// A span. Field names and meanings are OTLP's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanView<'a> {
    /// The trace it belongs to.
    pub trace_id: TraceId,
    /// Its own id.
    pub span_id: SpanId,
    /// The W3C `tracestate`.
    pub trace_state: &'a str,
    /// Its parent's id; zero for a root span.
    pub parent_span_id: SpanId,
    /// W3C trace flags in the low 8 bits; bits 8 and 9 say whether the parent is remote.
    pub flags: u32,
    /// Its name.
    pub name: &'a str,
    /// `SpanKind`: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// When it started, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// How many events the sender dropped.
    pub dropped_events_count: u32,
    /// How many links the sender dropped.
    pub dropped_links_count: u32,
    /// Its status.
    pub status: StatusView<'a>,
    events: List<'a>,
    links: List<'a>,
}

/// A span's status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusView<'a> {
    /// `StatusCode`: 0 unset, 1 ok, 2 error.
    pub code: i32,
    /// What went wrong.
    pub message: &'a str,
}

/// Something that happened within a span.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventView<'a> {
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What.
    pub name: &'a str,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
}

/// A span's link to another span.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkView<'a> {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The link's W3C `tracestate`.
    pub trace_state: &'a str,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// How many attributes the sender dropped.
    pub dropped_attributes_count: u32,
    /// As [`SpanView::flags`].
    pub flags: u32,
}

impl<'a> SpanView<'a> {
    /// Reads a `Span` message.
    ///
    /// # Errors
    /// When the bytes are not one.
    pub fn read(bytes: &'a [u8]) -> Result<SpanView<'a>, DecodeError> {
        let mut view = SpanView::default();
        for record in Records::new(bytes, "Span") {
            let record = record?;
            match record.number {
                1 => view.trace_id = TraceId(record.id()?),
                2 => view.span_id = SpanId(record.id()?),
                3 => view.trace_state = record.text()?,
                4 => view.parent_span_id = SpanId(record.id()?),
                5 => view.name = record.text()?,
                6 => view.kind = record.varint()? as i32,
                7 => view.start_time_unix_nano = record.fixed64()?,
                8 => view.end_time_unix_nano = record.fixed64()?,
                9 => view.attributes.add(&record),
                10 => view.dropped_attributes_count = record.varint()? as u32,
                11 => view.events.add(&record),
                12 => view.dropped_events_count = record.varint()? as u32,
                13 => view.links.add(&record),
                14 => view.dropped_links_count = record.varint()? as u32,
                15 => view.status = StatusView::read(record.bytes()?)?,
                16 => view.flags = record.fixed32()?,
                _ => {}
            }
        }
        Ok(view)
    }

    /// The events.
    pub fn events(&self) -> impl Iterator<Item = Result<EventView<'a>, DecodeError>> + use<'a> {
        self.events.map(|record| EventView::read(record?.bytes()?))
    }

    /// The links.
    pub fn links(&self) -> impl Iterator<Item = Result<LinkView<'a>, DecodeError>> + use<'a> {
        self.links.map(|record| LinkView::read(record?.bytes()?))
    }
}

impl<'a> StatusView<'a> {
    fn read(bytes: &'a [u8]) -> Result<StatusView<'a>, DecodeError> {
        let mut view = StatusView::default();
        for record in Records::new(bytes, "Status") {
            let record = record?;
            match record.number {
                2 => view.message = record.text()?,
                3 => view.code = record.varint()? as i32,
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> EventView<'a> {
    fn read(bytes: &'a [u8]) -> Result<EventView<'a>, DecodeError> {
        let mut view = EventView::default();
        for record in Records::new(bytes, "Span.Event") {
            let record = record?;
            match record.number {
                1 => view.time_unix_nano = record.fixed64()?,
                2 => view.name = record.text()?,
                3 => view.attributes.add(&record),
                4 => view.dropped_attributes_count = record.varint()? as u32,
                _ => {}
            }
        }
        Ok(view)
    }
}

impl<'a> LinkView<'a> {
    fn read(bytes: &'a [u8]) -> Result<LinkView<'a>, DecodeError> {
        let mut view = LinkView::default();
        for record in Records::new(bytes, "Span.Link") {
            let record = record?;
            match record.number {
                1 => view.trace_id = TraceId(record.id()?),
                2 => view.span_id = SpanId(record.id()?),
                3 => view.trace_state = record.text()?,
                4 => view.attributes.add(&record),
                5 => view.dropped_attributes_count = record.varint()? as u32,
                6 => view.flags = record.fixed32()?,
                _ => {}
            }
        }
        Ok(view)
    }
}
