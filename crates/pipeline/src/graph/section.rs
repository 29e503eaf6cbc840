//! One section of the configuration (`receivers`, `exporters`, ...), read with a table of component types.

use fanlight_config::{ComponentId, ConfigError, Node};

use super::plan::Later;
use crate::Kind;

/// The components of one class.
#[derive(Debug)]
pub(crate) struct Section<C: ?Sized + 'static> {
    /// The class in words, singular: `receiver`.
    pub(crate) class: &'static str,
    pub(crate) parts: Vec<Part<C>>,
}

/// A component: its id, its type and its checked configuration.
#[derive(Debug)]
pub(crate) struct Part<C: ?Sized + 'static> {
    pub(crate) id: ComponentId,
    /// The type's own name, whatever spelling the id uses.
    pub(crate) kind: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) config: Box<C>,
    /// The section's value, for errors about the component; none where the hub added it by itself.
    pub(crate) node: Option<Node>,
}

impl<C: ?Sized> Section<C> {
    /// Reads a section; every component that can't be read adds its error.
    pub(crate) fn read(
        class: &'static str,
        node: Option<&Node>,
        table: &[&'static Kind<C>],
        later: &[(&str, Later)],
        errors: &mut Vec<ConfigError>,
    ) -> Section<C> {
        let mut section = Section {
            class,
            parts: Vec::new(),
        };
        let Some(node) = node else { return section };
        let entries = match node.entries() {
            Ok(entries) => entries,
            Err(error) => {
                errors.push(error);
                return section;
            }
        };
        for (key, _, body) in entries {
            match read_part(class, node, key, body, table, later) {
                Ok(part) => section.parts.push(part),
                Err(error) => errors.push(error),
            }
        }
        section
    }

    /// The component that a pipeline means by an id, in either spelling of its type.
    pub(crate) fn find(&self, id: &ComponentId) -> Option<&Part<C>> {
        let exact = self.parts.iter().find(|part| part.id == *id);
        exact.or_else(|| {
            let same = |part: &&Part<C>| part.id.name() == id.name() && part.is_called(id.kind());
            self.parts.iter().find(same)
        })
    }

    /// Ids, for suggestions.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.parts.iter().map(|part| part.id.to_string()).collect()
    }
}

impl<C: ?Sized> Part<C> {
    /// A component that the hub adds by itself.
    pub(crate) fn added(id: ComponentId, config: Box<C>) -> Part<C> {
        Part {
            id,
            kind: "",
            aliases: &[],
            config,
            node: None,
        }
    }

    /// Whether its type can be spelt so.
    pub(crate) fn is_called(&self, kind: &str) -> bool {
        self.kind == kind || self.id.kind() == kind || self.aliases.contains(&kind)
    }
}

fn read_part<C: ?Sized>(
    class: &'static str,
    section: &Node,
    key: &str,
    body: &Node,
    table: &[&'static Kind<C>],
    later: &[(&str, Later)],
) -> Result<Part<C>, ConfigError> {
    let id: ComponentId = key
        .parse()
        .map_err(|error| section.error_at(key, format!("{error}")))?;
    if let Some(kind) = table.iter().find(|kind| kind.is_called(id.kind())) {
        let config = (kind.decode)(body)?;
        return Ok(Part {
            id,
            kind: kind.name,
            aliases: kind.aliases,
            config,
            node: Some(body.clone()),
        });
    }
    if let Some((_, sentence)) = later_of(class, later).find(|(name, _)| *name == id.kind()) {
        return Err(section
            .error_at(
                key,
                format!("{class} type `{}` is not in this release", id.kind()),
            )
            .hint(*sentence));
    }
    let names: Vec<&str> = table
        .iter()
        .flat_map(|kind| std::iter::once(&kind.name).chain(kind.aliases))
        .copied()
        .collect();
    Err(section
        .error_at(key, format!("unknown {class} type `{}`", id.kind()))
        .suggest(id.kind(), &names))
}

fn later_of(
    class: &str,
    later: &[(&str, Later)],
) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let own = later.iter().filter(move |(of, _)| *of == class);
    own.flat_map(|(_, types)| *types)
}
