//! The tables of all processors and connectors.

use fanlight_pipeline::{ConnectorKind, ProcessorKind};

use crate::{attributes, batch, forward, memory_limiter, probabilistic_sampler, resource};

/// Every processor type of this crate.
pub const PROCESSORS: &[&ProcessorKind] = &[
    &attributes::KIND,
    &batch::KIND,
    &memory_limiter::KIND,
    &probabilistic_sampler::KIND,
    &resource::KIND,
];

/// Every connector type of this crate.
pub const CONNECTORS: &[&ConnectorKind] = &[&forward::KIND];

/// Types of the Collector that are known here but come with a later release: name, and what to do until then.
pub const LATER: &[(&str, &str)] = &[
    (
        "filter",
        "until then, let the destination or the sender drop what is not wanted",
    ),
    (
        "transform",
        "until then, the processors attributes and resource edit attributes",
    ),
    (
        "tail_sampling",
        "until then, probabilistic_sampler samples by trace id",
    ),
    (
        "spanmetrics",
        "until then, remove it and the pipelines that it feeds",
    ),
    (
        "span_metrics",
        "until then, remove it and the pipelines that it feeds",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use fanlight_config::{Document, Environment, Node};

    fn node(yaml: &str) -> Node {
        Document::parse("sample.yaml", yaml, &Environment::default())
            .unwrap()
            .into_root()
    }

    #[test]
    fn every_sample_loads() {
        for kind in PROCESSORS {
            (kind.decode)(&node(kind.sample))
                .unwrap_or_else(|error| panic!("{}: {error}", kind.name));
        }
        for kind in CONNECTORS {
            (kind.decode)(&node(kind.sample))
                .unwrap_or_else(|error| panic!("{}: {error}", kind.name));
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        for kind in PROCESSORS {
            let error = (kind.decode)(&node("no_such_key: 1"))
                .unwrap_err()
                .to_string();
            assert!(error.contains("no_such_key"), "{}: {error}", kind.name);
        }
    }

    #[test]
    fn no_later_type_is_here_already() {
        for (name, sentence) in LATER {
            assert!(!PROCESSORS.iter().any(|kind| kind.is_called(name)));
            assert!(sentence.starts_with("until then, "), "{name}: {sentence}");
        }
    }
}
