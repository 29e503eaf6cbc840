//! Documents and their nodes: values with the place and the path of keys where they stand.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::decode;
use crate::yaml;
use crate::{ConfigError, Environment, Location};

/// A configuration document: parsed, expanded, with positions.
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
}

/// A value in a document, with its place.
#[derive(Clone)]
pub struct Node {
    pub(crate) location: Location,
    pub(crate) path: Arc<str>,
    pub(crate) value: Value,
    pub(crate) expansion: Option<Expansion>,
}

#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Scalar {
        text: String,
        /// Whether it may be a number or a boolean: it is, unless it was quoted.
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) location: Location,
    pub(crate) node: Node,
}

/// Marks a value that came out of `${...}` or a variable.
#[derive(Clone)]
pub(crate) struct Expansion {
    /// What stands in the document, to be shown instead of the value.
    pub(crate) written: Arc<str>,
    /// The text, where the whole value was one `${...}` and was therefore read as YAML: a text field gets this.
    pub(crate) original: Option<String>,
}

impl Document {
    /// Parses YAML (or JSON, which is a part of it) and expands `${...}` from the environment.
    ///
    /// # Errors
    /// When the text is not YAML, goes past a limit, has a key twice, or names a variable that is not set.
    pub fn parse(
        file: &str,
        text: &str,
        environment: &Environment,
    ) -> Result<Document, ConfigError> {
        yaml::load(file, text, environment).map(Document::from_root)
    }

    /// A document with nothing in it.
    pub fn empty() -> Document {
        Document::from_root(Node::map(
            Location::of_file("defaults"),
            Vec::<(String, Node)>::new(),
        ))
    }

    /// A document made of nodes, whose paths are set anew from here.
    pub fn from_root(mut root: Node) -> Document {
        root.set_path("");
        Document { root }
    }

    /// This document with a later one laid over it: maps merge, everything else is replaced.
    #[must_use]
    pub fn merge(self, later: Document) -> Document {
        // A file with nothing but comments takes nothing away.
        if later.root.is_null() {
            return self;
        }
        Document {
            root: self.root.merge(later.root),
        }
    }

    /// The top level.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The top level, to build another document from.
    pub fn into_root(self) -> Node {
        self.root
    }
}

impl Node {
    /// A null node at a made-up place, for components that the hub adds by itself.
    pub fn null(file: &str, path: &str) -> Node {
        Node {
            path: path.into(),
            ..Node::new(Location::of_file(file), Value::Null)
        }
    }

    /// A map. Each key stands where its value does. Paths are set by [`Document::from_root`].
    pub fn map<K: Into<String>>(location: Location, entries: Vec<(K, Node)>) -> Node {
        let entries = entries.into_iter().map(|(key, node)| Entry {
            key: key.into(),
            location: node.location.clone(),
            node,
        });
        Node::new(location, Value::Map(entries.collect()))
    }

    /// A list.
    pub fn list(location: Location, elements: Vec<Node>) -> Node {
        Node::new(location, Value::List(elements))
    }

    /// A text, as if it was quoted.
    pub fn text(location: Location, text: impl Into<String>) -> Node {
        Node::new(
            location,
            Value::Scalar {
                text: text.into(),
                plain: false,
            },
        )
    }

    /// A number, a boolean or a text, as if it was not quoted.
    pub fn plain(location: Location, text: impl Into<String>) -> Node {
        Node::new(
            location,
            Value::Scalar {
                text: text.into(),
                plain: true,
            },
        )
    }

    /// A text that no error may repeat; errors show `written` instead, such as `${OTEL_EXPORTER_OTLP_HEADERS}`.
    pub fn hidden(location: Location, written: &str, text: impl Into<String>) -> Node {
        let expansion = Some(Expansion {
            written: written.into(),
            original: None,
        });
        Node {
            expansion,
            ..Node::text(location, text)
        }
    }

