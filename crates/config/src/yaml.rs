//! Text to nodes: YAML events with their places, within limits.
//!
//! What is refused rather than guessed: a key twice in one map, more than one document, keys that are not text, tags other
//! than those of the core schema, and documents past [`LONGEST_TEXT`], [`DEEPEST`] or [`MOST_NODES`] (aliases count each
//! time they are used, so they can't blow a document up). Merge keys (`<<`) work as YAML 1.1 has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use crate::document::{Entry, Expansion, Value};
use crate::expand::{self, Expanded};
use crate::{ConfigError, Environment, Location, Node};

/// Bytes of one document.
pub(crate) const LONGEST_TEXT: usize = 4 * 1024 * 1024;
/// Maps and lists inside each other.
const DEEPEST: usize = 64;
/// Values in a document.
const MOST_NODES: usize = 100_000;

/// Reads a document and expands it.
pub(crate) fn load(file: &str, text: &str, environment: &Environment) -> Result<Node, ConfigError> {
    load_file(
        file,
        text,
        &expand::Sources {
            environment,
            file_depth: 0,
        },
    )
}

/// Reads a document with what its expansions may use.
pub(crate) fn load_file(
    file: &str,
    text: &str,
    sources: &expand::Sources<'_>,
) -> Result<Node, ConfigError> {
    let loader = Loader {
        file: file.into(),
        meaning: Meaning::Document(sources),
        ..Loader::default()
    };
    loader.load(text)
}

/// Reads an expanded value as YAML: every node in it stands at the same place and is marked as expanded.
fn load_value(text: &str, location: &Location, written: &Arc<str>) -> Result<Node, ConfigError> {
    let meaning = Meaning::Value { location, written };
    Loader {
        file: Arc::clone(&location.file),
        meaning,
        ..Loader::default()
    }
    .load(text)
}

/// What the text is.
#[derive(Clone, Copy, Default)]
enum Meaning<'a> {
    #[default]
    Nothing,
    /// A file, whose scalars are expanded.
    Document(&'a expand::Sources<'a>),
    /// A value that came out of an expansion.
    Value {
        location: &'a Location,
        written: &'a Arc<str>,
    },
}

#[derive(Default)]
struct Loader<'a> {
    file: Arc<str>,
    meaning: Meaning<'a>,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
}

/// A map or list whose end has not come yet.
struct Open {
    location: Location,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(OpenMap),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<Entry>,
    keys: HashSet<String>,
    /// The key whose value comes next.
    key: Option<(String, Location)>,
    /// The values of `<<`.
    merged: Vec<Node>,
}

