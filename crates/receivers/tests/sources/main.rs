//! Receivers of foreign formats behind real sockets: what a client's request becomes, and what bad input is answered.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    reason = "a test that can't be set up has failed"
)]

mod jaeger;
mod loki;
mod prometheus;
mod splunk_hec;
mod zipkin;