    /// Another text at the same place, hidden if this value is.
    #[must_use]
    pub fn rewritten(&self, text: impl Into<String>) -> Node {
        let expansion = self.expansion.as_ref();
        let expansion = expansion.map(|expansion| Expansion {
            written: Arc::clone(&expansion.written),
            original: None,
        });
        Node {
            expansion,
            ..Node::text(self.location.clone(), text)
        }
    }

    /// This map with one more entry, in place of one with the same key. What is not a map becomes one.
    #[must_use]
    pub fn with(mut self, key: &str, node: Node) -> Node {
        let mut entries = match self.value {
            Value::Map(entries) => entries,
            _ => Vec::new(),
        };
        let entry = Entry {
            key: key.to_owned(),
            location: node.location.clone(),
            node,
        };
        match entries.iter_mut().find(|known| known.key == key) {
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
        self.value = Value::Map(entries);
        self
    }

    /// This map without one of its keys.
    #[must_use]
    pub fn without(mut self, key: &str) -> Node {
        if let Value::Map(entries) = &mut self.value {
            entries.retain(|entry| entry.key != key);
        }
        self
    }

    /// Where the value stands. For a map, a list or nothing under a key, that is where the key stands.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The path of keys from the document's top, such as `exporters.otlp_http/langfuse.headers`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether there is no value (`key:` alone, `~` or `null`).
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The entries of a map in document order: key, place of the key, value. A null node has none.
    ///
    /// # Errors
    /// When the value is a list or a scalar.
    pub fn entries(&self) -> Result<Vec<(&str, &Location, &Node)>, ConfigError> {
        match &self.value {
            Value::Null => Ok(Vec::new()),
            Value::Map(entries) => Ok(entries
                .iter()
                .map(|entry| (entry.key.as_str(), &entry.location, &entry.node))
                .collect()),
            other => Err(self.error(format!("expected a map, found {}", other.what()))),
        }
    }

    /// The elements of a list. A null node has none.
    ///
    /// # Errors
    /// When the value is a map or a scalar.
    pub fn elements(&self) -> Result<&[Node], ConfigError> {
        match &self.value {
            Value::Null => Ok(&[]),
            Value::List(elements) => Ok(elements),
            other => Err(self.error(format!("expected a list, found {}", other.what()))),
        }
    }

    /// The value under a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Reads the value as a type. Unknown keys are errors that name the nearest valid key, for every struct that derives
    /// `Deserialize` (but not through `#[serde(flatten)]`, for which there is [`Node::decode_both`]).
    ///
    /// Nothing (`key:`) is the default of a field that has one, `None` of an `Option`, and a map without entries for a struct.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        decode::whole(self)
    }

    /// Reads one map as two types whose fields stand side by side in it (a component's own, and a shared block's).
    /// A key that neither knows is an error that suggests from both.
    ///
    /// # Errors
    /// As [`Node::decode`].
    pub fn decode_both<A: DeserializeOwned, B: DeserializeOwned>(
        &self,
    ) -> Result<(A, B), ConfigError> {
        let mut shared = decode::Shared::of(self);
        let (a, b) = (shared.decode(), shared.decode());
        shared.refuse_unknown_keys()?;
        Ok((a?, b?))
    }

    /// As [`Node::decode_both`], with three.
    ///
    /// # Errors
    /// As [`Node::decode`].
    pub fn decode_three<A: DeserializeOwned, B: DeserializeOwned, C: DeserializeOwned>(
        &self,
    ) -> Result<(A, B, C), ConfigError> {
        let mut shared = decode::Shared::of(self);
        let (a, b, c) = (shared.decode(), shared.decode(), shared.decode());
        shared.refuse_unknown_keys()?;
        Ok((a?, b?, c?))
    }

