//! `include` and `exclude`: which items a processor is meant for.
//!
//! Every property that is set must match. Of names and the like one in the list is enough; of `attributes` and `resources`
//! all are needed. Patterns match anywhere in a text unless they are anchored.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/blob/main/internal/filter/filterconfig/config.go).

mod pattern;
mod severity;

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::edit::Element;
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::{DecodeError, Signal};
use fanlight_pipeline::BuildError;
use serde::Deserialize;

use self::pattern::{MatchType, Pattern};
use self::severity::Severity;
use crate::actions::ConfigValue;

/// What to match, as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct MatchConfig {
    /// How texts are compared: strict or regexp. Required.
    match_type: Option<MatchType>,
    /// Accepted, no effect: how the Collector caches patterns.
    regexp: Option<RegexpCache>,
    /// The resource's `service.name`. Spans only.
    services: Vec<String>,
    /// Spans' names.
    span_names: Vec<String>,
    /// Spans' kinds, such as `SPAN_KIND_SERVER`.
    span_kinds: Vec<String>,
    /// Log records' bodies, where they are text.
    log_bodies: Vec<String>,
    /// Log records' severity texts.
    log_severity_texts: Vec<String>,
    /// Log records' least severity.
    log_severity_number: Option<SeverityConfig>,
    /// Metrics' names.
    metric_names: Vec<String>,
    /// The item's attributes.
    attributes: Vec<AttributeConfig>,
    /// The resource's attributes.
    resources: Vec<AttributeConfig>,
    /// Instrumentation scopes.
    libraries: Vec<LibraryConfig>,
}

/// The Collector's cache of patterns, which is not needed here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RegexpCache {
    #[serde(rename = "cacheenabled")]
    _enabled: Option<bool>,
    #[serde(rename = "cachemaxnumentries")]
    _entries: Option<u64>,
}

#[derive(Clone, Debug, Deserialize)]
struct SeverityConfig {
    /// The least severity that matches.
    min: Severity,
    /// Whether a record without severity matches.
    #[serde(default)]
    match_undefined: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct AttributeConfig {
    key: String,
    /// What the value must be; without it, any value matches.
    value: Option<ConfigValue>,
}

#[derive(Clone, Debug, Deserialize)]
struct LibraryConfig {
    name: String,
    /// What the version must be; without it, any matches.
    version: Option<String>,
}

/// What to match, checked.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    services: Vec<Pattern>,
    span_names: Vec<Pattern>,
    span_kinds: Vec<Pattern>,
    log_bodies: Vec<Pattern>,
    log_severity_texts: Vec<Pattern>,
    log_severity_number: Option<SeverityConfig>,
    metric_names: Vec<Pattern>,
    attributes: Vec<(String, ValueMatch)>,
    resources: Vec<(String, ValueMatch)>,
    libraries: Vec<(Pattern, Option<Pattern>)>,
}

#[derive(Clone, Debug)]
enum ValueMatch {
    Any,
    Equal(OwnedValue),
    Text(Pattern),
}

const SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

impl Matcher {
    /// Checks an `include` or `exclude` block.
    pub(crate) fn check(node: &Node, written: MatchConfig) -> Result<Matcher, ConfigError> {
        let Some(kind) = written.match_type else {
            return Err(node
                .error("match_type is not set")
                .hint("write `match_type: strict` or `match_type: regexp`"));
        };
        check_span_kinds(node, kind, &written.span_kinds)?;
        let patterns = |key, texts: &[String]| -> Result<Vec<Pattern>, ConfigError> {
            texts
                .iter()
                .map(|text| Pattern::check(node, key, kind, text))
                .collect()
        };
        let attributes =
            |key, list: Vec<AttributeConfig>| -> Result<Vec<(String, ValueMatch)>, ConfigError> {
                list.into_iter()
                    .map(|entry| Ok((entry.key, ValueMatch::check(node, key, kind, entry.value)?)))
                    .collect()
            };
        let library = |entry: LibraryConfig| -> Result<(Pattern, Option<Pattern>), ConfigError> {
            let text = |text: String| Pattern::check(node, "libraries", kind, &text);
            Ok((text(entry.name)?, entry.version.map(text).transpose()?))
        };
        let matcher = Matcher {
            services: patterns("services", &written.services)?,
            span_names: patterns("span_names", &written.span_names)?,
            span_kinds: patterns("span_kinds", &written.span_kinds)?,
            log_bodies: patterns("log_bodies", &written.log_bodies)?,
            log_severity_texts: patterns("log_severity_texts", &written.log_severity_texts)?,
            log_severity_number: written.log_severity_number,
            metric_names: patterns("metric_names", &written.metric_names)?,
            attributes: attributes("attributes", written.attributes)?,
            resources: attributes("resources", written.resources)?,
            libraries: written
                .libraries
                .into_iter()
                .map(library)
                .collect::<Result<_, _>>()?,
        };
        let properties = matcher.properties();
        if properties.iter().all(|(_, set, _)| !set) {
            let names = properties.map(|(name, _, _)| name).join(", ");
            return Err(node
                .error("nothing to match is set")
                .hint(format!("set one of {names}")));
        }
        Ok(matcher)
    }

