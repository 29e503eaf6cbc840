//! `datadog` against the strict fake of Datadog's intakes.

use std::time::Duration;

use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, LogRecord, Metric, NumberPoint, RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::fakes::datadog::{Payload, answer, read};
use fanlight_testkit::{Backend, golden};
use http::{Response, StatusCode};

use crate::made;

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn intakes() -> Backend {
    Backend::http(None, |request| answer(KEY, request))
}

fn exporter(backend: &Backend, traces: &str, metrics: &str) -> Box<dyn Exporter> {
    let url = format!("endpoint: 'http://{}'", backend.address);
    let yaml = format!(
        "{{api: {{key: {KEY}}}, traces: {{{url}{traces}}}, metrics: {{{url}{metrics}}}, logs: {{{url}}}, hostname: hub}}"
    );
    made::exporter("datadog", &yaml)
}

/// What was received, in readable form.
fn received(backend: &Backend) -> String {
    let requests = backend.requests();
    let readable = requests.iter().map(|request| {
        let headers = ["content-type", "content-encoding", "dd-api-key"];
        let headers = headers.map(|name| format!("{name}: {}", request.header(name)));
        let content = match read(request) {
            Ok(Payload::Logs(logs)) => serde_json::to_string_pretty(&logs).unwrap(),
            Ok(Payload::Stats(stats)) => serde_json::to_string_pretty(&stats).unwrap(),
            Ok(payload) => format!("{payload:#?}"),
            Err((status, why)) => format!("{status} {why}"),
        };
        format!(
            "POST {}\n{}\n\n{content}\n",
            request.path,
            headers.join("\n")
        )
    });
    let version = format!("fanlight-{}", env!("CARGO_PKG_VERSION"));
    let text = readable.collect::<Vec<_>>().join("\n");
    text.replace(&"huge ".repeat(4000), "HUGE")
        .replace(&version, "fanlight-VERSION")
}

/// Scenario: the golden spans leave, and the hub ends.
/// Guarantee: spans and their statistics are taken as they stand in the snapshot.
#[tokio::test]
async fn golden_spans_and_their_statistics() {
    let backend = intakes();
    let exporter = exporter(&backend, "", "");
    assert_eq!(
        exporter.send(&golden(Signal::Traces)).await,
        Outcome::Delivered
    );
    exporter.finish().await;
    insta::assert_snapshot!("datadog_traces", received(&backend));
    exporter.finish().await;
    assert_eq!(backend.requests().len(), 2, "statistics go once");
}

/// Scenario: the golden metrics leave by the defaults, and in the other modes.
/// Guarantee: what Datadog can't take is counted; the rest is taken as it stands in the snapshots.
#[tokio::test]
async fn golden_metrics_in_every_mode() {
    let modes = [
        ("datadog_metrics", ""),
        (
            "datadog_metrics_counters",
            ", resource_attributes_as_tags: true, instrumentation_scope_metadata_as_tags: true, histograms: {mode: counters, send_aggregation_metrics: true}, summaries: {mode: noquantiles}, sums: {cumulative_monotonic_mode: raw_value}",
        ),
    ];
    for (name, metrics) in modes {
        let backend = intakes();
        let exporter = exporter(&backend, "", metrics);
        let prepared = exporter.prepare(golden(Signal::Metrics));
        let outcome = exporter.send(&prepared.batch).await;
        let held_back = golden(Signal::Metrics).items() - prepared.batch.items();
        let text = format!(
            "{held_back} held back, {outcome:?}\n\n{}",
            received(&backend)
        );
        insta::assert_snapshot!(name, text);
    }
}

/// Scenario: the golden log records leave.
/// Guarantee: they are taken as they stand in the snapshot.
#[tokio::test]
async fn golden_log_records() {
    let backend = intakes();
    let outcome = exporter(&backend, "", "").send(&golden(Signal::Logs)).await;
    assert_eq!(outcome, Outcome::Delivered);
    insta::assert_snapshot!("datadog_logs", received(&backend));
}

fn logs(count: usize, length: usize) -> Batch {
    let mut out = RequestWriter::new(Signal::Logs);
    let body = "x".repeat(length);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            for _ in 0..count {
                scope.log(&LogRecord {
                    body: Value::Str(&body),
                    ..LogRecord::default()
                });
            }
        });
    });
    out.finish()
}

fn spans(count: u64, length: usize) -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    let text = "x".repeat(length);
    let keys: Vec<String> = (0..40).map(|number| format!("key{number}")).collect();
    let attributes: Vec<(&str, Value<'_>)> = keys
        .iter()
        .map(|key| (key.as_str(), Value::Str(&text)))
        .collect();
    out.resource(&[("service.name", "shop".into())], |resource| {
        resource.scope("", "", |scope| {
            for number in 1..=count {
                scope.span(&Span {
                    trace_id: TraceId([7; 16]),
                    span_id: SpanId(number.to_be_bytes()),
                    name: "pay",
                    start_time_unix_nano: 1_700_000_000_000_000_000,
                    end_time_unix_nano: 1_700_000_000_000_000_001,
                    attributes: &attributes,
                    ..Span::default()
                });
            }
        });
    });
    out.finish()
}

