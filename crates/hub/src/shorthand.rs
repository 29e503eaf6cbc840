//! Other ways to name a destination than `exporters:`, each lowered to exporters in the Collector's shape.
//!
//! | Module | From |
//! |---|---|
//! | [`otlp_section`] | Telegen's `otlp:` section, with `queues:` and `backoff:` |
//! | [`otel_env`] | `OTEL_EXPORTER_OTLP_*` |
//! | [`llmflow_env`] | `OTLP_EXPORT_*` |
//!
//! Lowering decides nothing that an exporter decides: it writes nodes that are then read like a file's, and that stand
//! where their values came from, so that an error about one points at the user's own line or variable. `signals` limits
//! an exporter to some signals; without it the exporter takes all it can.

pub(crate) mod llmflow_env;
pub(crate) mod otel_env;
pub(crate) mod otlp_section;

use std::fmt::Write as _;

use fanlight_config::{Location, Node};
use fanlight_otlp::Signal;

/// An exporter that a shorthand stands for.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    /// The exporter's id: `otlp_http/env`.
    pub id: String,
    /// Its configuration.
    pub node: Node,
    /// How it was configured, for the start-up summary: `from OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub origin: String,
}

/// What a shorthand comes to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowering {
    /// The exporters.
    pub exporters: Vec<Lowered>,
    /// Sentences that the user should see.
    pub notes: Vec<String>,
}

/// The list of signals under `signals`.
fn signal_list(location: &Location, signals: &[Signal]) -> Node {
    let names = signals
        .iter()
        .map(|signal| Node::text(location.clone(), signal.name()));
    Node::list(location.clone(), names.collect())
}

/// The name of one exporter among several that one shorthand stands for: `env`, or `env_traces_logs`.
fn name_of(shorthand: &str, signals: &[Signal], alone: bool) -> String {
    let mut name = shorthand.to_owned();
    if !alone {
        for signal in signals {
            // Writing to a String can't fail.
            let _ = write!(name, "_{signal}");
        }
    }
    name
}

/// Parts signals into groups that may share an exporter, in the signals' order.
fn grouped<K: PartialEq>(signals: impl IntoIterator<Item = (Signal, K)>) -> Vec<(K, Vec<Signal>)> {
    let mut groups: Vec<(K, Vec<Signal>)> = Vec::new();
    for (signal, key) in signals {
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, members)) => members.push(signal),
            None => groups.push((key, vec![signal])),
        }
    }
    groups
}
