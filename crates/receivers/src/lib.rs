//! Components that take telemetry in: one module for each, and the table of them.

// Shared by receivers over HTTP.
mod door;
mod jaeger;
mod kafka;
mod loki;
// Shared by receivers that keep their callers' headers.
mod origin;
mod otlp;
mod prometheus;
mod self_telemetry;
mod splunk_hec;
mod table;
mod zipkin;

pub use otlp::HttpHandler;
pub use table::{LATER, RECEIVERS};
