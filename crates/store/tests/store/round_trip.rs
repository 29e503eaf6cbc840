//! What went in is read back equal.

use fanlight_otlp::{Signal, TraceId};
use fanlight_store::{LogFilter, MetricFilter};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
    Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, Summary, SummaryDataPoint,
    exponential_histogram_data_point, metric, number_data_point,
    summary_data_point::ValueAtQuantile,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span};
use prost::Message;
use serde_json::{Value as Json, json};

use crate::requests::{attribute, log, logs, metrics, open, spans, status, text};

/// One attribute of every type.
fn attributes() -> Vec<KeyValue> {
    let list = vec![
        text("a \"quoted\" \u{1F980}"),
        AnyValue {
            value: Some(Value::IntValue(i64::MIN)),
        },
    ];
    vec![
        attribute("text", Value::StringValue("line\nline".to_owned())),
        attribute("yes", Value::BoolValue(true)),
        attribute("int", Value::IntValue(i64::MAX)),
        attribute("double", Value::DoubleValue(0.1)),
        attribute("bytes", Value::BytesValue(vec![0, 255])),
        attribute("list", Value::ArrayValue(ArrayValue { values: list })),
        attribute(
            "map",
            Value::KvlistValue(KeyValueList {
                values: vec![attribute("k", Value::DoubleValue(-1.5))],
            }),
        ),
    ]
}

/// What [`attributes`] must look like.
fn attributes_json() -> Json {
    json!([
        { "key": "text", "value": { "stringValue": "line\nline" } },
        { "key": "yes", "value": { "boolValue": true } },
        { "key": "int", "value": { "intValue": "9223372036854775807" } },
        { "key": "double", "value": { "doubleValue": 0.1 } },
        { "key": "bytes", "value": { "bytesValue": "AP8=" } },
        { "key": "list", "value": { "arrayValue": { "values": [
            { "stringValue": "a \"quoted\" \u{1F980}" }, { "intValue": "-9223372036854775808" }
        ] } } },
        { "key": "map", "value": { "kvlistValue": { "values": [
            { "key": "k", "value": { "doubleValue": -1.5 } }
        ] } } }
    ])
}

fn resource_json(service: &str, schema_url: &str) -> Json {
    json!({
        "attributes": [
            { "key": "service.name", "value": { "stringValue": service } },
            { "key": "host.cpu.count", "value": { "intValue": "8" } }
        ],
        "droppedAttributesCount": 1,
        "schemaUrl": schema_url
    })
}

fn scope_json(schema_url: &str) -> Json {
    json!({
        "name": "tests",
        "version": "1.2.3",
        "attributes": [{ "key": "scope.kind", "value": { "boolValue": true } }],
        "droppedAttributesCount": 2,
        "schemaUrl": schema_url
    })
}

/// A span with every field set goes in.
/// Every field comes back, in the names and types of the API.
#[tokio::test]
async fn spans_are_read_back_field_by_field() {
    let (_directory, store) = open();
    let sent = Span {
        trace_state: "vendor=1".to_owned(),
        flags: 0x301,
        kind: 3,
        name: "GET /users/{id}".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_001,
        end_time_unix_nano: 1_700_000_000_123_456_789,
        attributes: attributes(),
        dropped_attributes_count: 3,
        events: vec![span::Event {
            time_unix_nano: 1_700_000_000_000_000_002,
            name: "exception".to_owned(),
            attributes: attributes(),
            dropped_attributes_count: 4,
        }],
        dropped_events_count: 5,
        links: vec![span::Link {
            trace_id: vec![0xcd; 16],
            span_id: vec![0xef; 8],
            trace_state: "other=2".to_owned(),
            attributes: attributes(),
            dropped_attributes_count: 6,
            flags: 0x100,
        }],
        dropped_links_count: 7,
        status: Some(status(2, "it broke")),
        ..crate::requests::span(0xab, 1, Some(9))
    };
    assert_eq!(store.write(&spans("shop", vec![sent])).await.unwrap(), 0);
    let trace = store.trace(TraceId([0xab; 16])).await.unwrap().unwrap();
    let expected = json!({
        "traceId": "abababababababababababababababab",
        "spanId": "0101010101010101",
        "parentSpanId": "0909090909090909",
        "name": "GET /users/{id}",
        "kind": "CLIENT",
        "service": "shop",
        "startTimeUnixNano": "1700000000000000001",
        "endTimeUnixNano": "1700000000123456789",
        "status": { "code": "ERROR", "message": "it broke" },
        "attributes": attributes_json(),
        "resource": resource_json("shop", "https://example.com/resource"),
        "scope": scope_json("https://example.com/scope"),
        "events": [{
            "timeUnixNano": "1700000000000000002",
            "name": "exception",
            "attributes": attributes_json(),
            "droppedAttributesCount": 4
        }],
        "links": [{
            "traceId": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
            "spanId": "efefefefefefefef",
            "traceState": "other=2",
            "flags": 256,
            "attributes": attributes_json(),
            "droppedAttributesCount": 6
        }],
        "traceState": "vendor=1",
        "flags": 769,
        "droppedAttributesCount": 3,
        "droppedEventsCount": 5,
        "droppedLinksCount": 7
    });
    assert_eq!(
        serde_json::to_value(&trace.spans).unwrap(),
        json!([expected])
    );
}

