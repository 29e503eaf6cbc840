//! `prometheusremotewrite`: what is on the wire in both versions, and what bad answers become.

use std::fmt::Write as _;
use std::time::Duration;

use fanlight_formats::prometheus::write::{BucketSpan, Histogram, HistogramCount, WriteRequest};
use fanlight_formats::prometheus::{write, write_v2};
use fanlight_net::Body;
use fanlight_net::http::text;
use fanlight_otlp::{Batch, Signal, json};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::{Backend, Recorded, golden};
use http::{HeaderValue, Response, StatusCode};
use prost::Message as _;

use crate::made;

const V2: &str = "protobuf_message: io.prometheus.write.v2.Request";

fn exporter(backend: &Backend, keys: &str) -> Box<dyn Exporter> {
    let yaml = format!(
        "{{endpoint: 'http://{}/api/v1/write', {keys}}}",
        backend.address
    );
    made::exporter("prometheusremotewrite", &yaml)
}

fn answer(status: StatusCode, headers: &[(&'static str, &'static str)]) -> Response<Body> {
    let mut response = text(status, "");
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(*name, HeaderValue::from_static(value));
    }
    response
}

fn no_content(_: &Recorded) -> Response<Body> {
    answer(StatusCode::NO_CONTENT, &[])
}

fn body(request: &Recorded) -> Vec<u8> {
    snap::raw::Decoder::new()
        .decompress_vec(&request.body)
        .unwrap()
}

fn series(request: &Recorded) -> Vec<write::TimeSeries> {
    WriteRequest::decode(body(request).as_slice())
        .unwrap()
        .timeseries
}

fn head(request: &Recorded) -> String {
    let mut out = format!("POST {}\n", request.path);
    for name in [
        "content-type",
        "content-encoding",
        "x-prometheus-remote-write-version",
        "user-agent",
    ] {
        writeln!(out, "{name}: {}", request.header(name)).unwrap();
    }
    out
}

fn shown_labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let labels: Vec<_> = labels
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    labels.join(" ")
}

fn shown_value(value: f64) -> String {
    match value.is_nan() {
        true => format!("NaN {:#x}", value.to_bits()),
        false => value.to_string(),
    }
}

fn shown_histogram(histogram: &Histogram) -> String {
    let count = match histogram.count {
        Some(HistogramCount::Int(count)) => count,
        other => panic!("{other:?}"),
    };
    let spans = |spans: &[BucketSpan]| {
        spans
            .iter()
            .map(|span| (span.offset, span.length))
            .collect::<Vec<_>>()
    };
    format!(
        "native count {count} sum {} schema {} zero {:?} within {} + {:?} {:?} - {:?} {:?} at {} from {}",
        histogram.sum,
        histogram.schema,
        histogram.zero_count,
        histogram.zero_threshold,
        spans(&histogram.positive_spans),
        histogram.positive_deltas,
        spans(&histogram.negative_spans),
        histogram.negative_deltas,
        histogram.timestamp,
        histogram.start_timestamp,
    )
}

fn shown(request: &Recorded) -> String {
    let mut out = head(request);
    let decoded = WriteRequest::decode(body(request).as_slice()).unwrap();
    for series in &decoded.timeseries {
        let pairs = |labels: &[write::Label]| {
            shown_labels(
                labels
                    .iter()
                    .map(|label| (label.name.as_str(), label.value.as_str())),
            )
        };
        writeln!(out, "{}", pairs(&series.labels)).unwrap();
        for sample in &series.samples {
            writeln!(
                out,
                "  {} at {}",
                shown_value(sample.value),
                sample.timestamp
            )
            .unwrap();
        }
        for histogram in &series.histograms {
            writeln!(out, "  {}", shown_histogram(histogram)).unwrap();
        }
        for exemplar in &series.exemplars {
            let labels = pairs(&exemplar.labels);
            writeln!(
                out,
                "  exemplar {} at {} {labels}",
                exemplar.value, exemplar.timestamp
            )
            .unwrap();
        }
    }
    for metadata in &decoded.metadata {
        writeln!(out, "{metadata:?}").unwrap();
    }
    out
}

