//! A whole request: resources, scopes, items.

use super::{Encoder, KeyValues, LogRecord, Metric, Span};
use crate::{Batch, Signal};

/// Makes a batch from scratch.
#[derive(Debug)]
pub struct RequestWriter {
    signal: Signal,
    out: Encoder,
    /// How many bytes are expected.
    room: usize,
    items: usize,
}

/// Writes what one resource sends.
#[derive(Debug)]
pub struct ResourceWriter<'a> {
    request: &'a mut RequestWriter,
}

/// Writes what one scope of a resource sends. Items must be of the request's signal: others are a mistake in the program,
/// which debug builds stop at and release builds leave out.
#[derive(Debug)]
pub struct ScopeWriter<'a> {
    request: &'a mut RequestWriter,
}

impl RequestWriter {
    /// An empty request.
    pub fn new(signal: Signal) -> RequestWriter {
        RequestWriter::with_room(signal, 0)
    }

    /// An empty request that is to hold about so many bytes: if it does, nothing is moved while it is written.
    pub fn with_room(signal: Signal, bytes: usize) -> RequestWriter {
        RequestWriter {
            signal,
            out: Encoder::with_capacity(bytes),
            room: bytes,
            items: 0,
        }
    }

    /// Adds a resource, and whatever the closure adds to it.
    pub fn resource(
        &mut self,
        attributes: KeyValues<'_>,
        write: impl FnOnce(&mut ResourceWriter<'_>),
    ) {
        let open = self.out.open_about(1, self.room);
        self.out.nested(1, |out| out.attributes(1, attributes));
        write(&mut ResourceWriter { request: self });
        self.out.close(open);
    }

    /// The batch.
    pub fn finish(self) -> Batch {
        Batch::trusted(self.signal, self.out.into_bytes().into(), self.items)
    }
}

impl ResourceWriter<'_> {
    /// Adds a scope, and whatever the closure adds to it.
    pub fn scope(&mut self, name: &str, version: &str, write: impl FnOnce(&mut ScopeWriter<'_>)) {
        let open = self.request.out.open_about(2, self.request.room);
        self.request.out.nested(1, |out| {
            out.bytes(1, name);
            out.bytes(2, version);
        });
        write(&mut ScopeWriter {
            request: self.request,
        });
        self.request.out.close(open);
    }
}

impl ScopeWriter<'_> {
    /// Adds a span.
    pub fn span(&mut self, span: &Span<'_>) {
        self.item(Signal::Traces, 1, |out| span.write(out));
    }

    /// Adds a log record.
    pub fn log(&mut self, record: &LogRecord<'_>) {
        self.item(Signal::Logs, 1, |out| record.write(out));
    }

    /// Adds a metric with its data points.
    pub fn metric(&mut self, metric: &Metric<'_>) {
        self.item(Signal::Metrics, metric.data.points_count(), |out| {
            metric.write(out)
        });
    }

    /// Adds items of the given signal that are encoded already, each as field 2.
    pub fn encoded(&mut self, signal: Signal, items: usize, fields: &[u8]) {
        debug_assert_eq!(signal, self.request.signal, "an item of another signal");
        if signal == self.request.signal {
            self.request.items += items;
            self.request.out.raw(fields);
        }
    }

    /// Adds an item of the given signal, field by field; `items` is how many it counts for (a metric counts its data points).
    pub fn item(&mut self, signal: Signal, items: usize, write: impl FnOnce(&mut Encoder)) {
        debug_assert_eq!(signal, self.request.signal, "an item of another signal");
        if signal == self.request.signal {
            self.request.items += items;
            self.request.out.nested(2, write);
        }
    }
}
