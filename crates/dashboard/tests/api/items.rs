//! Telemetry that tests store.

use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};

const SHOP: &[(&str, Value<'static>)] = &[("service.name", Value::Str("shop"))];

pub(crate) fn trace(id: u8) -> Batch {
    let mut request = RequestWriter::new(Signal::Traces);
    request.resource(SHOP, |resource| {
        resource.scope("tests", "1", |scope| {
            scope.span(&Span {
                trace_id: TraceId([id; 16]),
                span_id: SpanId([id; 8]),
                name: "GET /",
                kind: 2,
                start_time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id),
                end_time_unix_nano: 1_700_000_000_005_000_000 + u64::from(id),
                attributes: &[("user.id", Value::Int(7))],
                status_code: 2,
                status_message: "no",
                ..Span::default()
            });
        });
    });
    request.finish()
}

pub(crate) fn log(id: u8) -> Batch {
    let mut request = RequestWriter::new(Signal::Logs);
    request.resource(SHOP, |resource| {
        resource.scope("tests", "1", |scope| {
            scope.log(&LogRecord {
                time_unix_nano: 1_700_000_000_000_000_000 + u64::from(id),
                severity_number: 9,
                body: Value::Str("hello"),
                trace_id: TraceId([id; 16]),
                ..LogRecord::default()
            });
        });
    });
    request.finish()
}

pub(crate) fn metric() -> Batch {
    let mut request = RequestWriter::new(Signal::Metrics);
    let point = NumberPoint {
        attributes: &[],
        start_time_unix_nano: 1,
        time_unix_nano: 2,
        value: NumberView::Int(5),
    };
    request.resource(SHOP, |resource| {
        resource.scope("tests", "1", |scope| {
            scope.metric(&Metric {
                name: "queue",
                description: "",
                unit: "1",
                data: Data::Gauge(&[point]),
            });
        });
    });
    request.finish()
}