/// Spans come from resources without a service, scopes without a name, and with nothing set but ids.
/// They are kept, with OTLP's defaults.
#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let (_directory, store) = open();
    let bare = Span {
        trace_id: vec![1; 16],
        span_id: vec![2; 8],
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![bare],
        ..ScopeSpans::default()
    }];
    let resource_spans = vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }];
    let request = ExportTraceServiceRequest { resource_spans };
    store
        .write(&crate::requests::batch(Signal::Traces, &request))
        .await
        .unwrap();
    let trace = store.trace(TraceId([1; 16])).await.unwrap().unwrap();
    let span = serde_json::to_value(&trace.spans[0]).unwrap();
    assert_eq!(span["service"], "unknown_service");
    assert_eq!(span["parentSpanId"], Json::Null);
    assert_eq!(span["kind"], "UNSPECIFIED");
    assert_eq!(span["status"], json!({ "code": "UNSET", "message": "" }));
    assert_eq!(span["attributes"], json!([]));
    assert_eq!(span["scope"]["name"], "");
    assert_eq!(span["startTimeUnixNano"], "0");
}

/// Spans without a trace id or a span id come among good ones.
/// The good ones are stored, the others counted as left out.
#[tokio::test]
async fn spans_without_ids_are_counted_as_left_out() {
    let (_directory, store) = open();
    let batch = spans(
        "shop",
        vec![
            crate::requests::span(1, 1, None),
            Span {
                trace_id: vec![1; 16],
                ..Span::default()
            },
            Span {
                span_id: vec![1; 8],
                ..Span::default()
            },
            Span {
                trace_id: vec![0; 16],
                span_id: vec![1; 8],
                ..Span::default()
            },
        ],
    );
    assert_eq!(store.write(&batch).await.unwrap(), 3);
    assert_eq!(store.counts().await.unwrap().spans, 1);
}

/// Log records with bodies of several types and every field set go in.
/// Every field comes back, and a text for each body.
#[tokio::test]
async fn logs_are_read_back_field_by_field() {
    let (_directory, store) = open();
    let full = LogRecord {
        time_unix_nano: 1_700_000_000_000_000_003,
        observed_time_unix_nano: 1_700_000_000_000_000_004,
        severity_number: 17,
        severity_text: "ERROR".to_owned(),
        body: Some(text("it broke")),
        attributes: attributes(),
        dropped_attributes_count: 8,
        flags: 1,
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        event_name: "order.failed".to_owned(),
    };
    let structured = LogRecord {
        observed_time_unix_nano: 5,
        body: Some(AnyValue {
            value: Some(Value::KvlistValue(KeyValueList {
                values: attributes(),
            })),
        }),
        ..LogRecord::default()
    };
    let without_body = LogRecord {
        time_unix_nano: 4,
        ..LogRecord::default()
    };
    store
        .write(&logs("shop", vec![full, structured, without_body]))
        .await
        .unwrap();
    let page = store.logs(LogFilter::default()).await.unwrap();
    let read = serde_json::to_value(&page.items).unwrap();
    let expected = json!({
        "timeUnixNano": "1700000000000000003",
        "observedTimeUnixNano": "1700000000000000004",
        "severityNumber": 17,
        "severityText": "ERROR",
        "body": { "stringValue": "it broke" },
        "bodyText": "it broke",
        "traceId": "abababababababababababababababab",
        "spanId": "cdcdcdcdcdcdcdcd",
        "service": "shop",
        "attributes": attributes_json(),
        "resource": resource_json("shop", "https://example.com/resource"),
        "scope": scope_json("https://example.com/scope"),
        "eventName": "order.failed",
        "flags": 1,
        "droppedAttributesCount": 8
    });
    assert_eq!(read[0], expected);
    assert_eq!(
        read[1]["body"],
        json!({ "kvlistValue": { "values": attributes_json() } })
    );
    assert_eq!(
        read[1]["bodyText"],
        r#"{"text":"line\nline","yes":true,"int":9223372036854775807,"double":0.1,"bytes":"AP8=","list":["a \"quoted\" 🦀",-9223372036854775808],"map":{"k":-1.5}}"#
    );
    assert_eq!(
        (&read[1]["timeUnixNano"], &read[1]["traceId"]),
        (&json!("0"), &Json::Null)
    );
    assert_eq!(
        (&read[2]["body"], &read[2]["bodyText"]),
        (&json!({}), &json!(""))
    );
    let of_trace = store.trace_logs(TraceId([0xab; 16])).await.unwrap();
    assert_eq!(serde_json::to_value(of_trace).unwrap(), json!([expected]));
}

