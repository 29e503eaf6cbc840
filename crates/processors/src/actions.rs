//! Actions on attributes, which the `attributes` and `resource` processors share.
//!
//! Meanings are the Collector's: an action whose source or target is not there does nothing. One difference: `auth.` and
//! `client.address` in `from_context` are refused, since a batch doesn't know them.
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/attributesprocessor#attributes-processor).

mod convert;
mod value;

use std::fmt::Write as _;

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::edit::AttributeList;
use fanlight_otlp::view::{OwnedValue, Value};
use fanlight_otlp::{DecodeError, Origin};
use regex::Regex;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use self::convert::ConvertedType;
pub(crate) use self::value::ConfigValue;

/// One action as written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ActionConfig {
    /// The attribute to act on.
    key: Option<String>,
    /// What to do: insert, update, upsert, delete, hash, extract or convert.
    action: Option<String>,
    /// The value to set.
    value: Option<ConfigValue>,
    /// The attribute whose value to set.
    from_attribute: Option<String>,
    /// The request header whose value to set: `metadata.x-tenant`.
    from_context: Option<String>,
    /// For delete and hash: the keys to act on. For extract: what to find, with named groups.
    pattern: Option<String>,
    /// For convert: int, double or string.
    converted_type: Option<String>,
}

/// What each action is called, and which keys it uses besides `key`.
const ACTIONS: &[(&str, &[&str])] = &[
    ("insert", SOURCES),
    ("update", SOURCES),
    ("upsert", SOURCES),
    ("delete", &["pattern"]),
    ("hash", &["pattern"]),
    ("extract", &["pattern"]),
    ("convert", &["converted_type"]),
];

const SOURCES: &[&str] = &["value", "from_attribute", "from_context"];

/// Checked actions, in order.
#[derive(Clone, Debug)]
pub(crate) struct Actions(Vec<Action>);

#[derive(Clone, Debug)]
enum Action {
    /// Set a key, in some cases only.
    Set {
        key: String,
        source: Source,
        when: When,
    },
    Delete(Keys),
    Hash(Keys),
    Extract {
        key: String,
        pattern: Regex,
    },
    Convert {
        key: String,
        to: ConvertedType,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Absent,
    Present,
    Always,
}

#[derive(Clone, Debug)]
enum Source {
    Value(OwnedValue),
    Attribute(String),
    /// A header's name in lower case.
    Header(String),
}

/// One key, all that match, or both.
#[derive(Clone, Debug)]
struct Keys {
    key: Option<String>,
    pattern: Option<Regex>,
}

impl Actions {
    /// Checks the actions in the list under a key of a processor's configuration.
    pub(crate) fn check(
        node: &Node,
        list: &str,
        written: Vec<ActionConfig>,
    ) -> Result<Actions, ConfigError> {
        if written.is_empty() {
            return Err(node.error_at(list, format!("{list} is empty: there is nothing to do")));
        }
        let elements = node.get(list).map_or(Ok(&[][..]), Node::elements)?;
        let actions = written
            .into_iter()
            .enumerate()
            .map(|(index, action)| Action::check(elements.get(index).unwrap_or(node), action));
        actions.collect::<Result<_, _>>().map(Actions)
    }

    /// Does them all.
    pub(crate) fn apply(
        &self,
        attributes: &mut AttributeList<'_>,
        origin: Option<&Origin>,
    ) -> Result<(), DecodeError> {
        self.0
            .iter()
            .try_for_each(|action| action.apply(attributes, origin))
    }
}

impl Action {
    fn check(node: &Node, written: ActionConfig) -> Result<Action, ConfigError> {
        let name = action_name(node, written.action.as_deref().unwrap_or_default())?;
        if name == "delete" || name == "hash" {
            let keys = Keys::check(node, name, written)?;
            return Ok(if name == "hash" {
                Action::Hash(keys)
            } else {
                Action::Delete(keys)
            });
        }
        let Some(key) = written.key.clone().filter(|key| !key.is_empty()) else {
            return Err(node.error(format!("the action {name} needs a key")));
        };
        let when = match name {
            "insert" => When::Absent,
            "update" => When::Present,
            "upsert" => When::Always,
            "extract" => {
                let pattern = named_groups(node, written.pattern.as_deref())?;
                return Ok(Action::Extract { key, pattern });
            }
            _ => {
                let to = written.converted_type.unwrap_or_default();
                return Ok(Action::Convert {
                    key,
                    to: ConvertedType::check(node, &to)?,
                });
            }
        };
        Ok(Action::Set {
            key,
            source: Source::check(node, name, written)?,
            when,
        })
    }

