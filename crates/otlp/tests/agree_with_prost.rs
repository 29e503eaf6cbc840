//! The wire beside the generated `prost` types: what one says about random requests, the other must say too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

#[path = "agree_with_prost/generate.rs"]
mod generate;
#[path = "agree_with_prost/rebuild.rs"]
mod rebuild;

use bytes::Bytes;
use fanlight_otlp::edit::{Verdict, rewrite};
use fanlight_otlp::{Batch, Signal, json};
use generate::Random;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use proptest::prelude::*;
use prost::Message;

/// A random request of a signal.
fn encoded(signal: Signal, random: &mut Random) -> Bytes {
    match signal {
        Signal::Traces => random.traces().encode_to_vec(),
        Signal::Metrics => random.metrics().encode_to_vec(),
        Signal::Logs => random.logs().encode_to_vec(),
        Signal::Profiles => random.profiles().encode_to_vec(),
    }
    .into()
}

fn batch(signal: Signal, random: &mut Random) -> Batch {
    Batch::decode(signal, encoded(signal, random)).expect("what prost encodes is valid")
}

/// What `prost` makes of bytes: the request's text and its number of items.
fn by_prost(signal: Signal, bytes: &[u8]) -> Result<(String, usize), prost::DecodeError> {
    Ok(match signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(bytes)?;
            let scopes = request
                .resource_spans
                .iter()
                .flat_map(|resource| &resource.scope_spans);
            (
                format!("{request:?}"),
                scopes.map(|scope| scope.spans.len()).sum(),
            )
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(bytes)?;
            let scopes = request
                .resource_logs
                .iter()
                .flat_map(|resource| &resource.scope_logs);
            (
                format!("{request:?}"),
                scopes.map(|scope| scope.log_records.len()).sum(),
            )
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(bytes)?;
            let scopes = request
                .resource_metrics
                .iter()
                .flat_map(|resource| &resource.scope_metrics);
            let points = scopes
                .flat_map(|scope| &scope.metrics)
                .map(|metric| match &metric.data {
                    None => 0,
                    Some(Data::Gauge(data)) => data.data_points.len(),
                    Some(Data::Sum(data)) => data.data_points.len(),
                    Some(Data::Histogram(data)) => data.data_points.len(),
                    Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
                    Some(Data::Summary(data)) => data.data_points.len(),
                });
            let points = points.sum();
            (format!("{request:?}"), points)
        }
        Signal::Profiles => {
            let request = ExportProfilesServiceRequest::decode(bytes)?;
            let scopes = request
                .resource_profiles
                .iter()
                .flat_map(|resource| &resource.scope_profiles);
            let profiles = scopes.flat_map(|scope| &scope.profiles);
            (
                format!("{request:?}"),
                profiles.map(|profile| profile.samples.len()).sum(),
            )
        }
    })
}

/// Every item with its resource and scope, in order, as text: what must survive however envelopes are arranged.
fn items(batch: &Batch) -> Vec<String> {
    let mut items = Vec::new();
    for resource in batch.resources() {
        let resource = resource.unwrap();
        for scope in resource.scopes() {
            let scope = scope.unwrap();
            let envelope = format!(
                "{:?} {} {:?} {} {}",
                resource.attributes,
                resource.schema_url,
                scope.attributes,
                scope.name,
                scope.schema_url
            );
            items.extend(
                scope
                    .spans()
                    .map(|span| format!("{envelope} {:?}", span.unwrap())),
            );
            items.extend(
                scope
                    .logs()
                    .map(|log| format!("{envelope} {:?}", log.unwrap())),
            );
            for metric in scope.metrics() {
                let metric = metric.unwrap();
                let envelope = format!(
                    "{envelope} {} {} {} {:?} {} {} {:?}",
                    metric.name,
                    metric.description,
                    metric.unit,
                    metric.kind,
                    metric.aggregation_temporality,
                    metric.is_monotonic,
                    metric.metadata
                );
                items.extend(
                    metric
                        .points()
                        .map(|point| format!("{envelope} {:?}", point.unwrap())),
                );
            }
        }
    }
    items
}

