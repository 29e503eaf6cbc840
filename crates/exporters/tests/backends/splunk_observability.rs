//! `sapm` and `signalfx` against the strict fake of Splunk Observability Cloud.

use std::time::Duration;

use fanlight_otlp::view::Value;
use fanlight_otlp::write::RequestWriter;
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::fakes::splunk_observability::{Payload, answer, read};
use fanlight_testkit::{Backend, golden};
use http::{Response, StatusCode};

use crate::made::exporter;

fn ingest() -> Backend {
    Backend::http(None, |request| {
        answer(&["our-token", "their-token"], request)
    })
}

fn sapm(backend: &Backend, more: &str) -> Box<dyn Exporter> {
    let yaml = format!(
        "{{endpoint: 'http://{}', access_token: our-token{more}}}",
        backend.address
    );
    exporter("sapm", &yaml)
}

fn signalfx(backend: &Backend, more: &str) -> Box<dyn Exporter> {
    let yaml = format!(
        "{{ingest_url: 'http://{}', access_token: our-token{more}}}",
        backend.address
    );
    exporter("signalfx", &yaml)
}

/// What was received, in readable form.
fn received(backend: &Backend) -> String {
    let requests = backend.requests();
    let readable = requests.iter().map(|request| {
        let headers = ["content-type", "content-encoding", "x-sf-token"];
        let headers = headers.map(|name| format!("{name}: {}", request.header(name)));
        let content = read(request).map_or_else(|(_, why)| why, |payload| format!("{payload:#?}"));
        format!(
            "POST {}\n{}\n\n{content}\n",
            request.path,
            headers.join("\n")
        )
    });
    readable
        .collect::<Vec<_>>()
        .join("\n")
        .replace(&"huge ".repeat(4000), "HUGE")
}

/// Two resources, one of which brings a token of its own, with an item each.
fn two_tokens(signal: Signal) -> Batch {
    let mut out = RequestWriter::new(signal);
    for token in [None, Some("their-token")] {
        let mut attributes = vec![("service.name", Value::Str("shop"))];
        attributes
            .extend(token.map(|token| ("com.splunk.signalfx.access_token", Value::Str(token))));
        out.resource(&attributes, |resource| {
            resource.scope("", "", |scope| match signal {
                Signal::Traces => scope.span(&fanlight_otlp::write::Span {
                    trace_id: TraceId([1; 16]),
                    span_id: SpanId([2; 8]),
                    name: "pay",
                    ..Default::default()
                }),
                _ => scope.log(&fanlight_otlp::write::LogRecord {
                    attributes: &[
                        ("com.splunk.signalfx.event_category", Value::Int(1_000_000)),
                        ("com.splunk.signalfx.event_type", Value::Str("deployment")),
                        ("host", Value::Str("a")),
                    ],
                    ..Default::default()
                }),
            });
        });
    }
    out.finish()
}

/// Scenario: the golden spans leave by `sapm`.
/// Guarantee: the strict ingest takes them as they stand in the snapshot.
#[tokio::test]
async fn golden_spans_are_jaegers_to_sapm() {
    let backend = ingest();
    let outcome = sapm(&backend, "").send(&golden(Signal::Traces)).await;
    assert_eq!(outcome, Outcome::Delivered);
    insta::assert_snapshot!("sapm_traces", received(&backend));
}

/// Scenario: the golden metrics leave by `signalfx`, as points and with histograms as OTLP.
/// Guarantee: what Splunk can't take is counted with its reason; the rest is taken as it stands in the snapshots.
#[tokio::test]
async fn golden_metrics_are_data_points_to_signalfx() {
    let backend = ingest();
    let outcome = signalfx(&backend, "").send(&golden(Signal::Metrics)).await;
    let Outcome::Partial { rejected, why } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(*rejected > 0 && why.contains("NaN"), "{outcome:?}");
    insta::assert_snapshot!("signalfx_metrics", received(&backend));

    let backend = ingest();
    let exporter = signalfx(&backend, ", send_otlp_histograms: true");
    let again = exporter.send(&golden(Signal::Metrics)).await;
    assert_eq!(again, outcome);
    let requests = backend.requests();
    let Ok(Payload::OtlpMetrics(histograms)) = read(&requests[1]) else {
        panic!("{}", received(&backend))
    };
    assert!(histograms.items() > 0);
    assert!(!received(&backend).contains("_bucket"));
}