    fn apply(
        &self,
        attributes: &mut AttributeList<'_>,
        origin: Option<&Origin>,
    ) -> Result<(), DecodeError> {
        match self {
            Action::Set { key, source, when } => {
                let wanted = match when {
                    When::Absent => !attributes.contains(key),
                    When::Present => attributes.contains(key),
                    When::Always => true,
                };
                if wanted {
                    source.put(key, attributes, origin)?;
                }
            }
            Action::Delete(keys) => attributes.retain(|key| !keys.contains(key)),
            Action::Hash(keys) => {
                for key in keys.found(attributes) {
                    let Some(value) = attributes.get(&key)? else {
                        continue;
                    };
                    let hashed = hash(&value);
                    attributes.set(&key, hashed.as_str());
                }
            }
            Action::Extract { key, pattern } => extract(attributes, key, pattern)?,
            Action::Convert { key, to } => {
                if let Some(converted) = attributes.get(key)?.and_then(|value| to.convert(&value)) {
                    attributes.set(key, converted.view());
                }
            }
        }
        Ok(())
    }
}

/// The action of that name, in any case. What the action does not use must not be set.
fn action_name(node: &Node, written: &str) -> Result<&'static str, ConfigError> {
    let lower = written.to_lowercase();
    let Some((name, used)) = ACTIONS.iter().find(|(name, _)| *name == lower) else {
        let names: Vec<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
        let message = if written.is_empty() {
            "action is not set".to_owned()
        } else {
            format!("`{written}` is not an action")
        };
        return Err(node.error_at("action", message).suggest(&lower, &names));
    };
    let known = SOURCES.iter().chain(&["pattern", "converted_type"]);
    for key in known.filter(|key| !used.contains(key)) {
        if node.get(key).is_some_and(|value| !value.is_null()) {
            return Err(node.error_at(key, format!("the action {name} does not use {key}")));
        }
    }
    Ok(name)
}

impl Source {
    fn check(node: &Node, action: &str, written: ActionConfig) -> Result<Source, ConfigError> {
        let from_attribute = written.from_attribute.filter(|key| !key.is_empty());
        let from_context = written.from_context.filter(|key| !key.is_empty());
        match (written.value, from_attribute, from_context) {
            (Some(value), None, None) => Ok(Source::Value(value.0)),
            (None, Some(key), None) => Ok(Source::Attribute(key)),
            (None, None, Some(name)) => {
                if name.starts_with("auth.") || name == "client.address" {
                    return Err(node.error_at("from_context", format!("`{name}` is not in this release"))
                        .hint("headers are: write one like `metadata.x-tenant`, and set include_metadata on the receiver"));
                }
                Ok(Source::Header(
                    name.strip_prefix("metadata.")
                        .unwrap_or(&name)
                        .to_lowercase(),
                ))
            }
            (None, None, None) => Err(node.error(format!(
                "the action {action} needs one of value, from_attribute and from_context"
            ))),
            _ => Err(node.error(format!(
                "the action {action} takes only one of value, from_attribute and from_context"
            ))),
        }
    }