impl Loader<'_> {
    fn load(mut self, text: &str) -> Result<Node, ConfigError> {
        let whole = Location {
            file: Arc::clone(&self.file),
            line: 1,
            column: 1,
        };
        if text.len() > LONGEST_TEXT {
            return Err(ConfigError::new("the document is larger than 4 MiB").at(&whole));
        }
        let mut documents = 0;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| self.syntax_error(&error, text))?;
            if let Event::DocumentStart(_) = event {
                documents += 1;
                if documents > 1 {
                    let error =
                        ConfigError::new("a second document begins here, and a file holds one");
                    return Err(error
                        .hint("put it into a file of its own and name both with --config")
                        .at(&self.place(span.start)));
                }
            }
            self.event(event, span.start)?;
        }
        Ok(self.root.unwrap_or_else(|| Node::new(whole, Value::Null)))
    }

    fn event(&mut self, event: Event<'_>, marker: Marker) -> Result<(), ConfigError> {
        let location = self.place(marker);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = self.is_plain(style, tag.as_deref(), &location)?;
                if let Some(Open {
                    content: Content::Map(map),
                    ..
                }) = self.open.last_mut()
                    && map.key.is_none()
                {
                    map.key = Some((key(&text, &location)?, location));
                    return Ok(());
                }
                let node = self.scalar(&text, plain, location)?;
                self.finish(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.is_plain(ScalarStyle::Plain, tag.as_deref(), &location)?;
                self.begin(location, anchor, Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.is_plain(ScalarStyle::Plain, tag.as_deref(), &location)?;
                self.begin(location, anchor, Content::Map(OpenMap::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.content {
                    Content::List(elements) => Value::List(elements),
                    Content::Map(map) => Value::Map(map.close()?),
                };
                let node = self.marked(Node::new(open.location, value));
                self.finish(node, open.anchor)
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or_else(|| {
                    ConfigError::new("an alias refers to itself or to nothing").at(&location)
                })?;
                self.count(size(&node), &location)?;
                self.attach(node)
            }
            _ => Ok(()),
        }
    }

    fn place(&self, marker: Marker) -> Location {
        match self.meaning {
            Meaning::Value { location, .. } => location.clone(),
            _ => Location {
                file: Arc::clone(&self.file),
                line: marker.line(),
                column: marker.col() + 1,
            },
        }
    }

    fn marked(&self, node: Node) -> Node {
        match self.meaning {
            Meaning::Value { written, .. } => Node {
                expansion: Some(Expansion {
                    written: Arc::clone(written),
                    original: None,
                }),
                ..node
            },
            _ => node,
        }
    }

    fn count(&mut self, nodes: usize, location: &Location) -> Result<(), ConfigError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MOST_NODES {
            return Err(ConfigError::new(
                "the document has more than 100000 values (aliases count each time)",
            )
            .at(location));
        }
        Ok(())
    }

    fn begin(
        &mut self,
        location: Location,
        anchor: usize,
        content: Content,
    ) -> Result<(), ConfigError> {
        if self.open.len() >= DEEPEST {
            return Err(
                ConfigError::new("the document is nested more than 64 levels deep").at(&location),
            );
        }
        if let Some(Open {
            content: Content::Map(OpenMap { key: None, .. }),
            ..
        }) = self.open.last()
        {
            return Err(ConfigError::new("a key is a text, not a map or a list").at(&location));
        }
        self.open.push(Open {
            location,
            anchor,
            content,
        });
        Ok(())
    }

    fn scalar(&self, text: &str, plain: bool, location: Location) -> Result<Node, ConfigError> {
        let Meaning::Document(sources) = self.meaning else {
            return Ok(self.marked(scalar_node(text, plain, location)));
        };
        match expand::expand(text, sources).map_err(|error| self.in_context(error).at(&location))? {
            Expanded::Literal(text) => Ok(scalar_node(&text, plain, location)),
            Expanded::Inline(expanded) => {
                let expansion = Some(Expansion {
                    written: text.into(),
                    original: None,
                });
                Ok(Node {
                    expansion,
                    ..Node::new(
                        location,
                        Value::Scalar {
                            text: expanded,
                            plain,
                        },
                    )
                })
            }
            Expanded::Whole(expanded) => {
                let written: Arc<str> = text.into();
                // What is not YAML is a text like any other.
                let node = load_value(&expanded, &location, &written);
                let node = node.unwrap_or_else(|_| Node::text(location.clone(), expanded.clone()));
                Ok(Node {
                    location,
                    expansion: Some(Expansion {
                        written,
                        original: Some(expanded),
                    }),
                    ..node
                })
            }
            Expanded::File { name, content } => {
                let deeper = expand::Sources {
                    file_depth: sources.file_depth + 1,
                    ..*sources
                };
                let original = content.strip_suffix('\n').unwrap_or(&content).to_owned();
                let node = match load_file(&name, &content, &deeper) {
                    Ok(node) => node,
                    // A password or a certificate is not YAML; a broken configuration file has lines with keys.
                    Err(_) if !content.contains(": ") && !content.contains(":\n") => {
                        Node::text(location, original.clone())
                    }
                    Err(error) => return Err(error),
                };
                Ok(Node {
                    expansion: Some(Expansion {
                        written: text.into(),
                        original: Some(original),
                    }),
                    ..node
                })
            }
        }
    }

    /// Adds the keys that lead to an error which is found before there are paths.
    fn in_context(&self, error: ConfigError) -> ConfigError {
        let keys = self.open.iter().filter_map(|open| match &open.content {
            Content::Map(map) => map.key.as_ref().map(|(key, _)| key.as_str()),
            Content::List(_) => None,
        });
        ConfigError {
            path: keys.collect::<Vec<_>>().join("."),
            ..error
        }
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), ConfigError> {
        self.count(1, &node.location)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.attach(node)
    }

    fn attach(&mut self, mut node: Node) -> Result<(), ConfigError> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open {
                content: Content::List(elements),
                ..
            }) => elements.push(node),
            Some(Open {
                content: Content::Map(map),
                ..
            }) => {
                let Some((key, location)) = map.key.take() else {
                    return Err(
                        ConfigError::new("a key is a text, not an alias").at(&node.location)
                    );
                };
                if key == "<<" {
                    map.merged.push(node);
                    return Ok(());
                }
                if !map.keys.insert(key.clone()) {
                    let error =
                        ConfigError::new(format!("the key `{key}` stands in this map twice"));
                    return Err(self.in_context(error).at(&location));
                }
                if !matches!(node.value, Value::Scalar { .. }) {
                    node.location = location.clone();
                }
                map.entries.push(Entry {
                    key,
                    location,
                    node,
                });
            }
        }
        Ok(())
    }

    /// Whether a scalar may be a number or a boolean.
    fn is_plain(
        &self,
        style: ScalarStyle,
        tag: Option<&Tag>,
        location: &Location,
    ) -> Result<bool, ConfigError> {
        let Some(tag) = tag else {
            return Ok(style == ScalarStyle::Plain);
        };
        match (tag.is_yaml_core_schema(), tag.suffix.as_str()) {
            (true, "str") => Ok(false),
            (true, "int" | "float" | "bool" | "null" | "map" | "seq") => Ok(true),
            _ => Err(ConfigError::new(format!(
                "the tag `{}{}` means nothing here",
                tag.handle, tag.suffix
            ))
            .at(location)),
        }
    }

    fn syntax_error(&self, error: &saphyr_parser::ScanError, text: &str) -> ConfigError {
        let place = self.place(*error.marker());
        let line = text
            .lines()
            .nth(place.line.saturating_sub(1))
            .unwrap_or_default();
        let indentation = line.len() - line.trim_start().len();
        let has_tab = line
            .get(..indentation)
            .is_some_and(|blanks| blanks.contains('\t'));
        let problem = ConfigError::new(format!("this is not YAML: {}", error.info())).at(&place);
        if has_tab {
            problem.hint("indent with spaces, since YAML has no tabs there")
        } else {
            problem
        }
    }
}