/// Scenario: events and other log records, of two tokens.
/// Guarantee: events go out by token; the token is no dimension; other records are counted as refused, with what to do.
#[tokio::test]
async fn events_go_out_by_token_and_other_records_are_counted() {
    let backend = ingest();
    let exporter = signalfx(&backend, "");
    let outcome = exporter.send(&two_tokens(Signal::Logs)).await;
    assert_eq!(outcome, Outcome::Delivered);
    insta::assert_snapshot!("signalfx_events", received(&backend));
    let outcome = exporter.send(&golden(Signal::Logs)).await;
    let Outcome::Partial { why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("splunk_hec"), "{why}");
}

/// Scenario: a resource brings a token of its own, and that is wanted or not.
/// Guarantee: a request carries the token of its own resources only, and the token is never a tag.
#[tokio::test]
async fn tokens_of_resources_are_sent_apart() {
    let backend = ingest();
    let batch = two_tokens(Signal::Traces);
    assert_eq!(sapm(&backend, "").send(&batch).await, Outcome::Delivered);
    let tokens: Vec<String> = backend
        .requests()
        .iter()
        .map(|request| request.header("x-sf-token").to_owned())
        .collect();
    assert_eq!(tokens, ["our-token", "their-token"]);
    assert!(!received(&backend).contains("access_token"));

    let backend = ingest();
    let exporter = sapm(
        &backend,
        ", access_token_passthrough: false, compression: zstd",
    );
    assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    assert_eq!(backend.requests().len(), 1);
    assert_eq!(backend.requests()[0].header("content-encoding"), "zstd");
    assert!(!received(&backend).contains("their-token"));
}

/// Scenario: a wrong token; a busy, a broken and a picky ingest.
/// Guarantee: final and passing failures are told apart, the delay is honoured, and no message shows a token.
#[tokio::test]
async fn answers_mean_what_splunk_says() {
    let backend = Backend::http(None, |request| answer(&["other"], request));
    let outcome = sapm(&backend, "").send(&golden(Signal::Traces)).await;
    let Outcome::Rejected { why } = &outcome else {
        panic!("{outcome:?}")
    };
    assert!(why.contains("401") && why.contains("realm"), "{why}");
    for (status, retried) in [
        (400, false),
        (403, false),
        (413, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        let backend = Backend::http(None, move |request| {
            let mut answer =
                Response::new(format!("token {}", request.header("x-sf-token")).into());
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
                .headers_mut()
                .insert("retry-after", "7".parse().unwrap());
            answer
        });
        let outcome = signalfx(&backend, "").send(&two_tokens(Signal::Logs)).await;
        match &outcome {
            Outcome::Retry { after, why } if retried => {
                assert_eq!(*after, Some(Duration::from_secs(7)));
                assert!(!why.contains("our-token"), "{why}");
            }
            // Two requests, one for each token.
            Outcome::ResendSmaller { why, .. } if status == 413 => {
                assert!(!why.contains("their-token"), "{why}");
            }
            Outcome::Rejected { why } if !retried => {
                assert!(!why.contains("their-token"), "{why}");
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

/// Scenario: the second of two tokens is told to wait.
/// Guarantee: only its items are sent again.
#[tokio::test]
async fn what_was_taken_is_not_sent_again() {
    let backend = Backend::http(None, |request| match request.header("x-sf-token") {
        "their-token" => fanlight_net::http::text(StatusCode::SERVICE_UNAVAILABLE, ""),
        _ => answer(&["our-token"], request),
    });
    let outcome = sapm(&backend, "").send(&two_tokens(Signal::Traces)).await;
    let Outcome::Resend { rest, rejected, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((rest.items(), rejected), (1, 0));
}
