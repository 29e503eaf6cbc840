//! Telemetry that tests store.

use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{
    Data, Event, Link, LogRecord, Metric, NumberPoint, RequestWriter, Span,
};
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

/// When the checkout began.
pub(crate) const START: u64 = 1_700_000_000_000_000_000;
/// The checkout.
pub(crate) const TRACE: TraceId = TraceId([0xab; 16]);

/// A trace of two services, with one of everything that Jaeger has a place for.
pub(crate) fn checkout() -> Batch {
    let mut request = RequestWriter::new(Signal::Traces);
    let shop = [
        ("service.name", Value::Str("shop")),
        ("host.name", Value::Str("a")),
    ];
    request.resource(&shop, |resource| {
        resource.scope("http", "1.2", |scope| {
            scope.span(&Span {
                trace_id: TRACE,
                span_id: SpanId([1; 8]),
                name: "GET /",
                kind: 2,
                start_time_unix_nano: START,
                end_time_unix_nano: START + 5_000_000,
                attributes: &[
                    ("http.response.status_code", Value::Int(500)),
                    ("cached", Value::Bool(true)),
                    ("ratio", Value::Double(0.5)),
                ],
                ..Span::default()
            });
        });
    });
    request.resource(&[("service.name", Value::Str("payments"))], |resource| {
        resource.scope("", "", |scope| {
            scope.span(&Span {
                trace_id: TRACE,
                span_id: SpanId([2; 8]),
                parent_span_id: SpanId([1; 8]),
                name: "charge",
                kind: 3,
                start_time_unix_nano: START + 1_000_000,
                end_time_unix_nano: START + 3_500_000,
                status_code: 2,
                status_message: "declined",
                events: &[Event {
                    time_unix_nano: START + 2_000_000,
                    name: "exception",
                    attributes: &[("exception.type", Value::Str("Declined"))],
                    ..Event::default()
                }],
                links: &[Link {
                    trace_id: TraceId([0xcd; 16]),
                    span_id: SpanId([3; 8]),
                    ..Link::default()
                }],
                ..Span::default()
            });
        });
    });
    request.finish()
}

/// A counter that grew by 60 within a minute, in two regions.
pub(crate) fn counter() -> Batch {
    let mut request = RequestWriter::new(Signal::Metrics);
    let point =
        |region: &'static [(&'static str, Value<'static>)], seconds: u64, value| NumberPoint {
            attributes: region,
            start_time_unix_nano: START,
            time_unix_nano: START + seconds * 1_000_000_000,
            value: NumberView::Int(value),
        };
    const EAST: &[(&str, Value<'static>)] = &[("region", Value::Str("east"))];
    const WEST: &[(&str, Value<'static>)] = &[("region", Value::Str("west"))];
    let points = [
        point(EAST, 0, 0),
        point(EAST, 30, 30),
        point(EAST, 59, 60),
        point(WEST, 0, 5),
        point(WEST, 59, 5),
    ];
    request.resource(SHOP, |resource| {
        resource.scope("tests", "1", |scope| {
            scope.metric(&Metric {
                name: "orders",
                description: "",
                unit: "1",
                data: Data::Sum {
                    points: &points,
                    is_monotonic: true,
                },
            });
        });
    });
    request.finish()
}

/// A profile of two samples: `main` called `work`.
pub(crate) fn profile() -> Batch {
    let text = format!(
        r#"{{"resourceProfiles":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},
        "scopeProfiles":[{{"profiles":[{{"profileId":"{:032x}","timeUnixNano":"{START}","durationNano":"1000000000",
        "sampleType":{{"typeStrindex":1,"unitStrindex":2}},"samples":[{{"stackIndex":1,"values":["3"]}},{{"stackIndex":2,"values":["2"]}}]}}]}}]}}],
        "dictionary":{{"stringTable":["","cpu","nanoseconds","main","work"],"mappingTable":[{{}}],"linkTable":[{{}}],"attributeTable":[{{}}],
        "functionTable":[{{}},{{"nameStrindex":3}},{{"nameStrindex":4}}],
        "locationTable":[{{}},{{"lines":[{{"functionIndex":1,"line":"7"}}]}},{{"lines":[{{"functionIndex":2}}]}}],
        "stackTable":[{{}},{{"locationIndices":[1]}},{{"locationIndices":[2,1]}}]}}}}"#,
        1
    );
    fanlight_otlp::json::read(Signal::Profiles, text.as_bytes()).unwrap()
}
