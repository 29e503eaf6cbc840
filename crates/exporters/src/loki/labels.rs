//! Which labels a log record's stream has.
//!
//! As the Collector's exporter derives them ([`pkg/translator/loki`](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.130.0/pkg/translator/loki)):
//! `exporter="OTLP"`, `job` from `service.namespace` and `service.name`, `instance` from `service.instance.id`, `level` from
//! the severity, and whatever attributes the hints name. Loki refuses a stream with more than [`MOST_LABELS`] labels or with
//! a value longer than [`LONGEST_VALUE`]; such attributes are no labels and stay in the line.

use std::borrow::Cow;

use fanlight_formats::loki::write_labels;
use fanlight_otlp::DecodeError;
use fanlight_otlp::view::{Attributes, LogView, Value};
use serde::Deserialize;

/// The hint that names log attributes that become labels.
const ATTRIBUTE_HINT: &str = "loki.attribute.labels";
/// The hint that names resource attributes that become labels.
const RESOURCE_HINT: &str = "loki.resource.labels";
/// The hint that names the attribute that holds the tenant.
const TENANT_HINT: &str = "loki.tenant";
/// The hint that chooses how lines are written.
const FORMAT_HINT: &str = "loki.format";

/// Loki's `max_label_names_per_series`, by default.
const MOST_LABELS: usize = 15;
/// Loki's `max_label_value_length`, by default, in bytes.
const LONGEST_VALUE: usize = 2048;
/// Loki's `max_label_name_length`, by default, in bytes.
const LONGEST_NAME: usize = 1024;

/// `default_labels_enabled`: the labels that nobody has to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct DefaultLabels {
    /// `exporter="OTLP"`.
    pub(super) exporter: bool,
    /// `job`: `service.namespace/service.name`, or `service.name`.
    pub(super) job: bool,
    /// `instance`: `service.instance.id`.
    pub(super) instance: bool,
    /// `level`: the attribute of that name, or the severity as `INFO`, `ERROR2`, ...
    pub(super) level: bool,
}

impl Default for DefaultLabels {
    fn default() -> DefaultLabels {
        DefaultLabels {
            exporter: true,
            job: true,
            instance: true,
            level: true,
        }
    }
}

/// How a line is written: the hint `loki.format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// Everything of the record as one JSON object.
    #[default]
    Json,
    /// Everything of the record as `key=value` pairs.
    Logfmt,
    /// The body alone.
    Raw,
}

/// A set of labels, in the order of their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels<'a>(Vec<Label<'a>>);

#[derive(Clone, Debug)]
struct Label<'a> {
    /// The attribute that it was made from.
    attribute: Cow<'a, str>,
    /// Its name as Loki allows it.
    name: Cow<'a, str>,
    value: Cow<'a, str>,
}

