//! The binary as a user meets it: what it prints, serves, keeps and refuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stderr,
    unreachable_pub,
    reason = "a test that can't go on stops here and shows what the hub said, and its parts share what is `pub`"
)]

mod access;
mod assistant;
mod backends;
mod command_line;
mod forwarding;
mod hub;
mod llm_proxy;
mod llmflow;
mod running;
mod services;
mod serving;
mod terminal;
