//! What the parts of Jaeger's model become.

use fanlight_formats::jaeger::{Duration, Log, Span, SpanRef, SpanRefType, Timestamp};
use fanlight_otlp::view::SpanView;

use super::*;

fn boolean(key: &str, value: bool) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        v_type: ValueType::Bool as i32,
        v_bool: value,
        ..KeyValue::default()
    }
}

fn integer(key: &str, value: i64) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        v_type: ValueType::Int64 as i32,
        v_int64: value,
        ..KeyValue::default()
    }
}

fn span(tags: Vec<KeyValue>) -> Span {
    Span {
        trace_id: vec![1; 16].into(),
        span_id: vec![2; 8].into(),
        start_time: Some(Timestamp::from_nanos(1_000)),
        duration: Some(Duration::from_nanos(234)),
        tags,
        ..Span::default()
    }
}

fn one(span: Span) -> Batch {
    let spans = vec![span];
    super::batch(jaeger::Batch {
        spans,
        process: None,
    })
    .unwrap()
}

/// Calls `check` with every span of a batch.
fn each(batch: &Batch, mut check: impl FnMut(SpanView<'_>)) {
    for resource in batch.resources() {
        for scope in resource.unwrap().scopes() {
            for span in scope.unwrap().spans() {
                check(span.unwrap());
            }
        }
    }
}

#[test]
fn status_is_what_the_tags_say_in_this_order() {
    let text = KeyValue::text;
    for (tags, expected) in [
        (vec![], (0, "")),
        (vec![boolean("error", true)], (2, "")),
        (
            vec![text("error", "true"), text("http.status_message", "m")],
            (2, "m"),
        ),
        (
            vec![boolean("error", false), text("otel.status_code", "OK")],
            (1, ""),
        ),
        (
            vec![
                text("otel.status_code", "ERROR"),
                text("otel.status_description", "d"),
            ],
            (2, "d"),
        ),
        (
            vec![text("otel.status_code", "OK"), boolean("error", true)],
            (2, ""),
        ),
        (vec![integer("http.status_code", 200)], (0, "")),
        (vec![integer("http.status_code", 404)], (2, "")),
        (
            vec![
                text("span.kind", "server"),
                integer("http.status_code", 404),
            ],
            (0, ""),
        ),
        (
            vec![text("span.kind", "server"), text("http.status_code", "500")],
            (2, ""),
        ),
    ] {
        each(&one(span(tags.clone())), |span| {
            assert_eq!(
                (span.status.code, span.status.message),
                expected,
                "{tags:?}"
            );
        });
    }
}

#[test]
fn the_first_parent_in_the_trace_is_the_parent_and_others_are_links() {
    let reference = |trace: u8, span: u8, kind| SpanRef {
        trace_id: vec![trace; 16].into(),
        span_id: vec![span; 8].into(),
        ref_type: kind as i32,
    };
    let mut with_references = span(Vec::new());
    with_references.references = vec![
        reference(9, 3, SpanRefType::ChildOf),
        reference(1, 4, SpanRefType::ChildOf),
        reference(1, 4, SpanRefType::ChildOf),
        reference(1, 5, SpanRefType::FollowsFrom),
    ];
    each(&one(with_references), |span| {
        assert_eq!(span.parent_span_id, fanlight_otlp::SpanId([4; 8]));
        let links: Vec<_> = span.links().map(Result::unwrap).collect();
        let kinds: Vec<_> = links
            .iter()
            .map(|link| {
                link.attributes
                    .get("opentracing.ref_type")
                    .unwrap()
                    .unwrap()
            })
            .collect();
        assert_eq!(kinds, [Value::Str("child_of"), Value::Str("follows_from")]);
    });
}

#[test]
fn processes_and_scopes_become_resources_and_scopes() {
    let process = |name: &str| Process {
        service_name: name.to_owned(),
        tags: vec![
            KeyValue::text("hostname", "h"),
            KeyValue::text("jaeger.version", "Go-2.30"),
            integer("n", 1),
        ],
    };
    let mut own = span(vec![KeyValue::text("otel.scope.name", "lib")]);
    own.process = Some(process("other"));
    own.logs = vec![Log {
        timestamp: Some(Timestamp::from_nanos(7)),
        fields: vec![KeyValue::text("event", "retry"), integer("attempt", 2)],
    }];
    let batch = super::batch(jaeger::Batch {
        spans: vec![span(Vec::new()), own],
        process: Some(process("shop")),
    });
    let batch = batch.unwrap();
    let resources: Vec<_> = batch.resources().map(Result::unwrap).collect();
    let mut seen = Vec::new();
    for resource in &resources {
        let attributes = format!("{:?}", resource.attributes);
        for scope in resource.scopes().map(Result::unwrap) {
            seen.push((attributes.clone(), scope.name));
        }
    }
    seen.sort();
    let expected = |service: &str| {
        format!(
            r#"{{"service.name": Str("{service}"), "host.name": Str("h"), "opencensus.exporterversion": Str("Jaeger-Go-2.30"), "n": Int(1)}}"#
        )
    };
    assert_eq!(seen, [(expected("other"), "lib"), (expected("shop"), "")]);
    each(&batch, |span| {
        assert_eq!(span.end_time_unix_nano, 1_234);
        for event in span.events().map(Result::unwrap) {
            assert_eq!((event.name, event.time_unix_nano), ("retry", 7));
            assert_eq!(format!("{:?}", event.attributes), r#"{"attempt": Int(2)}"#);
        }
    });
}

#[test]
fn ids_of_another_length_are_refused_by_name() {
    let mut short = span(Vec::new());
    short.trace_id = vec![1; 8].into();
    each(&one(short), |span| {
        assert_eq!(&span.trace_id.0[..8], [0; 8])
    });
    let mut broken = span(Vec::new());
    broken.span_id = vec![1; 3].into();
    let batch = jaeger::Batch {
        spans: vec![span(Vec::new()), broken],
        process: None,
    };
    assert_eq!(
        super::batch(batch).unwrap_err().to_string(),
        "span 2 of the batch has a span id of 3 bytes; nothing of the batch was taken"
    );
}