impl OpenMap {
    /// The entries, with those of `<<` behind them where their key is not there.
    fn close(self) -> Result<Vec<Entry>, ConfigError> {
        let OpenMap {
            mut entries,
            mut keys,
            merged,
            ..
        } = self;
        for node in merged {
            let maps = match node.value {
                Value::List(maps) => maps,
                _ => vec![node],
            };
            for map in maps {
                let Value::Map(more) = map.value else {
                    return Err(
                        ConfigError::new("`<<` merges a map or a list of maps").at(&map.location)
                    );
                };
                entries.extend(
                    more.into_iter()
                        .filter(|entry| keys.insert(entry.key.clone())),
                );
            }
        }
        Ok(entries)
    }
}

fn key(text: &str, location: &Location) -> Result<String, ConfigError> {
    if text.is_empty() {
        Err(ConfigError::new("a key is missing before `:`").at(location))
    } else {
        Ok(text.to_owned())
    }
}

fn scalar_node(text: &str, plain: bool, location: Location) -> Node {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" if plain => Value::Null,
        _ => Value::Scalar {
            text: text.to_owned(),
            plain,
        },
    };
    Node::new(location, value)
}

/// How many values a node is made of.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::Null | Value::Scalar { .. } => 1,
        Value::List(elements) => 1 + elements.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
    }
}

#[cfg(test)]
mod tests;