fn shown_v2(request: &Recorded) -> String {
    let mut out = head(request);
    let decoded = write_v2::Request::decode(body(request).as_slice()).unwrap();
    assert_eq!(decoded.symbols[0], "");
    let symbol = |number: u32| decoded.symbols[number as usize].as_str();
    let pairs = |refs: &[u32]| {
        shown_labels(
            refs.chunks(2)
                .map(|pair| (symbol(pair[0]), symbol(pair[1]))),
        )
    };
    for series in &decoded.timeseries {
        let metadata = series.metadata.unwrap();
        writeln!(
            out,
            "{} ({:?} {:?} {:?}) from {}",
            pairs(&series.labels_refs),
            metadata.r#type(),
            symbol(metadata.help_ref),
            symbol(metadata.unit_ref),
            series.created_timestamp,
        )
        .unwrap();
        for sample in &series.samples {
            let value = shown_value(sample.value);
            writeln!(
                out,
                "  {value} at {} from {}",
                sample.timestamp, sample.start_timestamp
            )
            .unwrap();
        }
        for histogram in &series.histograms {
            writeln!(out, "  {}", shown_histogram(histogram)).unwrap();
        }
        for exemplar in &series.exemplars {
            let labels = pairs(&exemplar.labels_refs);
            writeln!(
                out,
                "  exemplar {} at {} {labels}",
                exemplar.value, exemplar.timestamp
            )
            .unwrap();
        }
    }
    out
}

/// A gauge `m` with a point for each of these, at its own time.
fn gauge(points: impl IntoIterator<Item = (usize, u64)>) -> Batch {
    let point = |(key, millis): (usize, u64)| {
        format!(
            r#"{{"asInt":"{key}","timeUnixNano":"{millis}000000","attributes":[{{"key":"k","value":{{"intValue":"{key}"}}}}]}}"#
        )
    };
    let points: Vec<_> = points.into_iter().map(point).collect();
    let text = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"m","gauge":{{"dataPoints":[{}]}}}}]}}]}}]}}"#,
        points.join(",")
    );
    json::read(Signal::Metrics, text.as_bytes()).unwrap()
}

async fn prepared(exporter: &dyn Exporter, batch: Batch) -> Outcome {
    let prepared = exporter.prepare(batch);
    assert_eq!(prepared.dropped, 0, "{}", prepared.why);
    exporter.send(&prepared.batch).await
}

