//! Spans that come twice, late, or out of order.

use fanlight_otlp::TraceId;
use fanlight_store::TraceFilter;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;

use crate::requests::{metrics, open, span, spans, status};

/// A trace of two services: a root, three children, one of them with an error.
fn trace() -> Vec<(&'static str, Span)> {
    let failing = Span {
        status: Some(status(2, "no")),
        ..span(7, 4, Some(2))
    };
    vec![
        ("shop", span(7, 1, None)),
        ("shop", span(7, 2, Some(1))),
        ("bank", span(7, 3, Some(2))),
        ("bank", failing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The spans of a trace come in any order, some of them several times, each in a request of its own.
    /// The summary and the spans are always the same.
    #[test]
    fn any_order_and_repetition_gives_the_same_trace(
        order in Just((0..4).chain(0..4).collect::<Vec<usize>>()).prop_shuffle()
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_directory, store) = open();
            for index in &order {
                let (service, span) = trace().swap_remove(*index);
                store.write(&spans(service, vec![span])).await.unwrap();
            }
            let summaries = store.traces(TraceFilter::default()).await.unwrap().items;
            prop_assert_eq!(summaries.len(), 1);
            let summary = &summaries[0];
            prop_assert_eq!((&*summary.root_name, &*summary.root_service, summary.has_root), ("span 1", "shop", true));
            prop_assert_eq!((summary.span_count, summary.error_count), (4, 1));
            prop_assert_eq!(&summary.services, &["bank", "shop"]);
            prop_assert_eq!((summary.start_time_unix_nano, summary.duration_nano), (1_000_001_000, 3500));
            let stored = store.trace(TraceId([7; 16])).await.unwrap().unwrap();
            let names: Vec<String> = stored.spans.into_iter().map(|span| span.name).collect();
            prop_assert_eq!(names, ["span 1", "span 2", "span 3", "span 4"]);
            Ok(())
        })?;
    }
}

/// A span comes when it starts, then when it has ended with an error, then the first delivery again.
/// The ended one stays, and its error is counted once.
#[tokio::test]
async fn the_span_that_ends_later_stays() {
    let (_directory, store) = open();
    let started = Span {
        end_time_unix_nano: 0,
        name: "GET".to_owned(),
        ..span(1, 1, None)
    };
    let ended = Span {
        name: "GET /users".to_owned(),
        status: Some(status(2, "no")),
        ..span(1, 1, None)
    };
    for version in [&started, &ended, &started] {
        store
            .write(&spans("shop", vec![version.clone()]))
            .await
            .unwrap();
    }
    let summary = store
        .traces(TraceFilter::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(
        (summary.span_count, summary.error_count, &*summary.root_name),
        (1, 1, "GET /users")
    );
    let stored = store
        .trace(TraceId([1; 16]))
        .await
        .unwrap()
        .unwrap()
        .spans
        .remove(0);
    assert_eq!((&*stored.name, stored.status.code), ("GET /users", "ERROR"));
}

/// A trace goes on after the store was closed and opened again.
/// Its summary goes on where it was.
#[tokio::test]
async fn a_trace_goes_on_after_a_restart() {
    let (directory, store) = open();
    store
        .write(&spans("bank", vec![span(1, 2, Some(1))]))
        .await
        .unwrap();
    let path = store.path().to_owned();
    drop(store);
    let store = crate::opening::reopen(&path).await;
    store
        .write(&spans("shop", vec![span(1, 1, None)]))
        .await
        .unwrap();
    let summary = store
        .traces(TraceFilter::default())
        .await
        .unwrap()
        .items
        .remove(0);
    assert_eq!(
        (summary.span_count, &*summary.root_name, summary.has_root),
        (2, "span 1", true)
    );
    assert_eq!(summary.services, ["bank", "shop"]);
    drop(directory);
}

/// The same points are delivered twice, with their attributes in another order the second time.
/// They are stored once.
#[tokio::test]
async fn points_that_come_twice_are_stored_once() {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    use opentelemetry_proto::tonic::metrics::v1::{
        Gauge, Metric, NumberDataPoint, metric, number_data_point,
    };
    let (_directory, store) = open();
    let pair = [("a", 1), ("b", 2)]
        .map(|(key, value)| crate::requests::attribute(key, Value::IntValue(value)));
    let mut turned = pair.clone().to_vec();
    turned.reverse();
    for attributes in [pair.to_vec(), turned] {
        let point = NumberDataPoint {
            attributes,
            time_unix_nano: 5,
            value: Some(number_data_point::Value::AsInt(1)),
            ..NumberDataPoint::default()
        };
        let gauge = Metric {
            name: "queue".to_owned(),
            data: Some(metric::Data::Gauge(Gauge {
                data_points: vec![point],
            })),
            ..Metric::default()
        };
        store.write(&metrics("shop", vec![gauge])).await.unwrap();
    }
    assert_eq!(store.counts().await.unwrap().points, 1);
    let listed = store
        .metrics(fanlight_store::MetricFilter::default())
        .await
        .unwrap();
    assert_eq!((listed.len(), listed[0].series), (1, 1));
}
