//! Writing protobuf forwards, and telemetry from scratch.
//!
//! [`RequestWriter`] makes a batch from plain structs:
//!
//! ```
//! use fanlight_otlp::write::{RequestWriter, Span};
//! use fanlight_otlp::{Signal, SpanId, TraceId};
//!
//! let mut out = RequestWriter::new(Signal::Traces);
//! out.resource(&[("service.name", "shop".into())], |resource| {
//!     resource.scope("checkout", "1.0", |scope| {
//!         scope.span(&Span { trace_id: TraceId([1; 16]), span_id: SpanId([2; 8]), name: "pay", ..Span::default() });
//!     });
//! });
//! assert_eq!(out.finish().items(), 1);
//! ```

mod encoder;
mod log;
mod metric;
mod request;
mod span;

pub use encoder::{Encoder, Open};
pub use log::LogRecord;
pub use metric::{Data, HistogramPoint, Metric, NumberPoint};
pub use request::{RequestWriter, ResourceWriter, ScopeWriter};
pub use span::{Event, Link, Span};

#[cfg(test)]
pub(crate) use encoder::put_varint;

/// Keys with values.
pub type KeyValues<'a> = &'a [(&'a str, crate::view::Value<'a>)];
