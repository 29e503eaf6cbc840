//! Components that take telemetry in: one module for each, and the table of them.

// The components.
mod jaeger;
mod kafka;
mod loki;
mod otlp;
mod prometheus;
mod self_telemetry;
mod splunk_hec;
mod zipkin;

// What several of them share.
mod door;
mod open;
mod origin;

mod table;

pub use otlp::HttpHandler;
pub use table::{LATER, RECEIVERS};
