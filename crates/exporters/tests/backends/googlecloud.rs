//! `googlecloud` against the strict fake of Google Cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fanlight_formats::google::Status;
use fanlight_formats::google::logging::{LogEntry, Payload as Body};
use fanlight_net::status::{Code, Failure};
use fanlight_otlp::view::{NumberView, Value};
use fanlight_otlp::write::{Data, Event, LogRecord, Metric, NumberPoint, RequestWriter, Span};
use fanlight_otlp::{Batch, Signal, SpanId, TraceId};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::fakes::google_cloud::{
    CREDENTIALS_FILE, PROJECT, Payload, answer, failure, partial_entries, partial_points, read,
};
use fanlight_testkit::{Backend, golden};

use crate::made;

fn google() -> Backend {
    Backend::grpc(None, |request| answer(&[PROJECT, "other-project"], request))
}

fn exporter(backend: &Backend, more: &str) -> Box<dyn Exporter> {
    let place = format!("endpoint: 'http://{}', use_insecure: true", backend.address);
    let yaml = format!(
        "{{credentials_file: '{CREDENTIALS_FILE}', trace: {{{place}}}, metric: {{{place}}}, log: {{{place}}}{more}}}"
    );
    build(&yaml)
}

fn build(yaml: &str) -> Box<dyn Exporter> {
    made::exporter("gcp", yaml)
}

/// What was received, in readable form.
fn received(backend: &Backend) -> String {
    let requests = backend.requests();
    let readable = requests.iter().map(|request| {
        let headers = ["user-agent", "x-goog-user-project"];
        let headers = headers.map(|name| format!("{name}: {}", request.header(name)));
        let content =
            read(request).map_or_else(|failure| failure.message, |payload| format!("{payload:#?}"));
        format!("{}\n{}\n\n{content}\n", request.path, headers.join("\n"))
    });
    readable
        .collect::<Vec<_>>()
        .join("\n")
        .replace(&"huge ".repeat(20), "HUGE ")
}

