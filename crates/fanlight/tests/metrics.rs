//! Metrics, from the instrument to what a backend receives.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails a test")]

use std::time::Duration;

use fanlight::metrics::Counter;
use fanlight::{Backend, Temporality};
use fanlight_otlp::Signal;
use fanlight_otlp::view::{NumberView, PointValue};

#[path = "support/sink.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sink;

use sink::Sink;

/// The values of a metric that a backend received, in order, with the number of exemplars of each.
fn received(sink: &Sink, name: &str) -> Vec<(NumberView, usize)> {
    let mut found = Vec::new();
    for request in sink.requests() {
        let batch = request.batch();
        if batch.signal() != Signal::Metrics {
            continue;
        }
        for resource in batch.resources() {
            for scope in resource.unwrap().scopes() {
                for metric in scope.unwrap().metrics() {
                    let metric = metric.unwrap();
                    for point in metric.points().filter(|_| metric.name == name) {
                        let point = point.unwrap();
                        if let PointValue::Number(number) = point.value {
                            found.push((number, point.exemplars().count()));
                        }
                    }
                }
            }
        }
    }
    found
}

/// Scenario: a counter counts before the start, inside a span, and after a flush; two backends want different temporalities.
/// Guarantee: each receives all of it, as it wants it, and the measurement inside the span leads to its trace.
#[test]
fn what_is_counted_arrives_at_each_backend_as_it_wants_it() {
    let (whole, parts) = (Sink::start(), Sink::start());
    let orders: Counter<u64> = fanlight::counter("test.orders").build();
    orders.add(2, [("route", "/pay")]);
    let guard = fanlight::configure()
        .ignore_environment()
        .without_spool()
        .quiet(true)
        .destination(Backend::otlp(whole.url("")))
        .destination(Backend::otlp(parts.url("")).temporality(Temporality::Delta))
        .process_metrics()
        .start()
        .unwrap();
    fanlight::span!("pay").in_scope(|| orders.add(3, [("route", "/pay")]));
    guard.flush(Duration::from_secs(10));
    orders.add(4, [("route", "/pay")]);
    guard.shutdown(Duration::from_secs(10));

    let int = |value, exemplars| (NumberView::Int(value), exemplars);
    assert_eq!(received(&whole, "test.orders"), [int(5, 1), int(9, 0)]);
    assert_eq!(received(&parts, "test.orders"), [int(5, 1), int(4, 0)]);
    #[cfg(target_os = "linux")]
    assert_eq!(received(&whole, "process.thread.count").len(), 2);
}
