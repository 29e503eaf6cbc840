//! `resource`: edits the attributes of resources.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/resourceprocessor).

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::edit::{Verdict, rewrite};
use fanlight_otlp::{Batch, Signal};
use fanlight_pipeline::{
    BuildContext, BuildError, Kind, Processor, ProcessorConfig, ProcessorKind, Refused,
};
use serde::Deserialize;

use crate::actions::{ActionConfig, Actions};
use crate::unreadable;

/// The descriptor.
pub(crate) static KIND: ProcessorKind = Kind {
    name: "resource",
    aliases: &[],
    about: "Edits the attributes of resources.",
    sample: "attributes:\n  - key: deployment.environment.name\n    value: production\n    action: upsert",
    decode,
};

/// The configuration as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    /// What to do, in order. Required.
    attributes: Vec<ActionConfig>,
}

#[derive(Clone, Debug)]
struct Config {
    actions: Actions,
}

fn decode(node: &Node) -> Result<Box<dyn ProcessorConfig>, ConfigError> {
    let written: Written = node.decode()?;
    let actions = Actions::check(node, "attributes", written.attributes)?;
    Ok(Box::new(Config { actions }))
}

impl ProcessorConfig for Config {
    fn build(
        &self,
        _signal: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError> {
        Ok(Box::new(self.clone()))
    }
}

impl Processor for Config {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        let origin = batch.origin().cloned();
        rewrite(batch, |element| {
            if let Some(attributes) = element.attributes()? {
                self.actions.apply(attributes, origin.as_deref())?;
            }
            Ok(Verdict::KeepWhole)
        })
        .map_err(unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlight_config::{Document, Environment};
    use fanlight_otlp::view::Value;
    use fanlight_otlp::write::{LogRecord, RequestWriter};

    #[test]
    fn resources_are_edited_and_items_are_not() {
        let yaml = "attributes: [{key: a, value: 2, action: upsert}, {key: b, action: delete}]";
        let node = Document::parse("test.yaml", yaml, &Environment::default())
            .unwrap()
            .into_root();
        let written: Written = node.decode().unwrap();
        let config = Config {
            actions: Actions::check(&node, "attributes", written.attributes).unwrap(),
        };
        let mut out = RequestWriter::new(Signal::Logs);
        out.resource(&[("a", 1.into()), ("b", 1.into())], |resource| {
            resource.scope("", "", |scope| {
                scope.log(&LogRecord {
                    attributes: &[("b", Value::Int(1))],
                    ..LogRecord::default()
                });
            });
        });
        let batch = config.process(out.finish()).unwrap();
        let resource = batch.resources().next().unwrap().unwrap();
        let attributes: Vec<_> = resource.attributes.iter().map(Result::unwrap).collect();
        assert_eq!(attributes, [("a", Value::Int(2))]);
        let scope = resource.scopes().next().unwrap().unwrap();
        assert_eq!(scope.logs().next().unwrap().unwrap().attributes.len(), 1);
    }
}
