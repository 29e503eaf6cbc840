//! Receivers, processors, exporters and the graph that joins them.
//!
//! This crate knows no concrete component: it defines what one is ([`ReceiverConfig`], [`ProcessorConfig`],
//! [`ExporterConfig`], [`ConnectorConfig`], [`ExtensionConfig`]), and runs them.

mod context;
mod export;
mod exporter;
mod extension;
mod graph;
mod inlet;
mod kind;
mod processor;
mod receiver;
mod status;
mod stop;
pub mod telemetry;

pub use context::{BuildContext, BuildError};
pub use exporter::{
    Destination, ExportSettings, Exporter, ExporterConfig, Outcome, Peer, Prepared,
};
pub use extension::{
    ClientAuth, Extension, ExtensionConfig, QueueStorage, ServerAuth, Unauthenticated,
};
pub use graph::{
    Additions, Answer, Broken, Host, Later, Pipeline, Plan, Probes, Running, StartError, Stopped,
    Tables,
};
pub use inlet::{Accepted, Inlet, RefusalReason, Refused};
pub use kind::{ConnectorKind, ExporterKind, ExtensionKind, Kind, ProcessorKind, ReceiverKind};
pub use processor::{ConnectorConfig, Processor, ProcessorConfig};
pub use receiver::{Listening, Receiver, ReceiverConfig};
pub use status::{
    ExporterSnapshot, ExporterState, Health, PipelineSnapshot, ProcessorSnapshot, ReceiverSnapshot,
    Snapshot, Status,
};
pub use stop::{Stop, Stopper};
