//! Envelopes: one line of JSON for each telemetry item, each within the limits of the ingestion service.
//!
//! Texts are cut to the lengths of the [schema](https://github.com/microsoft/ApplicationInsights-Home/tree/master/EndpointSpecs/Schemas/Bond);
//! an item of more than 64 KB is written again with shorter texts.

use std::borrow::Cow;

use fanlight_otlp::view::{Attributes, ResourceView, ScopeView, Value};
use fanlight_otlp::{SpanId, TraceId};

use crate::json_object::{JsonObject, front};

/// How long an envelope may be, in bytes.
pub(super) const LONGEST_ENVELOPE: usize = 64 << 10;
/// How long a property's name may be.
const LONGEST_KEY: usize = 150;
/// How long most short texts may be.
pub(super) const SHORT: usize = 1024;

/// How long texts may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A property's value.
    pub(super) property: usize,
    /// A message, a stack.
    pub(super) text: usize,
}

/// What is tried in turn until an envelope is short enough.
const LIMITS: [Limits; 3] = [
    Limits {
        property: 8192,
        text: 32768,
    },
    Limits {
        property: 1024,
        text: 8192,
    },
    Limits {
        property: 128,
        text: 1024,
    },
];

/// Envelopes, one after the other.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) bytes: Vec<u8>,
    pub(super) envelopes: Vec<Written>,
    /// Items of which something was too long.
    pub(super) too_long: u64,
}

/// One envelope of a [`Track`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// Where it ends, line break included.
    pub(super) end: usize,
    /// The number of its item in the batch.
    pub(super) item: usize,
}

/// What all envelopes of a scope have in common.
pub(super) struct Common<'s, 'a> {
    pub(super) instrumentation_key: &'s str,
    pub(super) resource: &'s ResourceView<'a>,
    pub(super) scope: &'s ScopeView<'a>,
}

/// What one envelope says besides its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head<'a> {
    /// `Request`, `RemoteDependency`, `Exception`, `Message`, `Event`, `Metric`.
    pub(super) kind: &'static str,
    pub(super) time_unix_nano: u64,
    pub(super) trace_id: TraceId,
    pub(super) parent_id: SpanId,
    /// `ai.operation.name`, for requests.
    pub(super) operation: &'a str,
    pub(super) item: usize,
}

impl Track {
    /// Appends an envelope; `data` writes its base data.
    pub(super) fn add(
        &mut self,
        common: &Common<'_, '_>,
        head: Head<'_>,
        data: impl Fn(&mut JsonObject<'_>, Limits),
    ) {
        let start = self.bytes.len();
        for limits in LIMITS {
            JsonObject::write(&mut self.bytes, |envelope| {
                common.write(envelope, &head, |base| data(base, limits));
            });
            if self.bytes.len() - start <= LONGEST_ENVELOPE {
                self.bytes.push(b'\n');
                self.envelopes.push(Written {
                    end: self.bytes.len(),
                    item: head.item,
                });
                return;
            }
            self.bytes.truncate(start);
        }
        self.too_long += 1;
    }
}

impl Common<'_, '_> {
    fn write(
        &self,
        envelope: &mut JsonObject<'_>,
        head: &Head<'_>,
        data: impl FnOnce(&mut JsonObject<'_>),
    ) {
        let kind = head.kind;
        envelope.number("ver", 1);
        envelope.text("name", &format!("Microsoft.ApplicationInsights.{kind}"));
        envelope.text("time", &time(head.time_unix_nano));
        envelope.text("iKey", self.instrumentation_key);
        envelope.object("tags", |tags| self.write_tags(tags, head));
        envelope.object("data", |out| {
            out.text("baseType", &format!("{kind}Data"));
            out.object("baseData", |base| {
                base.number("ver", 2);
                data(base);
            });
        });
    }

    fn write_tags(&self, tags: &mut JsonObject<'_>, head: &Head<'_>) {
        if !head.trace_id.is_zero() {
            tags.text("ai.operation.id", &head.trace_id.to_string());
        }
        if !head.parent_id.is_zero() {
            tags.text("ai.operation.parentId", &head.parent_id.to_string());
        }
        tags.some_text("ai.operation.name", front(head.operation, SHORT));
        let text = |key: &str| match self.resource.attributes.get(key) {
            Ok(Some(Value::Str(text))) => text,
            _ => "",
        };
        let role = match (text("service.namespace"), text("service.name")) {
            (_, "") => Cow::Borrowed(""),
            ("", name) => Cow::Borrowed(name),
            (namespace, name) => Cow::Owned(format!("{namespace}.{name}")),
        };
        tags.some_text("ai.cloud.role", front(&role, 256));
        tags.some_text(
            "ai.cloud.roleInstance",
            front(text("service.instance.id"), 256),
        );
        tags.text(
            "ai.internal.sdkVersion",
            concat!("fanlight:", env!("CARGO_PKG_VERSION")),
        );
    }

    /// Properties: an item's own, then those of its scope and its resource, where names do not repeat.
    pub(super) fn properties<'p>(
        &'p self,
        own: impl IntoIterator<Item = (&'p str, Cow<'p, str>)>,
        attributes: Attributes<'p>,
    ) -> Properties<'p> {
        let mut properties = Properties(Vec::new());
        own.into_iter()
            .for_each(|(key, value)| properties.add(key, value));
        properties.add_all(attributes);
        let scope = [
            ("instrumentationlibrary.name", self.scope.name),
            ("instrumentationlibrary.version", self.scope.version),
        ];
        for (key, value) in scope.into_iter().filter(|(_, value)| !value.is_empty()) {
            properties.add(key, Cow::Borrowed(value));
        }
        properties.add_all(self.resource.attributes);
        properties
    }
}

/// Names with texts, each name once.
pub(super) struct Properties<'p>(Vec<(&'p str, Cow<'p, str>)>);

impl<'p> Properties<'p> {
    fn add(&mut self, key: &'p str, value: Cow<'p, str>) {
        // The service takes no property without a name.
        let key = if key.is_empty() {
            "_"
        } else {
            front(key, LONGEST_KEY)
        };
        if !self.0.iter().any(|(known, _)| *known == key) {
            self.0.push((key, value));
        }
    }

    fn add_all(&mut self, attributes: Attributes<'p>) {
        for (key, value) in attributes.iter().flatten() {
            self.add(key, value.to_text());
        }
    }

    /// Writes them as `properties`.
    pub(super) fn write(&self, base: &mut JsonObject<'_>, limits: Limits) {
        base.some_object("properties", |out| {
            for (key, value) in &self.0 {
                out.text(key, front(value, limits.property));
            }
        });
    }
}

/// The text, or one for none: the service refuses names and messages that are empty.
pub(super) fn or_none(text: &str) -> &str {
    match text {
        "" => "n/a",
        text => text,
    }
}

/// A time in the form of RFC 3339.
fn time(nanos: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_string()
}

/// A span's length: `days.hours:minutes:seconds.microseconds`.
pub(super) fn duration(start: u64, end: u64) -> String {
    let micros = end.saturating_sub(start) / 1000;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let (days, hours) = (hours / 24, hours % 24);
    format!("{days:02}.{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_have_the_forms_of_azure() {
        assert_eq!(duration(0, 250_123_457), "00.00:00:00.250123");
        let day = 86_400_000_000_000;
        assert_eq!(
            duration(5, 5 + day + 3_600_000_000_000 + 61_000_001_000),
            "01.01:01:01.000001"
        );
        assert_eq!(duration(10, 5), "00.00:00:00.000000");
        assert_eq!(time(1_700_000_000_250_000_000), "2023-11-14T22:13:20.25Z");
    }
}