impl<'a> Labels<'a> {
    /// The labels that all records of a resource have.
    pub(super) fn of_resource(
        resource: &Attributes<'a>,
        defaults: DefaultLabels,
    ) -> Result<Labels<'a>, DecodeError> {
        let mut labels = Labels::default();
        if defaults.exporter {
            labels.set("exporter".into(), "OTLP".into());
        }
        if defaults.job
            && let Some(job) = job(resource)?
        {
            labels.set("job".into(), job);
        }
        if defaults.instance
            && let Some(instance) = resource.get("service.instance.id")?
        {
            labels.set("instance".into(), instance.to_text());
        }
        if let Some(hint) = resource.get(RESOURCE_HINT)? {
            labels.promote(resource, hint)?;
        }
        Ok(labels)
    }

    /// Adds those of one record.
    pub(super) fn add_record(
        &mut self,
        resource: &Attributes<'a>,
        log: &LogView<'a>,
        defaults: DefaultLabels,
    ) -> Result<(), DecodeError> {
        if let Some(hint) = log.attributes.get(RESOURCE_HINT)? {
            self.promote(resource, hint)?;
        }
        if let Some(hint) = log.attributes.get(ATTRIBUTE_HINT)? {
            self.promote(&log.attributes, hint)?;
        }
        if defaults.level && log.severity_number != 0 {
            let own = log.attributes.get("level")?;
            let level = own.map_or_else(|| level(log.severity_number).into(), |own| own.to_text());
            self.set("level".into(), level);
        }
        match resource.get(TENANT_HINT)? {
            Some(hint) => self.promote(resource, hint)?,
            None => {
                if let Some(hint) = log.attributes.get(TENANT_HINT)? {
                    self.promote(&log.attributes, hint)?;
                }
            }
        }
        if self.0.is_empty() {
            // Loki refuses a stream without labels.
            self.set("exporter".into(), "OTLP".into());
        }
        Ok(())
    }

    /// Whether an attribute need not be in the line: a hint, or a label with this very value.
    pub(super) fn replace(&self, key: &str, value: &Value<'_>) -> bool {
        matches!(
            key,
            ATTRIBUTE_HINT | RESOURCE_HINT | TENANT_HINT | FORMAT_HINT
        ) || self
            .0
            .iter()
            .any(|label| label.attribute == key && label.value == value.to_text())
    }

    /// Appends them as Loki reads them.
    pub(super) fn write(&self, out: &mut String) {
        let pairs = self.0.iter();
        write_labels(pairs.map(|label| (&*label.name, &*label.value)), out);
    }

    /// Makes labels of the attributes that a hint names: a text with commas, or a list.
    fn promote(&mut self, attributes: &Attributes<'a>, hint: Value<'a>) -> Result<(), DecodeError> {
        match hint {
            Value::Str(names) => names
                .split(',')
                .try_for_each(|name| self.promote_one(attributes, name.trim().into())),
            Value::Array(names) => names
                .into_iter()
                .try_for_each(|name| self.promote_one(attributes, name?.to_text())),
            other => self.promote_one(attributes, other.to_text()),
        }
    }

    fn promote_one(
        &mut self,
        attributes: &Attributes<'a>,
        key: Cow<'a, str>,
    ) -> Result<(), DecodeError> {
        if let Some(value) = find(attributes, key.trim())? {
            self.set(key, value.to_text());
        }
        Ok(())
    }

    /// A later value of the same attribute counts. Of two attributes whose names become the same, the first does.
    fn set(&mut self, attribute: Cow<'a, str>, value: Cow<'a, str>) {
        let name = label_name(&attribute);
        if value.is_empty() || value.len() > LONGEST_VALUE || name.len() > LONGEST_NAME {
            return;
        }
        let label = |name| Label {
            attribute: attribute.clone(),
            name,
            value,
        };
        match self.0.binary_search_by(|label| label.name.cmp(&name)) {
            Err(place) if self.0.len() < MOST_LABELS => self.0.insert(place, label(name)),
            Ok(place) => {
                if let Some(found) = self.0.get_mut(place)
                    && found.attribute == attribute
                {
                    *found = label(name);
                }
            }
            Err(_) => {}
        }
    }
}

/// The tenant that a record belongs to, which the hint names an attribute for.
pub(super) fn tenant<'a>(
    resource: &Attributes<'a>,
    log: &Attributes<'a>,
) -> Result<Cow<'a, str>, DecodeError> {
    let Some(hint) = hint(resource, log, TENANT_HINT)? else {
        return Ok("".into());
    };
    let key = hint.to_text();
    let value = match resource.get(&key)? {
        Some(value) => Some(value),
        None => log.get(&key)?,
    };
    Ok(value.map_or("".into(), |value| value.to_text()))
}

/// How a record's line is written. What the hint calls otherwise is written as JSON, which loses nothing.
pub(super) fn format(
    resource: &Attributes<'_>,
    log: &Attributes<'_>,
) -> Result<Format, DecodeError> {
    let hint = hint(resource, log, FORMAT_HINT)?;
    Ok(match hint.as_ref().and_then(Value::as_str) {
        Some("logfmt") => Format::Logfmt,
        Some("raw") => Format::Raw,
        _ => Format::Json,
    })
}

