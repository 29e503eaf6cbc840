//! Jaeger's spans as OTLP.
//!
//! Names and rules are those of the
//! [Collector's translator](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/translator/jaeger)
//! and of OpenTelemetry's own Jaeger exporters, whose inverse it is.

mod span;

use std::borrow::Cow;
use std::collections::BTreeMap;

use fanlight_formats::jaeger::{self, KeyValue, Process, ValueType};
use fanlight_otlp::view::Value;
use fanlight_otlp::write::RequestWriter;
use fanlight_otlp::{Batch, Signal};
use prost::Message as _;

use self::span::Mapped;

/// What the Collector's exporter writes for a resource without a service.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// A span whose ids have another length than ids have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("span {number} of the batch has a {id} of {length} bytes; nothing of the batch was taken")]
pub(super) struct InvalidId {
    number: usize,
    id: &'static str,
    length: usize,
}

/// The library that made a span: name and version.
type Scope<'a> = (&'a str, &'a str);

/// A batch of Jaeger's as one of ours. A span's own process wins over its batch's.
pub(super) fn batch(batch: jaeger::Batch) -> Result<Batch, InvalidId> {
    let shared = batch.process.unwrap_or_default();
    let mut by_process = BTreeMap::<Vec<u8>, Resource<'_>>::new();
    let of_batch = shared.encode_to_vec();
    for (index, span) in batch.spans.iter().enumerate() {
        let (key, process) = match &span.process {
            Some(own) => (own.encode_to_vec(), own),
            None => (of_batch.clone(), &shared),
        };
        let resource = by_process.entry(key).or_insert_with(|| Resource {
            process,
            scopes: BTreeMap::new(),
        });
        let (scope, mapped) = span::map(span, index + 1)?;
        resource.scopes.entry(scope).or_default().push(mapped);
    }
    let mut out = RequestWriter::new(Signal::Traces);
    for resource in by_process.values() {
        let attributes = attributes(resource.process);
        let borrowed: Vec<(&str, Value<'_>)> = attributes
            .iter()
            .map(|(key, value)| (*key, value.view()))
            .collect();
        out.resource(&borrowed, |writer| {
            for ((name, version), spans) in &resource.scopes {
                writer.scope(name, version, |out| {
                    spans.iter().for_each(|span| span.write(out));
                });
            }
        });
    }
    Ok(out.finish())
}

/// What one process sent.
struct Resource<'a> {
    process: &'a Process,
    scopes: BTreeMap<Scope<'a>, Vec<Mapped<'a>>>,
}

/// The attributes of a resource.
fn attributes(process: &Process) -> Vec<(&str, Attribute<'_>)> {
    let has = |key: &str| process.tags.iter().any(|tag| tag.key == key);
    let mut attributes = Vec::with_capacity(process.tags.len() + 1);
    let service = process.service_name.as_str();
    if !service.is_empty() && service != NO_SERVICE {
        attributes.push(("service.name", Attribute::Text(Cow::Borrowed(service))));
    }
    for tag in &process.tags {
        attributes.push(match tag.key.as_str() {
            "hostname" if !has("host.name") => ("host.name", Attribute::Tag(tag)),
            "jaeger.version" if !has("opencensus.exporterversion") => {
                let version = Cow::Owned(format!("Jaeger-{}", value(tag).to_text()));
                ("opencensus.exporterversion", Attribute::Text(version))
            }
            key => (key, Attribute::Tag(tag)),
        });
    }
    attributes
}

/// A value that a tag has, or that is made of it.
enum Attribute<'a> {
    Tag(&'a KeyValue),
    Text(Cow<'a, str>),
}

impl Attribute<'_> {
    fn view(&self) -> Value<'_> {
        match self {
            Attribute::Tag(tag) => value(tag),
            Attribute::Text(text) => Value::Str(text),
        }
    }
}

/// The value of a tag.
fn value(tag: &KeyValue) -> Value<'_> {
    match tag.v_type() {
        ValueType::String => Value::Str(&tag.v_str),
        ValueType::Bool => Value::Bool(tag.v_bool),
        ValueType::Int64 => Value::Int(tag.v_int64),
        ValueType::Float64 => Value::Double(tag.v_float64),
        ValueType::Binary => Value::Bytes(&tag.v_binary),
    }
}

#[cfg(test)]
mod tests;
