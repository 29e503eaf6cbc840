//! The graph: pipelines that join receivers, processors, connectors and exporters.
//!
//! [`Plan`] (checked, nothing opened) -> [`Running`] (owns every task) -> [`Stopped`] (what was left, counted).

mod check;
mod path;
mod plan;
mod probe;
mod run;
mod section;
mod wire;

pub(crate) use path::{Path, accept};
pub use plan::{Additions, Later, Pipeline, Plan, Tables};
pub use probe::{Answer, Probes};
pub use run::{Broken, Running, Stopped};
pub use wire::{Host, StartError};
