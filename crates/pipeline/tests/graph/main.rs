//! The graph through its public face: what is accepted is delivered, whatever one destination does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "a test that can't go on stops here, and its parts share what is `pub`"
)]

mod batching;
mod delivery;
mod disk;
mod isolation;
mod plan;
mod shutdown;
mod support;
mod too_large;
