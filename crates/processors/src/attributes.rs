//! `attributes`: edits the attributes of spans, log records and data points, of all or of those that match.
//!
//! [Source](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/attributesprocessor).

use fanlight_config::{ConfigError, Node};
use fanlight_otlp::edit::{Element, Level, Verdict, rewrite};
use fanlight_otlp::{Batch, DecodeError, Signal, SignalSet};
use fanlight_pipeline::{
    BuildContext, BuildError, Kind, Processor, ProcessorConfig, ProcessorKind, Refused,
};
use serde::Deserialize;

use crate::actions::{ActionConfig, Actions};
use crate::matching::{MatchConfig, Matcher};
use crate::unreadable;

/// The descriptor.
pub(crate) static KIND: ProcessorKind = Kind {
    name: "attributes",
    aliases: &[],
    about: "Edits the attributes of spans, log records and data points.",
    sample: "actions:\n  - key: db.query.text\n    action: delete\n  - key: user.email\n    action: hash",
    decode,
};

/// The configuration as written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Written {
    /// What to do, in order. Required.
    actions: Vec<ActionConfig>,
    /// Edit only what matches. Default: everything.
    include: Option<MatchConfig>,
    /// Leave alone what matches. Default: nothing.
    exclude: Option<MatchConfig>,
}

#[derive(Clone, Debug)]
struct Config {
    actions: Actions,
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

fn decode(node: &Node) -> Result<Box<dyn ProcessorConfig>, ConfigError> {
    config(node).map(|config| Box::new(config) as Box<dyn ProcessorConfig>)
}

fn config(node: &Node) -> Result<Config, ConfigError> {
    let written: Written = node.decode()?;
    let matcher = |key, config: Option<MatchConfig>| {
        config
            .map(|config| Matcher::check(node.get(key).unwrap_or(node), config))
            .transpose()
    };
    Ok(Config {
        include: matcher("include", written.include)?,
        exclude: matcher("exclude", written.exclude)?,
        actions: Actions::check(node, "actions", written.actions)?,
    })
}

impl ProcessorConfig for Config {
    fn signals(&self) -> SignalSet {
        SignalSet::of(&[Signal::Traces, Signal::Metrics, Signal::Logs])
    }

    fn build(
        &self,
        signal: Signal,
        _context: &BuildContext<'_>,
    ) -> Result<Box<dyn Processor>, BuildError> {
        for (key, matcher) in [("include", &self.include), ("exclude", &self.exclude)] {
            if let Some(matcher) = matcher {
                matcher.check_signal(key, signal)?;
            }
        }
        Ok(Box::new(self.clone()))
    }
}

impl Config {
    fn wants(&self, element: &Element<'_>) -> Result<bool, DecodeError> {
        let included = self
            .include
            .as_ref()
            .map_or(Ok(true), |matcher| matcher.matches(element))?;
        Ok(included
            && !self
                .exclude
                .as_ref()
                .map_or(Ok(false), |matcher| matcher.matches(element))?)
    }
}

impl Processor for Config {
    fn process(&self, batch: Batch) -> Result<Batch, Refused> {
        let origin = batch.origin().cloned();
        // Metrics have no attributes of their own: their data points have.
        let level = if batch.signal() == Signal::Metrics {
            Level::Point
        } else {
            Level::Item
        };
        rewrite(batch, |element| {
            if element.level() == level
                && self.wants(element)?
                && let Some(attributes) = element.attributes()?
            {
                self.actions.apply(attributes, origin.as_deref())?;
            }
            Ok(Verdict::Keep)
        })
        .map_err(unreadable)
    }
}

#[cfg(test)]
mod tests;
