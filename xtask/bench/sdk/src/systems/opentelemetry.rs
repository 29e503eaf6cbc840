//! The OpenTelemetry SDK by itself, with a processor that does nothing.

use anyhow::Result;
use opentelemetry::trace::{Tracer, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use serde_json::Value;

use super::unknown;
use crate::measure;

/// Takes spans and forgets them.
#[derive(Debug)]
pub struct Nothing;

impl SpanProcessor for Nothing {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

pub fn run(case: &str) -> Result<Value> {
    let provider = SdkTracerProvider::builder().with_span_processor(Nothing).build();
    let tracer = provider.tracer("bench");
    match case {
        "span" => Ok(measure::calls(|index| {
            tracer.in_span("work", |context| {
                use opentelemetry::trace::TraceContextExt as _;
                context.span().set_attribute(KeyValue::new("index", i64::from(index)));
                context.span().set_attribute(KeyValue::new("name", "value"));
            });
        })),
        "bare span" => Ok(measure::calls(|index| {
            let attributes = [KeyValue::new("index", i64::from(index)), KeyValue::new("name", "value")];
            drop(tracer.span_builder("work").with_attributes(attributes).start(&tracer));
        })),
        _ => unknown(case),
    }
}
