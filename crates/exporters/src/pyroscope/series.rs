//! A batch as series of pprof profiles: one for each profile and each service whose samples it holds, more where it is large.
//!
//! Labels are those that Pyroscope's own OTLP endpoint gives: the profile's name, the service, and every attribute of the
//! resource, the scope and the profile that is text or a number. Names are made such that Pyroscope takes them, and what is
//! past its limits ([`MOST_LABELS`], [`LONGEST_VALUE`]) is left out.

use std::borrow::Cow;
use std::io::Write as _;

use bytes::Bytes;
use fanlight_formats::pyroscope::{LabelPair, RawProfileSeries, RawSample};
use fanlight_otlp::view::{Attributes, ProfileView, ResourceView, ScopeView, Tables, Value};
use fanlight_otlp::{Batch, DecodeError};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message as _;

use super::pprof::{Builder, Kind, Unusable};
use crate::pieces::LeftOut;

/// Where the service is named, on resources and on samples.
const SERVICE_NAME: &str = "service.name";
/// Pyroscope's `max_label_names_per_series`, by default.
const MOST_LABELS: usize = 30;
/// Pyroscope's `max_label_value_length`, by default, in bytes.
const LONGEST_VALUE: usize = 2048;

/// One series, and what it was made from.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// What is sent.
    pub(super) message: RawProfileSeries,
    /// The number of the profile in the batch.
    pub(super) profile: usize,
    /// How many samples it has.
    pub(super) samples: usize,
}

/// Makes the series. `now`, in nanoseconds since 1970, stands in for a time that is not given.
pub(super) fn series(batch: &Batch, now: u64) -> Result<(Vec<Series>, LeftOut), DecodeError> {
    let tables = batch.dictionary()?.tables()?;
    let mut writer = Writer {
        tables: &tables,
        now,
        number: 0,
        series: Vec::new(),
        left_out: LeftOut::default(),
    };
    for resource in batch.resources() {
        let resource = resource?;
        for scope in resource.scopes() {
            let scope = scope?;
            for profile in scope.profiles() {
                writer.profile(&resource, &scope, &profile?)?;
                writer.number += 1;
            }
        }
    }
    Ok((writer.series, writer.left_out))
}

struct Writer<'t, 'a> {
    tables: &'t Tables<'a>,
    now: u64,
    /// The number of the profile.
    number: usize,
    series: Vec<Series>,
    left_out: LeftOut,
}

