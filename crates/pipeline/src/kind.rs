//! Descriptors: one static [`Kind`] for each component type, gathered in tables.

use fanlight_config::{ConfigError, Node};

use crate::{ConnectorConfig, ExporterConfig, ExtensionConfig, ProcessorConfig, ReceiverConfig};

/// One component type: its name, its documentation and how its configuration is read.
#[derive(Debug)]
pub struct Kind<C: ?Sized> {
    /// The type name in configuration, such as `otlp_http`.
    pub name: &'static str,
    /// Other spellings that are accepted, such as `otlphttp`.
    pub aliases: &'static [&'static str],
    /// What it does, in one sentence, for `fanlight components` and the documentation.
    pub about: &'static str,
    /// A configuration that works, as YAML: the body under the component's id.
    pub sample: &'static str,
    /// Reads and checks the component's configuration; a null node means all defaults.
    pub decode: fn(&Node) -> Result<Box<C>, ConfigError>,
}

/// A receiver type.
pub type ReceiverKind = Kind<dyn ReceiverConfig>;
/// A processor type.
pub type ProcessorKind = Kind<dyn ProcessorConfig>;
/// An exporter type.
pub type ExporterKind = Kind<dyn ExporterConfig>;
/// A connector type.
pub type ConnectorKind = Kind<dyn ConnectorConfig>;
/// An extension type.
pub type ExtensionKind = Kind<dyn ExtensionConfig>;

impl<C: ?Sized> Kind<C> {
    /// Whether this is how a configuration may spell the type.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}