fn number(time: u64, value: number_data_point::Value) -> NumberDataPoint {
    NumberDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: time,
        exemplars: vec![Exemplar {
            time_unix_nano: 2,
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            ..Exemplar::default()
        }],
        flags: 1,
        value: Some(value),
    }
}

fn histogram() -> HistogramDataPoint {
    HistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 10,
        count: 3,
        sum: Some(4.5),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![1.0],
        min: Some(0.5),
        max: Some(2.0),
        ..HistogramDataPoint::default()
    }
}

fn exponential_histogram() -> ExponentialHistogramDataPoint {
    ExponentialHistogramDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 10,
        count: 3,
        sum: Some(4.5),
        scale: -2,
        zero_count: 1,
        positive: Some(exponential_histogram_data_point::Buckets {
            offset: -4,
            bucket_counts: vec![1, 1],
        }),
        zero_threshold: 0.1,
        ..ExponentialHistogramDataPoint::default()
    }
}

fn summary() -> SummaryDataPoint {
    SummaryDataPoint {
        attributes: attributes(),
        start_time_unix_nano: 1,
        time_unix_nano: 10,
        count: 3,
        sum: 4.5,
        quantile_values: vec![ValueAtQuantile {
            quantile: 0.5,
            value: 1.5,
        }],
        flags: 0,
    }
}

/// A metric of every kind.
fn every_metric() -> Vec<Metric> {
    let cumulative = i32::from(AggregationTemporality::Cumulative as u8);
    let values = [
        number_data_point::Value::AsInt(i64::MAX),
        number_data_point::Value::AsDouble(0.25),
    ]
    .map(|value| number(10, value));
    let [int, double] = values;
    let nan = number(10, number_data_point::Value::AsDouble(f64::NAN));
    let of = |name: &str, data| Metric {
        name: name.to_owned(),
        description: format!("about {name}"),
        unit: "ms".to_owned(),
        metadata: Vec::new(),
        data: Some(data),
    };
    vec![
        of(
            "a.gauge",
            metric::Data::Gauge(Gauge {
                data_points: vec![double],
            }),
        ),
        of(
            "b.nan",
            metric::Data::Gauge(Gauge {
                data_points: vec![nan],
            }),
        ),
        of(
            "c.sum",
            metric::Data::Sum(Sum {
                data_points: vec![int],
                aggregation_temporality: cumulative,
                is_monotonic: true,
            }),
        ),
        of(
            "d.histogram",
            metric::Data::Histogram(Histogram {
                data_points: vec![histogram()],
                aggregation_temporality: 1,
            }),
        ),
        of(
            "e.exponential",
            metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![exponential_histogram()],
                aggregation_temporality: cumulative,
            }),
        ),
        of(
            "f.summary",
            metric::Data::Summary(Summary {
                data_points: vec![summary()],
            }),
        ),
    ]
}