fn signals() -> impl Strategy<Value = Signal> {
    proptest::sample::select(Signal::ALL.to_vec())
}

fn joinable() -> impl Strategy<Value = Signal> {
    proptest::sample::select(vec![Signal::Traces, Signal::Metrics, Signal::Logs])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenario: `prost` encodes a random request of any signal.
    /// Guarantees: it is valid, and its items are counted as `prost` counts them.
    #[test]
    fn encoded_requests_are_valid_and_counted(signal in signals(), seed: u64) {
        let bytes = encoded(signal, &mut Random::new(seed));
        let batch = Batch::decode(signal, bytes.clone()).unwrap();
        prop_assert_eq!(batch.items(), by_prost(signal, &bytes).unwrap().1);
    }

    /// Scenario: a request is read through the views and put together again.
    /// Guarantees: every field that views show has the value that `prost` reads.
    #[test]
    fn views_read_what_prost_reads(seed: u64) {
        let mut random = Random::new(seed);
        random.complete = true;
        let traces = batch(Signal::Traces, &mut random);
        prop_assert_eq!(format!("{:?}", rebuild::traces(&traces)), by_prost(Signal::Traces, traces.bytes()).unwrap().0);
        let logs = batch(Signal::Logs, &mut random);
        prop_assert_eq!(format!("{:?}", rebuild::logs(&logs)), by_prost(Signal::Logs, logs.bytes()).unwrap().0);
        let metrics = batch(Signal::Metrics, &mut random);
        prop_assert_eq!(format!("{:?}", rebuild::metrics(&metrics)), by_prost(Signal::Metrics, metrics.bytes()).unwrap().0);
    }

    /// Scenario: profiles are read through the views.
    /// Guarantees: samples, times and attributes are those that `prost` reads.
    #[test]
    fn profile_views_read_what_prost_reads(seed: u64) {
        let batch = batch(Signal::Profiles, &mut Random::new(seed));
        let request = ExportProfilesServiceRequest::decode(&batch.bytes()[..]).unwrap();
        let dictionary = request.dictionary.unwrap_or_default();
        let view = batch.dictionary().unwrap();
        let mut expected = request.resource_profiles.iter().flat_map(|resource| &resource.scope_profiles).flat_map(|scope| &scope.profiles);
        for resource in batch.resources() {
            for scope in resource.unwrap().scopes() {
                for profile in scope.unwrap().profiles() {
                    let (profile, expected) = (profile.unwrap(), expected.next().unwrap());
                    prop_assert_eq!(profile.samples_count(), expected.samples.len());
                    prop_assert_eq!(profile.time_unix_nano, expected.time_unix_nano);
                    prop_assert_eq!(profile.duration_nano, expected.duration_nano);
                    prop_assert_eq!(profile.period, expected.period);
                    prop_assert_eq!(profile.original_payload, &expected.original_payload[..]);
                    let indices: Vec<i32> = profile.attribute_indices().map(Result::unwrap).collect();
                    prop_assert_eq!(&indices, &expected.attribute_indices);
                    for index in indices {
                        let expected = dictionary.attribute_table.get(index as usize).and_then(|attribute| dictionary.string_table.get(attribute.key_strindex as usize));
                        prop_assert_eq!(view.attribute(index).unwrap().map(|(key, _)| key), expected.map(String::as_str));
                    }
                }
            }
        }
        prop_assert!(expected.next().is_none());
    }

    /// Scenario: a request is written as JSON and read back.
    /// Guarantees: `prost` reads the same request from the result, down to presence and special doubles.
    #[test]
    fn json_loses_nothing(signal in signals(), seed: u64) {
        let batch = batch(signal, &mut Random::new(seed));
        let text = json::to_vec(&batch).unwrap();
        let back = json::read(signal, &text).unwrap();
        prop_assert_eq!(back.items(), batch.items());
        prop_assert_eq!(by_prost(signal, back.bytes()).unwrap().0, by_prost(signal, batch.bytes()).unwrap().0);
    }

    /// Scenario: JSON goes from here to the `serde` form of the generated types, and the other way.
    /// Guarantees: each reads the other's; profiles apart, whose integers and ids that crate writes in its own way.
    #[test]
    fn json_is_understood_by_others(seed: u64) {
        let mut random = Random::new(seed);
        // The generated types write specials as null in most places.
        random.special_doubles = false;
        random.complete = true;
        macro_rules! check {
            ($signal:expr, $type:ty) => {{
                let batch = batch($signal, &mut random);
                let ours = json::to_vec(&batch).unwrap();
                let theirs: $type = serde_json::from_slice(&ours).unwrap();
                let expected = <$type>::decode(&batch.bytes()[..]).unwrap();
                prop_assert_eq!(format!("{theirs:?}"), format!("{expected:?}"));
                let text = serde_json::to_vec(&expected).unwrap();
                let back = json::read($signal, &text).map_err(|error| TestCaseError::fail(format!("{error}")))?;
                prop_assert_eq!(by_prost($signal, back.bytes()).unwrap().0, format!("{expected:?}"));
            }};
        }
        check!(Signal::Traces, ExportTraceServiceRequest);
        check!(Signal::Logs, ExportLogsServiceRequest);
        check!(Signal::Metrics, ExportMetricsServiceRequest);
    }

    /// Scenario: bytes of a valid request are changed at random.
    /// Guarantees: nothing panics; what is accepted `prost` accepts too, and reading it through views and JSON works;
    /// what is refused `prost` refuses too, but for ids of a wrong length and groups.
    #[test]
    fn damaged_requests_are_judged_as_prost_judges_them(signal in signals(), seed: u64, changes in 1..4_usize) {
        let mut random = Random::new(seed);
        let mut bytes = encoded(signal, &mut random).to_vec();
        for _ in 0..changes {
            let at = random.below(bytes.len() as u64 + 1) as usize;
            match random.below(3) {
                0 => bytes.insert(at, random.next() as u8),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                _ if at < bytes.len() => bytes[at] = random.next() as u8,
                _ => bytes.truncate(at / 2),
            }
        }
        let prost = by_prost(signal, &bytes);
        match Batch::decode(signal, bytes.into()) {
            Ok(batch) => {
                prop_assert!(prost.is_ok(), "prost refuses: {:?}", prost);
                items(&batch);
                let text = json::to_vec(&batch).unwrap();
                prop_assert!(json::read(signal, &text).is_ok());
                let split = batch.clone().split(2);
                prop_assert_eq!(split.iter().map(Batch::items).sum::<usize>(), batch.items());
            }
            Err(error) => {
                let declared = ["an id has the wrong length", "groups"];
                let text = error.to_string();
                prop_assert!(prost.is_err() || declared.iter().any(|known| text.contains(known)), "only we refuse: {}", text);
            }
        }
    }

    /// Scenario: bytes that never were a request.
    /// Guarantees: nothing panics, and nothing is accepted that `prost` refuses.
    #[test]
    fn random_bytes_are_refused_or_read(signal in signals(), bytes: Vec<u8>) {
        let _ = json::read(signal, &bytes);
        if Batch::decode(signal, bytes.clone().into()).is_ok() {
            prop_assert!(by_prost(signal, &bytes).is_ok());
        }
    }

    /// Scenario: batches are joined, and the result is split at a random size.
    /// Guarantees: every item is there once, in order, under its own resource and scope; counts add up; every part but the
    /// last is full.
    #[test]
    fn join_then_split_loses_nothing(signal in joinable(), seed: u64, limit in 1..12_usize) {
        let mut random = Random::new(seed);
        let batches = [batch(signal, &mut random), Batch::empty(signal), batch(signal, &mut random)];
        let joined = Batch::join(&batches).unwrap();
        let expected: Vec<String> = batches.iter().flat_map(items).collect();
        prop_assert_eq!(&items(&joined), &expected);
        let parts = joined.clone().split(limit);
        prop_assert_eq!(parts.iter().flat_map(items).collect::<Vec<_>>(), expected.clone());
        prop_assert_eq!(parts.iter().map(Batch::items).sum::<usize>(), joined.items());
        for (index, part) in parts.iter().enumerate() {
            prop_assert!(part.items() == limit || (index + 1 == parts.len() && part.items() <= limit));
            prop_assert!(Batch::decode(signal, part.bytes().clone()).is_ok());
        }
        for part in joined.split_bytes(400) {
            prop_assert!(part.bytes().len() <= 400 || part.items() <= 1);
        }
    }

    /// Scenario: an edit that looks at everything and changes nothing.
    /// Guarantees: the same bytes, not a copy.
    #[test]
    fn identity_edits_keep_the_bytes(signal in signals(), seed: u64) {
        let batch = batch(signal, &mut Random::new(seed));
        let after = rewrite(batch.clone(), |element| {
            if let Some(attributes) = element.attributes()? {
                attributes.retain(|_| true);
            }
            Ok(Verdict::Keep)
        });
        prop_assert_eq!(after.unwrap().bytes().as_ptr(), batch.bytes().as_ptr());
    }

    /// Scenario: an edit that adds an attribute wherever there can be one.
    /// Guarantees: the result is what the same edit of the `prost` types encodes.
    #[test]
    fn edits_do_what_the_same_edit_of_prost_types_does(seed: u64) {
        let mut random = Random::new(seed);
        random.complete = true;
        let batch = batch(Signal::Traces, &mut random);
        let mut expected = ExportTraceServiceRequest::decode(&batch.bytes()[..]).unwrap();
        let edit = |attributes: &mut Vec<opentelemetry_proto::tonic::common::v1::KeyValue>| {
            attributes.retain(|attribute| attribute.key != "a");
            attributes.push(opentelemetry_proto::tonic::common::v1::KeyValue {
                key: "a".to_owned(),
                value: Some(opentelemetry_proto::tonic::common::v1::AnyValue {
                    value: Some(opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(-1)),
                }),
                key_strindex: 0,
            });
        };
        for resource in &mut expected.resource_spans {
            edit(&mut resource.resource.as_mut().unwrap().attributes);
            for scope in &mut resource.scope_spans {
                edit(&mut scope.scope.as_mut().unwrap().attributes);
                scope.spans.iter_mut().for_each(|span| edit(&mut span.attributes));
            }
        }
        let after = rewrite(batch, |element| {
            if let Some(attributes) = element.attributes()? {
                attributes.remove("a");
                attributes.set("a", -1);
            }
            Ok(Verdict::Keep)
        });
        prop_assert_eq!(by_prost(Signal::Traces, after.unwrap().bytes()).unwrap().0, format!("{expected:?}"));
    }
}

/// Scenario: profiles are joined and split.
/// Guarantees: they are not: their samples index into one dictionary per request.
#[test]
fn profiles_travel_whole() {
    let mut random = Random::new(7);
    let mut batches = (0..)
        .map(|_| batch(Signal::Profiles, &mut random))
        .filter(|batch| batch.items() > 1);
    let (first, second) = (batches.next().unwrap(), batches.next().unwrap());
    assert!(Batch::join(&[first.clone(), second]).is_none());
    assert_eq!(
        Batch::join(&[first.clone(), Batch::empty(Signal::Profiles)])
            .unwrap()
            .bytes(),
        first.bytes()
    );
    assert_eq!(first.split(1).len(), 1);
}

/// Scenario: batches of different signals, and none, are joined.
/// Guarantees: there is no such batch.
#[test]
fn only_batches_of_one_signal_are_joined() {
    assert!(Batch::join(&[]).is_none());
    assert!(Batch::join(&[Batch::empty(Signal::Logs), Batch::empty(Signal::Traces)]).is_none());
}
