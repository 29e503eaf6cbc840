//! Component ids: `type` or `type/name`.

use std::fmt;
use std::str::FromStr;

/// The id of a component: its type, and a name where there are several of one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComponentId {
    kind: String,
    name: String,
}

impl ComponentId {
    /// The id of the only component of its type.
    pub fn of(kind: &str) -> ComponentId {
        ComponentId { kind: kind.to_owned(), name: String::new() }
    }

    /// The type.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The name; empty for a bare type.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        Ok(())
    }
}

/// The text is not a component id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a component id: {why}")]
pub struct InvalidComponentId {
    text: String,
    why: &'static str,
}

impl FromStr for ComponentId {
    type Err = InvalidComponentId;

    fn from_str(text: &str) -> Result<ComponentId, InvalidComponentId> {
        let (kind, name) = text.split_once('/').unwrap_or((text, ""));
        Ok(ComponentId { kind: kind.trim().to_owned(), name: name.trim().to_owned() })
    }
}
