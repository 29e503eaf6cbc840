//! What other crates record, and what their requests are: with the crates themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that gets something else than it expects has failed"
)]

mod http;
mod logger;
mod opentelemetry_spans;
mod tracing_layer;
