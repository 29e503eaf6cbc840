//! The LLM proxy behind real sockets, before upstreams that a test holds in its hands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_docs_in_private_items,
    reason = "a test that can't be set up has failed"
)]

mod access;
mod faults;
mod http2;
mod recorded;
mod support;
mod transparent;
mod usage;
mod websocket;