impl<'a> Writer<'_, 'a> {
    fn profile(
        &mut self,
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        profile: &ProfileView<'a>,
    ) -> Result<(), DecodeError> {
        let Some(kind) = Kind::of(profile, self.tables) else {
            self.leave_out(
                profile.samples_count(),
                "a profile does not say what it measures",
            );
            return Ok(());
        };
        let common = self.labels(&kind, resource, scope, profile)?;
        let own = service(&resource.attributes)?;
        let start = self.series.len();
        let mut open: Vec<(Cow<'a, str>, Builder<'_, 'a>)> = Vec::new();
        for sample in profile.samples() {
            let sample = sample?;
            let mut service = own.clone();
            for index in sample.attribute_indices() {
                if let Some((SERVICE_NAME, value)) = self.tables.attribute(index?) {
                    service = value.to_text();
                }
            }
            let place = match open.iter().position(|(name, _)| *name == service) {
                Some(place) => place,
                None => {
                    open.push((service, Builder::new(profile, &kind, self.tables, self.now)));
                    open.len() - 1
                }
            };
            let Some((service, builder)) = open.get_mut(place) else {
                continue;
            };
            match builder.add(&sample, SERVICE_NAME) {
                Ok(()) => {}
                Err(Unusable::Decode(error)) => return Err(error),
                Err(why) => self.leave_out(1, &format!("a sample is of no use: {why}")),
            }
            if builder.is_full() {
                let next = Builder::new(profile, &kind, self.tables, self.now);
                let full = std::mem::replace(builder, next);
                let service = service.clone();
                self.push(&common, &service, full);
            }
        }
        for (service, builder) in open {
            self.push(&common, &service, builder);
        }
        self.name(start, profile.profile_id);
        Ok(())
    }

    fn leave_out(&mut self, samples: usize, why: &str) {
        self.left_out.items += samples as u64;
        why.clone_into(&mut self.left_out.why);
    }

    /// Ends a profile, if it has samples.
    fn push(&mut self, common: &[LabelPair], service: &str, builder: Builder<'_, 'a>) {
        let samples = builder.samples();
        if samples == 0 {
            return;
        }
        let mut labels = common.to_vec();
        labels.push(pair("service_name", service));
        let raw_profile = gzip(&builder.finish().encode_to_vec());
        let message = RawProfileSeries {
            labels,
            samples: vec![RawSample {
                raw_profile,
                id: String::new(),
            }],
        };
        self.series.push(Series {
            message,
            profile: self.number,
            samples,
        });
    }

    /// Gives a profile's series their ids: its own for the first, and others.
    fn name(&mut self, start: usize, profile_id: [u8; 16]) {
        let mut id = profile_id;
        for series in self.series.iter_mut().skip(start) {
            if id == [0; 16] {
                id = rand::random();
            }
            for sample in &mut series.message.samples {
                sample.id = uuid(std::mem::take(&mut id));
            }
        }
    }

    fn labels(
        &self,
        kind: &Kind,
        resource: &ResourceView<'a>,
        scope: &ScopeView<'a>,
        profile: &ProfileView<'a>,
    ) -> Result<Vec<LabelPair>, DecodeError> {
        let mut labels = vec![
            pair("__name__", &kind.name),
            // Or Pyroscope would take memory profiles for running totals.
            pair("__delta__", "false"),
        ];
        for attributes in [&resource.attributes, &scope.attributes] {
            for attribute in attributes.iter() {
                let (key, value) = attribute?;
                add(&mut labels, key, value);
            }
        }
        for index in profile.attribute_indices() {
            if let Some((key, value)) = self.tables.attribute(index?) {
                add(&mut labels, key, value);
            }
        }
        Ok(labels)
    }
}

/// Adds a label, unless there is one of its name, or Pyroscope would refuse it. One place is kept for the service.
fn add(labels: &mut Vec<LabelPair>, key: &str, value: Value<'_>) {
    if !matches!(
        value,
        Value::Str(_) | Value::Int(_) | Value::Bool(_) | Value::Double(_)
    ) {
        return;
    }
    let name = label_name(key);
    let value = value.to_text();
    let is_known = name == "service_name" || labels.iter().any(|label| label.name == name);
    if !is_known
        && !name.is_empty()
        && !value.is_empty()
        && value.len() <= LONGEST_VALUE
        && labels.len() + 1 < MOST_LABELS
    {
        labels.push(pair(&name, &value));
    }
}

/// An attribute's name with letters, digits and `_` only; two of them in front are Pyroscope's own.
fn label_name(key: &str) -> String {
    let allowed = key.chars().map(|character| match character {
        character if character.is_ascii_alphanumeric() => character,
        _ => '_',
    });
    let name: String = allowed.collect();
    match name.chars().next() {
        Some('0'..='9') => format!("_{name}"),
        _ if name.starts_with("__") => name.trim_start_matches('_').to_owned(),
        _ => name,
    }
}

/// [`service.name`](https://opentelemetry.io/docs/specs/semconv/registry/attributes/service/), or what stands in for it.
fn service<'a>(resource: &Attributes<'a>) -> Result<Cow<'a, str>, DecodeError> {
    let text = |key| {
        let found = resource.get(key)?.map(|value| value.to_text());
        Ok(found.filter(|text| !text.is_empty()))
    };
    if let Some(name) = text(SERVICE_NAME)? {
        return Ok(name);
    }
    Ok(match text("process.executable.name")? {
        Some(executable) => format!("unknown_service:{executable}").into(),
        None => "unknown_service".into(),
    })
}

fn pair(name: &str, value: &str) -> LabelPair {
    LabelPair {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory does not fail; Pyroscope takes a profile as it is too.
    match encoder.write_all(bytes).and_then(|()| encoder.finish()) {
        Ok(compressed) => compressed.into(),
        Err(_) => Bytes::copy_from_slice(bytes),
    }
}

/// Bytes as a UUID is written.
fn uuid(id: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in id.into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
