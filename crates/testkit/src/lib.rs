//! What tests of components need: generated batches, certificates, a backend that records, a hub around one receiver.
//!
//! For tests only: everything here panics where a component would answer an error.

#![expect(
    clippy::expect_used,
    reason = "a test that can not be set up has failed"
)]

mod backend;
mod certificates;
pub mod fakes;
mod generate;
mod golden;
mod hub;
mod raw;

pub use backend::{Backend, Recorded};
pub use certificates::Certificates;
pub use generate::batch;
pub use golden::{GOLDEN_TIME, golden, golden_at, golden_json};
pub use hub::{Hub, Recorder};
pub use raw::{Exchange, exchange, post};

use std::collections::BTreeMap;
use std::path::Path;

use fanlight_config::{ComponentId, Document, Environment, Node};
use fanlight_pipeline::{BuildContext, ExporterConfig, ExporterKind, Status};

/// A piece of YAML as a component sees it.
pub fn node(yaml: &str) -> Node {
    Document::parse("test.yaml", yaml, &Environment::default())
        .expect("the test's YAML is valid")
        .into_root()
}

/// Reads an exporter's configuration.
pub fn exporter_config(kind: &ExporterKind, yaml: &str) -> Box<dyn ExporterConfig> {
    (kind.decode)(&node(yaml)).expect("the test's configuration is valid")
}

/// Runs something with the context that a component without extensions is built in.
pub fn with_context<T>(id: &str, run: impl FnOnce(&BuildContext<'_>) -> T) -> T {
    let id: ComponentId = id.parse().expect("the test's id is valid");
    let extensions = BTreeMap::new();
    run(&BuildContext {
        id: &id,
        extensions: &extensions,
        data_dir: Path::new("/nonexistent"),
        user_agent: "fanlight/test",
        status: Status::default(),
    })
}
