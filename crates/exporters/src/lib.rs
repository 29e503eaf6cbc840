//! Exporters: the components that send telemetry to backends, each in a module named as its type in configuration.
//!
//! Each knows nothing of the others and makes one attempt at a time; queue, retry, timeout and health are the
//! pipeline's. [`EXPORTERS`] is the one list of them.

mod answers;
mod aws;
mod awscloudwatchlogs;
mod awsxray;
mod azuremonitor;
mod backends;
mod clickhouse;
mod datadog;
mod debug;
mod delivery;
mod elasticsearch;
// Documents of flat fields, for backends that index them.
mod fields;
mod file;
mod fit;
// Shared by exporters whose backends take JSON of their own.
mod googlecloud;
mod json_object;
mod kafka;
mod limits;
mod logs_as_spans;
mod loki;
mod otlp;
mod otlp_grpc;
mod otlp_http;
// Shared by exporters that send several requests for one batch.
mod pieces;
mod prometheus;
mod pyroscope;
// What the two Prometheus exporters share.
mod presets;
mod prometheus_model;
mod prometheus_remote_write;
mod sapm;
mod signalfx;
mod splunk_hec;
// Shared by the two exporters to Splunk Observability Cloud.
mod splunk_ingest;
mod table;
mod temporality;
mod zipkin;

pub use backends::{BACKENDS, Backend};
pub use table::{EXPORTERS, LATER};