/// Scenario: the golden metrics leave in version 1.
/// Guarantee: headers, labels, values, native histograms, exemplars and the mark of staleness are as specified; deltas are cumulative.
#[tokio::test]
async fn golden_metrics_in_version_1() {
    let backend = Backend::http(None, no_content);
    let exporter = exporter(
        &backend,
        "external_labels: {cluster: eu-1}, send_metadata: true",
    );
    let outcome = prepared(exporter.as_ref(), golden(Signal::Metrics)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let requests = backend.requests();
    assert_eq!(requests.len(), 1);
    insta::assert_snapshot!("prometheus_remote_write_v1", shown(&requests[0]));
}

/// Scenario: the golden metrics leave in version 2, with names in UTF-8.
/// Guarantee: symbols resolve to the same series, with kind, help, unit and start times.
#[tokio::test]
async fn golden_metrics_in_version_2() {
    let backend = Backend::http(None, |request| {
        let request = write_v2::Request::decode(body(request).as_slice()).unwrap();
        let samples: usize = request
            .timeseries
            .iter()
            .map(|series| series.samples.len())
            .sum();
        let histograms: usize = request
            .timeseries
            .iter()
            .map(|series| series.histograms.len())
            .sum();
        let mut response = answer(StatusCode::NO_CONTENT, &[]);
        for (name, count) in [("samples", samples), ("histograms", histograms)] {
            let name = format!("x-prometheus-remote-write-{name}-written");
            let name: http::HeaderName = name.parse().unwrap();
            response
                .headers_mut()
                .insert(name, HeaderValue::from(count));
        }
        response
    });
    let keys = format!("{V2}, translation_strategy: NoUTF8EscapingWithSuffixes");
    let exporter = exporter(&backend, &keys);
    let outcome = prepared(exporter.as_ref(), golden(Signal::Metrics)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let requests = backend.requests();
    assert_eq!(requests.len(), 1);
    insta::assert_snapshot!("prometheus_remote_write_v2", shown_v2(&requests[0]));
}

/// Scenario: a backend of version 1 gets version 2: it refuses the media type, or answers success and says nothing.
/// Guarantee: the batch arrives in version 1 in the same attempt, and the next one is sent in version 1 at once.
#[tokio::test]
async fn a_backend_of_version_1_gets_version_1() {
    for refusal in [StatusCode::UNSUPPORTED_MEDIA_TYPE, StatusCode::NO_CONTENT] {
        let backend = Backend::http(None, move |request| {
            match request.header("x-prometheus-remote-write-version") {
                "0.1.0" => answer(StatusCode::NO_CONTENT, &[]),
                _ => answer(refusal, &[]),
            }
        });
        let exporter = exporter(&backend, V2);
        let batch = gauge([(1, 1)]);
        for _ in 0..2 {
            assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
        }
        let requests = backend.requests();
        let versions: Vec<_> = requests
            .iter()
            .map(|request| request.header("x-prometheus-remote-write-version"))
            .collect();
        assert_eq!(versions, ["2.0.0", "0.1.0", "0.1.0"], "{refusal}");
        assert_eq!(series(&requests[1]).len(), 1);
    }
}

/// Scenario: points of many series, some several times and in the wrong order, larger than one request may be.
/// Guarantee: every point is in one request; a series is in one request only, its samples in the order of time.
#[tokio::test]
async fn a_series_is_in_one_request_and_in_order() {
    let backend = Backend::http(None, no_content);
    let exporter = exporter(&backend, "max_batch_size_bytes: 2000");
    let points = (0..300).map(|number| (number % 100, 1 + (300 - number as u64) / 100));
    assert_eq!(exporter.send(&gauge(points)).await, Outcome::Delivered);
    let requests = backend.requests();
    assert!(requests.len() > 3, "{}", requests.len());
    let mut seen = std::collections::BTreeSet::new();
    for request in &requests {
        assert!(body(request).len() <= 2000);
        for series in series(request) {
            let labels = format!("{:?}", series.labels);
            assert!(seen.insert(labels.clone()), "{labels} is in two requests");
            assert!(series.samples.is_sorted_by_key(|sample| sample.timestamp));
            assert_eq!(series.samples.len(), 3);
        }
    }
    assert_eq!(seen.len(), 100);
}

/// Scenario: of several requests of a batch, the second is answered 429 with a delay, and 500 later.
/// Guarantee: only what was not taken comes back to be sent again, with the delay that was asked for.
#[tokio::test]
async fn only_what_was_not_taken_is_sent_again() {
    for (status, after) in [
        (StatusCode::TOO_MANY_REQUESTS, Some(Duration::from_secs(7))),
        (StatusCode::INTERNAL_SERVER_ERROR, None),
    ] {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let backend = Backend::http(None, move |_| {
            let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            match (number, after) {
                (1, Some(_)) => answer(status, &[("retry-after", "7")]),
                (1, None) => answer(status, &[]),
                _ => answer(StatusCode::NO_CONTENT, &[]),
            }
        });
        let exporter = exporter(
            &backend,
            "max_batch_size_bytes: 1000, max_batch_request_parallelism: 1",
        );
        let batch = gauge((0..100).map(|key| (key, 1)));
        let outcome = exporter.send(&batch).await;
        let Outcome::Resend {
            rest,
            rejected: 0,
            after: delay,
            why,
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        assert_eq!((backend.requests().len(), delay), (2, after), "{status}");
        assert!(why.contains(status.as_str()), "{why}");
        let taken = series(&backend.requests()[0]).len();
        assert_eq!(rest.items(), 100 - taken);
        assert_eq!(exporter.send(&rest).await, Outcome::Delivered);
        let sent: usize = backend
            .requests()
            .iter()
            .map(|request| series(request).len())
            .sum();
        let refused = series(&backend.requests()[1]).len();
        assert_eq!(
            sent - refused,
            100,
            "nothing is lost, and only the refused part is sent twice"
        );
    }
}

/// Scenario: a backend refuses credentials; another takes a part of a request of version 2.
/// Guarantee: the first is for good and says where to look, without the secret; the second is counted.
#[tokio::test]
async fn refusals_are_told_and_counted() {
    let backend = Backend::http(None, |_| answer(StatusCode::UNAUTHORIZED, &[]));
    let keys = "headers: {Authorization: Bearer topsecret}";
    let outcome = exporter(&backend, keys).send(&gauge([(1, 1)])).await;
    let Outcome::Rejected { why } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("401") && why.contains("credentials"), "{why}");
    assert!(!why.contains("topsecret"), "{why}");
    assert_eq!(
        backend.requests()[0].header("authorization"),
        "Bearer topsecret"
    );

    let backend = Backend::http(None, |_| {
        let written = [("x-prometheus-remote-write-samples-written", "3")];
        answer(StatusCode::BAD_REQUEST, &written)
    });
    let outcome = exporter(&backend, V2)
        .send(&gauge((0..5).map(|key| (key, 1))))
        .await;
    assert!(
        matches!(outcome, Outcome::Partial { rejected: 2, .. }),
        "{outcome:?}"
    );
}

/// Scenario: a backend of version 1 refuses every request that has one of two bad points; another refuses everything.
/// Guarantee: all other points arrive, in order, and two are counted; the second backend is not asked for ever.
#[tokio::test]
async fn one_bad_sample_does_not_cost_the_others() {
    let is_bad = |series: &write::TimeSeries| {
        let value = |label: &write::Label| {
            label.name == "k" && ["17", "90"].contains(&label.value.as_str())
        };
        series.labels.iter().any(value)
    };
    let backend = Backend::http(None, move |request| {
        match series(request).iter().any(is_bad) {
            true => answer(StatusCode::BAD_REQUEST, &[]),
            false => answer(StatusCode::NO_CONTENT, &[]),
        }
    });
    let batch = gauge((0..100).map(|key| (key, 1)));
    let outcome = exporter(&backend, "").send(&batch).await;
    assert!(
        matches!(outcome, Outcome::Partial { rejected: 2, .. }),
        "{outcome:?}"
    );
    let requests = backend.requests();
    let taken = requests
        .iter()
        .map(series)
        .filter(|series| !series.iter().any(is_bad));
    let taken: Vec<f64> = taken
        .flatten()
        .map(|series| series.samples[0].value)
        .collect();
    assert_eq!(taken.len(), 98);
    assert!(taken.is_sorted());

    let backend = Backend::http(None, |_| answer(StatusCode::BAD_REQUEST, &[]));
    let outcome = exporter(&backend, "").send(&batch).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
    assert!(
        backend.requests().len() <= 21,
        "{}",
        backend.requests().len()
    );
}

/// Scenario: points that Prometheus can't hold are among others that it can.
/// Guarantee: they are left out and counted with a reason, and the others arrive.
#[tokio::test]
async fn what_prometheus_cannot_hold_costs_nothing_else() {
    let backend = Backend::http(None, no_content);
    let exporter = exporter(&backend, "target_info: {enabled: false}");
    let batch = gauge([(1, 1), (2, 0), (3, 5), (3, 5)]);
    let outcome = exporter.send(&batch).await;
    assert!(
        matches!(&outcome, Outcome::Partial { rejected: 1, why } if why.contains("without a time")),
        "two equal points are one: {outcome:?}"
    );
    assert_eq!(series(&backend.requests()[0]).len(), 2);
}

/// Scenario: a caller's header names the tenant, and the configuration lets it through.
/// Guarantee: it is sent on; other headers of the caller are not.
#[tokio::test]
async fn the_tenant_of_the_caller_is_sent_on() {
    let backend = Backend::http(None, no_content);
    let exporter = exporter(&backend, "include_metadata_keys: [X-Scope-OrgID]");
    let origin = fanlight_otlp::Origin {
        metadata: vec![
            ("x-scope-orgid".to_owned(), "tenant-7".to_owned()),
            ("cookie".to_owned(), "c".to_owned()),
        ],
        ..fanlight_otlp::Origin::default()
    };
    let batch = gauge([(1, 1)]).with_origin(Some(std::sync::Arc::new(origin)));
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    let request = &backend.requests()[0];
    assert_eq!(request.header("x-scope-orgid"), "tenant-7");
    assert_eq!(request.header("cookie"), "");
}
