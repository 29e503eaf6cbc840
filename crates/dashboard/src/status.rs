//! What the dashboard shows about the hub, and who tells it.

use futures::future::BoxFuture;
use serde::Serialize;
use utoipa::ToSchema;

/// Tells what the hub does. The hub implements it; the dashboard knows no pipelines.
pub trait StatusSource: Send + Sync {
    /// How things are now. Called for every request of `/api/status`; must not block.
    fn status(&self) -> Status;

    /// Sends a test item of each signal to an exporter's destination, once; `None` where there is no such exporter.
    fn send_test<'a>(&'a self, exporter: &'a str) -> BoxFuture<'a, Option<TestOutcome>>;
}

/// What a destination answered to test items.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct TestOutcome {
    /// `delivered` when it took everything, else `partial`, `retry` or `rejected`.
    pub outcome: String,
    /// What it answered to each signal, in words.
    pub detail: String,
}

/// What the hub does, besides what the store knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HubStatus)]
pub struct Status {
    /// The hub's version.
    pub version: String,
    /// How long it has been running, in seconds.
    pub uptime_seconds: u64,
    /// Where data is kept.
    pub data_dir: String,
    /// Where it listens.
    pub listening: Vec<Listener>,
    /// Where it sends to.
    pub exporters: Vec<ExporterStatus>,
    /// What goes where.
    pub pipelines: Vec<PipelineStatus>,
}

/// An address that a component listens on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listener {
    /// The component's id.
    pub component: String,
    /// What is spoken there, such as `OTLP/gRPC`.
    pub protocol: String,
    /// Host and port.
    pub address: String,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// A destination and how sending goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExporterStatus {
    /// The component's id.
    pub id: String,
    /// Where it sends to, without secrets.
    pub destination: String,
    /// Where it was configured: a file, a variable.
    pub from: String,
    /// How its last attempt ended.
    pub state: ExporterState,
    /// What its last failure said.
    #[schema(required)]
    pub last_error: Option<String>,
    /// What waits, as the queue counts.
    pub queue_size: u64,
    /// What fits in.
    pub queue_capacity: u64,
    /// Items delivered.
    pub sent_items: u64,
    /// Items that the destination refused, or that were given up after retries.
    pub failed_items: u64,
    /// Items that found the queue full.
    pub dropped_items: u64,
    /// Attempts that failed and were made again.
    #[schema(required = false)]
    pub retries: u64,
    /// What was lost, by cause.
    #[schema(required = false)]
    pub dropped: Vec<Dropped>,
}

/// Items that were lost for one cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Dropped {
    /// The cause, in words.
    pub cause: String,
    /// How many.
    pub items: u64,
}

/// How an exporter is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExporterState {
    /// It has not sent anything yet.
    #[default]
    Idle,
    /// Its last attempt was answered well.
    Healthy,
    /// Its last attempt failed.
    Failing,
}

/// A pipeline's parts, by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PipelineStatus {
    /// The pipeline.
    pub id: String,
    /// What feeds it.
    pub receivers: Vec<String>,
    /// What works in it, in order.
    pub processors: Vec<String>,
    /// What it feeds.
    pub exporters: Vec<String>,
}
