//! `forward`: joins pipelines of one signal; batches pass as they are.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector/tree/main/connector/forwardconnector).

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::Signal;
use fanlight_pipeline::{
    BuildContext, BuildError, ConnectorConfig, ConnectorKind, Kind, Processor,
};
use serde::Deserialize;

/// The descriptor.
pub(crate) static KIND: ConnectorKind = Kind {
    name: "forward",
    aliases: &[],
    about: "Passes batches from one pipeline on to others of the same signal.",
    sample: "",
    decode,
};

/// The configuration: there is nothing to set.
#[derive(Debug, Default, Deserialize)]
struct Config {}

fn decode(node: &Node) -> Result<Box<dyn ConnectorConfig>, ConfigError> {
    Ok(Box::new(node.decode::<Config>()?))
}

impl ConnectorConfig for Config {
    fn connects(&self, from: Signal, to: Signal) -> bool {
        from == to
    }

    fn build(
        &self,
        _from: Signal,
        _to: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Option<Box<dyn Processor>>, BuildError> {
        Ok(None)
    }
}