    /// Each property: its key, whether it is set, and the signal that it is for, if it is for one only.
    fn properties(&self) -> [(&'static str, bool, Option<Signal>); 10] {
        [
            ("services", !self.services.is_empty(), Some(Signal::Traces)),
            (
                "span_names",
                !self.span_names.is_empty(),
                Some(Signal::Traces),
            ),
            (
                "span_kinds",
                !self.span_kinds.is_empty(),
                Some(Signal::Traces),
            ),
            (
                "log_bodies",
                !self.log_bodies.is_empty(),
                Some(Signal::Logs),
            ),
            (
                "log_severity_texts",
                !self.log_severity_texts.is_empty(),
                Some(Signal::Logs),
            ),
            (
                "log_severity_number",
                self.log_severity_number.is_some(),
                Some(Signal::Logs),
            ),
            (
                "metric_names",
                !self.metric_names.is_empty(),
                Some(Signal::Metrics),
            ),
            ("attributes", !self.attributes.is_empty(), None),
            ("resources", !self.resources.is_empty(), None),
            ("libraries", !self.libraries.is_empty(), None),
        ]
    }

    /// Refuses what can't match in a pipeline of that signal.
    pub(crate) fn check_signal(&self, block: &str, signal: Signal) -> Result<(), BuildError> {
        for (name, set, only) in self.properties() {
            if set && let Some(only) = only.filter(|only| *only != signal) {
                return Err(BuildError::new(format!(
                    "{block}.{name} matches {only} only, but this pipeline is for {signal}"
                ))
                .hint(format!(
                    "use a processor of its own for {signal}, such as attributes/{signal}"
                )));
            }
        }
        Ok(())
    }

    /// Whether an item, or a metric's data point, matches.
    pub(crate) fn matches(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        Ok(self.matches_envelope(element)?
            && match element.signal() {
                Signal::Traces => self.matches_span(element)?,
                Signal::Logs => self.matches_log(element)?,
                Signal::Metrics => self.matches_point(element)?,
                Signal::Profiles => false,
            })
    }

    fn matches_envelope(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        let resource = &element.resource().attributes;
        if !self.services.is_empty() {
            match resource.get("service.name")? {
                Some(Value::Str(service)) if any(&self.services, service) => {}
                _ => return Ok(false),
            }
        }
        let library = |(name, version): &(Pattern, Option<Pattern>)| {
            element.scope().is_some_and(|scope| {
                name.matches(scope.name)
                    && version
                        .as_ref()
                        .is_none_or(|version| version.matches(scope.version))
            })
        };
        if !self.libraries.is_empty() && !self.libraries.iter().any(library) {
            return Ok(false);
        }
        all(&self.resources, |key| resource.get(key))
    }

    fn matches_span(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        let Some(span) = element.span()? else {
            return Ok(false);
        };
        let kind = usize::try_from(span.kind)
            .ok()
            .and_then(|kind| SPAN_KINDS.get(kind))
            .copied()
            .unwrap_or_default();
        Ok(
            (self.span_names.is_empty() || any(&self.span_names, span.name))
                && (self.span_kinds.is_empty() || any(&self.span_kinds, kind))
                && all(&self.attributes, |key| span.attributes.get(key))?,
        )
    }

    fn matches_log(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        let Some(log) = element.log()? else {
            return Ok(false);
        };
        let severe_enough =
            self.log_severity_number
                .as_ref()
                .is_none_or(|severity| match log.severity_number {
                    0 => severity.match_undefined,
                    number => number >= severity.min.0,
                });
        let body = log.body.as_str().unwrap_or_default();
        Ok(severe_enough
            && (self.log_bodies.is_empty() || any(&self.log_bodies, body))
            && (self.log_severity_texts.is_empty()
                || any(&self.log_severity_texts, log.severity_text))
            && all(&self.attributes, |key| log.attributes.get(key))?)
    }

    fn matches_point(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        let (Some(point), Some(metric)) = (element.point()?, element.metric()) else {
            return Ok(false);
        };
        Ok(
            (self.metric_names.is_empty() || any(&self.metric_names, metric.name))
                && all(&self.attributes, |key| point.attributes.get(key))?,
        )
    }
}

impl ValueMatch {
    fn check(
        node: &Node,
        key: &str,
        kind: MatchType,
        value: Option<ConfigValue>,
    ) -> Result<ValueMatch, ConfigError> {
        let Some(ConfigValue(value)) = value else {
            return Ok(ValueMatch::Any);
        };
        match (kind, value.view()) {
            (MatchType::Strict, _) => Ok(ValueMatch::Equal(value)),
            (MatchType::Regexp, Value::Str(text)) => {
                Ok(ValueMatch::Text(Pattern::check(node, key, kind, text)?))
            }
            (MatchType::Regexp, _) => {
                Err(node.error_at(key, "with match_type regexp, values must be text"))
            }
        }
    }

    fn matches(&self, value: &Value<'_>) -> bool {
        match self {
            ValueMatch::Any => true,
            ValueMatch::Equal(expected) => expected.view() == *value,
            ValueMatch::Text(pattern) => match value {
                Value::Str(text) => pattern.matches(text),
                Value::Bool(_) | Value::Int(_) | Value::Double(_) => {
                    pattern.matches(&value.to_text())
                }
                _ => false,
            },
        }
    }
}

/// Strict kinds must be among those that exist.
fn check_span_kinds(node: &Node, kind: MatchType, kinds: &[String]) -> Result<(), ConfigError> {
    match kinds
        .iter()
        .find(|kind| !SPAN_KINDS.contains(&kind.as_str()))
    {
        Some(unknown) if kind == MatchType::Strict => {
            let message = format!("`{unknown}` is not a span kind");
            Err(node
                .error_at("span_kinds", message)
                .suggest(unknown, SPAN_KINDS))
        }
        _ => Ok(()),
    }
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

fn all<'a>(
    wanted: &[(String, ValueMatch)],
    get: impl Fn(&str) -> Result<Option<Value<'a>>, DecodeError>,
) -> Result<bool, DecodeError> {
    for (key, expected) in wanted {
        if !get(key)?.is_some_and(|value| expected.matches(&value)) {
            return Ok(false);
        }
    }
    Ok(true)
}
