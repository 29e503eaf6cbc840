//! Exporters: the components that send telemetry to backends, each in a module named as its type in configuration.
//!
//! Each knows nothing of the others and makes one attempt at a time; queue, retry, timeout and health are the
//! pipeline's. [`EXPORTERS`] is the one list of them.

// The components.
mod awscloudwatchlogs;
mod awsxray;
mod azuremonitor;
mod clickhouse;
mod datadog;
mod debug;
mod elasticsearch;
mod file;
mod googlecloud;
mod kafka;
mod loki;
mod otlp_grpc;
mod otlp_http;
mod presets;
mod prometheus;
mod prometheus_remote_write;
mod pyroscope;
mod sapm;
mod signalfx;
mod splunk_hec;
mod zipkin;

// What several of them share.
mod answers;
mod aws;
mod delivery;
mod fields;
mod fit;
mod http_call;
mod json_object;
mod limits;
mod logs_as_spans;
mod otlp;
mod pieces;
mod prometheus_model;
mod span_words;
mod splunk_ingest;
mod target;
mod temporality;

// The lists of them.
mod backends;
mod table;

pub use backends::{BACKENDS, Backend};
pub use table::{EXPORTERS, LATER};
