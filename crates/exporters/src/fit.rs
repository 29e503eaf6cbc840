//! Making batches fit a destination before they are sent: temporality, logs as spans, limits, added resource attributes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanlight_otlp::edit::{Level, Verdict, rewrite};
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::{Batch, DecodeError, Signal};
use fanlight_pipeline::Prepared;

use crate::limits::Limits;
use crate::logs_as_spans::logs_as_spans;
use crate::temporality::{Converter, STALE, Temporality};

/// What a destination wants, as configured or as its preset knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    /// The only temporality that it takes; none where it takes both.
    pub(crate) temporality: Option<Temporality>,
    /// Whether log records go as spans, to a backend that takes traces only.
    pub(crate) logs_as_spans: bool,
    /// What it refuses or cuts off beyond.
    pub(crate) limits: Limits,
    /// Whether attributes of bytes go as base64 text, to a backend that loses the whole item over them.
    pub(crate) bytes_as_text: bool,
    /// Attributes that resources get unless they have them.
    pub(crate) resource: Vec<(&'static str, String)>,
}

/// Fits batches, for one exporter.
#[derive(Debug)]
pub(crate) struct Fit {
    wishes: Wishes,
    converter: Option<Converter>,
}

impl Fit {
    /// One that does what is wished.
    pub(crate) fn new(wishes: Wishes) -> Fit {
        let converter = wishes.temporality.map(|to| Converter::new(to, STALE));
        Fit { wishes, converter }
    }

    /// See [`fanlight_pipeline::Exporter::prepare`].
    pub(crate) fn prepare(&self, batch: Batch) -> Prepared {
        let mut prepared = match (&self.converter, batch.signal()) {
            (Some(converter), Signal::Metrics) => converter.convert(batch),
            (_, Signal::Logs) if self.wishes.logs_as_spans => logs_as_spans(&batch),
            _ => Prepared::from(batch),
        };
        prepared.batch = self.with_resource(prepared.batch);
        if self.wishes.bytes_as_text {
            prepared.batch = bytes_as_text(prepared.batch);
        }
        let (batch, trimmed) = self.wishes.limits.apply(prepared.batch);
        Prepared {
            batch,
            trimmed,
            ..prepared
        }
    }

    fn with_resource(&self, batch: Batch) -> Batch {
        if self.wishes.resource.is_empty() || batch.signal() == Signal::Profiles {
            return batch;
        }
        let added = rewrite(batch.clone(), |element| {
            if element.level() != Level::Resource {
                return Ok(Verdict::KeepWhole);
            }
            if let Some(attributes) = element.attributes()? {
                for (key, value) in &self.wishes.resource {
                    if !attributes.contains(key) {
                        attributes.set(key, value.as_str());
                    }
                }
            }
            Ok(Verdict::KeepWhole)
        });
        added.unwrap_or(batch)
    }
}

/// Attributes of resources, scopes and items with base64 where there are bytes, at any depth.
fn bytes_as_text(batch: Batch) -> Batch {
    let changed = rewrite(batch.clone(), |element| {
        if let Some(attributes) = element.attributes()? {
            let mut texts = Vec::new();
            for entry in attributes.iter() {
                let (key, value) = entry?;
                if let Some(text) = without_bytes(&value)? {
                    texts.push((key.to_owned(), text));
                }
            }
            for (key, text) in &texts {
                attributes.set(key, text.view());
            }
        }
        Ok(Verdict::Keep)
    });
    changed.unwrap_or(batch)
}

/// The value with text for bytes; none where it has no bytes.
fn without_bytes(value: &Value<'_>) -> Result<Option<OwnedValue>, DecodeError> {
    let mut has_bytes = false;
    let mut change = |value: &Value<'_>| -> Result<OwnedValue, DecodeError> {
        let changed = without_bytes(value)?;
        has_bytes |= changed.is_some();
        Ok(changed.unwrap_or_else(|| OwnedValue::from(*value)))
    };
    let changed = match value {
        Value::Bytes(bytes) => {
            let text = STANDARD.encode(bytes);
            return Ok(Some(OwnedValue::from(Value::Str(&text))));
        }
        Value::Array(elements) => {
            let mut changed = Vec::with_capacity(elements.len());
            for element in *elements {
                changed.push(change(&element?)?);
            }
            OwnedValue::array(&changed)
        }
        Value::Map(entries) => {
            let mut changed = Vec::with_capacity(entries.len());
            for entry in entries.iter() {
                let (key, value) = entry?;
                changed.push((key, change(&value)?));
            }
            OwnedValue::map(changed.iter().map(|(key, value)| (*key, value)))
        }
        _ => return Ok(None),
    };
    Ok(has_bytes.then_some(changed))
}

#[cfg(test)]
mod tests {
    use fanlight_testkit::golden;

    use super::*;

    #[test]
    fn a_project_is_added_where_none_is_named() {
        let wishes = Wishes {
            resource: vec![
                ("openinference.project.name", "mine".to_owned()),
                ("service.name", "never".to_owned()),
            ],
            ..Wishes::default()
        };
        let batch = Fit::new(wishes).prepare(golden(Signal::Traces)).batch;
        let services = batch.resources().map(|resource| {
            let attributes = resource.unwrap().attributes;
            let text = |key| {
                attributes
                    .get(key)
                    .unwrap()
                    .and_then(|value| value.as_str())
            };
            (text("openinference.project.name"), text("service.name"))
        });
        let services: Vec<_> = services.collect();
        assert_eq!(services[0], (Some("mine"), Some("checkout")));
        assert_eq!(services[2], (Some("mine"), Some("never")));
    }

    #[test]
    fn bytes_become_base64_where_they_would_cost_the_span() {
        let wishes = Wishes {
            bytes_as_text: true,
            ..Wishes::default()
        };
        let batch = Fit::new(wishes).prepare(golden(Signal::Traces)).batch;
        let text = String::from_utf8(fanlight_otlp::json::to_vec(&batch).unwrap()).unwrap();
        assert!(text.contains(r#""stringValue":"AAH+/w==""#), "{text}");
        assert!(!text.contains("bytesValue"));
    }

    #[test]
    fn no_wishes_leave_every_batch_as_it_is() {
        let fit = Fit::new(Wishes::default());
        for signal in Signal::ALL {
            assert_eq!(fit.prepare(golden(signal)), Prepared::from(golden(signal)));
        }
    }
}