fn spans(batch: &Batch, backend: &Backend) -> Vec<fanlight_formats::google::trace::Span> {
    assert!(batch.items() > 0);
    let requests = backend.requests();
    let payloads = requests.iter().map(|request| read(request).unwrap());
    payloads
        .flat_map(|payload| match payload {
            Payload::Spans(request) => request.spans,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A span for each project; no project is none of its own.
fn of_projects(projects: &[&str]) -> Batch {
    let mut out = RequestWriter::new(Signal::Traces);
    for project in projects {
        out.resource(&[("gcp.project.id", Value::Str(project))], |resource| {
            resource.scope("", "", |scope| {
                scope.span(&Span {
                    trace_id: TraceId([1; 16]),
                    span_id: SpanId([2; 8]),
                    name: "pay",
                    ..Span::default()
                });
            });
        });
    }
    out.finish()
}

/// Scenario: the golden spans leave with the token of a service account.
/// Guarantee: the strict Cloud Trace takes them as they stand in the snapshot; spans without ids are counted.
#[tokio::test]
async fn golden_spans_are_taken_by_cloud_trace() {
    let backend = google();
    let outcome = exporter(&backend, "").send(&golden(Signal::Traces)).await;
    insta::assert_snapshot!("googlecloud_traces", received(&backend));
    match &outcome {
        Outcome::Delivered => {}
        Outcome::Partial { why, .. } => assert!(why.contains("id"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// Scenario: a span with more than Cloud Trace takes of everything.
/// Guarantee: it goes, cut to the limits; what is missing is counted in it, and the span's own attributes stay.
#[tokio::test]
async fn what_is_too_much_is_cut_and_counted() {
    let keys: Vec<String> = (0..40).map(|n| format!("key.{n:02}")).collect();
    let long = "ü".repeat(200);
    let mut attributes: Vec<(&str, Value<'_>)> = keys
        .iter()
        .map(|key| (key.as_str(), Value::Int(1)))
        .collect();
    attributes.insert(0, (&long, Value::Int(1)));
    attributes.insert(0, ("long", Value::Str(&long)));
    let events: Vec<Event<'_>> = (0..40)
        .map(|_| Event {
            name: "e",
            attributes: attributes.get(..6).unwrap(),
            ..Event::default()
        })
        .collect();
    let mut out = RequestWriter::new(Signal::Traces);
    out.resource(&[("service.name", Value::Str("shop"))], |resource| {
        resource.scope("", "", |scope| {
            scope.span(&Span {
                trace_id: TraceId([1; 16]),
                span_id: SpanId([2; 8]),
                name: &long,
                start_time_unix_nano: 9,
                end_time_unix_nano: 3,
                attributes: &attributes,
                events: &events,
                ..Span::default()
            });
        });
    });
    let batch = out.finish();
    let backend = google();
    let outcome = exporter(&backend, "").send(&batch).await;
    assert_eq!(outcome, Outcome::Delivered);
    let span = spans(&batch, &backend).remove(0);
    let name = span.display_name.unwrap();
    assert_eq!((name.value.len(), name.truncated_byte_count), (128, 272));
    let kept = span.attributes.unwrap();
    assert_eq!(kept.attribute_map.len(), 32);
    assert!(kept.attribute_map.contains_key("g.co/agent"));
    assert!(kept.attribute_map.contains_key("key.29"));
    assert!(kept.dropped_attributes_count >= 12);
    let events = span.time_events.unwrap();
    assert_eq!(
        (events.time_event.len(), events.dropped_annotations_count),
        (32, 8)
    );
}

/// Scenario: resources of several projects; one of them may not be written to.
/// Guarantee: each project has its own call and quota, and only the refused project's spans are counted as refused.
#[tokio::test]
async fn each_project_has_its_own_call() {
    let backend = google();
    let exporter = exporter(&backend, ", destination_project_quota: true");
    let batch = of_projects(&["", "other-project", "", "secret-project"]);
    let Outcome::Partial { rejected, why } = exporter.send(&batch).await else {
        panic!("{}", received(&backend))
    };
    assert_eq!(rejected, 1);
    assert!(why.contains("roles/cloudtrace.agent"), "{why}");
    let requests = backend.requests();
    let quota: Vec<&str> = requests
        .iter()
        .map(|request| request.header("x-goog-user-project"))
        .collect();
    assert_eq!(quota, [PROJECT, "other-project", "secret-project"]);
}

/// Scenario: Google is busy, out of quota, or finds the call wrong, and repeats the token.
/// Guarantee: what passes is tried again, the rest is not; no message shows the token.
#[tokio::test]
async fn answers_mean_what_google_says() {
    for (code, retried) in [
        (Code::Unavailable, true),
        (Code::ResourceExhausted, true),
        (Code::DeadlineExceeded, true),
        (Code::InvalidArgument, false),
        (Code::PermissionDenied, false),
        (Code::Unauthenticated, false),
        (Code::NotFound, false),
    ] {
        let backend = Backend::grpc(None, move |request| {
            let why = format!("no: {}", request.header("authorization"));
            Err(Failure {
                retry_after: (code == Code::Unavailable).then_some(Duration::from_secs(7)),
                ..failure(code, why)
            })
        });
        let outcome = exporter(&backend, "").send(&of_projects(&[""])).await;
        let why = match &outcome {
            Outcome::Retry { after, why } if retried => {
                let asked = (code == Code::Unavailable).then_some(Duration::from_secs(7));
                assert_eq!(*after, asked);
                why
            }
            Outcome::Rejected { why } if !retried => why,
            other => panic!("{code:?}: {other:?}"),
        };
        assert!(why.contains("Cloud Trace") && !why.contains("eyJ"), "{why}");
    }
}

/// Scenario: the file of credentials is not there.
/// Guarantee: the hub starts all the same; what is sent waits, and the message names the file and what to do.
#[tokio::test]
async fn missing_credentials_are_told_at_the_first_call() {
    let exporter = build("{project: shop, credentials_file: /nonexistent/key.json}");
    let outcome = exporter.send(&of_projects(&[""])).await;
    let Outcome::Retry { why, .. } = outcome else {
        panic!("{outcome:?}")
    };
    for part in ["/nonexistent/key.json", "GOOGLE_APPLICATION_CREDENTIALS"] {
        assert!(why.contains(part), "{why}");
    }
}

/// Scenario: an emulator without TLS, and no file of credentials.
/// Guarantee: no credentials are looked for or sent.
#[tokio::test]
async fn default_credentials_never_go_in_plain_text() {
    let backend = Backend::grpc(None, |_| Ok(bytes::Bytes::new()));
    let yaml = format!(
        "{{project: shop, trace: {{endpoint: '{}', use_insecure: true}}}}",
        backend.address
    );
    let outcome = build(&yaml).send(&of_projects(&[""])).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(backend.requests()[0].header("authorization"), "");
}

fn records(count: u64, body: &str) -> Batch {
    let mut out = RequestWriter::new(Signal::Logs);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            for number in 0..count {
                scope.log(&LogRecord {
                    time_unix_nano: 1_700_000_000_000_000_000 + number,
                    body: Value::Str(body),
                    ..LogRecord::default()
                });
            }
        });
    });
    out.finish()
}

fn entries(backend: &Backend) -> Vec<LogEntry> {
    let requests = backend.requests();
    let payloads = requests.iter().map(|request| read(request).unwrap());
    payloads
        .flat_map(|payload| match payload {
            Payload::Entries(request) => request.entries,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Scenario: the golden log records leave.
/// Guarantee: the strict Cloud Logging takes all of them as they stand in the snapshot.
#[tokio::test]
async fn golden_records_are_taken_by_cloud_logging() {
    let backend = google();
    let exporter = exporter(&backend, ", user_agent: 'ours/{{version}}'");
    let prepared = exporter.prepare(golden(Signal::Logs));
    assert_eq!(prepared.dropped, 0);
    let outcome = exporter.send(&prepared.batch).await;
    assert_eq!(outcome, Outcome::Delivered);
    // The hash is of this build's.
    let received = received(&backend);
    let stable = received.lines().filter(|line| !line.contains("insert_id"));
    insta::assert_snapshot!("googlecloud_logs", stable.collect::<Vec<_>>().join("\n"));
}

/// Scenario: a record longer than an entry may be.
/// Guarantee: its text arrives whole, in parts that say that they belong together.
#[tokio::test]
async fn a_long_record_goes_in_parts() {
    let backend = google();
    let text = "öäü".repeat(100_000);
    let outcome = exporter(&backend, "").send(&records(1, &text)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let entries = entries(&backend);
    let whole: String = entries
        .iter()
        .map(|entry| match entry.payload.as_ref().unwrap() {
            Body::TextPayload(text) => text.as_str(),
            Body::JsonPayload(object) => panic!("{object:?}"),
        })
        .collect();
    assert!(whole == text);
    let splits: Vec<_> = entries
        .iter()
        .map(|entry| entry.split.clone().unwrap())
        .collect();
    assert_eq!(splits.len(), 3);
    assert!(splits.iter().all(|split| split.uid == splits[0].uid));
    assert_eq!(splits[2].index, 2);
}

/// Scenario: the same batch is sent twice, as after a lost answer; it has equal records.
/// Guarantee: the insert ids are the same both times, and differ between records.
#[tokio::test]
async fn what_is_sent_twice_is_stored_once() {
    let backend = google();
    let exporter = exporter(&backend, "");
    let batch = Batch::join(&[records(2, "a"), records(2, "a")]).unwrap();
    for _ in 0..2 {
        assert_eq!(exporter.send(&batch).await, Outcome::Delivered);
    }
    let mut ids: Vec<String> = entries(&backend)
        .into_iter()
        .map(|entry| entry.insert_id)
        .collect();
    assert!(ids.iter().all(|id| !id.is_empty()));
    let again = ids.split_off(ids.len() / 2);
    assert_eq!(ids, again);
    let differing: BTreeSet<String> = ids.into_iter().collect();
    assert_eq!(differing.len(), 4);
}

/// Scenario: Cloud Logging takes one of three records, refuses one and is not ready for one.
/// Guarantee: only the last is sent again, and one is counted as refused.
#[tokio::test]
async fn refused_entries_are_told_from_those_to_come() {
    let backend = Backend::grpc(None, |_| {
        let status = |code: Code| Status {
            code: code.number(),
            message: "no".to_owned(),
            details: Vec::new(),
        };
        let errors = [
            (0, status(Code::InvalidArgument)),
            (2, status(Code::Unavailable)),
        ];
        Err(partial_entries(BTreeMap::from(errors)))
    });
    let outcome = exporter(&backend, "").send(&records(3, "a")).await;
    let Outcome::Resend {
        rest,
        rejected,
        why,
        ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!((rest.items(), rejected), (1, 1));
    assert!(why.contains("Cloud Logging"), "{why}");
}

/// Scenario: the golden metrics leave, with every kind of point.
/// Guarantee: the strict Cloud Monitoring takes them as they stand in the snapshot; what it can't take is counted.
#[tokio::test]
async fn golden_metrics_are_taken_by_cloud_monitoring() {
    let backend = google();
    let exporter = exporter(&backend, "");
    let prepared = exporter.prepare(golden(Signal::Metrics));
    let outcome = exporter.send(&prepared.batch).await;
    // What has no start starts with the hub.
    insta::assert_snapshot!("googlecloud_metrics", received(&backend));
    let Outcome::Partial { rejected, why } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(rejected > 0 && why.contains("finite"), "{rejected}: {why}");
    let read = backend
        .requests()
        .iter()
        .all(|request| read(request).is_ok());
    assert!(read);
}

/// Scenario: Cloud Monitoring takes all but one point of a call.
/// Guarantee: one point is counted as refused, nothing is sent again.
#[tokio::test]
async fn refused_points_are_counted() {
    let backend = Backend::grpc(None, |request| match read(request) {
        Ok(Payload::Series(request)) => {
            let total = request.time_series.len();
            Err(partial_points(total, &["out of order".to_owned()]))
        }
        other => panic!("{other:?}"),
    });
    let points = [NumberPoint {
        attributes: &[],
        start_time_unix_nano: 0,
        time_unix_nano: 1_700_000_000_000_000_000,
        value: NumberView::Int(1),
    }];
    let mut out = RequestWriter::new(Signal::Metrics);
    out.resource(&[], |resource| {
        resource.scope("", "", |scope| {
            for name in ["one", "two", "three"] {
                scope.metric(&Metric {
                    name,
                    description: "",
                    unit: "",
                    data: Data::Gauge(&points),
                });
            }
        });
    });
    let outcome = exporter(&backend, "").send(&out.finish()).await;
    let Outcome::Partial { rejected, why } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((rejected, backend.requests().len()), (1, 1));
    assert!(why.contains("out of order"), "{why}");
}
