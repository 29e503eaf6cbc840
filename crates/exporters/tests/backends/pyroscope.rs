//! `pyroscope` in front of a server that records.

use std::fmt::Write as _;
use std::io::Read as _;

use fanlight_formats::pprof::{Profile, ValueType};
use fanlight_formats::pyroscope::PushRequest;
use fanlight_net::http::text;
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{Exporter, Outcome};
use fanlight_testkit::{Backend, golden};
use http::StatusCode;
use prost::Message as _;

use crate::made;

fn exporter(backend: &Backend, more: &str) -> Box<dyn Exporter> {
    let yaml = format!("{{endpoint: 'http://{}', {more}}}", backend.address);
    made::exporter("pyroscope", &yaml)
}

/// A request in readable form; ids that the exporter chose are left out.
fn readable(request: &PushRequest) -> String {
    let mut out = String::new();
    for series in &request.series {
        for label in &series.labels {
            writeln!(out, "{}={}", label.name, label.value).unwrap();
        }
        for sample in &series.samples {
            assert_eq!(sample.id.len(), 36);
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(&sample.raw_profile[..])
                .read_to_end(&mut bytes)
                .unwrap();
            profile(&Profile::decode(&bytes[..]).unwrap(), &mut out);
        }
        out.push('\n');
    }
    out
}

fn profile(profile: &Profile, out: &mut String) {
    let text = |index: i64| profile.string_table[usize::try_from(index).unwrap()].as_str();
    let kind = |kind: &ValueType| format!("{} in {}", text(kind.r#type), text(kind.unit));
    writeln!(out, "  values: {}", kind(&profile.sample_type[0])).unwrap();
    let period = profile.period_type.as_ref().map(kind);
    writeln!(out, "  period: {} {period:?}", profile.period).unwrap();
    writeln!(
        out,
        "  time: {} for {}",
        profile.time_nanos, profile.duration_nanos
    )
    .unwrap();
    for mapping in &profile.mapping {
        let (start, limit) = (mapping.memory_start, mapping.memory_limit);
        writeln!(
            out,
            "  mapping {start:#x}..{limit:#x} {}",
            text(mapping.filename)
        )
        .unwrap();
    }
    for sample in &profile.sample {
        write!(out, "  {:?}", sample.value).unwrap();
        for id in &sample.location_id {
            let location = profile
                .location
                .iter()
                .find(|known| known.id == *id)
                .unwrap();
            write!(out, " {:#x}", location.address).unwrap();
            for line in &location.line {
                let function = &profile.function[usize::try_from(line.function_id).unwrap() - 1];
                let (name, file) = (text(function.name), text(function.filename));
                write!(out, " {name} ({file}:{})", line.line).unwrap();
            }
        }
        for label in &sample.label {
            write!(out, " {}={}", text(label.key), text(label.str)).unwrap();
        }
        out.push('\n');
    }
}

/// Scenario: the golden profiles are pushed for a tenant.
/// Guarantee: one request of one series for each profile and service, with every stack, value and label.
#[tokio::test]
async fn golden_profiles_are_pushed_as_pprof() {
    let backend = Backend::http(None, |_| text(StatusCode::OK, ""));
    let exporter = exporter(&backend, "tenant_id: team-a");
    let outcome = exporter.send(&golden(Signal::Profiles)).await;
    assert_eq!(outcome, Outcome::Delivered);
    let [request] = &backend.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, "/push.v1.PusherService/Push");
    assert_eq!(request.header("content-type"), "application/proto");
    assert_eq!(request.header("x-scope-orgid"), "team-a");
    assert_eq!(request.header("connect-protocol-version"), "1");
    let message = PushRequest::decode(&request.body[..]).unwrap();
    insta::assert_snapshot!("pyroscope_push", readable(&message));
}

/// Scenario: the golden profiles go to the OTLP endpoint, which can't take two of them.
/// Guarantee: those are counted before anything is sent; the other leaves as OTLP.
#[tokio::test]
async fn otlp_leaves_out_what_pyroscope_can_not_convert() {
    let backend = Backend::http(None, |_| text(StatusCode::OK, ""));
    let exporter = exporter(&backend, "protocol: otlp, compression: none");
    let prepared = exporter.prepare(golden(Signal::Profiles));
    assert_eq!((prepared.batch.items(), prepared.dropped), (3, 2));
    assert_eq!(exporter.send(&prepared.batch).await, Outcome::Delivered);
    let [request] = &backend.requests()[..] else {
        panic!("one request")
    };
    assert_eq!(request.path, "/v1development/profiles");
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    assert_eq!(&request.body, prepared.batch.bytes());
}

async fn answered(more: &str, status: u16, body: &'static str) -> Outcome {
    let status = StatusCode::from_u16(status).unwrap();
    let backend = Backend::http(None, move |_| text(status, body));
    let exporter = exporter(&backend, more);
    exporter.send(&golden(Signal::Profiles)).await
}

/// Scenario: Pyroscope refuses one series of three for good, or for now.
/// Guarantee: the samples of that series alone are counted as refused, or are sent again.
#[tokio::test]
async fn only_what_a_series_lost_is_counted_or_sent_again() {
    const SECOND: &str = "push series with index 1 and id x failed: too old";
    match answered("", 400, SECOND).await {
        Outcome::Partial { rejected: 1, why } => assert!(why.contains("too old"), "{why}"),
        other => panic!("{other:?}"),
    }
    match answered("", 429, SECOND).await {
        Outcome::Resend {
            rest, rejected: 0, ..
        } => assert_eq!(rest.items(), 1),
        other => panic!("{other:?}"),
    }
}

/// Scenario: answers about the request as a whole.
/// Guarantee: wrong ones are dropped with advice, broken ones sent again, and a 500 that says "invalid" is not.
#[tokio::test]
async fn other_answers_are_about_everything() {
    match answered("", 401, "no org id").await {
        Outcome::Rejected { why } => assert!(why.contains("tenant_id"), "{why}"),
        other => panic!("{other:?}"),
    }
    match answered("protocol: otlp", 404, "").await {
        Outcome::Rejected { why } => assert!(why.contains("protocol: push"), "{why}"),
        other => panic!("{other:?}"),
    }
    let broken = answered("", 500, "ring is empty").await;
    assert!(matches!(broken, Outcome::Retry { .. }), "{broken:?}");
    let invalid = "rpc error: code = InvalidArgument desc = missing profile metadata dictionary";
    let refused = answered("protocol: otlp", 500, invalid).await;
    assert!(matches!(refused, Outcome::Rejected { .. }), "{refused:?}");
    let backend = Backend::http(None, |_| text(StatusCode::OK, ""));
    for more in ["", "protocol: otlp"] {
        let exporter = exporter(&backend, more);
        let outcome = exporter.send(&Batch::empty(Signal::Profiles)).await;
        assert_eq!(outcome, Outcome::Delivered);
    }
}
