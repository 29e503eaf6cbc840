//! Calls of language models, from the program to what a backend receives.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeMap;
use std::time::Duration;

use fanlight::Backend;
use fanlight::llm::{self, Usage};
use fanlight_otlp::Signal;
use fanlight_otlp::view::{Attributes, PointValue, Value};

#[path = "support/sink.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod sink;

use sink::Sink;

/// A point of a histogram.
#[derive(Debug, PartialEq)]
struct Point {
    attributes: BTreeMap<String, String>,
    count: u64,
    sum: f64,
    bounds: Vec<f64>,
    exemplars: usize,
}

fn shown(attributes: Attributes<'_>) -> BTreeMap<String, String> {
    let read = attributes.iter().map(Result::unwrap);
    read.map(|(key, value)| {
        let value = match value {
            Value::Str(text) => text.to_owned(),
            Value::Int(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        (key.to_owned(), value)
    })
    .collect()
}

/// The points of a histogram that a backend received, with the metric's unit.
fn received(sink: &Sink, name: &str) -> (String, Vec<Point>) {
    let (mut unit, mut points) = (String::new(), Vec::new());
    let requests = sink.requests();
    let batches = requests.iter().map(|request| request.batch());
    for batch in batches.filter(|batch| batch.signal() == Signal::Metrics) {
        for resource in batch.resources() {
            for scope in resource.unwrap().scopes() {
                let metrics = scope.unwrap().metrics().map(Result::unwrap);
                for metric in metrics.filter(|metric| metric.name == name) {
                    unit = metric.unit.to_owned();
                    for point in metric.points().map(Result::unwrap) {
                        let PointValue::Histogram(histogram) = &point.value else {
                            panic!("{name} is no histogram")
                        };
                        points.push(Point {
                            attributes: shown(point.attributes),
                            count: histogram.count,
                            sum: histogram.sum.unwrap(),
                            bounds: histogram.explicit_bounds().map(Result::unwrap).collect(),
                            exemplars: point.exemplars().count(),
                        });
                    }
                }
            }
        }
    }
    (unit, points)
}

fn owned<const N: usize>(attributes: [(&str, &str); N]) -> BTreeMap<String, String> {
    attributes
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Scenario: one call succeeds and another fails, while a backend takes metrics.
/// Guarantee: it receives the conventions' histograms of both, with their units, bounds and attributes, and examples that
/// lead to the traces.
#[test]
fn calls_are_measured_as_the_conventions_say() {
    let backend = Sink::start();
    let guard = fanlight::configure()
        .ignore_environment()
        .without_spool()
        .quiet(true)
        .destination(Backend::otlp(backend.url("")))
        .start()
        .unwrap();
    let mut answer = llm::chat("openai", "gpt-4o")
        .server("localhost", 8080)
        .stream();
    answer.response_model("gpt-4o-2024-08-06");
    answer.chunk("a").chunk("b").chunk("c");
    answer.usage(Usage::new(100, 20));
    answer.finish("stop");
    llm::chat("openai", "gpt-5")
        .start()
        .fail("429", "slow down");
    guard.shutdown(Duration::from_secs(10));

    let call = [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
        ("gen_ai.response.model", "gpt-4o-2024-08-06"),
        ("server.address", "localhost"),
        ("server.port", "8080"),
    ];
    let (unit, mut tokens) = received(&backend, "gen_ai.client.token.usage");
    assert_eq!(unit, "{token}");
    tokens.sort_by(|a, b| b.sum.total_cmp(&a.sum));
    for (point, (kind, sum)) in tokens.iter().zip([("input", 100.0), ("output", 20.0)]) {
        let mut attributes = owned(call);
        attributes.insert("gen_ai.token.type".to_owned(), kind.to_owned());
        assert_eq!(point.attributes, attributes);
        assert_eq!((point.count, point.sum, point.exemplars), (1, sum, 1));
        assert_eq!(point.bounds.len(), 14);
        assert_eq!(point.bounds[13], 67_108_864.0);
    }
    assert_eq!(tokens.len(), 2);

    let (unit, durations) = received(&backend, "gen_ai.client.operation.duration");
    assert_eq!(unit, "s");
    assert_eq!(durations.len(), 2);
    let of = |attributes: BTreeMap<String, String>| {
        let mut all = durations.iter();
        all.find(|point| point.attributes == attributes).unwrap()
    };
    let failed = of(owned([
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-5"),
        ("error.type", "429"),
    ]));
    let bounds = &of(owned(call)).bounds;
    assert_eq!(failed.count, 1);
    assert_eq!((bounds[0], bounds[13]), (0.01, 81.92));

    let (_, first) = received(&backend, "gen_ai.client.operation.time_to_first_chunk");
    let (_, others) = received(&backend, "gen_ai.client.operation.time_per_output_chunk");
    assert_eq!((first[0].count, others[0].count), (1, 2));
}
