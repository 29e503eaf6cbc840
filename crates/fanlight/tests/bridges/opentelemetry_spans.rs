//! Spans of the `opentelemetry` crates.

use std::borrow::Cow;

use fanlight::bridge::opentelemetry::Processor;
use fanlight::testing::capture;
use fanlight::{Context, Level, SpanKind};
use opentelemetry::trace::{Span, SpanBuilder, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

fn tracer() -> SdkTracer {
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Processor::new())
        .build();
    let scope = InstrumentationScope::builder("shop").with_version("1.2");
    provider.tracer_with_scope(scope.build())
}

/// Scenario: a span with a value of each type, an event, a link and an error is made with `opentelemetry`.
/// Guarantee: all of it arrives as it was, from the scope that made it.
#[test]
fn spans_arrive_whole() {
    let captured = capture();
    let tracer = tracer();
    let other = tracer.start("other").span_context().clone();
    let mut span = tracer
        .build(SpanBuilder::from_name("pay").with_kind(opentelemetry::trace::SpanKind::Client));
    span.set_attribute(KeyValue::new("order", 17));
    span.set_attribute(KeyValue::new("ratio", 0.5));
    span.set_attribute(KeyValue::new("yes", true));
    span.set_attribute(KeyValue::new("text", "tea"));
    let sizes = Value::Array(Array::I64(vec![1, 2]));
    span.set_attribute(KeyValue::new("sizes", sizes));
    span.add_event("charged", vec![KeyValue::new("try", 2)]);
    span.add_link(other.clone(), Vec::new());
    span.set_status(Status::Error {
        description: Cow::Borrowed("declined"),
    });
    let context = span.span_context().clone();
    span.end();
    let mut spans = captured.spans().into_iter();
    let span = spans.find(|span| span.name == "pay").unwrap();
    assert_eq!(span.trace_id.0, context.trace_id().to_bytes());
    assert_eq!(span.span_id.0, context.span_id().to_bytes());
    assert_eq!((span.kind, span.level), (SpanKind::Client, Level::Error));
    assert_eq!(span.attributes["order"], 17);
    assert_eq!(span.attributes["ratio"], 0.5);
    assert_eq!(span.attributes["yes"], true);
    assert_eq!(span.attributes["text"], "tea");
    assert_eq!(span.attributes["sizes"], [1, 2]);
    assert_eq!(span.events[0].name, "charged");
    assert_eq!(span.events[0].attributes["try"], 2);
    assert_eq!(span.links[0].span_id.0, other.span_id().to_bytes());
    assert_eq!(span.error.as_deref(), Some("declined"));
    assert_eq!((span.source.package, span.source.version), ("shop", "1.2"));
    assert!(span.start > 0 && span.end >= span.start);
}

/// Scenario: a native span is started inside one of `opentelemetry`, and the other way round.
/// Guarantee: each is the child of the other in one trace.
#[test]
fn contexts_go_both_ways() {
    let captured = capture();
    let tracer = tracer();
    let outer = opentelemetry::Context::new().with_span(tracer.start("outer"));
    let parent = Context::from_opentelemetry(outer.span().span_context());
    fanlight::span!(parent: parent, "middle").in_scope(|| {
        let context = Context::current().unwrap().to_opentelemetry();
        let around = opentelemetry::Context::new().with_remote_span_context(context);
        tracer.start_with_context("inner", &around).end();
    });
    outer.span().end();
    let spans = captured.spans();
    let of = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    assert_eq!(of("middle").parent_id, Some(of("outer").span_id));
    assert_eq!(of("inner").parent_id, Some(of("middle").span_id));
    assert!(
        spans
            .iter()
            .all(|span| span.trace_id == of("outer").trace_id)
    );
    assert_eq!(
        Context::from_opentelemetry(&opentelemetry::trace::SpanContext::NONE),
        None
    );
}
