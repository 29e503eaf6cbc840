//! What users are promised of the configuration, each by a program of its own that reads real variables and sends to a
//! recording backend. The program is this test binary under another name, so that it doesn't look like a test.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "what goes wrong here fails a test"
)]

#[path = "../support/sink.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod sink;

mod backends;
mod endpoints;
mod ends;
mod outages;
mod several;
mod shop;
mod snippets;
mod troubles;

/// The program that the cases run; nothing when it is run as a test.
#[test]
fn program() {
    shop::main();
}