/// A metric of each kind goes in.
/// The list has each with its properties and its last number, where it has one that JSON can hold.
#[tokio::test]
async fn every_kind_of_metric_is_listed() {
    let (_directory, store) = open();
    store.write(&metrics("shop", every_metric())).await.unwrap();
    let listed = store.metrics(MetricFilter::default()).await.unwrap();
    let row = |name: &str, kind: &str, temporality: &str, monotonic: bool, value: Json| {
        json!({
            "name": name, "type": kind, "unit": "ms", "description": format!("about {name}"), "service": "shop",
            "series": 1, "points": 1, "lastTimeUnixNano": "10", "lastValue": value, "temporality": temporality,
            "monotonic": monotonic, "attributeKeys": ["bytes", "double", "int", "list", "map", "text", "yes"]
        })
    };
    let expected = json!([
        row("a.gauge", "gauge", "unspecified", false, json!(0.25)),
        row("b.nan", "gauge", "unspecified", false, Json::Null),
        row(
            "c.sum",
            "sum",
            "cumulative",
            true,
            json!(9_223_372_036_854_775_807_i64 as f64)
        ),
        row("d.histogram", "histogram", "delta", false, Json::Null),
        row(
            "e.exponential",
            "exponential_histogram",
            "cumulative",
            false,
            Json::Null
        ),
        row("f.summary", "summary", "unspecified", false, Json::Null),
    ]);
    assert_eq!(serde_json::to_value(listed).unwrap(), expected);
}

/// A metric of each kind goes in, and the database is read without the store.
/// Columns and messages together hold every point as it was sent.
#[tokio::test]
async fn points_are_kept_whole() {
    let (directory, store) = open();
    store.write(&metrics("shop", every_metric())).await.unwrap();
    let database = rusqlite::Connection::open(directory.path().join("fanlight.db.000001")).unwrap();
    let read = |name: &str| -> (Vec<u8>, Vec<u8>) {
        let sql = "SELECT message, attributes FROM points JOIN streams ON streams.id = stream
             JOIN names ON names.id = name WHERE text = ? AND time_ns = 10 AND start_ns = 1";
        database
            .query_row(sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let identity = NumberDataPoint::decode(&read("a.gauge").1[..]).unwrap();
    let mut sent = attributes();
    let key = |attribute: &KeyValue| attribute.encode_to_vec();
    sent.sort_by_key(key);
    assert_eq!(
        identity,
        NumberDataPoint {
            attributes: sent,
            ..NumberDataPoint::default()
        }
    );
    let gauge = NumberDataPoint::decode(&read("a.gauge").0[..]).unwrap();
    let rest = NumberDataPoint {
        attributes: Vec::new(),
        start_time_unix_nano: 0,
        time_unix_nano: 0,
        value: None,
        ..number(10, number_data_point::Value::AsInt(0))
    };
    assert_eq!(gauge, rest);
    let nan = NumberDataPoint::decode(&read("b.nan").0[..]).unwrap();
    assert!(matches!(nan.value, Some(number_data_point::Value::AsDouble(value)) if value.is_nan()));
    assert_eq!(
        HistogramDataPoint::decode(&read("d.histogram").0[..]).unwrap(),
        HistogramDataPoint {
            attributes: Vec::new(),
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            ..histogram()
        }
    );
    assert_eq!(
        ExponentialHistogramDataPoint::decode(&read("e.exponential").0[..]).unwrap(),
        ExponentialHistogramDataPoint {
            attributes: Vec::new(),
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            ..exponential_histogram()
        }
    );
    assert_eq!(
        SummaryDataPoint::decode(&read("f.summary").0[..]).unwrap(),
        SummaryDataPoint {
            attributes: Vec::new(),
            start_time_unix_nano: 0,
            time_unix_nano: 0,
            ..summary()
        }
    );
    let int: i64 = database
        .query_row(
            "SELECT value FROM points WHERE typeof(value) = 'integer'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(int, i64::MAX);
}

/// The request without items comes in for every signal.
/// It is accepted, and the store goes on.
#[tokio::test]
async fn an_empty_batch_of_every_signal_is_accepted() {
    let (_directory, store) = open();
    for signal in Signal::ALL {
        assert_eq!(
            store
                .write(&fanlight_otlp::Batch::empty(signal))
                .await
                .unwrap(),
            0
        );
    }
    let resources = logs("shop", vec![log(1, 9, "x")]);
    assert_eq!(store.write(&resources).await.unwrap(), 0);
    assert_eq!(store.services().await.unwrap(), ["shop"]);
}