    fn put(
        &self,
        key: &str,
        attributes: &mut AttributeList<'_>,
        origin: Option<&Origin>,
    ) -> Result<(), DecodeError> {
        match self {
            Source::Value(value) => attributes.set(key, value.view()),
            Source::Attribute(from) => {
                if let Some(value) = attributes.get(from)?.map(OwnedValue::from) {
                    attributes.set(key, value.view());
                }
            }
            Source::Header(name) => {
                let headers = origin
                    .map(|origin| origin.metadata.as_slice())
                    .unwrap_or_default();
                let values = headers
                    .iter()
                    .filter(|(header, _)| header == name)
                    .map(|(_, value)| value.as_str());
                let values: Vec<&str> = values.collect();
                if !values.is_empty() {
                    attributes.set(key, values.join(";").as_str());
                }
            }
        }
        Ok(())
    }
}

impl Keys {
    fn check(node: &Node, action: &str, written: ActionConfig) -> Result<Keys, ConfigError> {
        let key = written.key.filter(|key| !key.is_empty());
        let pattern = written.pattern.filter(|pattern| !pattern.is_empty());
        if key.is_none() && pattern.is_none() {
            return Err(node.error(format!(
                "the action {action} needs a key, a pattern or both"
            )));
        }
        let pattern = pattern.map(|pattern| compile(node, &pattern)).transpose()?;
        Ok(Keys { key, pattern })
    }

    fn contains(&self, key: &str) -> bool {
        self.key.as_deref() == Some(key)
            || self
                .pattern
                .as_ref()
                .is_some_and(|pattern| pattern.is_match(key))
    }

    /// The keys of these attributes that are meant.
    fn found(&self, attributes: &AttributeList<'_>) -> Vec<String> {
        let keys = attributes.iter().flatten().map(|(key, _)| key);
        keys.filter(|key| self.contains(key))
            .map(str::to_owned)
            .collect()
    }
}

fn extract(
    attributes: &mut AttributeList<'_>,
    key: &str,
    pattern: &Regex,
) -> Result<(), DecodeError> {
    let Some(Value::Str(text)) = attributes.get(key)? else {
        return Ok(());
    };
    let text = text.to_owned();
    let Some(found) = pattern.captures(&text) else {
        return Ok(());
    };
    for name in pattern.capture_names().flatten() {
        attributes.set(name, found.name(name).map_or("", |group| group.as_str()));
    }
    Ok(())
}

/// The SHA-256 of a value in hexadecimal digits; of nothing, nothing. Numbers are hashed as their eight bytes, least
/// significant first.
fn hash(value: &Value<'_>) -> String {
    let digest = match value {
        Value::Empty | Value::Str("") | Value::Bytes([]) => return String::new(),
        Value::Str(text) => Sha256::digest(text),
        Value::Bool(value) => Sha256::digest([u8::from(*value)]),
        Value::Int(value) => Sha256::digest(value.to_le_bytes()),
        Value::Double(value) => Sha256::digest(value.to_bits().to_le_bytes()),
        Value::Bytes(bytes) => Sha256::digest(bytes),
        Value::Array(_) | Value::Map(_) => Sha256::digest(value.to_text().as_bytes()),
    };
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Compiles the expression under `pattern`.
fn compile(node: &Node, pattern: &str) -> Result<Regex, ConfigError> {
    Regex::new(pattern)
        .map_err(|error| node.error_at("pattern", format!("not a regular expression: {error}")))
}

/// Compiles the expression of an extract action: every group has a name.
fn named_groups(node: &Node, pattern: Option<&str>) -> Result<Regex, ConfigError> {
    let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) else {
        return Err(node
            .error("the action extract needs a pattern")
            .hint("write one like `^/users/(?P<user_id>[^/]+)`"));
    };
    let pattern = compile(node, pattern)?;
    let unnamed = pattern.capture_names().skip(1).any(|name| name.is_none());
    if unnamed || pattern.captures_len() < 2 {
        return Err(node
            .error_at(
                "pattern",
                "the pattern has a group without a name, or no group",
            )
            .hint("name each group after the attribute to set: `(?P<user_id>[^/]+)`"));
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests;