/// Scenario: more than an intake takes at once: entries, bytes of logs, bytes of one trace; and one that never fits.
/// Guarantee: several requests within the limits, nothing lost but what can't be sent, which is counted.
#[tokio::test]
async fn what_is_too_large_becomes_several_requests() {
    let backend = intakes();
    let exporter = exporter(&backend, "", "");
    assert_eq!(exporter.send(&logs(2500, 10)).await, Outcome::Delivered);
    assert_eq!(backend.requests().len(), 3);
    assert_eq!(exporter.send(&logs(13, 400_000)).await, Outcome::Delivered);
    assert_eq!(backend.requests().len(), 5);
    let outcome = exporter.send(&logs(1, 6_000_000)).await;
    assert!(matches!(outcome, Outcome::Rejected { why } if why.contains("larger")));
    // Forty values of 20 kB a span; three fit into a request.
    assert_eq!(exporter.send(&spans(10, 20_000)).await, Outcome::Delivered);
    let spans: Vec<usize> = backend
        .requests()
        .iter()
        .filter_map(|request| match read(request) {
            Ok(Payload::Traces(traces)) => Some(traces.tracer_payloads[0].chunks[0].spans.len()),
            _ => None,
        })
        .collect();
    assert_eq!(spans, [3, 3, 3, 1]);
}

/// Scenario: a wrong key; a busy, a broken and a picky intake.
/// Guarantee: final and passing failures are told apart, the delay is honoured, and no message shows the key.
#[tokio::test]
async fn answers_mean_what_datadog_says() {
    let backend = Backend::http(None, |request| answer("another", request));
    let outcome = exporter(&backend, "", "").send(&golden(Signal::Logs)).await;
    let Outcome::Rejected { why } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        why.contains("403") && why.contains("Forbidden") && why.contains("api.key"),
        "{why}"
    );
    for (status, retried) in [
        (400, false),
        (401, false),
        (413, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let backend = Backend::http(None, move |request| {
            let said = format!("key {}", request.header("dd-api-key"));
            let mut answer = Response::new(said.into());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
                .headers_mut()
                .insert("retry-after", "7".parse().unwrap());
            answer
        });
        let exporter = exporter(&backend, "", "");
        let outcome = exporter.send(&golden(Signal::Traces)).await;
        match &outcome {
            Outcome::Retry { after, why } if retried => {
                assert_eq!(*after, Some(Duration::from_secs(7)));
                assert!(!why.contains(KEY), "{why}");
            }
            Outcome::TooLarge { why } if status == 413 => assert!(!why.contains(KEY), "{why}"),
            Outcome::Rejected { why } if !retried => assert!(!why.contains(KEY), "{why}"),
            other => panic!("{status}: {other:?}"),
        }
        exporter.finish().await;
        assert_eq!(
            backend.requests().len(),
            1,
            "nothing delivered, nothing counted"
        );
    }
}

/// Scenario: health checks are ignored, and operations renamed.
/// Guarantee: traces of ignored resources are not sent, and that is no loss; the older names are what the keys speak of.
#[tokio::test]
async fn resources_are_ignored_and_operations_renamed() {
    let backend = intakes();
    let traces = ", ignore_resources: ['^(GET|POST) /checkout$'], span_name_remappings: {stock.consumer: stock.read}";
    let outcome = exporter(&backend, traces, "")
        .send(&golden(Signal::Traces))
        .await;
    assert_eq!(outcome, Outcome::Delivered);
    let text = received(&backend);
    assert!(!text.contains("SELECT stock"), "{text}");
    assert!(text.contains("name: \"stock.read\""), "{text}");
}

/// What series of this name say: their type and value.
fn series(backend: &Backend, name: &str) -> Vec<(i32, f64)> {
    let requests = backend.requests();
    let payloads = requests.iter().filter_map(|request| read(request).ok());
    let series = payloads.flat_map(|payload| match payload {
        Payload::Series(payload) => payload.series,
        _ => Vec::new(),
    });
    series
        .filter(|series| series.metric == name)
        .map(|series| (series.r#type, series.points[0].value))
        .collect()
}

/// A counter's point, counted since 1970 and one second.
fn counted(value: i64, seconds: u64) -> Batch {
    let points = [NumberPoint {
        attributes: &[],
        start_time_unix_nano: 1_000_000_000,
        time_unix_nano: seconds * 1_000_000_000,
        value: NumberView::Int(value),
    }];
    let mut out = RequestWriter::new(Signal::Metrics);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            scope.metric(&Metric {
                name: "requests",
                description: "",
                unit: "1",
                data: Data::Sum {
                    points: &points,
                    is_monotonic: true,
                },
            });
        });
    });
    out.finish()
}

/// Scenario: a counter of 7 becomes 10, with every way to treat sums.
/// Guarantee: Datadog gets the increase as a count, with or without the first value, or the values as gauges.
#[tokio::test]
async fn counters_are_what_came_since_the_point_before() {
    const COUNT: i32 = 1;
    const GAUGE: i32 = 3;
    for (sums, expected) in [
        ("", vec![(COUNT, 3.0)]),
        (
            "initial_cumulative_monotonic_value: keep",
            vec![(COUNT, 7.0), (COUNT, 3.0)],
        ),
        (
            "cumulative_monotonic_mode: raw_value",
            vec![(GAUGE, 7.0), (GAUGE, 10.0)],
        ),
    ] {
        let backend = intakes();
        let exporter = exporter(&backend, "", &format!(", sums: {{{sums}}}"));
        for batch in [counted(7, 10), counted(10, 20)] {
            let prepared = exporter.prepare(batch);
            assert_eq!(exporter.send(&prepared.batch).await, Outcome::Delivered);
        }
        assert_eq!(series(&backend, "requests"), expected, "{sums}");
    }
}
