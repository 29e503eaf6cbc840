//! What everything that the program tells belongs to: the service, and where it runs.
//!
//! Names follow OpenTelemetry's [conventions for resources](https://opentelemetry.io/docs/specs/semconv/resource/). The
//! command line isn't among them, since it may hold secrets.

use fanlight_config::percent_decoded;
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::write::Encoder;

use super::machine::Machine;
use crate::value::{ToValue, ValueWriter};

/// Attributes; the last of a key counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resource(Vec<(String, OwnedValue)>);

impl Resource {
    /// Sets an attribute.
    pub(crate) fn set(&mut self, key: impl Into<String>, value: &(impl ToValue + ?Sized)) {
        let mut out = Encoder::new();
        value.to_value(ValueWriter::new(&mut out));
        let bytes = out.into_bytes();
        // The bytes were encoded a line before, so they read as a value.
        let value = OwnedValue::from(Value::read(&bytes).unwrap_or_default());
        self.put(key.into(), value);
    }

    /// Sets an attribute where there is a value.
    pub(crate) fn set_some(&mut self, key: &str, value: Option<&(impl ToValue + ?Sized)>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Sets all that another has.
    pub(crate) fn extend(&mut self, other: Resource) {
        for (key, value) in other.0 {
            self.put(key, value);
        }
    }

    /// An attribute's value.
    #[cfg(test)]
    pub(crate) fn get(&self, key: &str) -> Option<Value<'_>> {
        let found = self.0.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.view())
    }

    /// Whether there is an attribute.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, _)| known == key)
    }

    pub(crate) fn into_attributes(self) -> Vec<(String, OwnedValue)> {
        self.0
    }

    fn put(&mut self, key: String, value: OwnedValue) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => *known = value,
            None => self.0.push((key, value)),
        }
    }
}

/// What is true of every program that uses this SDK.
pub(crate) fn of_sdk(resource: &mut Resource) {
    resource.set("telemetry.sdk.name", "fanlight");
    resource.set("telemetry.sdk.language", "rust");
    resource.set("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
    resource.set("service.instance.id", &random_uuid());
}

/// What the machine says: host, operating system, process, container.
pub(crate) fn detected(machine: &Machine, resource: &mut Resource) {
    let host_name = machine.host_name.as_deref();
    resource.set_some("host.name", host_name);
    resource.set("host.arch", architecture(std::env::consts::ARCH));
    resource.set("os.type", system(std::env::consts::OS));
    resource.set_some("os.description", machine.os_description.as_deref());
    resource.set_some("process.pid", machine.process_id.as_ref());
    let executable = machine.executable.as_deref();
    let file_name = executable.and_then(|path| path.file_name());
    let name = file_name.map(|name| name.to_string_lossy().into_owned());
    resource.set_some("process.executable.name", name.as_ref());
    let path = executable.map(|path| path.to_string_lossy().into_owned());
    resource.set_some("process.executable.path", path.as_ref());
    resource.set_some("container.id", machine.container_id.as_deref());
}

/// [Source](https://opentelemetry.io/docs/specs/semconv/registry/attributes/host/#host-arch).
fn architecture(rust: &'static str) -> &'static str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// [Source](https://opentelemetry.io/docs/specs/semconv/registry/attributes/os/#os-type).
fn system(rust: &'static str) -> &'static str {
    match rust {
        "macos" | "ios" => "darwin",
        other => other,
    }
}

/// A random UUID, version 4.
fn random_uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let part = |range| digits.get(range).unwrap_or_default();
    let parts = [
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32),
    ];
    parts.join("-")
}

/// Reads `key=value,key=value`; keys and values are percent-decoded. What can't be read is told by its position, and the rest
/// is kept. [Source](https://opentelemetry.io/docs/specs/otel/resource/sdk/#specifying-resource-information-via-an-environment-variable).
pub(crate) fn parse_list(text: &str) -> (Vec<(String, String)>, Vec<String>) {
    let mut attributes = Vec::new();
    let mut problems = Vec::new();
    for (index, pair) in text.split(',').enumerate() {
        if pair.trim().is_empty() {
            continue;
        }
        match pair.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => attributes.push((
                percent_decoded(key.trim()),
                percent_decoded(value.trim().trim_matches('"')),
            )),
            _ => problems.push(format!(
                "pair {} is left out: it isn't key=value",
                index + 1
            )),
        }
    }
    (attributes, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attribute_lists_keep_what_can_be_read() {
        let (attributes, problems) =
            parse_list("team = web, place=Z%C3%BCrich%2C CH ,nonsense,=x,a=b=c,");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            attributes,
            [
                pair("team", "web"),
                pair("place", "Zürich, CH"),
                pair("a", "b=c")
            ]
        );
        assert_eq!(
            problems,
            [
                "pair 3 is left out: it isn't key=value",
                "pair 4 is left out: it isn't key=value"
            ]
        );
    }

    #[test]
    fn instances_have_different_ids_of_the_usual_shape() {
        let (one, other) = (random_uuid(), random_uuid());
        assert_ne!(one, other);
        let lengths: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }

    #[test]
    fn values_keep_their_types_and_the_last_counts() {
        let mut resource = Resource::default();
        resource.set("replicas", &3);
        resource.set("name", "a");
        resource.set("name", "b");
        assert_eq!(resource.get("replicas"), Some(Value::Int(3)));
        assert_eq!(resource.get("name"), Some(Value::Str("b")));
        assert_eq!(resource.into_attributes().len(), 2);
    }
}
