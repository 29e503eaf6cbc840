//! Spans that are made with the `opentelemetry` crates, sent where Fanlight sends its own.
//!
//! ```
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//!
//! let provider = SdkTracerProvider::builder()
//!     .with_span_processor(fanlight::bridge::opentelemetry::Processor::new())
//!     .build();
//! opentelemetry::global::set_tracer_provider(provider);
//! ```
//!
//! Each side keeps its own account of which span is entered. Where one calls the other, the context is handed over:
//!
//! ```
//! use fanlight::Context;
//! use opentelemetry::trace::TraceContextExt;
//!
//! // A native span as the child of one of `opentelemetry`:
//! let outer = opentelemetry::Context::current();
//! let span = fanlight::span!(parent: Context::from_opentelemetry(outer.span().span_context()), "work");
//!
//! // And the other way round:
//! if let Some(context) = Context::current() {
//!     let _entered = outer.with_remote_span_context(context.to_opentelemetry()).attach();
//! }
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanlight_otlp::write::Encoder;
use fanlight_otlp::{SpanId, TraceId};
use opentelemetry::trace::{
    Event, Link, SpanContext, SpanKind as OtherKind, Status, TraceFlags, TraceState,
};
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use super::callsites::Place;
use crate::context::Local;
use crate::propagation::Carried;
use crate::record::{self, Kind};
use crate::span::field;
use crate::value::{ToValue, ValueWriter, put_attribute};
use crate::{Context, Level, SpanKind, callsite};

/// A span processor of `opentelemetry_sdk` that hands spans over to Fanlight, which batches and delivers them.
///
/// Sampling is up to the provider, as is where its own exporters send. The resource is the one that Fanlight is configured with.
#[derive(Debug, Default)]
pub struct Processor(());

impl Processor {
    /// The processor.
    pub fn new() -> Processor {
        Processor(())
    }
}

impl SpanProcessor for Processor {
    fn on_start(&self, span: &mut Span, _: &opentelemetry::Context) {
        if callsite::are_starts_wanted()
            && let Some(data) = span.exported_data()
        {
            hand_over(Kind::Started, &data);
        }
    }

    fn on_end(&self, span: SpanData) {
        hand_over(Kind::Span, &span);
    }

    /// Does nothing: [`Guard::flush`](crate::Guard::flush) delivers.
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

impl Context {
    /// The context of a span of `opentelemetry`; nothing where that is no valid one.
    pub fn from_opentelemetry(span: &SpanContext) -> Option<Context> {
        span.is_valid().then(|| Context {
            carried: Carried::keep(&span.trace_state().header(), ""),
            ..Context::new(
                TraceId(span.trace_id().to_bytes()),
                SpanId(span.span_id().to_bytes()),
                span.is_sampled(),
            )
        })
    }

    /// The same for `opentelemetry`, as the context of a span that is elsewhere.
    pub fn to_opentelemetry(self) -> SpanContext {
        let carried = self.carried.get();
        let state = carried.and_then(|carried| carried.state.parse::<TraceState>().ok());
        SpanContext::new(
            opentelemetry::TraceId::from_bytes(self.trace_id.0),
            opentelemetry::SpanId::from_bytes(self.span_id.0),
            TraceFlags::default().with_sampled(self.is_sampled),
            true,
            state.unwrap_or_default(),
        )
    }
}

fn hand_over(kind: Kind, span: &SpanData) {
    let scope = &span.instrumentation_scope;
    let place = Place {
        name: "",
        package: scope.name(),
        version: scope.version().unwrap_or_default(),
        target: scope.name(),
        file: None,
        line: None,
        level: Level::Info,
    };
    let callsite = place.callsite();
    if !callsite.is_wanted() || !span.span_context.is_sampled() {
        return;
    }
    let level = match span.status {
        Status::Error { .. } => Level::Error,
        Status::Ok | Status::Unset => Level::Info,
    };
    Local::with(|local| {
        local.append(|buffer| {
            record::append(buffer, kind, callsite, level, |out| write(span, out));
        });
    });
}

/// Writes the fields of an OTLP `Span`.
fn write(span: &SpanData, out: &mut Encoder) {
    out.some_bytes(1, span.span_context.trace_id().to_bytes());
    out.some_bytes(2, span.span_context.span_id().to_bytes());
    out.bytes(3, span.span_context.trace_state().header());
    if span.parent_span_id != opentelemetry::SpanId::INVALID {
        out.some_bytes(4, span.parent_span_id.to_bytes());
    }
    out.bytes(5, span.name.as_ref());
    out.varint(6, kind(&span.span_kind) as u64);
    out.some_fixed64(7, nanos(span.start_time));
    out.some_fixed64(8, nanos(span.end_time));
    attributes(field::ATTRIBUTES, &span.attributes, out);
    out.varint(10, u64::from(span.dropped_attributes_count));
    for event in span.events.iter() {
        out.nested(field::EVENTS, |out| write_event(event, out));
    }
    out.varint(12, u64::from(span.events.dropped_count));
    for link in span.links.iter() {
        out.nested(field::LINKS, |out| write_link(link, out));
    }
    out.varint(14, u64::from(span.links.dropped_count));
    match &span.status {
        Status::Unset => {}
        Status::Ok => out.nested(15, |out| out.varint(3, 1)),
        Status::Error { description } => out.nested(15, |out| {
            out.bytes(2, description.as_ref());
            out.varint(3, 2);
        }),
    }
}

fn write_event(event: &Event, out: &mut Encoder) {
    out.some_fixed64(1, nanos(event.timestamp));
    out.bytes(2, event.name.as_ref());
    attributes(3, &event.attributes, out);
    out.varint(4, u64::from(event.dropped_attributes_count));
}

fn write_link(link: &Link, out: &mut Encoder) {
    out.some_bytes(1, link.span_context.trace_id().to_bytes());
    out.some_bytes(2, link.span_context.span_id().to_bytes());
    out.bytes(3, link.span_context.trace_state().header());
    attributes(4, &link.attributes, out);
    out.varint(5, u64::from(link.dropped_attributes_count));
}

fn attributes(number: u32, attributes: &[KeyValue], out: &mut Encoder) {
    for attribute in attributes {
        put_attribute(out, number, attribute.key.as_str(), &attribute.value);
    }
}

impl ToValue for Value {
    fn to_value(&self, out: ValueWriter<'_>) {
        match self {
            Value::Bool(value) => out.bool(*value),
            Value::I64(value) => out.int(*value),
            Value::F64(value) => out.double(*value),
            Value::String(value) => out.string(value.as_str()),
            Value::Array(Array::Bool(values)) => out.array(values),
            Value::Array(Array::I64(values)) => out.array(values),
            Value::Array(Array::F64(values)) => out.array(values),
            Value::Array(Array::String(values)) => {
                out.array(values.iter().map(opentelemetry::StringValue::as_str));
            }
            // What later versions may know besides.
            other => out.string(&other.as_str()),
        }
    }
}

fn kind(kind: &OtherKind) -> SpanKind {
    match kind {
        OtherKind::Internal => SpanKind::Internal,
        OtherKind::Server => SpanKind::Server,
        OtherKind::Client => SpanKind::Client,
        OtherKind::Producer => SpanKind::Producer,
        OtherKind::Consumer => SpanKind::Consumer,
    }
}

/// Nanoseconds since 1970.
fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
