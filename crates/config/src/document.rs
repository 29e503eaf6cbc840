//! Documents and their nodes.

use serde::de::DeserializeOwned;

use crate::{ConfigError, Environment, Location};

/// A configuration document: parsed, expanded, with positions.
#[derive(Clone, Debug)]
pub struct Document {
    root: Node,
}

/// A value in a document, with its place.
#[derive(Clone, Debug)]
pub struct Node {
    location: Location,
}

impl Document {
    /// Parses YAML and expands `${...}` from the environment.
    pub fn parse(_file: &str, _text: &str, _environment: &Environment) -> Result<Document, ConfigError> {
        todo!()
    }

    /// This document with a later one laid over it: maps merge, everything else is replaced.
    #[must_use]
    pub fn merge(self, _later: Document) -> Document {
        todo!()
    }

    /// The top level.
    pub fn root(&self) -> &Node {
        &self.root
    }
}

impl Node {
    /// A null node at a made-up place, for components that the hub adds by itself.
    pub fn null(_file: &str, _path: &str) -> Node {
        todo!()
    }

    /// Where the value stands.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The path of keys from the document's top.
    pub fn path(&self) -> &str {
        todo!()
    }

    /// Whether there is no value (`key:` alone, `~` or `null`).
    pub fn is_null(&self) -> bool {
        todo!()
    }

    /// The entries of a map in document order: key, place of the key, value. A null node has none.
    pub fn entries(&self) -> Result<Vec<(&str, &Location, &Node)>, ConfigError> {
        todo!()
    }

    /// The elements of a list. A null node has none.
    pub fn elements(&self) -> Result<&[Node], ConfigError> {
        todo!()
    }

    /// The value under a key of a map.
    pub fn get(&self, _key: &str) -> Option<&Node> {
        todo!()
    }

    /// Reads the value as a type. Unknown keys are errors that name the nearest valid key.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        todo!()
    }

    /// Reads one map as two types whose fields stand side by side in it (a component's own, and a shared block's).
    /// A key that neither knows is an error that suggests from both.
    pub fn decode_both<A: DeserializeOwned, B: DeserializeOwned>(&self) -> Result<(A, B), ConfigError> {
        todo!()
    }

    /// As [`Node::decode_both`], with three.
    pub fn decode_three<A: DeserializeOwned, B: DeserializeOwned, C: DeserializeOwned>(
        &self,
    ) -> Result<(A, B, C), ConfigError> {
        todo!()
    }

    /// An error about this value.
    pub fn error(&self, _message: impl Into<String>) -> ConfigError {
        todo!()
    }

    /// An error about the value under a key of this map, or about the map where the key is not there.
    pub fn error_at(&self, _key: &str, _message: impl Into<String>) -> ConfigError {
        todo!()
    }
}
