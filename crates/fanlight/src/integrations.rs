//! Spans for what well-known crates do: requests that a server answers, and those that a client makes.
//!
//! Each is a cargo feature.

#[cfg(any(feature = "reqwest", feature = "tower"))]
mod conventions;
#[cfg(feature = "reqwest")]
pub mod reqwest;
#[cfg(feature = "tower")]
pub mod tower;