/// A hint of the resource, or else of the record.
fn hint<'a>(
    resource: &Attributes<'a>,
    log: &Attributes<'a>,
    key: &str,
) -> Result<Option<Value<'a>>, DecodeError> {
    match resource.get(key)? {
        Some(hint) => Ok(Some(hint)),
        None => log.get(key),
    }
}

/// An attribute by its name, or one within a map by the names of both: `http.route` is `route` in the map `http`.
fn find<'a>(attributes: &Attributes<'a>, key: &str) -> Result<Option<Value<'a>>, DecodeError> {
    if let Some(value) = attributes.get(key)? {
        return Ok(Some(value));
    }
    let Some((outer, inner)) = key.split_once('.') else {
        return Ok(None);
    };
    match attributes.get(outer)? {
        Some(Value::Map(map)) => find(&map, inner),
        _ => Ok(None),
    }
}

fn job<'a>(resource: &Attributes<'a>) -> Result<Option<Cow<'a, str>>, DecodeError> {
    let Some(name) = resource.get("service.name")? else {
        return Ok(None);
    };
    Ok(Some(match resource.get("service.namespace")? {
        Some(namespace) => format!("{}/{}", namespace.to_text(), name.to_text()).into(),
        None => name.to_text(),
    }))
}

/// A severity's name in OTLP, without `SEVERITY_NUMBER_`; empty for a number that has none.
fn level(severity_number: i32) -> &'static str {
    const LEVELS: [&str; 24] = [
        "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4", "INFO",
        "INFO2", "INFO3", "INFO4", "WARN", "WARN2", "WARN3", "WARN4", "ERROR", "ERROR2", "ERROR3",
        "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
    ];
    let index = usize::try_from(severity_number - 1).ok();
    index
        .and_then(|index| LEVELS.get(index))
        .copied()
        .unwrap_or("")
}

/// An attribute's name as a label's: what is neither letter nor digit becomes `_`, and the first is a letter.
fn label_name<'a>(attribute: &Cow<'a, str>) -> Cow<'a, str> {
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let prefix = match attribute.chars().next() {
        Some('0'..='9') => "key_",
        // Names with two are Loki's own.
        Some(first) if first == '_' || !is_allowed(first) => "key",
        _ if attribute.chars().all(is_allowed) => return attribute.clone(),
        _ => "",
    };
    let replaced = attribute.chars().map(|character| match character {
        character if is_allowed(character) => character,
        _ => '_',
    });
    prefix.chars().chain(replaced).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_are_as_the_collector_makes_them() {
        for (attribute, name) in [
            ("app", "app"),
            ("service.name", "service_name"),
            ("1st", "key_1st"),
            ("_private", "key_private"),
            ("größe", "gr__e"),
            ("@x", "key_x"),
        ] {
            assert_eq!(label_name(&attribute.into()), name);
        }
    }

    #[test]
    fn levels_are_the_names_of_severities() {
        assert_eq!((level(1), level(9), level(24)), ("TRACE", "INFO", "FATAL4"));
        assert_eq!(
            (level(0), level(25), level(-1), level(i32::MIN + 1)),
            ("", "", "", "")
        );
    }

    #[test]
    fn labels_past_the_limits_of_loki_are_left_in_the_line() {
        let mut labels = Labels::default();
        labels.set("long".into(), "x".repeat(LONGEST_VALUE + 1).into());
        labels.set("empty".into(), "".into());
        for number in 0..20 {
            labels.set(format!("a{number:02}").into(), "x".into());
        }
        assert_eq!(labels.0.len(), MOST_LABELS);
        assert!(labels.replace("a14", &Value::Str("x")) && !labels.replace("a15", &"x".into()));
        assert!(!labels.replace("a14", &Value::Str("y")), "another value");
    }

    #[test]
    fn of_two_names_that_become_one_the_first_is_the_label() {
        let mut labels = Labels::default();
        labels.set("host.name".into(), "a".into());
        labels.set("host_name".into(), "b".into());
        labels.set("host.name".into(), "c".into());
        let mut text = String::new();
        labels.write(&mut text);
        assert_eq!(text, r#"{host_name="c"}"#);
        assert!(!labels.replace("host_name", &"b".into()));
    }
}