    /// An error about this value. What came out of `${...}` within the value is not repeated, even where the message has it.
    pub fn error(&self, message: impl Into<String>) -> ConfigError {
        ConfigError {
            location: Some(self.location.clone()),
            path: self.path.to_string(),
            message: self.without_secrets(message.into()),
            hint: None,
        }
    }

    /// An error about the value under a key of this map, or about the map where the key is not there.
    pub fn error_at(&self, key: &str, message: impl Into<String>) -> ConfigError {
        self.get(key)
            .unwrap_or(self)
            .error(self.without_secrets(message.into()))
    }

    /// The message with each value that came out of `${...}` replaced by what stands in the document.
    pub(crate) fn without_secrets(&self, mut message: String) -> String {
        let own = match (&self.expansion, &self.value) {
            (
                Some(Expansion {
                    original: Some(text),
                    written,
                }),
                _,
            ) => Some((text, written)),
            (Some(Expansion { written, .. }), Value::Scalar { text, .. }) => Some((text, written)),
            _ => None,
        };
        if let Some((text, written)) = own {
            message = masked(&message, text, written);
        }
        let children: Vec<&Node> = match &self.value {
            Value::Null | Value::Scalar { .. } => Vec::new(),
            Value::List(elements) => elements.iter().collect(),
            Value::Map(entries) => entries.iter().map(|entry| &entry.node).collect(),
        };
        children
            .into_iter()
            .fold(message, |message, child| child.without_secrets(message))
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    pub(crate) fn new(location: Location, value: Value) -> Node {
        Node {
            location,
            path: "".into(),
            value,
            expansion: None,
        }
    }

    fn merge(self, later: Node) -> Node {
        match (self.value, later.value) {
            (Value::Map(mut entries), Value::Map(overrides)) => {
                for later in overrides {
                    match entries.iter_mut().find(|entry| entry.key == later.key) {
                        Some(entry) => {
                            let earlier = std::mem::replace(
                                &mut entry.node,
                                Node::new(later.location.clone(), Value::Null),
                            );
                            *entry = Entry {
                                node: earlier.merge(later.node),
                                ..later
                            };
                        }
                        None => entries.push(later),
                    }
                }
                Node {
                    location: later.location,
                    path: later.path,
                    value: Value::Map(entries),
                    expansion: None,
                }
            }
            (_, value) => Node { value, ..later },
        }
    }

    /// Sets the path of this value and of all below it.
    fn set_path(&mut self, path: &str) {
        self.path = path.into();
        match &mut self.value {
            Value::Null | Value::Scalar { .. } => {}
            Value::List(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    element.set_path(&format!("{path}[{index}]"));
                }
            }
            Value::Map(entries) => {
                for Entry { key, node, .. } in entries {
                    let below = if path.is_empty() {
                        key.clone()
                    } else {
                        format!("{path}.{key}")
                    };
                    node.set_path(&below);
                }
            }
        }
    }
}

/// Replaces a value in a message, and every quoted piece of it.
fn masked(message: &str, secret: &str, written: &str) -> String {
    /// Shorter values are no secrets, and would be found in every word.
    const SHORTEST: usize = 4;
    let secret = secret.trim();
    let mut message = message.to_owned();
    if secret.len() >= SHORTEST {
        message = message
            .replace(&secret.escape_debug().to_string(), written)
            .replace(secret, written);
    }
    let mut pieces = message.split('`');
    let mut result = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        // Every other piece stands between backticks.
        let quoted = index % 2 == 0;
        result.push('`');
        result.push_str(if quoted && !piece.is_empty() && secret.contains(piece) {
            written
        } else {
            piece
        });
    }
    result
}

impl Value {
    /// What stands there, for messages.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// The shape and the keys, not the values: they may be secrets.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Scalar { .. } => f.write_str("…"),
            Value::List(elements) => f.debug_list().entries(elements).finish(),
            Value::Map(entries) => f
                .debug_map()
                .entries(entries.iter().map(|entry| (&entry.key, &entry.node)))
                .finish(),
        }
    }
}
